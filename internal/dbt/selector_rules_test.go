package dbt_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"exposync/internal/dbt"
	"exposync/internal/dbt/dbttest"
	"exposync/internal/fault"
)

// selected gives the sorted answer to words, which must not be refused.
func selected(tb testing.TB, p *dbt.Project, ctx dbt.SelectContext, sel dbt.Selection) []string {
	tb.Helper()
	got, err := dbt.Select(p, sel, ctx)
	if err != nil {
		tb.Fatalf("Select(%v): %v", sel, err)
	}
	return slices.Sorted(maps.Keys(got.IDs))
}

// TestSelectParts: the syncs of an exposure are selected with it or alone.
func TestSelectParts(t *testing.T) {
	t.Parallel()
	p := loadManifest(t, manifest(12, `"project_name":"p"`, `"nodes":{"model.p.m":{"name":"m","fqn":["p","m"]}},"parent_map":{},"exposures":{
		"exposure.p.crm":{"name":"crm","package_name":"p","fqn":["p","crm"],"tags":["t"],"depends_on":{"nodes":["model.p.m"]}},
		"exposure.p.erp":{"name":"erp","package_name":"p","fqn":["p","erp"]}}`))
	ctx := dbt.SelectContext{Parts: map[string][]string{"exposure.p.crm": {"crm.users", "crm.orders"}}}
	tests := []struct {
		sel  dbt.Selection
		want string
	}{
		{dbt.Selection{Select: []string{"crm"}}, "crm.orders crm.users exposure.p.crm"},
		{dbt.Selection{Select: []string{"crm.users"}}, "crm.users"},
		{dbt.Selection{Select: []string{"exposure:crm.users"}}, "crm.users"},
		{dbt.Selection{Select: []string{"crm.*"}}, "crm.orders crm.users"},
		{dbt.Selection{Select: []string{"*.users"}}, "crm.users"},
		{dbt.Selection{Select: []string{"m+1"}}, "crm.orders crm.users exposure.p.crm model.p.m"},
		{dbt.Selection{Select: []string{"tag:t"}, Exclude: []string{"crm.users"}}, "crm.orders exposure.p.crm"},
		{dbt.Selection{Select: []string{"tag:t,crm.users"}}, "crm.users"},
		{dbt.Selection{Select: []string{"erp", "crm.users"}}, "crm.users exposure.p.erp"},
		{dbt.Selection{Select: []string{"crm.users"}, Exclude: []string{"crm"}}, ""},
		{dbt.Selection{Exclude: []string{"crm"}}, "exposure.p.erp model.p.m"},
		{dbt.Selection{Select: []string{"owner:*"}}, ""},
	}
	for _, tt := range tests {
		if got := strings.Join(selected(t, p, ctx, tt.sel), " "); got != tt.want {
			t.Errorf("Select(%+v) = %s, want %s", tt.sel, got, tt.want)
		}
	}
}

// TestSelectOwner: the one method that dbt does not have.
func TestSelectOwner(t *testing.T) {
	t.Parallel()
	p, ctx := shop(t)
	for value, want := range map[string][]string{
		"Lifecycle*":         {"exposure.shop.email_crm_export"},
		"second@example.com": {"exposure.toolbox.partner_portal"},
		"*retail@*":          {"exposure.shop.store_board"},
		"lifecycle":          {},
	} {
		got := selected(t, p, ctx, dbt.Selection{Select: []string{"owner:" + value}})
		if diff := cmp.Diff(want, append([]string{}, got...)); diff != "" {
			t.Errorf("owner:%s (-want +got):\n%s", value, diff)
		}
	}
}

// TestSelectFaults: what is wrong is said, all of it.
func TestSelectFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		sel  dbt.Selection
		want []string
	}{
		{dbt.Selection{Select: []string{"tagg:a"}}, []string{`selector "tagg:a": there is no selector method "tagg"; did you mean "tag"?`}},
		{dbt.Selection{Select: []string{"a", "b:c,@d+"}, Exclude: []string{"e:f"}}, []string{`"b:c"`, `"@d+": @ in front and + behind`, `"e:f"`}},
		{dbt.Selection{Select: []string{"state:new"}}, []string{"state_missing"}},
		{dbt.Selection{Select: []string{"result:error"}}, []string{"state_missing"}},
		{dbt.Selection{Select: []string{"source_status:fresher"}}, []string{"state_missing"}},
		{dbt.Selection{Select: []string{"version:lates"}}, []string{`did you mean "latest"?`}},
		{dbt.Selection{Select: []string{"path:/models"}}, []string{"below the project's"}},
		{dbt.Selection{Select: []string{"path:"}}, []string{"below the project's"}},
		{dbt.Selection{Select: []string{"a\nb"}}, []string{"one line"}},
		{dbt.Selection{Selector: "x"}, []string{"there was no selectors.yml when dbt ran"}},
	}
	p := loadManifest(t, manifest(12, `"project_name":"p"`, `"nodes":{}`))
	for _, tt := range tests {
		_, err := dbt.Select(p, tt.sel, dbt.SelectContext{})
		list := fault.All(err)
		if len(list) != len(tt.want) {
			t.Errorf("Select(%+v) = %v, want %d faults", tt.sel, err, len(tt.want))
			continue
		}
		for i, want := range tt.want {
			if !strings.Contains(list[i].Error(), want) {
				t.Errorf("Select(%+v): fault %d is %v, want %s", tt.sel, i, list[i], want)
			}
		}
	}
}

// TestSelectorsFile: definitions that dbt refuses, or cannot be answered.
func TestSelectorsFile(t *testing.T) {
	t.Parallel()
	tests := []struct{ definition, want string }{
		{`{"method":"selector","value":"x"}`, "selectors.yml goes in a circle: x -> x"},
		{`{"union":[{"method":"selector","value":"*"}]}`, "goes in a circle"},
		{`{"method":"nope","value":"x"}`, `selectors.yml: x: selector "nope:x": there is no selector method`},
		{`{"method":"tag"}`, `selectors.yml: x`},
		{`{"method":"tag","value":["a","b"]}`, "a method and a value"},
		{`{"method":"tag","value":"a","indirect_selection":"some"}`, "is none of eager"},
		{`{"union":"a"}`, "is a list"},
		{`{"union":["a",{"exclude":["b"]},{"exclude":["c"]}]}`, "one exclude only"},
		{`["a"]`, "a text, a union"},
		{`{"method":"tag","value":"a","children":true,"childrens_parents":true}`, "exclude each other"},
	}
	for _, tt := range tests {
		p := loadManifest(t, manifest(12, `"project_name":"p"`,
			fmt.Sprintf(`"nodes":{"model.p.a":{"name":"a","fqn":["p","a"]}},"selectors":{"x":{"name":"x","definition":%s}}`, tt.definition)))
		for _, sel := range []dbt.Selection{{Selector: "x"}, {Select: []string{"selector:x"}}} {
			_, err := dbt.Select(p, sel, dbt.SelectContext{})
			if code(err) != "selector_invalid" || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %+v gives %v, want %s", tt.definition, sel, err, tt.want)
			}
		}
	}
}

// TestKeep: only what a selection asks for is kept.
func TestKeep(t *testing.T) {
	t.Parallel()
	tests := []struct {
		sel  dbt.Selection
		want dbt.Keep
	}{
		{dbt.Selection{}, 0},
		{dbt.Selection{Select: []string{"a+", "tag:x,path:y"}}, 0},
		{dbt.Selection{Select: []string{"a", "tag:x,config.meta.y:z"}}, dbt.KeepConfig},
		{dbt.Selection{Exclude: []string{"+state:new"}}, dbt.KeepContents},
		{dbt.Selection{Select: []string{"selector:x"}}, dbt.KeepConfig | dbt.KeepContents},
		{dbt.Selection{Selector: "x"}, dbt.KeepConfig | dbt.KeepContents},
	}
	path := write(t, "manifest.json", manifest(12, "", `"nodes":{"model.p.a":{"config":{"x":1},"raw_code":"select"}}`))
	for _, tt := range tests {
		if got := tt.sel.Keep(); got != tt.want {
			t.Errorf("%+v keeps %b, want %b", tt.sel, got, tt.want)
		}
		p := must(dbt.LoadManifest(t.Context(), path, tt.sel.Keep()))(t)
		if (p.Nodes["model.p.a"].Config != nil) != (tt.want&dbt.KeepConfig != 0) || (p.Contents != nil) != (tt.want&dbt.KeepContents != 0) {
			t.Errorf("%+v: kept %+v and %+v", tt.sel, p.Nodes["model.p.a"].Config, p.Contents)
		}
	}
}

// TestSelectAlgebra: two words are a union, a comma is an intersection, and
// --exclude takes away; on the shop, for any three words that dbt was asked.
func TestSelectAlgebra(t *testing.T) {
	t.Parallel()
	p, ctx := shop(t)
	words := []string{
		"tag:crm", "+tag:finance", "resource_type:exposure", "export_customers+", "@stg_invoices", "marts.core", "path:models/exports",
		"selector:nightly", "config.materialized:view", "test_type:unit", "state:modified", "result:pass", "nothing", "1+exposure:*",
	}
	one := map[string]map[string]bool{}
	for _, w := range words {
		got, err := dbt.Select(p, dbt.Selection{Select: []string{w}}, ctx)
		if err != nil {
			t.Fatal(err)
		}
		one[w] = got.IDs
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := rapid.SampledFrom(words).Draw(t, "a"), rapid.SampledFrom(words).Draw(t, "b"), rapid.SampledFrom(words).Draw(t, "c")
		got, err := dbt.Select(p, dbt.Selection{Select: []string{a + "," + b, c}, Exclude: []string{b + "," + c}}, ctx)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]bool{}
		for _, set := range one {
			for id := range set {
				included, excluded := one[a][id] && one[b][id] || one[c][id], one[b][id] && one[c][id]
				if included && !excluded {
					want[id] = true
				}
			}
		}
		if diff := cmp.Diff(want, got.IDs); diff != "" {
			t.Errorf("(%s and %s, or %s) less (%s and %s) (-want +got):\n%s", a, b, c, b, c, diff)
		}
	})
}

// TestStateOfMacros: a macro that changed, was added or removed marks all that
// call it, through any number of macros and in circles too.
func TestStateOfMacros(t *testing.T) {
	t.Parallel()
	load := func(macros string) *dbt.Project {
		text := manifest(12, `"project_name":"p"`, `"nodes":{
			"model.p.far":{"depends_on":{"macros":["macro.p.a"],"nodes":[]}},
			"model.p.gone":{"depends_on":{"macros":["macro.p.gone"],"nodes":[]}},
			"model.p.same":{"depends_on":{"macros":["macro.p.same"],"nodes":[]}}},"macros":`+macros)
		return must(dbt.LoadManifest(t.Context(), write(t, "manifest.json", text), dbt.KeepContents))(t)
	}
	then := load(`{"macro.p.a":{"macro_sql":"a","depends_on":{"macros":["macro.p.b"]}},"macro.p.b":{"macro_sql":"b","depends_on":{"macros":["macro.p.a","macro.p.c"]}},
		"macro.p.c":{"macro_sql":"c"},"macro.p.gone":{"macro_sql":"x"},"macro.p.same":{"macro_sql":"s"}}`)
	now := load(`{"macro.p.a":{"macro_sql":"a","depends_on":{"macros":["macro.p.b"]}},"macro.p.b":{"macro_sql":"b","depends_on":{"macros":["macro.p.a","macro.p.c"]}},
		"macro.p.c":{"macro_sql":"c, but new"},"macro.p.same":{"macro_sql":"s"}}`)
	got := selected(t, now, dbt.SelectContext{State: then}, dbt.Selection{Select: []string{"state:modified.macros"}})
	if diff := cmp.Diff([]string{"model.p.far", "model.p.gone"}, got); diff != "" {
		t.Errorf("state:modified.macros (-want +got):\n%s", diff)
	}
}

// TestStateSeesValuesNotSpelling: the same value written another way is no
// change, another value is one.
func TestStateSeesValuesNotSpelling(t *testing.T) {
	t.Parallel()
	load := func(text string) *dbt.Project {
		text = manifest(12, `"project_name":"p"`, `"nodes":{"model.p.a":`+text+`}`)
		return must(dbt.LoadManifest(t.Context(), write(t, "manifest.json", text), dbt.KeepContents))(t)
	}
	then := load(`{"raw_code":"é","unrendered_config":{"a":1,"b":[true,null]},"fqn":["p","a"],"description":"one"}`)
	tests := []struct {
		text string
		want int
	}{
		{`{"fqn":["p","a"],"unrendered_config":{"b":[true,null],"a":1.0},"raw_code":"\u00e9","deprecation_date":null}`, 0},
		{`{"fqn":["p","a"],"unrendered_config":{"b":[true,null],"a":1,"tags":["x"],"schema":null},"raw_code":"é","description":"two"}`, 0},
		{`{"fqn":["p","a"],"unrendered_config":{"b":[true],"a":1},"raw_code":"é"}`, 1},
		{`{"fqn":["p","a"],"unrendered_config":{"b":[true,null],"a":"1"},"raw_code":"é"}`, 1},
		{`{"fqn":["p","a"],"unrendered_config":{"b":[true,null],"a":1,"c":null},"raw_code":"é"}`, 1},
		{`{"fqn":["p","a"],"unrendered_config":{"b":[true,null],"a":1,"schema":"x"},"raw_code":"é"}`, 1},
		{`{"fqn":["p","x","a"],"unrendered_config":{"b":[true,null],"a":1},"raw_code":"é"}`, 1},
		{`{"fqn":["p","a"],"unrendered_config":{"b":[true,null],"a":1},"raw_code":"é","access":"public"}`, 1},
		{`{"fqn":["p","a"],"unrendered_config":{"b":[true,null],"a":1},"raw_code":"é","contract":{"enforced":true,"checksum":null}}`, 1},
		{`{"fqn":["p","a"],"unrendered_config":{"b":[true,null],"a":1},"raw_code":"é","description":"two","config":{"persist_docs":{"relation":true}}}`, 1},
	}
	for _, tt := range tests {
		got := selected(t, load(tt.text), dbt.SelectContext{State: then}, dbt.Selection{Select: []string{"state:modified"}})
		if len(got) != tt.want {
			t.Errorf("%s: state:modified has %v, want %d", tt.text, got, tt.want)
		}
	}
}

// TestSelectorValues: what is offered for completion is found when it is
// taken.
func TestSelectorValues(t *testing.T) {
	t.Parallel()
	p, ctx := shop(t)
	for _, method := range append(dbt.SelectorMethods(), "config.materialized") {
		values := p.SelectorValues(method)
		if len(values) == 0 && method != "config" {
			t.Errorf("%s: has no values", method)
		}
		for _, v := range values {
			got := selected(t, p, ctx, dbt.Selection{Select: []string{method + ":" + strings.ReplaceAll(v, " ", "?")}})
			fixed := slices.Contains([]string{"result", "state", "selector"}, method)
			if len(got) == 0 && !fixed {
				t.Errorf("%s:%s is offered, but matches nothing", method, v)
			}
		}
	}
}

// BenchmarkSelect answers on 10,000 nodes, the manifest being loaded.
func BenchmarkSelect(b *testing.B) {
	path := dbttest.Grow(b, artifactsDir, 10_000, nil)
	if _, err := os.Stat(path); err != nil {
		b.Fatal(err)
	}
	p := must(dbt.LoadManifest(b.Context(), path, dbt.KeepConfig|dbt.KeepContents))(b)
	ctx := dbt.SelectContext{State: p}
	for _, word := range []string{"email_crm_export", "+exposure:*", "path:models/**/*.sql", "config.materialized:view", "state:modified+"} {
		b.Run(word, func(b *testing.B) {
			for b.Loop() {
				if _, err := dbt.Select(p, dbt.Selection{Select: []string{word}}, ctx); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
