package yamlx_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/fault"
	"exposync/internal/yamlx"
)

func parse(t *testing.T, text string) *yamlx.Node {
	t.Helper()
	n, err := yamlx.Parse("x.yml", []byte(text))
	if err != nil {
		t.Fatalf("Parse(%q): %v", text, err)
	}
	return n
}

func TestParseScalars(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]yamlx.Node{
		"a: crm.contacts": {Kind: yamlx.String, Text: "crm.contacts", Plain: true},
		"a: '7'":          {Kind: yamlx.String, Text: "7"},
		"a: 007":          {Kind: yamlx.Number, Text: "007", Plain: true},
		"a: 1.50":         {Kind: yamlx.Number, Text: "1.50", Plain: true},
		"a: True":         {Kind: yamlx.Bool, Text: "true"},
		"a: yes":          {Kind: yamlx.String, Text: "yes", Plain: true},
		"a: 1:30":         {Kind: yamlx.String, Text: "1:30", Plain: true},
		"a: 2026-12-31":   {Kind: yamlx.String, Text: "2026-12-31", Plain: true},
		"a: ~":            {Kind: yamlx.Null},
		"a:":              {Kind: yamlx.Null},
		"a: \"\\u00fc\"":  {Kind: yamlx.String, Text: "ü"},
		"a: |-\n    x\n":  {Kind: yamlx.String, Text: "x"},
	} {
		got := *parse(t, text).Get("a")
		got.Line, got.Col, got.Start, got.End = 0, 0, 0, 0
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Parse(%q) mismatch (-want +got):\n%s", text, diff)
		}
	}
}

func TestParseKeepsOrderAndPlaces(t *testing.T) {
	t.Parallel()
	n := parse(t, "\ufeffz: 1\nb:\n  - {c: x}\n  - d\na: 2\n")
	if diff := cmp.Diff([]string{"z", "b", "a"}, n.Keys()); diff != "" {
		t.Errorf("Keys() mismatch (-want +got):\n%s", diff)
	}
	c := n.Get("b").Items[0].Get("c")
	if c.Line != 3 || c.Col != 9 || c.Where("m.yml") != "m.yml:3" {
		t.Errorf("c stands at %d:%d, want 3:9", c.Line, c.Col)
	}
	if n.Pairs[2].Line != 5 {
		t.Errorf("key a on line %d, want 5", n.Pairs[2].Line)
	}
}

func TestParseResolvesAliasesAndMerges(t *testing.T) {
	t.Parallel()
	n := parse(t, `
base: &base {host: h, port: 5432}
more: &more {port: 1, user: u}
one:
  <<: *base
  host: own
two:
  <<: [*base, *more]
same: *base
`)
	for path, want := range map[string]string{
		"one.host": "own", "one.port": "5432", "two.port": "5432", "two.user": "u", "same.host": "h",
	} {
		if got, _ := n.At(strings.Split(path, ".")...).Scalar(); got != want {
			t.Errorf("%s = %q, want %q", path, got, want)
		}
	}
	if diff := cmp.Diff([]string{"port", "host"}, n.Get("one").Keys()); diff != "" {
		t.Errorf("Keys() mismatch (-want +got):\n%s", diff)
	}
}

func TestParseFaults(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("  - x\n", 200)
	tests := []struct{ name, text, code, where, hint string }{
		{"tab", "a:\n\tb: 1\n", "yaml_syntax", "x.yml:2", "spaces"},
		{"far from its block", "a:\n" + long + " b: 1\n", "yaml_syntax", "x.yml:202", ""},
		{"open quote", "a: 1\nb: \"c\nd: 2\n", "yaml_syntax", "x.yml:2", "never closed"},
		{"open brace", "a: 1\nb: {c: 2\n", "yaml_syntax", "x.yml:2", "never closed"},
		{"bare jinja", "a: {{ env_var('X') }}\n", "yaml_syntax", "x.yml:1", "Jinja"},
		{"bare jinja with a colon", "a: 1\nb: {{ x }}: y\n", "yaml_syntax", "x.yml:2", "Jinja"},
		{"colon in a value", "a: b: c\n", "yaml_syntax", "x.yml:1", "colon"},
		{"at sign", "a: 1\nb: @c\n", "yaml_syntax", "x.yml:2", "@"},
		{"unknown alias", "a: *b\n", "yaml_syntax", "x.yml:1", ""},
		{"alias to itself", "a: &a [*a]\n", "yaml_syntax", "x.yml:1", ""},
		{"merge of text", "a:\n  <<: b\n", "yaml_syntax", "x.yml:2", ""},
		{"duplicate", "a: 1\nb: 2\na: 3\n", "yaml_duplicate_key", "x.yml:3", ""},
		{"duplicate below", "a:\n  b: 1\n  b: 1\n", "yaml_duplicate_key", "x.yml:3", ""},
		{"control character", "a: \x01\n", "yaml_syntax", "x.yml:1", ""},
		{"bomb", bomb(), "yaml_syntax", "", "stand"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := yamlx.Parse("x.yml", []byte(tt.text))
			all := fault.All(err)
			if len(all) == 0 || all[0].Code != tt.code {
				t.Fatalf("Parse() = %v, want %s", err, tt.code)
			}
			f := all[0]
			if tt.where != "" && f.Where != tt.where {
				t.Errorf("where %q, want %q (%v)", f.Where, tt.where, f)
			}
			if !strings.Contains(f.Hint+f.Msg, tt.hint) {
				t.Errorf("hint %q of %q lacks %q", f.Hint, f.Msg, tt.hint)
			}
			if _, known := fault.Explain(f.Code); !known {
				t.Errorf("code %s has no page", f.Code)
			}
		})
	}
}

// bomb is a document whose aliases stand for 10^9 values.
func bomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 x\n")
	for i := 1; i < 10; i++ {
		prev := "*a" + string(rune('0'+i-1))
		b.WriteString("a" + string(rune('0'+i)) + ": &a" + string(rune('0'+i)) + " [" +
			strings.Repeat(prev+", ", 9) + prev + "]\n")
	}
	return b.String()
}

func TestParseNamesEveryDuplicateAndNoValue(t *testing.T) {
	t.Parallel()
	_, err := yamlx.Parse("x.yml", []byte("a: hunter2\na: hunter2\nb: 1\nb: 2\n"))
	if got := len(fault.All(err)); got != 2 {
		t.Errorf("%d faults, want 2: %v", got, err)
	}
	for _, text := range []string{"a: hunter2\na: hunter2\n", "a: {hunter2\n", "a: 'hunter2\n", "a: @hunter2"} {
		_, err := yamlx.Parse("x.yml", []byte(text))
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Parse(%q) = %v, want a fault without the value", text, err)
		}
	}
}

func TestParseDocuments(t *testing.T) {
	t.Parallel()
	text := "a: 1\n---\nb: 2\n---\n- c\n"
	if got := parse(t, text).Keys(); !cmp.Equal(got, []string{"a"}) {
		t.Errorf("Parse() has %v, want the first document", got)
	}
	docs, err := yamlx.ParseAll("x.yml", []byte(text))
	if err != nil || len(docs) != 3 || docs[1].Pairs[0].Line != 3 {
		t.Errorf("ParseAll() = %v, %v, want three documents with lines of the file", docs, err)
	}
	for _, empty := range []string{"", "# nothing\n", "---\n"} {
		if n := parse(t, empty); !n.IsNull() {
			t.Errorf("Parse(%q) = %v, want null", empty, n)
		}
	}
}
