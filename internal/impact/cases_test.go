package impact_test

import "testing"

type compareCase struct {
	name                string
	both, before, after edit // of both sides, of one
	oneWay              bool // the way back is no mirror: nobody says was:
}

func cases() []compareCase {
	var all []compareCase
	for _, list := range [][]compareCase{columnCases(), nodeCases(), testCases(), exposureCases(), jobCases()} {
		all = append(all, list...)
	}
	return all
}

func columnCases() []compareCase {
	return []compareCase{
		{name: "a mapped column of a contract is gone", both: func(t *testing.T, m tree) { contract(t, m, "export_customers") },
			after: func(t *testing.T, m tree) { dropColumn(t, m, "export_customers", "country") }},
		{name: "the key is gone", both: func(t *testing.T, m tree) { contract(t, m, "export_invoices") },
			after: func(t *testing.T, m tree) { dropColumn(t, m, "export_invoices", "invoice_id") }},
		{name: "nobody maps the column", both: func(t *testing.T, m tree) { contract(t, m, "export_orders") },
			after: func(t *testing.T, m tree) { dropColumn(t, m, "export_orders", "item_count") }},
		{name: "only YAML forgets a column", after: func(t *testing.T, m tree) {
			delete(at(t, model(t, m, "export_orders"), "columns"), "status")
		}},
		{name: "SQL above changed and YAML forgets a column", after: func(t *testing.T, m tree) {
			rewrite(t, m, "fct_orders")
			delete(at(t, model(t, m, "export_orders"), "columns"), "status")
		}},
		{name: "the mapping gave the column up in the same change", both: func(t *testing.T, m tree) { contract(t, m, "export_invoices") },
			after: func(t *testing.T, m tree) {
				dropColumn(t, m, "export_invoices", "tax_amount")
				declare(t, m, "finance_erp_export", `{"to": "erp.invoices", "key": "invoice_id", "fields": {"net": "net_amount"}}`)
			},
			before: func(t *testing.T, m tree) {
				declare(t, m, "finance_erp_export", `{"to": "erp.invoices", "key": "invoice_id", "fields": {"net": "net_amount", "tax": "tax_amount"}}`)
			}},
		{name: "an expression and a lookup need the column",
			both: func(t *testing.T, m tree) {
				contract(t, m, "export_orders")
				declare(t, m, "support_desk_export", `{"syncs": {
					"users": {"from": "export_customers", "to": "support.users", "key": {"id": "customer_id"}, "fields": {"email": "email"}},
					"tickets": {"from": "export_orders", "to": "support.orders", "key": {"id": "order_id"}, "changed_since": "updated_at",
						"fields": {"text": {"expr": "'order of ' + text(ordered_on)"}, "user": {"from": "customer_id", "cast": "text"}}}}}`)
			},
			after: func(t *testing.T, m tree) {
				dropColumn(t, m, "export_orders", "ordered_on")
				delete(at(t, model(t, m, "export_orders"), "columns"), "customer_id")
				delete(at(t, model(t, m, "export_orders"), "columns"), "updated_at")
			}},
		{name: "a column has another type", after: func(t *testing.T, m tree) {
			column(t, m, "export_customers", "is_active")["data_type"] = "text"
			column(t, m, "export_customers", "order_count")["data_type"] = "hugeint"
			column(t, m, "export_customers", "lifetime_value")["data_type"] = "numeric(8, 2)"
			column(t, m, "export_customers", "email")["data_type"] = "varchar"
		}},
		{name: "a column upstream by its name", after: func(t *testing.T, m tree) {
			at(t, model(t, m, "dim_customers"), "columns")["is_active"].(tree)["data_type"] = "text"
		}, before: func(t *testing.T, m tree) {
			at(t, model(t, m, "dim_customers"), "columns")["is_active"].(tree)["data_type"] = "boolean"
		}},
		{name: "a column upstream that no child has", both: func(t *testing.T, m tree) {
			at(t, model(t, m, "stg_customers"), "columns")["phone"] = tree{"name": "phone"}
			contract(t, m, "stg_customers")
		}, after: func(t *testing.T, m tree) { dropColumn(t, m, "stg_customers", "phone") }},
		{name: "a column is new", both: func(t *testing.T, m tree) { contract(t, m, "export_customers") },
			after: func(t *testing.T, m tree) {
				at(t, model(t, m, "export_customers"), "columns")["vip"] = tree{"name": "vip", "data_type": "boolean"}
				rewrite(t, m, "export_customers")
			}},
		{name: "a column looks renamed", both: func(t *testing.T, m tree) { contract(t, m, "export_invoices"); contract(t, m, "export_customers") },
			after: func(t *testing.T, m tree) {
				for model, names := range map[string][2]string{"export_invoices": {"status", "state"}, "export_customers": {"country", "country_name"}} {
					columns := at(t, m, "nodes", "model.shop."+model, "columns")
					columns[names[1]] = columns[names[0]]
					columns[names[1]].(tree)["name"] = names[1]
					dropColumn(t, m, model, names[0])
				}
			}},
		{name: "constraints", before: func(t *testing.T, m tree) {
			column(t, m, "export_customers", "email")["constraints"] = []any{tree{"type": "not_null"}, tree{"type": "unique"}}
		}, after: func(t *testing.T, m tree) {
			column(t, m, "export_customers", "email")["constraints"] = []any{tree{"type": "unique"}}
			model(t, m, "export_customers")["constraints"] = []any{tree{"type": "primary_key", "columns": []any{"email"}}}
		}},
	}
}

func nodeCases() []compareCase {
	moved := func(t *testing.T, m tree, name, alias string) {
		t.Helper()
		n := model(t, m, name)
		n["alias"], n["relation_name"] = alias, `"shop"."prod"."`+alias+`"`
		n["config"].(tree)["alias"], n["unrendered_config"].(tree)["alias"] = alias, alias
	}
	return []compareCase{
		{name: "an export is disabled", after: func(t *testing.T, m tree) { disable(t, m, "nodes", "model.shop.export_invoices") }},
		{name: "a model is gone and exposures read another one", after: func(t *testing.T, m tree) {
			removeNode(m, "model.shop.dim_customers")
			x := exposure(t, m, "ops_tool")
			x["depends_on"].(tree)["nodes"] = []any{"model.shop.fct_orders"}
			m["parent_map"].(tree)["exposure.shop.ops_tool"] = []any{"model.shop.fct_orders"}
			m["parent_map"].(tree)["model.shop.export_customers"] = []any{"model.shop.stg_customers"}
			model(t, m, "export_customers")["depends_on"].(tree)["nodes"] = []any{"model.shop.stg_customers"}
			for id := range m["nodes"].(tree) {
				if test := at(t, m, "nodes", id); test["attached_node"] == "model.shop.dim_customers" {
					removeNode(m, id)
				}
			}
			delete(m["unit_tests"].(tree), "unit_test.shop.dim_customers.cancelled_orders_do_not_count")
		}},
		{name: "a model looks renamed", after: func(t *testing.T, m tree) {
			n := model(t, m, "stg_invoices")
			removeNode(m, "model.shop.stg_invoices")
			n["unique_id"], n["name"], n["alias"], n["relation_name"] = "model.shop.stg_bills", "stg_bills", "stg_bills", `"shop"."prod"."stg_bills"`
			m["nodes"].(tree)["model.shop.stg_bills"] = n
			m["parent_map"].(tree)["model.shop.stg_bills"] = n["depends_on"].(tree)["nodes"]
			model(t, m, "fct_invoices")["depends_on"].(tree)["nodes"] = []any{"model.shop.stg_bills"}
			m["parent_map"].(tree)["model.shop.fct_invoices"] = []any{"model.shop.stg_bills"}
			for id := range m["nodes"].(tree) {
				if test := at(t, m, "nodes", id); test["attached_node"] == "model.shop.stg_invoices" {
					test["attached_node"] = "model.shop.stg_bills"
					test["depends_on"].(tree)["nodes"] = []any{"model.shop.stg_bills"}
					m["parent_map"].(tree)[id] = []any{"model.shop.stg_bills"}
				}
			}
		}},
		{name: "a source is gone", after: func(t *testing.T, m tree) {
			delete(at(t, m, "sources"), "source.shop.raw.invoices")
			delete(at(t, m, "parent_map"), "source.shop.raw.invoices")
			model(t, m, "stg_invoices")["depends_on"].(tree)["nodes"] = []any{}
			m["parent_map"].(tree)["model.shop.stg_invoices"] = []any{}
			for id, n := range m["nodes"].(tree) {
				if n.(tree)["attached_node"] == "source.shop.raw.invoices" {
					removeNode(m, id)
				}
			}
		}},
		{name: "an export becomes ephemeral", after: func(t *testing.T, m tree) {
			configure(t, m, "export_invoices", "materialized", "ephemeral")
			model(t, m, "export_invoices")["relation_name"] = nil
		}},
		{name: "dbt alone knows why", after: func(t *testing.T, m tree) {
			model(t, m, "fct_invoices")["fqn"] = []any{"shop", "elsewhere", "fct_invoices"}
		}},
		{name: "relations move", both: func(t *testing.T, m tree) {
			declare(t, m, "finance_erp_export", `{"hosted": "hightouch/7"}`)
		}, after: func(t *testing.T, m tree) {
			moved(t, m, "export_invoices", "erp_invoices")
			moved(t, m, "export_orders", "crm_orders")
			moved(t, m, "dim_customers", "customers")
		}},
		{name: "materializations", after: func(t *testing.T, m tree) {
			configure(t, m, "dim_customers", "materialized", "view")
			configure(t, m, "fct_orders", "materialized", "table")
			configure(t, m, "fct_invoices", "materialized", "incremental")
			configure(t, m, "export_orders", "materialized", "table")
			configure(t, m, "stg_invoices", "materialized", "table")
		}},
		{name: "a contract goes", before: func(t *testing.T, m tree) { contract(t, m, "export_invoices") }},
		{name: "a contract comes", after: func(t *testing.T, m tree) { contract(t, m, "export_invoices") }},
		{name: "a contract is another one", both: func(t *testing.T, m tree) { contract(t, m, "export_invoices") },
			after: func(t *testing.T, m tree) { model(t, m, "export_invoices")["contract"].(tree)["checksum"] = "d" }},
		{name: "access and deprecation", after: func(t *testing.T, m tree) {
			model(t, m, "export_invoices")["access"] = "private"
			model(t, m, "export_orders")["deprecation_date"] = "2031-01-01T00:00:00"
		}},
		{name: "another latest version", after: func(t *testing.T, m tree) {
			for _, v := range []string{"dim_products.v1", "dim_products.v2"} {
				model(t, m, v)["latest_version"] = 1
			}
		}, both: func(t *testing.T, m tree) {
			exposure(t, m, "ops_tool")["depends_on"].(tree)["nodes"] = []any{"model.shop.dim_products.v2"}
			m["parent_map"].(tree)["exposure.shop.ops_tool"] = []any{"model.shop.dim_products.v2"}
		}},
		{name: "a macro", after: func(t *testing.T, m tree) {
			at(t, m, "macros", "macro.shop.money")["macro_sql"] = "{% macro money() %}2{% endmacro %}"
		}, both: func(t *testing.T, m tree) {
			at(t, m, "macros")["macro.shop.money"] = tree{"macro_sql": "{% macro money() %}1{% endmacro %}", "depends_on": tree{"macros": []any{}}}
			model(t, m, "fct_invoices")["depends_on"].(tree)["macros"] = []any{"macro.shop.money"}
		}},
		{name: "configuration", after: func(t *testing.T, m tree) {
			configure(t, m, "fct_orders", "on_schema_change", "fail")
			configure(t, m, "fct_invoices", "meta", tree{"steward": "somebody"})
		}},
		{name: "a seed and a file", after: func(t *testing.T, m tree) {
			at(t, m, "nodes", "seed.shop.country_codes")["checksum"].(tree)["checksum"] = "other"
			model(t, m, "stg_invoices")["original_file_path"] = "models/staging/finance/stg_invoices.sql"
		}},
		{name: "sources", after: func(t *testing.T, m tree) {
			orders := at(t, m, "sources", "source.shop.raw.orders")
			orders["freshness"], orders["config"].(tree)["freshness"] = nil, nil
			invoices := at(t, m, "sources", "source.shop.raw.invoices")
			invoices["relation_name"], invoices["identifier"] = `"shop"."prod"."other_invoices"`, "other_invoices"
			payments := at(t, m, "sources", "source.shop.raw.payments")
			late := tree{"warn_after": tree{"count": 48, "period": "hour"}, "error_after": tree{"count": 72, "period": "hour"}}
			payments["freshness"], payments["config"].(tree)["freshness"] = late, late
			customers := at(t, m, "sources", "source.shop.raw.customers")
			customers["loaded_at_field"], customers["config"].(tree)["loaded_at_field"] = "_seen_at", "_seen_at"
		}},
	}
}

func testCases() []compareCase {
	return []compareCase{
		{name: "tests of the key", after: func(t *testing.T, m tree) {
			id, _ := testNode(t, m, "unique_export_customers_email")
			removeNode(m, id)
			id, _ = testNode(t, m, "not_null_export_customers_customer_id")
			disable(t, m, "nodes", id)
		}},
		{name: "looser tests", after: func(t *testing.T, m tree) {
			_, n := testNode(t, m, "not_null_export_orders_order_id")
			n["config"].(tree)["severity"], n["unrendered_config"].(tree)["severity"] = "warn", "warn"
			_, n = testNode(t, m, "unique_export_invoices_invoice_id")
			n["config"].(tree)["where"], n["unrendered_config"].(tree)["where"] = "issued_on > '2026-01-01'", "issued_on > '2026-01-01'"
		}},
		{name: "a stricter test", after: func(t *testing.T, m tree) {
			_, n := testNode(t, m, "not_null_export_customers_country")
			n["config"].(tree)["severity"], n["unrendered_config"].(tree)["severity"] = "error", "error"
		}},
		{name: "other arguments and a test upstream", after: func(t *testing.T, m tree) {
			id, n := testNode(t, m, "accepted_values_export_invoices_status")
			removeNode(m, id)
			n["unique_id"] = "test.shop.accepted_values_export_invoices_status__other.0123456789"
			m["nodes"].(tree)[n["unique_id"].(string)] = n
			m["parent_map"].(tree)[n["unique_id"].(string)] = []any{"model.shop.export_invoices"}
			id, _ = testNode(t, m, "unique_stg_invoices_invoice_id")
			removeNode(m, id)
		}},
	}
}

func exposureCases() []compareCase {
	return []compareCase{
		{name: "an exposure is gone", after: func(t *testing.T, m tree) { delete(at(t, m, "exposures"), "exposure.shop.finance_erp_export") }},
		{name: "an exposure is disabled", after: func(t *testing.T, m tree) { disable(t, m, "exposures", "exposure.shop.weekly_kpis") }},
		{name: "what people read", after: func(t *testing.T, m tree) {
			x := exposure(t, m, "weekly_kpis")
			x["url"], x["maturity"], x["owner"] = "https://bi.example.com/8", "low", tree{"name": "Somebody"}
			exposure(t, m, "ops_tool")["description"] = "other words"
		}},
		{name: "a watched sync is another one", both: func(t *testing.T, m tree) {
			x := exposure(t, m, "ops_tool")
			x["url"] = "https://app.hightouch.com/acme/syncs/1"
		}, after: func(t *testing.T, m tree) {
			exposure(t, m, "ops_tool")["url"] = "https://app.hightouch.com/acme/syncs/2"
		}},
		{name: "other dependencies", after: func(t *testing.T, m tree) {
			exposure(t, m, "ops_tool")["depends_on"].(tree)["nodes"] = []any{"model.shop.fct_orders"}
			m["parent_map"].(tree)["exposure.shop.ops_tool"] = []any{"model.shop.fct_orders"}
		}},
		{name: "the gate", after: func(t *testing.T, m tree) {
			declare(t, m, "email_crm_export", `{"to": "crm.contacts", "key": "email", "fields": "all", "sla": "6h", "ignore": [{"check": "keys", "reason": "composite"}],
				"gate": {"max_age": "48h", "waive": [{"node": "not_null_*", "reason": "later", "until": "2031-01-01"}]}}`)
		}},
		{name: "another type", after: func(t *testing.T, m tree) { exposure(t, m, "finance_erp_export")["type"] = "dashboard" }},
		{name: "renamed with was", oneWay: true, after: func(t *testing.T, m tree) {
			x := exposure(t, m, "email_crm_export")
			delete(at(t, m, "exposures"), "exposure.shop.email_crm_export")
			x["name"], x["unique_id"] = "crm_contacts", "exposure.shop.crm_contacts"
			at(t, m, "exposures")["exposure.shop.crm_contacts"] = x
			m["parent_map"].(tree)["exposure.shop.crm_contacts"] = []any{"model.shop.export_customers"}
			declare(t, m, "crm_contacts", `{"to": "crm.contacts", "key": "email", "fields": "all", "was": "email_crm_export"}`)
		}},
	}
}

func jobCases() []compareCase {
	finance := func(block string) edit {
		return func(t *testing.T, m tree) { t.Helper(); declare(t, m, "finance_erp_export", block) }
	}
	base := finance(`{"to": "erp.invoices", "key": "invoice_id", "fields": {"net": "net_amount", "state": "status"}}`)
	return []compareCase{
		{name: "the destination", before: base, after: finance(`{"to": "erp.bills", "key": "invoice_id", "fields": {"net": "net_amount", "state": "status"}}`)},
		{name: "the key", before: base, after: finance(`{"to": "erp.invoices", "key": {"number": "invoice_id"}, "fields": {"net": "net_amount", "state": "status"}}`)},
		{name: "where the key comes from", before: base, after: finance(`{"to": "erp.invoices", "key": {"invoice_id": "order_id"}, "fields": {"net": "net_amount", "state": "status"}}`)},
		{name: "the fields", before: base, after: finance(`{"to": "erp.invoices", "key": "invoice_id", "fields": {"net": {"expr": "net_amount * 2"}, "origin": {"value": "shop"}}}`)},
		{name: "mirror", before: base, after: finance(`{"to": "erp.invoices", "key": "invoice_id", "mode": "mirror", "owned": "all", "fields": {"net": "net_amount", "state": "status"}}`)},
		{name: "append", before: base, after: finance(`{"to": "erp.invoices", "key": "invoice_id", "mode": "append", "fields": {"net": "net_amount", "state": "status"}}`)},
		{name: "guards and times", before: base, after: finance(`{"to": "erp.invoices", "key": "invoice_id", "every": "3h", "first": "send", "max_rejected": "0.5%",
			"guards": {"creates": "off"}, "changed_since": "issued_on", "fields": {"net": "net_amount", "state": "status"}}`)},
		{name: "update", before: base, after: finance(`{"to": "erp.invoices", "key": "invoice_id", "mode": "update", "fields": {"net": "net_amount", "state": "status"}}`)},
		{name: "a mistake", before: base, after: finance(`{"to": "erp.invoices", "key": "invoice_id", "mode": "upsrt", "fields": {"net": "net_amount", "state": "status"}}`)},
		{name: "a mistake less", after: base, before: finance(`{"to": "erp.invoices", "key": "invoice_id", "mode": "upsrt", "fields": {"net": "net_amount", "state": "status"}}`)},
		{name: "another hosted sync", before: finance(`{"hosted": "hightouch/7"}`), after: finance(`{"hosted": "hightouch/8", "on_partial": "ok"}`)},
		{name: "a sync of several is renamed without was",
			before: finance(`{"syncs": {"a": {"to": "erp.invoices", "key": "invoice_id", "fields": "all"}}}`),
			after:  finance(`{"syncs": {"b": {"to": "erp.invoices", "key": "invoice_id", "fields": "all"}}}`)},
		{name: "another model", before: base, after: func(t *testing.T, m tree) {
			t.Helper()
			declare(t, m, "finance_erp_export", `{"to": "erp.invoices", "key": "invoice_id", "from": "fct_invoices", "fields": {"net": "net_amount", "state": "status"}}`)
			exposure(t, m, "finance_erp_export")["depends_on"].(tree)["nodes"] = []any{"model.shop.fct_invoices"}
			m["parent_map"].(tree)["exposure.shop.finance_erp_export"] = []any{"model.shop.fct_invoices"}
		}},
	}
}
