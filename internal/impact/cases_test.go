package impact_test

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
		{
			name: "a mapped column of a contract is gone", both: func(d doc) { d.contract("export_customers") },
			after: func(d doc) { d.dropColumn("export_customers", "country") },
		},
		{
			name: "the key is gone", both: func(d doc) { d.contract("export_invoices") },
			after: func(d doc) { d.dropColumn("export_invoices", "invoice_id") },
		},
		{
			name: "nobody maps the column", both: func(d doc) { d.contract("export_orders") },
			after: func(d doc) { d.dropColumn("export_orders", "item_count") },
		},
		{name: "only YAML forgets a column", after: func(d doc) {
			delete(d.below(d.model("export_orders"), "columns"), "status")
		}},
		{name: "SQL above changed and YAML forgets a column", after: func(d doc) {
			d.rewrite("fct_orders")
			delete(d.below(d.model("export_orders"), "columns"), "status")
		}},
		{
			name: "the mapping gave the column up in the same change", both: func(d doc) { d.contract("export_invoices") },
			after: func(d doc) {
				d.dropColumn("export_invoices", "tax_amount")
				d.declare("finance_erp_export", `{"to": "erp.invoices", "key": "invoice_id", "fields": {"net": "net_amount"}}`)
			},
			before: func(d doc) {
				d.declare("finance_erp_export", `{"to": "erp.invoices", "key": "invoice_id", "fields": {"net": "net_amount", "tax": "tax_amount"}}`)
			},
		},
		{
			name: "an expression and a lookup need the column",
			both: func(d doc) {
				d.contract("export_orders")
				d.declare("support_desk_export", `{"syncs": {
					"users": {"from": "export_customers", "to": "support.users", "key": {"id": "customer_id"}, "fields": {"email": "email"}},
					"tickets": {"from": "export_orders", "to": "support.orders", "key": {"id": "order_id"}, "changed_since": "updated_at",
						"fields": {"text": {"expr": "'order of ' + text(ordered_on)"}, "user": {"from": "customer_id", "cast": "text"}}}}}`)
			},
			after: func(d doc) {
				d.dropColumn("export_orders", "ordered_on")
				delete(d.below(d.model("export_orders"), "columns"), "customer_id")
				delete(d.below(d.model("export_orders"), "columns"), "updated_at")
			},
		},
		{name: "a column has another type", after: func(d doc) {
			d.column("is_active")["data_type"] = "text"
			d.column("order_count")["data_type"] = "hugeint"
			d.column("lifetime_value")["data_type"] = "numeric(8, 2)"
			d.column("email")["data_type"] = "varchar"
		}},
		{name: "a column upstream by its name", after: func(d doc) {
			d.below(d.model("dim_customers"), "columns")["is_active"].(tree)["data_type"] = "text"
		}, before: func(d doc) {
			d.below(d.model("dim_customers"), "columns")["is_active"].(tree)["data_type"] = "boolean"
		}},
		{name: "a column upstream that no child has", both: func(d doc) {
			d.below(d.model("stg_customers"), "columns")["phone"] = tree{"name": "phone"}
			d.contract("stg_customers")
		}, after: func(d doc) { d.dropColumn("stg_customers", "phone") }},
		{
			name: "a column is new", both: func(d doc) { d.contract("export_customers") },
			after: func(d doc) {
				d.below(d.model("export_customers"), "columns")["vip"] = tree{"name": "vip", "data_type": "boolean"}
				d.rewrite("export_customers")
			},
		},
		{
			name: "a column looks renamed", both: func(d doc) { d.contract("export_invoices"); d.contract("export_customers") },
			after: func(d doc) {
				for model, names := range map[string][2]string{"export_invoices": {"status", "state"}, "export_customers": {"country", "country_name"}} {
					columns := d.at("nodes", "model.shop."+model, "columns")
					columns[names[1]] = columns[names[0]]
					columns[names[1]].(tree)["name"] = names[1]
					d.dropColumn(model, names[0])
				}
			},
		},
		{name: "constraints", before: func(d doc) {
			d.column("email")["constraints"] = []any{tree{"type": "not_null"}, tree{"type": "unique"}}
		}, after: func(d doc) {
			d.column("email")["constraints"] = []any{tree{"type": "unique"}}
			d.model("export_customers")["constraints"] = []any{tree{"type": "primary_key", "columns": []any{"email"}}}
		}},
	}
}

func nodeCases() []compareCase {
	moved := func(d doc, name, alias string) {
		n := d.model(name)
		n["alias"], n["relation_name"] = alias, `"shop"."prod"."`+alias+`"`
		n["config"].(tree)["alias"], n["unrendered_config"].(tree)["alias"] = alias, alias
	}
	return []compareCase{
		{name: "an export is disabled", after: func(d doc) { d.disable("nodes", "model.shop.export_invoices") }},
		{name: "a model is gone and exposures read another one", after: func(d doc) {
			d.remove("model.shop.dim_customers")
			x := d.exposure("ops_tool")
			x["depends_on"].(tree)["nodes"] = []any{"model.shop.fct_orders"}
			d.m["parent_map"].(tree)["exposure.shop.ops_tool"] = []any{"model.shop.fct_orders"}
			d.m["parent_map"].(tree)["model.shop.export_customers"] = []any{"model.shop.stg_customers"}
			d.model("export_customers")["depends_on"].(tree)["nodes"] = []any{"model.shop.stg_customers"}
			for id := range d.m["nodes"].(tree) {
				if test := d.at("nodes", id); test["attached_node"] == "model.shop.dim_customers" {
					d.remove(id)
				}
			}
			delete(d.m["unit_tests"].(tree), "unit_test.shop.dim_customers.cancelled_orders_do_not_count")
		}},
		{name: "a model looks renamed", after: func(d doc) {
			n := d.model("stg_invoices")
			d.remove("model.shop.stg_invoices")
			n["unique_id"], n["name"], n["alias"], n["relation_name"] = "model.shop.stg_bills", "stg_bills", "stg_bills", `"shop"."prod"."stg_bills"`
			d.m["nodes"].(tree)["model.shop.stg_bills"] = n
			d.m["parent_map"].(tree)["model.shop.stg_bills"] = n["depends_on"].(tree)["nodes"]
			d.model("fct_invoices")["depends_on"].(tree)["nodes"] = []any{"model.shop.stg_bills"}
			d.m["parent_map"].(tree)["model.shop.fct_invoices"] = []any{"model.shop.stg_bills"}
			for id := range d.m["nodes"].(tree) {
				if test := d.at("nodes", id); test["attached_node"] == "model.shop.stg_invoices" {
					test["attached_node"] = "model.shop.stg_bills"
					test["depends_on"].(tree)["nodes"] = []any{"model.shop.stg_bills"}
					d.m["parent_map"].(tree)[id] = []any{"model.shop.stg_bills"}
				}
			}
		}},
		{name: "a model gets its first version", after: func(d doc) {
			const id = "model.shop.export_invoices.v1"
			n := d.model("export_invoices")
			d.remove("model.shop.export_invoices")
			n["unique_id"], n["version"], n["latest_version"], n["alias"] = id, 1, 1, "export_invoices_v1"
			n["relation_name"] = `"shop"."prod"."export_invoices_v1"`
			d.m["nodes"].(tree)[id] = n
			d.m["parent_map"].(tree)[id] = n["depends_on"].(tree)["nodes"]
			d.exposure("finance_erp_export")["depends_on"].(tree)["nodes"] = []any{id}
			d.m["parent_map"].(tree)["exposure.shop.finance_erp_export"] = []any{id}
			for test, n := range d.m["nodes"].(tree) {
				if n := n.(tree); n["attached_node"] == "model.shop.export_invoices" {
					d.remove(test)
					n["unique_id"], n["attached_node"] = test+"_v1", id // dbt hashes the model's name into it
					n["depends_on"].(tree)["nodes"] = []any{id}
					d.m["nodes"].(tree)[test+"_v1"] = n
					d.m["parent_map"].(tree)[test+"_v1"] = []any{id}
				}
			}
		}},
		{name: "a source is gone", after: func(d doc) {
			delete(d.at("sources"), "source.shop.raw.invoices")
			delete(d.at("parent_map"), "source.shop.raw.invoices")
			d.model("stg_invoices")["depends_on"].(tree)["nodes"] = []any{}
			d.m["parent_map"].(tree)["model.shop.stg_invoices"] = []any{}
			for id, n := range d.m["nodes"].(tree) {
				if n.(tree)["attached_node"] == "source.shop.raw.invoices" {
					d.remove(id)
				}
			}
		}},
		{name: "an export becomes ephemeral", after: func(d doc) {
			d.configure("export_invoices", "materialized", "ephemeral")
			d.model("export_invoices")["relation_name"] = nil
		}},
		{name: "dbt alone knows why", after: func(d doc) {
			d.model("fct_invoices")["fqn"] = []any{"shop", "elsewhere", "fct_invoices"}
		}},
		{name: "relations move", both: func(d doc) {
			d.declare("finance_erp_export", `{"hosted": "hightouch/7"}`)
		}, after: func(d doc) {
			moved(d, "export_invoices", "erp_invoices")
			moved(d, "export_orders", "crm_orders")
			moved(d, "dim_customers", "customers")
		}},
		{name: "materializations", after: func(d doc) {
			d.configure("dim_customers", "materialized", "view")
			d.configure("fct_orders", "materialized", "table")
			d.configure("fct_invoices", "materialized", "incremental")
			d.configure("export_orders", "materialized", "table")
			d.configure("stg_invoices", "materialized", "table")
		}},
		{name: "a contract goes", before: func(d doc) { d.contract("export_invoices") }},
		{name: "a contract comes", after: func(d doc) { d.contract("export_invoices") }},
		{
			name: "a contract is another one", both: func(d doc) { d.contract("export_invoices") },
			after: func(d doc) { d.model("export_invoices")["contract"].(tree)["checksum"] = "d" },
		},
		{name: "access and deprecation", after: func(d doc) {
			d.model("export_invoices")["access"] = "private"
			d.model("export_orders")["deprecation_date"] = "2031-01-01T00:00:00"
		}},
		{name: "another latest version", after: func(d doc) {
			for _, v := range []string{"dim_products.v1", "dim_products.v2"} {
				d.model(v)["latest_version"] = 1
			}
		}, both: func(d doc) {
			d.exposure("ops_tool")["depends_on"].(tree)["nodes"] = []any{"model.shop.dim_products.v2"}
			d.m["parent_map"].(tree)["exposure.shop.ops_tool"] = []any{"model.shop.dim_products.v2"}
		}},
		{name: "a macro", after: func(d doc) {
			d.at("macros", "macro.shop.money")["macro_sql"] = "{% macro money() %}2{% endmacro %}"
		}, both: func(d doc) {
			d.at("macros")["macro.shop.money"] = tree{"macro_sql": "{% macro money() %}1{% endmacro %}", "depends_on": tree{"macros": []any{}}}
			d.model("fct_invoices")["depends_on"].(tree)["macros"] = []any{"macro.shop.money"}
		}},
		{name: "configuration", after: func(d doc) {
			d.configure("fct_orders", "on_schema_change", "fail")
			d.configure("fct_invoices", "meta", tree{"steward": "somebody"})
		}},
		{name: "a seed and a file", after: func(d doc) {
			d.at("nodes", "seed.shop.country_codes")["checksum"].(tree)["checksum"] = "other"
			d.model("stg_invoices")["original_file_path"] = "models/staging/finance/stg_invoices.sql"
		}},
		{name: "sources", after: func(d doc) {
			orders := d.at("sources", "source.shop.raw.orders")
			orders["freshness"], orders["config"].(tree)["freshness"] = nil, nil
			invoices := d.at("sources", "source.shop.raw.invoices")
			invoices["relation_name"], invoices["identifier"] = `"shop"."prod"."other_invoices"`, "other_invoices"
			payments := d.at("sources", "source.shop.raw.payments")
			late := tree{"warn_after": tree{"count": 48, "period": "hour"}, "error_after": tree{"count": 72, "period": "hour"}}
			payments["freshness"], payments["config"].(tree)["freshness"] = late, late
			customers := d.at("sources", "source.shop.raw.customers")
			customers["loaded_at_field"], customers["config"].(tree)["loaded_at_field"] = "_seen_at", "_seen_at"
		}},
	}
}

func testCases() []compareCase {
	return []compareCase{
		{name: "tests of the key", after: func(d doc) {
			id, _ := d.test("unique_export_customers_email")
			d.remove(id)
			id, _ = d.test("not_null_export_customers_customer_id")
			d.disable("nodes", id)
		}},
		{name: "looser tests", after: func(d doc) {
			_, n := d.test("not_null_export_orders_order_id")
			n["config"].(tree)["severity"], n["unrendered_config"].(tree)["severity"] = "warn", "warn"
			_, n = d.test("unique_export_invoices_invoice_id")
			n["config"].(tree)["where"], n["unrendered_config"].(tree)["where"] = "issued_on > '2026-01-01'", "issued_on > '2026-01-01'"
		}},
		{name: "a stricter test", after: func(d doc) {
			_, n := d.test("not_null_export_customers_country")
			n["config"].(tree)["severity"], n["unrendered_config"].(tree)["severity"] = "error", "error"
		}},
		{name: "other arguments and a test upstream", after: func(d doc) {
			id, n := d.test("accepted_values_export_invoices_status")
			d.remove(id)
			n["unique_id"] = "test.shop.accepted_values_export_invoices_status__other.0123456789"
			n["test_metadata"].(tree)["kwargs"].(tree)["values"] = []any{"other"}
			d.m["nodes"].(tree)[n["unique_id"].(string)] = n
			d.m["parent_map"].(tree)[n["unique_id"].(string)] = []any{"model.shop.export_invoices"}
			id, _ = d.test("unique_stg_invoices_invoice_id")
			d.remove(id)
		}},
	}
}

func exposureCases() []compareCase {
	return []compareCase{
		{name: "an exposure is gone", after: func(d doc) { delete(d.at("exposures"), "exposure.shop.finance_erp_export") }},
		{name: "an exposure is disabled", after: func(d doc) { d.disable("exposures", "exposure.shop.weekly_kpis") }},
		{name: "what people read", after: func(d doc) {
			x := d.exposure("weekly_kpis")
			x["url"], x["maturity"], x["owner"] = "https://bi.example.com/8", "low", tree{"name": "Somebody"}
			d.exposure("ops_tool")["description"] = "other words"
		}},
		{name: "a watched sync is another one", both: func(d doc) {
			x := d.exposure("ops_tool")
			x["url"] = "https://app.hightouch.com/acme/syncs/1"
		}, after: func(d doc) {
			d.exposure("ops_tool")["url"] = "https://app.hightouch.com/acme/syncs/2"
		}},
		{name: "other dependencies", after: func(d doc) {
			d.exposure("ops_tool")["depends_on"].(tree)["nodes"] = []any{"model.shop.fct_orders"}
			d.m["parent_map"].(tree)["exposure.shop.ops_tool"] = []any{"model.shop.fct_orders"}
		}},
		{name: "the gate", after: func(d doc) {
			d.declare("email_crm_export", `{"to": "crm.contacts", "key": "email", "fields": "all", "sla": "6h", "ignore": [{"check": "keys", "reason": "composite"}],
				"gate": {"max_age": "48h", "waive": [{"node": "not_null_*", "reason": "later", "until": "2031-01-01"}]}}`)
		}},
		{name: "another type", after: func(d doc) { d.exposure("finance_erp_export")["type"] = "dashboard" }},
		{name: "renamed with was", oneWay: true, after: func(d doc) {
			x := d.exposure("email_crm_export")
			delete(d.at("exposures"), "exposure.shop.email_crm_export")
			x["name"], x["unique_id"] = "crm_contacts", "exposure.shop.crm_contacts"
			d.at("exposures")["exposure.shop.crm_contacts"] = x
			d.m["parent_map"].(tree)["exposure.shop.crm_contacts"] = []any{"model.shop.export_customers"}
			d.declare("crm_contacts", `{"to": "crm.contacts", "key": "email", "fields": "all", "was": "email_crm_export"}`)
		}},
	}
}

func jobCases() []compareCase {
	finance := func(block string) edit {
		return func(d doc) { d.declare("finance_erp_export", block) }
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
		{
			name:   "a sync of several is renamed without was",
			before: finance(`{"syncs": {"a": {"to": "erp.invoices", "key": "invoice_id", "fields": "all"}}}`),
			after:  finance(`{"syncs": {"b": {"to": "erp.invoices", "key": "invoice_id", "fields": "all"}}}`),
		},
		{name: "another model", before: base, after: func(d doc) {
			d.declare("finance_erp_export", `{"to": "erp.invoices", "key": "invoice_id", "from": "fct_invoices", "fields": {"net": "net_amount", "state": "status"}}`)
			d.exposure("finance_erp_export")["depends_on"].(tree)["nodes"] = []any{"model.shop.fct_invoices"}
			d.m["parent_map"].(tree)["exposure.shop.finance_erp_export"] = []any{"model.shop.fct_invoices"}
		}},
	}
}
