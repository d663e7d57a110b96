package dbt_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/dbt"
)

// manifest gives the text of a manifest: its schema version and the rest of
// its keys.
func manifest(version int, metadata, rest string) string {
	if metadata != "" {
		metadata = "," + metadata
	}
	return fmt.Sprintf(`{"metadata":{"dbt_schema_version":"https://schemas.getdbt.com/dbt/manifest/v%d.json","dbt_version":"1.x"%s},%s}`,
		version, metadata, rest)
}

func loadManifest(t *testing.T, text string) *dbt.Project {
	t.Helper()
	p, err := dbt.LoadManifest(t.Context(), write(t, "manifest.json", text))
	if err != nil {
		t.Fatalf("LoadManifest(%s): %v", text, err)
	}
	return p
}

// node loads a manifest that has one node of that text.
func node(t *testing.T, id, text string) *dbt.Node {
	t.Helper()
	p := loadManifest(t, manifest(12, `"project_name":"p"`, fmt.Sprintf(`"nodes":{%q:%s},"parent_map":{}`, id, text)))
	if p.Nodes[id] == nil {
		t.Fatalf("%s is not in %v, disabled %v", id, p.Nodes, p.Disabled)
	}
	return p.Nodes[id]
}

// TestShapes: what a key may look like, over the versions and engines.
func TestShapes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		id, text string
		got      func(n *dbt.Node) any
		want     any
	}{
		{"model.p.a", `{}`, func(n *dbt.Node) any { return []any{n.ResourceType, n.Enabled, n.Severity} }, []any{"model", true, ""}},
		{"operation.p.x", `{"resource_type":"sql operation"}`, func(n *dbt.Node) any { return n.ResourceType }, "operation"},
		{"model.p.a", `{"tags":"x","config":{"tags":["y","x"]}}`, func(n *dbt.Node) any { return n.Tags }, []string{"x", "y"}},
		{"model.p.a", `{"config":{"tags":null},"tags":null}`, func(n *dbt.Node) any { return n.Tags }, []string(nil)},
		{"model.p.a", `{"config":{"unique_key":"id"}}`, func(n *dbt.Node) any { return n.UniqueKey }, []string{"id"}},
		{"model.p.a", `{"config":{"unique_key":["a","b"]}}`, func(n *dbt.Node) any { return n.UniqueKey }, []string{"a", "b"}},
		{"model.p.a", `{"version":2,"latest_version":"2"}`, func(n *dbt.Node) any { return n.Version + n.LatestVersion }, "22"},
		{"model.p.a", `{"version":1.0}`, func(n *dbt.Node) any { return n.Version }, "1.0"},
		{"model.p.a", `{"version":null}`, func(n *dbt.Node) any { return n.Version }, ""},
		{"model.p.a", `{"relation_name":null}`, func(n *dbt.Node) any { return n.RelationName }, ""},
		{"model.p.a", `{"relation_name":"\"a\".\"b\""}`, func(n *dbt.Node) any { return n.RelationName }, `"a"."b"`},
		{"model.p.a", `{"patch_path":"p://models/x.yml"}`, func(n *dbt.Node) any { return n.PatchPath }, "models/x.yml"},
		{"model.p.a", `{"checksum":{"name":"sha256","checksum":"abc"}}`, func(n *dbt.Node) any { return n.Checksum }, "abc"},
		{"model.p.a", `{"compiled_sql":"select 1"}`, func(n *dbt.Node) any { return n.CompiledCode }, "select 1"},
		{"seed.p.a", `{"compiled_code":"x"}`, func(n *dbt.Node) any { return n.CompiledCode }, ""},
		{"model.p.a", `{"config":{"group":"g","access":"public"}}`, func(n *dbt.Node) any { return n.Group + n.Access }, "gpublic"},
		{"model.p.a", `{"group":"own","config":{"group":"g"}}`, func(n *dbt.Node) any { return n.Group }, "own"},
		{"model.p.a", `{"config":{"contract":{"enforced":true}}}`, func(n *dbt.Node) any { return n.ContractEnforced }, true},
		{
			"model.p.a", `{"config":{"on_error":"continue","database":"d","schema":"s"}}`,
			func(n *dbt.Node) any { return n.OnError + n.ConfigDatabase + n.ConfigSchema }, "continueds",
		},
		{
			"model.p.a", `{"deprecation_date":"2026-12-31T00:00:00+02:00"}`, func(n *dbt.Node) any { return n.Deprecation },
			time.Date(2026, 12, 30, 22, 0, 0, 0, time.UTC),
		},
		{
			"model.p.a", `{"columns":{"A":{"name":"a","data_type":null},"b":{"data_type":"int","description":"B"}}}`,
			func(n *dbt.Node) any { return n.Columns },
			[]dbt.Column{{Name: "a"}, {Name: "b", DataType: "int", Description: "B"}},
		},
		{
			"model.p.a", `{"columns":{"a":{"meta":{"pii":true,"x":1},"tags":["t"],"config":{"meta":{"x":2},"tags":["t","u"]}},"b":{"tags":[],"meta":{},"config":{}}}}`,
			func(n *dbt.Node) any { return n.Columns },
			[]dbt.Column{{Name: "a", Tags: []string{"t", "u"}, Meta: []byte(`{"pii":true,"x":2}`)}, {Name: "b"}},
		},
		{"test.p.a", `{"config":{"severity":"WARN"}}`, func(n *dbt.Node) any { return n.Severity }, "warn"},
		{"test.p.a", `{"config":{"severity":"Error"}}`, func(n *dbt.Node) any { return n.Severity }, "error"},
		{"test.p.a", `{"config":{"severity":null}}`, func(n *dbt.Node) any { return n.Severity }, "error"},
		{"test.p.a", `{"config":{"severity":"mild"}}`, func(n *dbt.Node) any { return n.Severity }, "error"},
		{
			"test.p.a", `{"test_metadata":{"name":"unique","kwargs":{}},"column_name":"id","attached_node":"model.p.a"}`,
			func(n *dbt.Node) any { return n.TestName + n.ColumnName + n.AttachedNode }, "uniqueidmodel.p.a",
		},
		{
			"source.p.s.t", `{"freshness":{"warn_after":{"count":12,"period":"hour"},"error_after":{"count":null,"period":null}},"source_name":"s"}`,
			func(n *dbt.Node) any { return *n.Freshness },
			dbt.Freshness{WarnAfter: 12 * time.Hour},
		},
		{
			"source.p.s.t", `{"config":{"freshness":{"error_after":{"count":"2","period":"day"}}},"freshness":null}`,
			func(n *dbt.Node) any { return *n.Freshness },
			dbt.Freshness{ErrorAfter: 48 * time.Hour},
		},
		{"source.p.s.t", `{"freshness":{"warn_after":{},"error_after":{}}}`, func(n *dbt.Node) any { return n.Freshness == nil }, true},
		{"model.p.a", `{"config":{"freshness":{"build_after":{"count":1,"period":"day"}}}}`, func(n *dbt.Node) any { return n.Freshness == nil }, true},
		{"model.q.a", `{"package_name":"q","path":"","original_file_path":""}`, func(n *dbt.Node) any { return n.External }, true},
		{"model.q.a", `{"package_name":"q","path":"a.sql","original_file_path":""}`, func(n *dbt.Node) any { return n.External }, false},
		{"model.p.a", `{"package_name":"p","path":"","original_file_path":""}`, func(n *dbt.Node) any { return n.External }, false},
		{"model.q.a", `{"package_name":"q"}`, func(n *dbt.Node) any { return n.External }, false},
		{"model.p.a", `{"name":"caf\u00e9 \ud83d\ude00 \"x\""}`, func(n *dbt.Node) any { return n.Name }, `café 😀 "x"`},
		{
			"model.p.a", `{"meta":{"b":1,"a":{"x":1.50}},"config":{"meta":{"c":"ü","a":2}}}`,
			func(n *dbt.Node) any { return string(n.Meta) }, `{"b":1,"a":2,"c":"ü"}`,
		},
		{"model.p.a", `{"config":{"meta":{"a":1}},"meta":{"a":0,"b":2}}`, func(n *dbt.Node) any { return string(n.Meta) }, `{"a":1,"b":2}`},
		{"model.p.a", `{"meta":{},"config":{"meta":{}}}`, func(n *dbt.Node) any { return n.Meta == nil }, true},
		{"model.p.a", `{"config":[],"columns":[],"owner":"x","meta":[1]}`, func(n *dbt.Node) any { return n.Meta == nil }, true},
	}
	for _, tt := range tests {
		got := tt.got(node(t, tt.id, tt.text))
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s %s mismatch (-want +got):\n%s", tt.id, tt.text, diff)
		}
	}
}

func TestSharedNamesDoNotMix(t *testing.T) {
	t.Parallel()
	p := loadManifest(t, manifest(12, `"project_name":"p"`, `"nodes":{
		"model.p.a.b":{"name":"a.b","config":{"materialized":"ephemeral"}},
		"model.p.a":{"name":"a","relation_name":"r"}},
		"unit_tests":{
			"unit_test.p.a.u":{"model":"a","depends_on":{"nodes":["model.p.x","model.p.a"]}},
			"unit_test.p.v.u":{"model":"v","depends_on":{"nodes":["model.p.x","model.p.v.v2"]}},
			"unit_test.p.z.u":{"model":"z","depends_on":{"nodes":["model.p.x"]}},
			"unit_test.p.n.u":{"model":"n"}}`))
	if p.Nodes["model.p.a.b"].Relation() || !p.Nodes["model.p.a"].Relation() {
		t.Error("ids with dots are mixed up")
	}
	for id, want := range map[string]string{
		"unit_test.p.a.u": "model.p.a", "unit_test.p.v.u": "model.p.v.v2", "unit_test.p.z.u": "model.p.x", "unit_test.p.n.u": "",
	} {
		if n := p.Nodes[id]; n == nil || !n.Test() || n.AttachedNode != want || n.Severity != "error" {
			t.Errorf("%s is %+v, want a test of %q", id, n, want)
		}
	}
}

func TestExposures(t *testing.T) {
	t.Parallel()
	p := loadManifest(t, manifest(12, `"project_name":"p"`, `"nodes":{},"exposures":{
		"exposure.p.one":{"name":"one","label":"One","type":"application","package_name":"p","original_file_path":"m/x.yml",
			"owner":{"name":"N","email":["a@x","b@x"],"slack":"#c"},"description":"D","maturity":"high","url":"https://x",
			"tags":["t"],"config":{"enabled":true,"tags":["u"],"meta":{"exposync":{"to":"crm.c"}}},"created_at":1.5,
			"depends_on":{"nodes":["model.p.b","model.p.a"],"macros":[],"nodes_with_ref_location":[]},"refs":[["b"]]},
		"exposure.p.two":{"owner":{"email":"c@x","name":null},"label":null,"maturity":null,"url":null,"description":""},
		"exposure.p.three":{"owner":{"email":null}},
		"exposure.p.off":{"name":"off","config":{"enabled":false}}}`))
	want := &dbt.Exposure{
		UniqueID: "exposure.p.one", Name: "one", Label: "One", Type: "application", Package: "p", Path: "m/x.yml",
		Description: "D", Maturity: "high", URL: "https://x", OwnerName: "N", OwnerEmails: []string{"a@x", "b@x"},
		Tags: []string{"t", "u"}, Meta: []byte(`{"exposync":{"to":"crm.c"}}`), DependsOn: []string{"model.p.b", "model.p.a"},
	}
	if diff := cmp.Diff(want, p.Exposures["exposure.p.one"]); diff != "" {
		t.Errorf("exposure mismatch (-want +got):\n%s", diff)
	}
	if two := p.Exposures["exposure.p.two"]; !cmp.Equal(two.OwnerEmails, []string{"c@x"}) || two.URL != "" {
		t.Errorf("two is %+v", two)
	}
	if three := p.Exposures["exposure.p.three"]; three.OwnerEmails != nil {
		t.Errorf("three is %+v", three)
	}
	if p.Exposures["exposure.p.off"] != nil || p.Disabled["exposure.p.off"].ResourceType != "exposure" {
		t.Error("a disabled exposure is enabled")
	}
	if diff := cmp.Diff([]string{"model.p.a", "model.p.b"}, p.Parents["exposure.p.one"]); diff != "" {
		t.Errorf("parents mismatch (-want +got):\n%s", diff)
	}
}

func TestDisabled(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"list":   `[{"unique_id":"model.p.off","resource_type":"model","name":"off"},{"unique_id":"model.p.on"},{}]`,
		"map":    `{"model.p.off":[{"unique_id":"model.p.off","name":"off"},{"unique_id":"model.p.off","name":"off"}],"model.p.on":[{}]}`,
		"no ids": `{"model.p.off":[{"name":"off"}]}`,
		"flat":   `{"model.p.off":{"name":"off"}}`,
	} {
		p := loadManifest(t, manifest(4, "", `"nodes":{"model.p.on":{"package_name":"p"}},"disabled":`+text))
		want := map[string]dbt.Disabled{"model.p.off": {UniqueID: "model.p.off", ResourceType: "model", Name: "off"}}
		if diff := cmp.Diff(want, p.Disabled); diff != "" {
			t.Errorf("%s: Disabled mismatch (-want +got):\n%s", name, diff)
		}
	}
}

func TestEdges(t *testing.T) {
	t.Parallel()
	sections := `"nodes":{
		"model.p.a":{"depends_on":{"nodes":["source.p.s.t"]}},
		"seed.p.s":{},
		"model.p.b":{"depends_on":{"nodes":["model.p.a","seed.p.s","model.p.a"],"macros":["macro.p.m"]}},
		"test.p.t":{"depends_on":{"nodes":["model.p.b"]}}},
		"sources":{"source.p.s.t":{}},
		"semantic_models":{"semantic_model.p.sm":{"depends_on":{"nodes":["model.p.b"]}}},
		"metrics":{"metric.p.m":{"depends_on":{"nodes":["semantic_model.p.sm"]}}},
		"functions":{"function.p.f":{"depends_on":{"nodes":[]}}},
		"saved_queries":{"saved_query.p.q":{"depends_on":{"nodes":["metric.p.m"]}}},
		"exposures":{"exposure.p.e":{"depends_on":{"nodes":["metric.p.m"]}}}`
	full := `{"model.p.a":["source.p.s.t"],"model.p.b":["seed.p.s","model.p.a"],"test.p.t":["model.p.b"],
		"semantic_model.p.sm":["model.p.b"],"metric.p.m":["semantic_model.p.sm"],"saved_query.p.q":["metric.p.m"],
		"exposure.p.e":["metric.p.m"],"seed.p.s":null}`
	want := []string{
		"metric.p.m", "model.p.a", "model.p.b", "seed.p.s", "semantic_model.p.sm", "source.p.s.t",
	}
	for name, tt := range map[string]struct {
		parentMap string
		codes     []string
	}{
		"written": {full, nil},
		"missing": {"", []string{"edge_rebuilt"}},
		"null":    {"null", []string{"edge_rebuilt"}},
		"short":   {`{"model.p.b":["model.p.a"]}`, []string{"edge_added"}},
		"empty":   {`{}`, []string{"edge_added"}},
	} {
		text := sections
		if tt.parentMap != "" {
			text += `,"parent_map":` + tt.parentMap
		}
		p := loadManifest(t, manifest(12, `"project_name":"p"`, text))
		if diff := cmp.Diff(want, p.Ancestors("exposure.p.e")); diff != "" {
			t.Errorf("%s: Ancestors() mismatch (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff([]string{"model.p.a", "seed.p.s"}, p.Parents["model.p.b"]); diff != "" {
			t.Errorf("%s: parents of b mismatch (-want +got):\n%s", name, diff)
		}
		if got := codes(p.Diagnostics); !cmp.Equal(got, tt.codes) {
			t.Errorf("%s: diagnostics %v, want %v", name, got, tt.codes)
		}
		if got := p.Nodes["model.p.b"].DependsOn; len(got) != 3 {
			t.Errorf("%s: depends_on is not as written: %v", name, got)
		}
	}
}

// codes gives the distinct codes of diagnostics.
func codes(all []dbt.Diagnostic) []string {
	var out []string
	for _, d := range all {
		if len(out) == 0 || out[len(out)-1] != d.Code {
			out = append(out, d.Code)
		}
	}
	return out
}

func TestOddGraphs(t *testing.T) {
	t.Parallel()
	p := loadManifest(t, manifest(12, `"project_name":"p"`, `"nodes":{
		"model.p.a":{"depends_on":{"nodes":["model.p.b","model.p.gone","model.p.off"]}},
		"model.p.b":{"depends_on":{"nodes":["model.p.a"]}}},
		"disabled":{"model.p.off":[{"unique_id":"model.p.off"}]},"parent_map":{
		"model.p.a":["model.p.b","model.p.gone","model.p.off"],"model.p.b":["model.p.a"]}`))
	if diff := cmp.Diff([]string{"model.p.b"}, p.Ancestors("model.p.a")); diff != "" {
		t.Errorf("Ancestors() of a cycle mismatch (-want +got):\n%s", diff)
	}
	if len(p.Diagnostics) != 1 || p.Diagnostics[0].Code != "edge_dangling" || !strings.Contains(p.Diagnostics[0].Message, "model.p.gone") {
		t.Errorf("diagnostics %v, want the edge to model.p.gone", p.Diagnostics)
	}
}

func TestProjectName(t *testing.T) {
	t.Parallel()
	nodes := `"nodes":{"model.shop.a":{"package_name":"shop"},"model.dbt_utils.b":{"package_name":"dbt_utils"},"model.dbt_utils.c":{"package_name":"dbt_utils"}}`
	exposure := `,"exposures":{"exposure.shop.e":{"package_name":"shop"}}`
	for _, tt := range []struct{ metadata, rest, want, code string }{
		{`"project_name":"named"`, nodes, "named", ""},
		{`"project_id":"fb54f3c5992b96d001bb16e8e92d968d"`, nodes, "shop", ""}, // md5 of shop
		{`"project_id":"other"`, nodes + exposure, "shop", "project_guessed"},
		{"", nodes, "dbt_utils", "project_guessed"},
		{"", `"nodes":{}`, "", "project_guessed"},
	} {
		p := loadManifest(t, manifest(9, tt.metadata, tt.rest+`,"parent_map":{}`))
		if got := strings.Join(codes(p.Diagnostics), " "); p.Name != tt.want || got != tt.code {
			t.Errorf("%s: name %q, diagnostics %q, want %q, %q", tt.metadata, p.Name, got, tt.want, tt.code)
		}
	}
}

func TestSchemaVersions(t *testing.T) {
	t.Parallel()
	for version := 1; version <= 21; version++ {
		p := loadManifest(t, manifest(version, `"project_name":"p"`, `"nodes":{},"parent_map":{}`))
		unknown := version > 12 && version != 20
		if p.Schema != version || (len(p.Diagnostics) > 0) != unknown {
			t.Errorf("version %d read as %d with %v", version, p.Schema, p.Diagnostics)
		}
	}
	p := loadManifest(t, `{"nodes":{},"parent_map":{},"metadata":{"dbt_version":"1.9","project_name":"p"}}`)
	if p.Schema != 0 || len(p.Diagnostics) != 1 {
		t.Errorf("no version: %d, %v", p.Schema, p.Diagnostics)
	}
}
