package yamlx_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/yamlx"
)

func TestStrings(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want []string
		ok   bool
	}{
		{"a: x", []string{"x"}, true},
		{"a: [x, y]", []string{"x", "y"}, true},
		{"a: []", []string{}, true},
		{"a:", nil, true},
		{"b: 1", nil, true},
		{"a: 7", nil, false},
		{"a: [x, 7]", nil, false},
		{"a: {b: c}", nil, false},
	}
	for _, tt := range tests {
		got, ok := parse(t, tt.text).Get("a").Strings()
		if ok != tt.ok || !cmp.Equal(got, tt.want) {
			t.Errorf("%q: Strings() = %q, %v, want %q, %v", tt.text, got, ok, tt.want, tt.ok)
		}
	}
}

func TestMissingNodesAnswer(t *testing.T) {
	t.Parallel()
	var n *yamlx.Node
	if _, ok := n.Str(); ok {
		t.Error("a missing node is text")
	}
	if _, ok := n.Bool(); ok {
		t.Error("a missing node is a boolean")
	}
	if n.Keys() != nil || n.At("a", "b") != nil || !n.IsNull() || n.Where("f") != "f" {
		t.Error("a missing node has content")
	}
}

func TestFindGivesTheDeepest(t *testing.T) {
	t.Parallel()
	n := parse(t, "a:\n  b: 1\n")
	if got, ok := n.Find("a", "b"); !ok || got.Text != "1" {
		t.Errorf("Find(a, b) = %v, %v", got, ok)
	}
	if got, ok := n.Find("a", "c", "d"); ok || got.Line != 2 {
		t.Errorf("Find(a, c, d) = %v, %v, want the map of a", got, ok)
	}
}
