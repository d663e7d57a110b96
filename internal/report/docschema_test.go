package report_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"exposync/fixtures/schemas/formats"
	"exposync/internal/coverage"
	"exposync/internal/lint"
	"exposync/internal/plan"
	"exposync/internal/report"
	"exposync/internal/yamlx"
)

// narrower is what the schemas say of fields beyond their type, by the name of
// the struct and of the field. Fields are only ever added, so others may be there.
var narrower = map[string]map[string]any{
	"CoverageJSON.exposync_coverage": {"const": 1},
	"CoverageJSON.coverage":          {"minimum": 0, "maximum": 1},
	"DimensionJSON.coverage":         {"minimum": 0, "maximum": 1},
	"DimensionJSON.letter":           {"pattern": "^[a-m]$"},
	"DimensionJSON.cov_type":         {"enum": coverage.Names()},
	"DimensionJSON.code":             {"pattern": "^coverage_"},
	"Finding.severity":               {"enum": []string{"error", "warning", "info"}},
	"Finding.line":                   {"minimum": 1},
	"Finding.col":                    {"minimum": 1},
	"Finding.code":                   {"pattern": "^[a-z0-9_]+$"},
	"Finding.file":                   {"pattern": `^[^\\]+$`},
	"IgnoreJSON.state":               {"enum": []string{"used", "unused", "expired", "no_reason", "unknown", "invalid", "other"}},
	"LineageNodeJSON.layer":          {"enum": coverage.Layers()},
	"LineageNodeJSON.depth":          {"minimum": -1},
	"SuppressedJSON.until":           {"format": "date"},
	"EditJSON.start":                 {"minimum": 0},
}

// schemaOf describes a value of a Go type, as encoding/json writes it.
func schemaOf(t reflect.Type, defs map[string]any) map[string]any {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case t.Kind() == reflect.Pointer:
		inner := schemaOf(t.Elem(), defs)
		if name, ok := inner["type"].(string); ok {
			inner["type"] = []string{name, "null"}
			return inner
		}
		return map[string]any{"anyOf": []any{inner, map[string]any{"type": "null"}}}
	case t.Kind() == reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem(), defs)}
	case t.Kind() == reflect.Struct:
		if defs[t.Name()] == nil {
			defs[t.Name()] = true // on its way
			properties, required := map[string]any{}, []string{}
			schemaFields(t, properties, &required, defs)
			defs[t.Name()] = map[string]any{"type": "object", "properties": properties, "required": required}
		}
		return map[string]any{"$ref": "#/$defs/" + t.Name()}
	}
	return map[string]any{"type": map[reflect.Kind]string{reflect.String: "string", reflect.Int: "integer", reflect.Float64: "number", reflect.Bool: "boolean"}[t.Kind()]}
}

func schemaFields(t reflect.Type, properties map[string]any, required *[]string, defs map[string]any) {
	for f := range t.Fields() {
		if f.Anonymous {
			schemaFields(f.Type, properties, required, defs)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		s := schemaOf(f.Type, defs)
		maps.Copy(s, narrower[t.Name()+"."+name])
		if options == "omitempty" {
			if types, ok := s["type"].([]string); ok { // left out instead of null
				s["type"] = types[0]
			}
		} else {
			*required = append(*required, name)
		}
		properties[name] = s
	}
}

// The schemas in docs/schemas are those of the documents: UPDATE=1 writes them.
func TestDocumentSchemas(t *testing.T) {
	t.Parallel()
	for name, doc := range map[string]struct {
		kind  reflect.Type
		title string
	}{
		"coverage": {reflect.TypeFor[report.CoverageJSON](), "exposync coverage --output json"},
		"lint":     {reflect.TypeFor[report.LintJSON](), "exposync lint --output json"},
		"impact":   {reflect.TypeFor[report.ImpactJSON](), "exposync impact --output json"},
	} {
		defs := map[string]any{}
		root := schemaOf(doc.kind, defs)
		root["$schema"], root["title"], root["$defs"] = "https://json-schema.org/draft/2020-12/schema", doc.title, defs
		text, err := json.MarshalIndent(root, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("../../docs/schemas", name+".json")
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile(path, append(text, '\n'), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(text)+"\n"); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
	for key := range narrower {
		structure, field, _ := strings.Cut(key, ".")
		text := string(must(os.ReadFile("../../docs/schemas/coverage.json"))) + string(must(os.ReadFile("../../docs/schemas/lint.json")))
		if structure != "Finding" && !strings.Contains(text, `"`+structure+`"`) || !strings.Contains(text, `"`+field+`"`) {
			t.Errorf("%s is said of no field", key)
		}
	}
}

func must(data []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return data
}

// Documents are as their schemas say, the fullest and the emptiest.
func TestDocumentsAreAsTheirSchemasSay(t *testing.T) {
	t.Parallel()
	full := report.Lint{Report: lint.Report{
		Findings: []lint.Finding{{Finding: plan.Finding{Code: "yaml_tab", Severity: plan.SeverityError, Subject: "models/a.yml", File: "models/a.yml", Line: 1, Message: "a tab"}, Edits: []lint.Edit{{File: "models/a.yml", Edit: yamlx.Edit{Start: 0, End: 1, New: "  "}}}}},
		NotRun:   []lint.NotRun{{Code: "yaml_quotes", Why: "there is no manifest"}},
	}, Fixed: []lint.Fixed{{File: "models/a.yml", Codes: []string{"yaml_tab"}, Was: []byte("\t"), Now: []byte("  ")}}}
	for name, docs := range map[string][]any{
		"coverage": {report.CoverageDoc(covered("email_crm_export")), report.CoverageDoc(coverage.Report{})},
		"lint":     {full.JSON(), report.Lint{}.JSON()},
	} {
		for i, doc := range docs {
			text, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			schema := must(os.ReadFile("../../docs/schemas/" + name + ".json"))
			if err := formats.JSON(schema, text); err != nil {
				t.Errorf("document %d of %s: %v", i, name, err)
			}
			if worse := strings.Replace(string(text), `[`, `{"a":`, 1); formats.JSON(schema, []byte(worse)) == nil {
				t.Errorf("%s takes anything", name)
			}
		}
	}
}
