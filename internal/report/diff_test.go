package report_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/report"
)

func TestDiffText(t *testing.T) {
	t.Parallel()
	was := "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n"
	now := "a\nB\nc\nd\ne\nf\ng\nh\ni\nj\nk\n"
	const want = `--- x.yml
+++ x.yml
@@ -1,4 +1,4 @@
 a
-b
+B
 c
 d
@@ -9,2 +9,3 @@
 i
 j
+k
`
	if diff := cmp.Diff(want, report.DiffText(report.Style{}, "x.yml", []byte(was), []byte(now))); diff != "" {
		t.Errorf("DiffText() mismatch (-want +got):\n%s", diff)
	}
	if got := report.DiffText(report.Style{}, "x.yml", []byte(was), []byte(was)); got != "" {
		t.Errorf("nothing changed, and it says %q", got)
	}
}

// What a diff keeps and takes away is the old text, what it keeps and adds the
// new one, for any two texts.
func TestDiffIsWhole(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	text := func() string {
		var b strings.Builder
		for range rng.IntN(9) {
			b.WriteString(string(rune('a'+rng.IntN(4))) + "\n")
		}
		return b.String()
	}
	for range 500 {
		was, now := text(), text()
		out := report.DiffText(report.Style{}, "x", []byte(was), []byte(now))
		var old, fresh strings.Builder
		for _, line := range strings.SplitAfter(out, "\n") {
			switch {
			case line == "" || strings.HasPrefix(line, "---") || strings.HasPrefix(line, "+++") || strings.HasPrefix(line, "@@"):
			case line[0] == '-':
				old.WriteString(line[1:])
			case line[0] == '+':
				fresh.WriteString(line[1:])
			default:
				old.WriteString(line[1:])
				fresh.WriteString(line[1:])
			}
		}
		if !within(was, old.String()) || !within(now, fresh.String()) {
			t.Fatalf("%q to %q is drawn as\n%s", was, now, out)
		}
	}
}

// within reports whether what a diff shows of a text is of it: all lines, but
// for those far from a change, in their order.
func within(text, shown string) bool {
	lines := strings.SplitAfter(text, "\n")
	at := 0
	for _, line := range strings.SplitAfter(shown, "\n") {
		for at < len(lines) && lines[at] != line {
			at++
		}
		if at == len(lines) && line != "" && line != "\n" {
			return false
		}
		at++
	}
	return true
}
