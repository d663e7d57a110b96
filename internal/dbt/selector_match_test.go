package dbt

import (
	"strings"
	"testing"
)

// TestFnmatch: what Python's fnmatch answers.
func TestFnmatch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"*", "", true},
		{"?", "", false},
		{"?", "é", true},
		{"a*", "a/b.c", true},
		{"*a*b", "xaxxb", true},
		{"*a*b", "xaxxbc", false},
		{`\*`, `\x`, true},
		{"[]a]", "]", true},
		{"[!]a]", "]", false},
		{"[!]a]", "b", true},
		{"[a-]", "-", true},
		{"[-a]", "-", true},
		{"[a-c-e]", "-", true},
		{"[a-c-e]", "d", false},
		{"[c-a]", "b", false},
		{"[!c-a]", "b", true},
		{"[^a]", "^", true},
		{"[^a]", "b", false},
		{"[a", "[a", true},
		{"a[", "a[", true},
		{"[]", "[]", true},
		{"[!]", "[!]", true},
	}
	for _, tt := range tests {
		if got := fnmatch(tt.pattern, tt.text); got != tt.want {
			t.Errorf("fnmatch(%q, %q) = %t", tt.pattern, tt.text, got)
		}
	}
}

// TestFnmatchIsNotExponential: a pattern of many stars against a text that
// almost matches takes no time worth speaking of.
func TestFnmatchIsNotExponential(t *testing.T) {
	t.Parallel()
	if fnmatch(strings.Repeat("a*", 200)+"b", strings.Repeat("a", 5_000)) {
		t.Error("a text without b matches a pattern with one")
	}
}

func TestPathSegments(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern, path string
		want          bool
	}{
		{"models", "models", true},
		{"models//marts/./core/", "models/marts/core", true},
		{`models\marts`, "models/marts", true},
		{"models/*", "models/marts/core", false},
		{"models/**/core", "models/core", true},
		{"models/**/core", "models/a/b/core", true},
		{"**/**/**/**/x", "a/b/c/d/e/f", false},
		{"**", ".", true},
	}
	for _, tt := range tests {
		if got := globPath(segments(tt.pattern), segments(tt.path)); got != tt.want {
			t.Errorf("globPath(%q, %q) = %t", tt.pattern, tt.path, got)
		}
	}
}

// FuzzCriterion: whatever is typed is read or refused, and what was read says
// the same again when it is written out.
func FuzzCriterion(f *testing.F) {
	for _, seed := range []string{"", "+", "@a", "2+tag:a+3", "config.meta.a-b:x", "a+b+1", "@+a+", "99999999999999999999+a", "é:x", "a\nb", "::", "+:+"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		c, err := parseCriterion(raw)
		if err != nil {
			return
		}
		if !strings.Contains(raw, c.value) || methods()[c.method] == nil {
			t.Errorf("%q was read as %+v", raw, c)
		}
		if c.children && c.childrensParents {
			t.Errorf("%q has @ and +", raw)
		}
		if digits(c.value) && c.parentsDepth != unlimited && !c.parents {
			t.Errorf("%q has a depth without +: %+v", raw, c)
		}
	})
}
