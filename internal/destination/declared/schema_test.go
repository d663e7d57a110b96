package declared

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"exposync/internal/yamlx"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("destination.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("destination.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// valid holds a description in YAML against the schema.
func valid(t *testing.T, s *jsonschema.Schema, name string, text []byte) error {
	t.Helper()
	root, err := yamlx.Parse(name, text)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(appendNode(nil, root))))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

// Every description that we have is one by the schema, too.
func TestSchemaTakesDescriptions(t *testing.T) {
	t.Parallel()
	s := compiled(t)
	for _, kind := range Kinds() {
		text, err := files.ReadFile("specs/" + kind + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		if err := valid(t, s, kind, text); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	own, err := filepath.Glob("../../../fixtures/destinations/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range own {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := valid(t, s, file, text); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	if err := valid(t, s, "tiny", []byte(tiny)); err != nil {
		t.Error(err)
	}
}

// What the decoder refuses for its shape, the schema refuses.
func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	s := compiled(t)
	for name, text := range map[string]string{
		"a misspelt block":         tiny + "limts: {rows: 1}\n",
		"a misspelt key":           tiny + "limits: {row: 1}\n",
		"a misspelt key of an op":  strings.Replace(tiny, "request:", "requst:", 1),
		"a misspelt key of a rule": strings.Replace(tiny, "outcome:", "outcom:", 1),
		"a misspelt state":         strings.Replace(tiny, "outcome: ok", "outcome: okay", 1),
		"a misspelt parameter":     strings.Replace(tiny, "required: true", "requird: true", 1),
		"an unknown kind":          strings.Replace(tiny, "kind: url", "kind: uri", 1),
		"no name":                  strings.Replace(tiny, "name: tiny", "title: x", 1)[len("title: x\n"):],
		"a limit of nothing":       tiny + "limits: {rows: 0}\n",
		"a text as a flag":         strings.Replace(tiny, "required: true", "required: maybe", 1),
		"an unknown way to sign":   tiny + "auth: {type: oauth}\n",
		"an unknown format":        tiny + "encode: {format: xml}\n",
		"a list as a map":          tiny + "headers: [a]\n",
	} {
		var refused *jsonschema.ValidationError
		if err := valid(t, s, name, []byte(text)); !errors.As(err, &refused) {
			t.Errorf("%s: taken: %v", name, err)
		}
		if _, err := parse("x.yaml", []byte(text), nil); err == nil {
			t.Errorf("%s: the decoder takes it", name)
		}
	}
}

// Every key has a sentence in the schema: editors show it.
func TestSchemaSaysWhatKeysAre(t *testing.T) {
	t.Parallel()
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	n := 0
	var walk func(path string, v any)
	walk = func(path string, v any) {
		m, ok := v.(map[string]any)
		if !ok {
			return
		}
		properties, _ := m["properties"].(map[string]any)
		for name, p := range properties {
			n++
			if part, _ := p.(map[string]any); part["description"] == nil && part["$ref"] != "#/$defs/operation" {
				t.Errorf("%s.%s says nothing: add a line to schema_docs.go", path, name)
			}
			walk(path+"."+name, p)
		}
		for _, key := range []string{"items", "additionalProperties"} {
			walk(path+"[]", m[key])
		}
		for _, alternative := range list1(m["anyOf"]) {
			walk(path, alternative)
		}
	}
	walk("", doc)
	walk("operation", doc.(map[string]any)["$defs"].(map[string]any)["operation"])
	if n < 150 {
		t.Errorf("only %d keys were looked at", n)
	}
}

func list1(v any) []any {
	out, _ := v.([]any)
	return out
}
