package yamlx_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"exposync/internal/fault"
	"exposync/internal/yamlx"
)

func TestParseJSON(t *testing.T) {
	t.Parallel()
	text := `{"z":1.50,"a":["x",null,true],"pair":"\ud83d\ude00","lone":"\ud83d","big":12345678901234567890}`
	n, err := yamlx.ParseJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := &yamlx.Node{Kind: yamlx.Map, Pairs: []yamlx.Pair{
		{Key: "z", Value: &yamlx.Node{Kind: yamlx.Number, Text: "1.50"}},
		{Key: "a", Value: &yamlx.Node{Kind: yamlx.List, Items: []*yamlx.Node{
			{Kind: yamlx.String, Text: "x"}, {Kind: yamlx.Null}, {Kind: yamlx.Bool, Text: "true"},
		}}},
		{Key: "pair", Value: &yamlx.Node{Kind: yamlx.String, Text: "😀"}},
		{Key: "lone", Value: &yamlx.Node{Kind: yamlx.String, Text: "\ufffd"}},
		{Key: "big", Value: &yamlx.Node{Kind: yamlx.Number, Text: "12345678901234567890"}},
	}}
	if diff := cmp.Diff(want, n); diff != "" {
		t.Errorf("ParseJSON() mismatch (-want +got):\n%s", diff)
	}
}

func TestParseJSONFaults(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", "{", `{"a":1`, `{"a":1}x`, `{"a" 1}`, `{a:1}`, "[1,]", "nul", `"hunter2`, "hunter2",
		strings.Repeat("[", 100_000), strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000),
	} {
		_, err := yamlx.ParseJSON([]byte(text))
		if !fault.Is(err, "json_syntax") || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "'h'") {
			t.Errorf("ParseJSON(%.20q) = %v, want json_syntax without text of the file", text, err)
		}
	}
}

func TestParseJSONLastKeyWins(t *testing.T) {
	t.Parallel()
	n, err := yamlx.ParseJSON([]byte(`{"a":1,"b":2,"a":3}`))
	if err != nil || n.Get("a").Text != "3" || len(n.Pairs) != 2 {
		t.Errorf("ParseJSON() = %v, %v", n, err)
	}
}

// TestJSONIsYAML: what JSON says, YAML says too, whichever reader is used.
func TestJSONIsYAML(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		value := rapid.MapOf(rapid.StringMatching(`[a-z]{1,8}`), rapid.SliceOf(rapid.StringMatching(`[ -~é😀]{0,12}`))).Draw(rt, "value")
		text, err := json.Marshal(value)
		if err != nil {
			rt.Fatal(err)
		}
		fromJSON, err := yamlx.ParseJSON(text)
		if err != nil {
			rt.Fatal(err)
		}
		fromYAML, err := yamlx.Parse("x.yml", text)
		if err != nil {
			rt.Fatal(err)
		}
		for _, key := range fromJSON.Keys() {
			a, _ := fromJSON.Get(key).Strings()
			b, _ := fromYAML.Get(key).Strings()
			if !cmp.Equal(a, b) {
				rt.Fatalf("%s: JSON says %q, YAML %q", key, a, b)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"a: 1", "a: &a [*a]", "<<: {a: 1}", "? [a]\n: b", "a: !!binary x", "- - -", "{a: b, <<: [*x]}", bomb(),
		"%YAML 1.1\n---\na: b\n...", "a: |\n  b\n", "\xff\xfe", "a:\n\tb", `{"a":"\ud83d"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := yamlx.Parse("x.yml", data)
		if err == nil && n == nil {
			t.Error("no node and no error")
		}
		for _, problem := range fault.All(err) {
			if problem.Code == "internal" {
				t.Errorf("not a fault: %v", err)
			}
		}
		fromJSON, err := yamlx.ParseJSON(data)
		if valid := json.Valid(data); valid && err != nil {
			t.Errorf("valid JSON refused: %v", err)
		} else if !valid && err == nil && !strings.HasPrefix(string(data), "\ufeff") {
			t.Errorf("invalid JSON read as %v", fromJSON)
		}
	})
}
