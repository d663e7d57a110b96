package yamlx_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"exposync/internal/yamlx"
)

func TestSpansAreTheSource(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"a: plain text # no\n", "plain text"},
		{"a: 'it''s' # no\n", "'it''s'"},
		{"a: \"x \\\" y\"\n", `"x \" y"`},
		{"é: {b: [1, 2], a: 1:30}\n", "1:30"},
		{"\ufeffa: no\r\n", "no"},
		{"x: 1\r\na: TRUE\r\n", "TRUE"},
		{"a: ~\n", "~"},
		{"a: 'two\n  lines'\n", "'two\n  lines'"},
		{"a: two\n  lines\n", ""},
		{"a:\n", ""},
		{"a: |\n  block\n", ""},
		{"a: !!str 7\n", ""},
		{"a: &x 7\n", ""},
		{"- \u2028a: 1\n  a: 2\n", ""},
	} {
		docs, err := yamlx.ParseAll("x.yml", []byte(c.text))
		if err != nil {
			continue // the last one, where the library refuses it
		}
		n := find(docs[0], "a")
		if got := span(c.text, n); got != c.want {
			t.Errorf("%q: a is at %q, want %q", c.text, got, c.want)
		}
	}
}

func find(n *yamlx.Node, key string) *yamlx.Node {
	if v := n.Get(key); v != nil {
		return v
	}
	for _, p := range n.Pairs {
		if v := find(p.Value, key); v != nil {
			return v
		}
	}
	return nil
}

func span(text string, n *yamlx.Node) string {
	if n == nil || n.End == 0 {
		return ""
	}
	return text[n.Start:n.End]
}

// What stands at a node's bytes is the node, in every YAML file that we have.
func TestSpansInRealFiles(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, root := range []string{"../../fixtures", "../destination", "../../.golangci.yml"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if ext := filepath.Ext(path); err != nil || d.IsDir() || ext != ".yml" && ext != ".yaml" {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			docs, err := yamlx.ParseAll(path, text)
			if err != nil {
				return nil //nolint:nilerr // some are broken on purpose
			}
			for _, doc := range docs {
				checked += checkSpans(t, path, string(text), doc)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if checked < 1000 {
		t.Errorf("only %d values were looked at", checked)
	}
}

func checkSpans(t *testing.T, path, text string, n *yamlx.Node) (checked int) {
	t.Helper()
	same := func(start, end int, want string) {
		if end == 0 {
			return
		}
		checked++
		got, err := yamlx.Parse("x", []byte(text[start:end]))
		if have, _ := got.Scalar(); err != nil || have != want && !got.IsNull() {
			t.Errorf("%s: the bytes of %q are %q", path, want, text[start:end])
		}
	}
	if want, ok := n.Scalar(); ok {
		same(n.Start, n.End, want)
	}
	for _, item := range n.Items {
		checked += checkSpans(t, path, text, item)
	}
	for _, p := range n.Pairs {
		same(p.KeyStart, p.KeyEnd, p.Key)
		checked += checkSpans(t, path, text, p.Value)
	}
	return checked
}

func TestSplice(t *testing.T) {
	t.Parallel()
	got, err := yamlx.Splice([]byte("abcdef"), []yamlx.Edit{{4, 5, ""}, {0, 1, "XY"}, {0, 1, "XY"}, {2, 2, "-"}})
	if err != nil || string(got) != "XYb-cdf" {
		t.Errorf("Splice() = %q, %v", got, err)
	}
	for _, bad := range [][]yamlx.Edit{{{0, 3, ""}, {2, 4, ""}}, {{3, 2, ""}}, {{0, 9, ""}}} {
		if _, err := yamlx.Splice([]byte("abcdef"), bad); err == nil {
			t.Errorf("Splice(%v) is fine, want an error", bad)
		}
	}
}

func TestQuoteReadsBack(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"#channel", "no", "1:30", `it's`, `say "hi"`, `a\b's`, "{{ doc('x') }}"} {
		n, err := yamlx.Parse("x", []byte(yamlx.Quote(text)))
		if got, ok := n.Str(); err != nil || !ok || got != text {
			t.Errorf("Quote(%q) = %s reads as %q, %v", text, yamlx.Quote(text), got, err)
		}
	}
}

func TestBlock(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, key, want string }{
		"one line":       {"a: 1\nb: 2\nc: 3\n", "b", "b: 2\n"},
		"nested":         {"x:\n  b:\n    - 1\n    # of b\n\n    - 2\n\n  # of c\n  c: 3\n", "b", "  b:\n    - 1\n    # of b\n\n    - 2\n"},
		"list beside":    {"b:\n- 1\n- 2\nc: 3\n", "b", "b:\n- 1\n- 2\n"},
		"block text":     {"b: |\n  # text\n\n  more\nc: 1\n", "b", "b: |\n  # text\n\n  more\n"},
		"no end of line": {"a: 1\nb: 2", "b", "b: 2"},
		"CRLF":           {"a:\r\n  b: 2\r\nc: 1\r\n", "b", "  b: 2\r\n"},
		"BOM":            {"\ufeffb: 2\nc: 1\n", "b", "b: 2\n"},
		"of an item":     {"- b: 1\n  c: 2\n", "b", ""},
		"in braces":      {"x: {b: 1}\n", "b", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := parse(t, c.text)
			got := ""
			if start, end, ok := pairOf(root, c.key).Block([]byte(c.text)); ok {
				got = c.text[start:end]
			}
			if got != c.want {
				t.Errorf("the block of %s is %q, want %q", c.key, got, c.want)
			}
		})
	}
}

func pairOf(n *yamlx.Node, key string) yamlx.Pair {
	for _, item := range n.Items {
		if p := pairOf(item, key); p.KeyEnd > 0 {
			return p
		}
	}
	for _, p := range n.Pairs {
		if p.Key == key {
			return p
		}
		if below := pairOf(p.Value, key); below.KeyEnd > 0 {
			return below
		}
	}
	return yamlx.Pair{}
}

func TestPositionAndOffset(t *testing.T) {
	t.Parallel()
	text := "\ufeffä: 1\r\nb: ü2\nlast"
	for at := range text {
		if at == 0 {
			continue // the mark has no place of its own
		}
		line, col := yamlx.Position([]byte(text), at)
		if back := yamlx.Offset([]byte(text), line, col); back != at {
			t.Errorf("byte %d is at %d:%d, which is byte %d", at, line, col, back)
		}
	}
	if line, col := yamlx.Position([]byte(text), strings.Index(text, "2")); line != 2 || col != 5 {
		t.Errorf("the 2 is at %d:%d, want 2:5", line, col)
	}
}
