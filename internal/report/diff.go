package report

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// diffContext is how many unchanged lines are shown around a change.
const diffContext = 2

// DiffText draws what changes between two texts of a file, as `diff -u` does.
// It is empty where nothing changes.
func DiffText(s Style, file string, was, now []byte) string {
	if bytes.Equal(was, now) {
		return ""
	}
	var b strings.Builder
	b.WriteString(s.Paint(Strong, "--- "+file) + "\n" + s.Paint(Strong, "+++ "+file) + "\n")
	lines := diffLines(splitLines(was), splitLines(now))
	for from := 0; from < len(lines); {
		first, end := nextHunk(lines, from)
		if first == end {
			break
		}
		hunk(&b, s, lines, first, end)
		from = end
	}
	return b.String()
}

// diffLine is a line of a diff: kept (' '), gone ('-') or new ('+').
type diffLine struct {
	op       byte
	text     string
	old, new int // numbers, 0-based, of the next line of either text
}

func splitLines(text []byte) []string {
	lines := strings.SplitAfter(string(text), "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// nextHunk gives the lines of the next change with its surroundings, from a
// line on; none if nothing changes any more.
func nextHunk(lines []diffLine, from int) (first, end int) {
	at := from
	for at < len(lines) && lines[at].op == ' ' {
		at++
	}
	if at == len(lines) {
		return 0, 0
	}
	first, end = max(at-diffContext, from), at
	for still := 0; at < len(lines) && still <= 2*diffContext; at++ {
		if lines[at].op == ' ' {
			still++
			continue
		}
		still, end = 0, at+1
	}
	return first, min(end+diffContext, len(lines))
}

func hunk(b *strings.Builder, s Style, lines []diffLine, first, end int) {
	gone, fresh := 0, 0
	for _, l := range lines[first:end] {
		if l.op != '+' {
			gone++
		}
		if l.op != '-' {
			fresh++
		}
	}
	b.WriteString(s.Paint(Faint, fmt.Sprintf("@@ -%d,%d +%d,%d @@", lines[first].old+1, gone, lines[first].new+1, fresh)) + "\n")
	for _, l := range lines[first:end] {
		role := map[byte]Role{'-': Bad, '+': Good}[l.op]
		b.WriteString(s.Paint(role, string(l.op)+strings.TrimRight(l.text, "\r\n")) + "\n")
	}
}

// diffLines compares two texts line by line, by Myers' algorithm: as few lines
// change as possible.
func diffLines(a, b []string) []diffLine {
	trace, d := myers(a, b)
	var back []diffLine
	x, y := len(a), len(b)
	for ; d > 0; d-- {
		v := trace[d]
		k := x - y
		down := k == -d || k != d && v[k-1] < v[k+1]
		before := k - 1
		if down {
			before = k + 1
		}
		px := v[before]
		py := px - before
		for x > px && y > py {
			x, y = x-1, y-1
			back = append(back, diffLine{' ', a[x], x, y})
		}
		if down {
			y--
			back = append(back, diffLine{'+', b[y], x, y})
		} else {
			x--
			back = append(back, diffLine{'-', a[x], x, y})
		}
	}
	for x > 0 {
		x, y = x-1, y-1
		back = append(back, diffLine{' ', a[x], x, y})
	}
	slices.Reverse(back)
	return back
}

// myers finds the number of lines that change, and how far each diagonal got
// with one change less.
func myers(a, b []string) (trace []map[int]int, d int) {
	v := map[int]int{1: 0}
	for d = 0; ; d++ {
		trace = append(trace, maps.Clone(v))
		for k := -d; k <= d; k += 2 {
			x := v[k-1] + 1
			if k == -d || k != d && v[k-1] < v[k+1] {
				x = v[k+1]
			}
			y := x - k
			for x < len(a) && y < len(b) && a[x] == b[y] {
				x, y = x+1, y+1
			}
			v[k] = x
			if x >= len(a) && y >= len(b) {
				return trace, d
			}
		}
	}
}
