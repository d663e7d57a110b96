package lint

import (
	"slices"
	"strings"
	"testing"

	"exposync/internal/fault"
)

// proof is a scene in which a rule finds something, with where and what it
// says, and one like it in which it finds nothing.
type proof struct {
	bad, good scene
	at        string // file:line:col of the first finding, as far as it is fixed
	says      string // a part of its message
	code      string // of the finding, where the rule passes others' codes on
}

// one is an exposure in a file of its own, without a manifest.
func one(lines ...string) scene {
	return scene{yaml: "exposures:\n  - name: email_crm_export\n    type: application\n    " + strings.Join(lines, "\n    ") + "\n"}
}

// ours is an exposure with a block of ours.
func ours(lines ...string) scene {
	return one("config:", "  meta:", "    exposync:", "      "+strings.Join(lines, "\n          "))
}

func edited(edit func(manifest)) scene { return scene{edit: edit} }

const customers, crm = "model.shop.export_customers", "exposure.shop.email_crm_export"

// proofs has every rule.
func proofs() map[string]proof {
	const short = "exposync: {to: crm.contacts, key: email, fields: all}"
	fields := func(block string) scene {
		return scene{yaml: "exposures:\n  - name: x\n    type: application\n    config: {meta: {exposync: {to: crm.a, key: id, " + block + "}}}\n"}
	}
	return map[string]proof{
		"yaml_tab":        {bad: one("owner:", "\tname: Ada"), good: one("owner:", "  name: Ada", "  # a\ttab in a comment"), at: exportsYML + ":5:5", says: "tab"},
		"yaml_quotes":     {bad: one("description: '{{ doc('x') }}'"), good: one("description: \"{{ doc('x') }}\" # it's"), at: exportsYML + ":4:18", says: "ends at the second one"},
		"yaml_jinja":      {bad: one("description: {{ doc('x') }}"), good: one("description: 'a {{ x }}'"), at: exportsYML + ":4:18", says: "braces"},
		"yaml_bare_list":  {bad: scene{yaml: "- name: x\n  type: application\n"}, good: scene{yaml: "- name: x\n  type: other\n"}, at: exportsYML + ":1:1", says: "without a key"},
		"yaml_depends_on": {bad: one("depends on: [ref('x')]"), good: one("depends_on: [ref('x')]"), at: exportsYML + ":4:5", says: "depends on nothing"},
		"yaml_unreadable": {bad: one("description: Contacts: all"), good: one("description: 'Contacts: all'"), at: exportsYML + ":4", says: "not valid YAML"},
		"yaml_sql": {
			bad:  scene{yaml: "select * from {{ ref('dim_customers') }}\n"},
			good: scene{yaml: "# select * from x\nmodels: [{name: a, description: select from}]\n"}, at: exportsYML + ":1:1", says: "SQL",
		},
		"yaml_comment": {bad: ours("notify:", "  slack: #tool-email-crm"), good: ours("notify:", "  slack: '#tool-email-crm' # a channel", "  channel: # nothing yet", "owner: #todo"), at: exportsYML + ":8:20", says: "#tool-email-crm without quotes"},
		"yaml_word":    {bad: fields("fields: {on: a}"), good: fields(`fields: {"on": a, active: "no"}, gate: {skip_if_unchanged: yes}`), at: exportsYML + ":4:61", says: "the unquoted on for true"},
		"yaml_date":    {bad: fields("ignore: [{check: x, reason: y, until: 2026-12-31}]"), good: fields(`ignore: [{check: x, reason: y, until: "2026-12-31"}]`), at: exportsYML + ":4", says: "is a date"},
		"yaml_number":  {bad: fields("fields: {a: {value: 0123}}"), good: fields(`fields: {a: {value: "0123"}, b: {value: 12}, c: {value: 0}, d: {value: 1.5}}, every: 1h30m`), at: exportsYML + ":4", says: "the number 83"},

		"meta_misplaced": {
			bad:  scene{engine: "2.0-duckdb", replace: []string{"    config:\n      tags: [crm]\n      meta:\n        " + short, "    config:\n      tags: [crm]\n    meta:\n      " + short}},
			good: scene{engine: "2.0-duckdb"}, at: exportsYML + ":164:5", says: "does not read meta beside config",
		},
		"exposync_misplaced": {bad: one(short), good: one("config: {meta: {" + short + "}}"), at: exportsYML + ":4:5", says: "outside of meta"},
		"exposure_unknown_key": {
			bad: one("desciption: x"), good: one("description: x", "label: y", "maturity: low", "url: https://x.example.com", "owner: {name: a}", "depends_on: []", "tags: [a]", "meta: {}"),
			at: exportsYML + ":4:5", says: `no key "desciption"`,
		},
		"exposure_owner_keys": {bad: one("owner: {name: a, slack: '#x'}"), good: one("owner: {name: a, email: [a@example.com]}"), at: exportsYML + ":4:22", says: "slack"},
		"secret_in_meta": {
			bad: one("meta: {exposync: {to: a.b, token: hunter2hunter2}}"), at: exportsYML + ":4", says: "looks like a secret",
			good: one("meta: {exposync: {to: a.b}, token: CRM_TOKEN, password: 'file:/run/x', token_type: bearer, primary_key: id, secret: none, cookie: <fill in>}"),
		},
		"sync_invalid": {
			bad: edited(func(m manifest) {
				m.declare("email_crm_export", map[string]any{"to": "crm.contacts", "key": "email", "feilds": "all"})
			}),
			good: scene{}, at: exportsYML + ":165:0", says: "feilds", code: "unknown_key",
		},
		"config_invalid": {bad: scene{yaml: "version: 2\n", config: "targets:\n  dev: sandox\n"}, good: scene{yaml: "version: 2\n", config: "targets:\n  dev: sandbox\n"}, at: "exposync.yml:2:0", says: "sandbox", code: "setting_invalid"},

		"exposure_no_owner":         {bad: one("owner: {name: ''}"), good: one("owner: {email: a@example.com}"), at: exportsYML + ":4:5", says: "no owner"},
		"exposure_no_url":           {bad: ours("hosted: hightouch/1"), good: one("url: https://app.hightouch.com/a/syncs/1", "config: {meta: {exposync: {hosted: hightouch/1}}}"), at: exportsYML + ":2:11", says: "no url"},
		"exposure_no_description":   {bad: ours("hosted: hightouch/1"), good: one("description: \"{{ doc('x') }}\"", "config: {meta: {exposync: {hosted: hightouch/1}}}"), at: exportsYML + ":2:11", says: "no description"},
		"exposure_no_maturity":      {bad: ours("hosted: hightouch/1"), good: one("maturity: low", "config: {meta: {exposync: {hosted: hightouch/1}}}"), at: exportsYML + ":2:11", says: "no maturity"},
		"exposure_no_sla":           {bad: ours("hosted: hightouch/1"), good: ours("syncs:", "  a: {hosted: hightouch/1, sla: 3h}", "  b: {hosted: hightouch/2, sla: 6h}"), at: exportsYML + ":2:11", says: "how stale"},
		"exposure_maturity_unknown": {bad: one("maturity: production"), good: one("maturity: high"), at: exportsYML + ":4:5", says: `"production"`},
		"exposure_placeholder":      {bad: one("url: <your sync url>"), good: one("url: https://x.example.com/?a=1"), at: exportsYML + ":4:5", says: "placeholder"},
		"exposure_url_invalid":      {bad: one("url: app.hightouch.com/a/syncs/1"), good: one("url: \"{{ var('page') }}\""), at: exportsYML + ":4:5", says: "no address"},
		"exposure_name_invalid":     {bad: scene{yaml: "exposures: [{name: Email export, type: ml}]\n"}, good: scene{yaml: "exposures: [{name: email-export_2, type: ml}]\n"}, at: exportsYML + ":1:14", says: "other characters"},
		"exposure_type_unknown":     {bad: scene{yaml: "exposures: [{name: a, type: app}]\n"}, good: scene{yaml: "exposures: [{name: a, type: ml}, {name: b, type: \"{{ var('t') }}\"}]\n"}, at: exportsYML + ":1:23", says: `no type "app"`},
		"exposure_parents_unread":   {bad: one("depends_on:", "  - ref('a')", "  - export_customers"), good: one(`depends_on: ["ref('a'), ref('b')", "source('s', 't'),", "metric('m')", "ref ('p', 'm', v=2)"]`), at: exportsYML + ":6:9", says: "no parent"},
		"exposure_no_parents":       {bad: one("depends_on: []"), good: one("depends_on: ref('a'), ref('b')"), at: exportsYML + ":4:5", says: "depends on nothing"},
		"exposure_no_sync":          {bad: one("url: https://looker.example.com/1"), good: one("url: https://app.hightouch.com/a/syncs/1"), at: exportsYML + ":3:5", says: "Looker"},
		"exposure_watched_only":     {bad: one("url: https://app.hightouch.com/a/syncs/17"), good: one("url: https://app.hightouch.com/a/syncs/17", "config: {meta: {exposync: {hosted: hightouch}}}"), at: exportsYML + ":4:5", says: "hightouch"},

		"export_no_exposure": {bad: edited(func(m manifest) { m.copyModel("export_orders", "export_refunds") }), good: scene{}, says: "export_refunds leaves the warehouse"},
		"export_misnamed": {
			bad:  edited(func(m manifest) { m.copyModel("export_orders", "orders_out") }),
			good: scene{}, at: "models/exports/orders_out.sql:0:0", says: "not called export_",
		},
		"export_misplaced": {
			bad:  edited(func(m manifest) { m.node(customers)["original_file_path"] = "models/marts/export_customers.sql" }),
			good: edited(func(m manifest) { m.node(customers)["original_file_path"] = `models\export\crm\export_customers.sql` }),
			at:   "models/marts/export_customers.sql:0:0", says: "is in models/marts",
		},
		"export_same_parent": {bad: edited(func(m manifest) { m.copyModel("export_orders", "export_refunds") }), good: scene{}, says: "export_orders and export_refunds both read nothing but fct_orders"},
		"export_used": {
			bad: edited(func(m manifest) {
				m.copyModel("dim_customers", "dim_mails")
				m["parent_map"].(map[string]any)["model.shop.dim_mails"] = []any{customers}
			}),
			good: scene{}, at: exportsYML + ":7:5", says: "dim_mails builds on the export export_customers",
		},
		"export_heavy": {
			bad:  scene{files: map[string]string{"models/exports/export_customers.sql": "select a\nfrom {{ ref('a') }}\njoin {{ ref('b') }} using (id)\n"}},
			good: scene{files: map[string]string{"models/exports/export_customers.sql": "-- join\nselect a, 'group by' as b\nfrom {{ ref('a') }}\n"}},
			at:   "models/exports/export_customers.sql:3:1", says: "joins (join, line 3)",
		},
		"export_not_view": {
			bad: edited(func(m manifest) { m.config(customers)["materialized"] = "table" }),
			good: edited(func(m manifest) {
				m.config(customers)["materialized"] = "table"
				m.config(customers)["meta"] = map[string]any{"exposync": map[string]any{"ignore": []any{map[string]any{"check": "export_not_view", "reason": "the tool reads it hourly"}}}}
			}), at: exportsYML + ":7:5", says: "materialized as table",
		},
		"export_view_chain": {bad: edited(func(m manifest) { m.config("model.shop.dim_customers")["materialized"] = "view" }), good: scene{}, at: exportsYML + ":7:5", says: "dim_customers (view)"},

		"key_untested":        {bad: edited(func(m manifest) { m.drop("test.shop.unique_export_customers_email") }), good: scene{}, at: exportsYML + ":20:9", says: "unique on email"},
		"parity_untested":     {bad: edited(func(m manifest) { m.drop("test.shop.equal_rowcount_export_customers") }), good: scene{}, at: exportsYML + ":7:5", says: "dim_customers"},
		"values_untested":     {bad: edited(func(m manifest) { m.drop("test.shop.accepted_values_export_orders_status") }), good: scene{}, says: "export_orders.status"},
		"column_unknown":      {bad: scene{catalog: true, edit: withColumn("emial")}, good: scene{catalog: true}, at: exportsYML + ":165:0", says: "did you mean email?"},
		"column_undocumented": {bad: edited(func(m manifest) { column(m, "email")["description"] = "" }), good: scene{}, at: exportsYML + ":20:9", says: "export_customers.email"},
		"column_untyped":      {bad: edited(func(m manifest) { column(m, "email")["data_type"] = nil }), good: scene{}, at: exportsYML + ":20:9", says: "type is not declared"},
		"contract_missing": {
			bad: scene{}, good: edited(func(m manifest) {
				for _, n := range []string{"customers", "orders", "invoices"} {
					m.config("model.shop.export_" + n)["contract"] = map[string]any{"enforced": true}
				}
			}), at: exportsYML + ":7:5", says: "no contract",
		},
		"source_no_freshness": {
			bad: edited(func(m manifest) {
				m.node("source.shop.raw.customers")["freshness"] = nil
				m.config("source.shop.raw.customers")["freshness"] = nil
			}), good: scene{}, says: "promises no freshness",
		},

		"parent_missing": {bad: edited(func(m manifest) { m.drop(customers) }), good: scene{}, at: exportsYML + ":157:5", says: "not in the manifest"},
		"parent_private": {
			bad:  edited(func(m manifest) { m.node(customers)["access"], m.node(customers)["group"] = "private", "crm" }),
			good: edited(func(m manifest) { m.node(customers)["access"] = "protected" }), at: exportsYML + ":157:5", says: "private to group crm",
		},
		"parent_deprecated": {
			bad:  edited(func(m manifest) { m.node(customers)["deprecation_date"] = "2026-12-31T00:00:00+00:00" }),
			good: scene{}, at: exportsYML + ":157:5", says: "will be deprecated on 2026-12-31",
		},
		"parent_unpinned": {
			bad:  edited(func(m manifest) { m.node(customers)["version"] = 1 }),
			good: scene{edit: func(m manifest) { m.node(customers)["version"] = 1 }, replace: []string{"- ref('export_customers')", "- ref('export_customers', v=1)"}},
			at:   exportsYML + ":158:9", says: "without a version",
		},
		"parent_not_export": {
			bad: edited(func(m manifest) {
				m.node(crm)["depends_on"] = map[string]any{"nodes": []any{customers, "model.shop.dim_customers"}}
			}), good: scene{}, at: exportsYML + ":157:5", says: "dim_customers, which is no export model",
		},
		"destination_twice": {bad: edited(twice("given_name")), good: edited(twice("nickname")), at: exportsYML, says: "both write given_name"},
		"sla_unreachable":   {bad: edited(promises("6h", "24h")), good: edited(promises("72h", "24h")), at: exportsYML + ":151:11", says: "runs every 1d"},

		"ignore_expired":   {bad: ours(`ignore: [{check: exposure_no_url, reason: x, until: "2026-10-31"}]`), good: ours(`ignore: [{check: exposure_no_url, reason: x, until: "2026-11-01"}]`), says: "over"},
		"ignore_unknown":   {bad: ours(`ignore: [{check: exposure_no_ulr, reason: x}]`), good: ours(`ignore: [{check: parity, reason: x}, {check: exposure_no_url, reason: x}]`), says: "did you mean exposure_no_url?"},
		"ignore_no_reason": {bad: ours(`ignore: [{check: exposure_no_url}]`), good: ours(`ignore: [{check: exposure_no_url, reason: x}]`), says: "no reason"},
	}
}

func column(m manifest, name string) map[string]any {
	return m.node(customers)["columns"].(map[string]any)[name].(map[string]any)
}

func withColumn(name string) func(manifest) {
	return func(m manifest) {
		m.declare("email_crm_export", map[string]any{"to": "crm.contacts", "key": "email", "fields": map[string]any{"mail": name}})
	}
}

// twice lets two exposures write fields of one object, of which one may be the
// same.
func twice(field string) func(manifest) {
	return func(m manifest) {
		block := func(field string) map[string]any {
			return map[string]any{"to": "crm.contacts", "key": "email", "fields": map[string]any{field: "first_name"}, "from": "export_customers"}
		}
		m.declare("email_crm_export", block("given_name"))
		m.declare("support_desk_export", block(field))
	}
}

func promises(sla, every string) func(manifest) {
	return func(m manifest) {
		m.declare("email_crm_export", map[string]any{"to": "crm.contacts", "key": "email", "fields": "all", "sla": sla, "every": every})
	}
}

// Every rule finds what it is for, where it is, and nothing in a scene that is
// like it but right.
func TestEveryRule(t *testing.T) {
	t.Parallel()
	for _, r := range Rules() {
		t.Run(r.Code, func(t *testing.T) {
			t.Parallel()
			p, ok := proofs()[r.Code]
			if !ok {
				t.Fatal("the rule has no proof")
			}
			code := r.Code
			if p.code != "" {
				code = p.code
			}
			in := p.bad.input(t)
			in.Only = []string{r.Code}
			report := Check(in)
			got := found(report, code)
			if len(got) == 0 {
				t.Fatalf("nothing was found; not run: %v", report.NotRun)
			}
			if !strings.HasPrefix(strings.TrimSuffix(placed(got[0]), " "+code), p.at) {
				t.Errorf("found %s, want it at %s", placed(got[0]), p.at)
			}
			if !slices.ContainsFunc(got, func(f Finding) bool { return strings.Contains(f.Message, p.says) }) {
				t.Errorf("it says %q, want it to say %q", got[0].Message, p.says)
			}
			for _, f := range got {
				if f.Fix == "" || f.Subject == "" || f.Severity == "" || f.Message == "" {
					t.Errorf("the finding is not complete: %+v", f)
				}
			}
			in = p.good.input(t)
			in.Only = []string{r.Code}
			for _, f := range Check(in).Findings {
				t.Errorf("a false alarm: %s: %s", placed(f), f.Message)
			}
		})
	}
	for code := range proofs() {
		if !slices.Contains(Codes(), code) {
			t.Errorf("there is a proof of %s, which is no rule", code)
		}
	}
}

// A rule that says it can mend things can.
func TestRulesThatMend(t *testing.T) {
	t.Parallel()
	for _, r := range Rules() {
		bad := proofs()[r.Code].bad
		if !r.Fixes && bad.edit != nil {
			continue // about the manifest alone
		}
		in := bad.input(t)
		in.Only = []string{r.Code}
		fixed := Fix(in)
		if r.Fixes != (len(fixed) > 0) {
			t.Errorf("%s: Fixes is %t, and it mended %d files", r.Code, r.Fixes, len(fixed))
			continue
		}
		for _, f := range fixed {
			in.Files[f.File] = f.Now
		}
		if left := Check(in).Findings; r.Fixes && len(left) > 0 {
			t.Errorf("%s: mended, and still found: %s\n%s", r.Code, left[0].Message, fixed[0].Now)
		}
	}
}

func TestEveryRuleHasAPage(t *testing.T) {
	t.Parallel()
	for _, r := range Rules() {
		page, ok := fault.Explain(r.Code)
		if !ok || page.Title == "" || !strings.Contains(page.Means, "Found:") || !strings.Contains(page.Next, "Write:") {
			t.Errorf("the page of %s has no bad and good example: %+v", r.Code, page)
		}
	}
}
