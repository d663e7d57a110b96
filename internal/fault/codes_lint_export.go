package fault

// lintExportPages has the rules about export models.
func lintExportPages() map[string]Page {
	return map[string]Page{
		"export_no_exposure": example("an export model that no application exposure depends on",
			"The model is made to leave the warehouse, and nothing says to where. Either nobody reads it, or a tool does that dbt does not know of.",
			"models/exports/export_customers.sql, and no exposure", "exposures:\n  - name: email_crm_export\n    type: application\n    depends_on: [ref('export_customers')]\n    owner: {name: Lifecycle team}", "Declare the exposure, or remove the model."),
		"export_misnamed": example("a model in a folder of exports that is not called like one",
			"The name is what people see in the warehouse and in the tool that reads it: export_ says that other people's programs depend on its columns.",
			"models/exports/customers_crm.sql", "models/exports/export_customers.sql", "The prefix is `exports: {prefix: …}` in exposync.yml."),
		"export_misplaced": example("an export model outside of the folders of exports",
			"Exports in one folder have one materialization, one owner of the folder, and are found.",
			"models/marts/export_customers.sql", "models/exports/export_customers.sql", "The folders are `exports: {paths: […]}` in exposync.yml."),
		"export_same_parent": example("two export models over one parent",
			"What a record is, and which rows count, is said twice and drifts apart. Several exposures can read one export model, each with its own fields.",
			"export_customers_crm:  select … from {{ ref('dim_customers') }}\nexport_customers_desk: select … from {{ ref('dim_customers') }}", "export_customers: select … from {{ ref('dim_customers') }}", "Where the two send other rows on purpose, let it pass with that reason."),
		"export_used": example("an export model that another model builds on",
			"An export is shaped for a destination. When that wants another name or type, the model above changes, too.",
			"fct_mails.sql: select … from {{ ref('export_customers') }}", "fct_mails.sql: select … from {{ ref('dim_customers') }}", "Build on its parent."),
		"export_heavy": example("an export model that joins, aggregates or ranks",
			"An export picks, names and casts columns of a model that is tested already. Work in the export is tested by nobody else, and is done again by everyone who reads the view. It is a guess by the words of the SQL: strings, comments and Jinja are left out, and a macro may hide work.",
			"select c.email, sum(o.total) as spent\nfrom {{ ref('dim_customers') }} c\njoin {{ ref('fct_orders') }} o using (customer_id)\ngroup by 1",
			"select email, lifetime_value as spent\nfrom {{ ref('dim_customers') }}", "Move the work into the parent."),
		"export_not_view": example("an export model that is no view, without a reason",
			"A view over a table is always as current as the table, and needs no build of its own that could be forgotten.",
			"{{ config(materialized='table') }}", "{{ config(materialized='view') }}", "Where a table is right, say why: ignore: [{check: export_not_view, reason: …}] in the model's meta."),
		"export_view_chain": example("an export model that reads views on views, or raw data",
			"A view is fine over a table. Over other views, every reading does all their work again; over a source, it shows data that nobody tested. Ephemeral models count as what they read.",
			"export_customers (view) -> stg_customers (view) -> raw.customers (source)", "export_customers (view) -> dim_customers (table)", "Materialize the parent as a table."),
	}
}

// lintColumnPages has the rules about what is sent.
func lintColumnPages() map[string]Page {
	return map[string]Page{
		"key_untested": example("a key whose columns are not tested to be unique and not null",
			"The key decides which record is written. Two rows with one key overwrite each other, a row without one goes nowhere. Only a test says so before the sync.",
			"columns:\n  - name: email", "columns:\n  - name: email\n    data_tests: [unique, not_null]", "A key of several columns needs dbt_utils.unique_combination_of_columns; the primary key of an enforced contract counts, too. Up to dbt 1.7 write tests:."),
		"parity_untested": example("an export model whose rows are not counted against its parent's",
			"A filter or a join in the export drops rows without a failure. A test that counts them finds it on the day it happens.",
			"- name: export_customers", "- name: export_customers\n  data_tests:\n    - dbt_utils.equal_rowcount:\n        compare_model: ref('dim_customers')", "An export that filters on purpose says so: ignore: [{check: parity_untested, reason: …}]."),
		"values_untested": example("a mapped column with a short list of values, without accepted_values",
			"Destinations keep such columns as picklists and refuse what is not on them. The name of the column says that it is one: status, stage, tier.",
			"columns:\n  - name: status", "columns:\n  - name: status\n    data_tests:\n      - accepted_values: {values: [placed, shipped]}", "Let it pass with a reason if the column is free text."),
		"column_unknown": example("a mapped column that the export model does not have",
			"catalog.json, or the model's contract, has no such column. The sync would stop with column_missing.",
			"fields: {given_name: firstname}", "fields: {given_name: first_name}", "Left is theirs, right is ours."),
		"column_undocumented": example("a mapped column without a description",
			"Whoever uses the field at the destination asks what it means. The description is the answer, and says to who changes the model that somebody relies on it.",
			"columns:\n  - name: email", "columns:\n  - name: email\n    description: Lower case, one account each.", "A docs block serves several models."),
		"column_untyped": example("a mapped column without a data_type",
			"Without a declared type nobody notices that a number became a text, until the destination refuses it.",
			"columns:\n  - name: lifetime_value", "columns:\n  - name: lifetime_value\n    data_type: numeric(12, 2)", "With an enforced contract dbt holds the model to it."),
		"contract_missing": example("an export model whose columns no contract holds",
			"A contract makes dbt fail when a column is renamed or retyped, before the destination is touched.",
			"- name: export_customers", "- name: export_customers\n  config: {contract: {enforced: true}}", "Every column needs a data_type for it."),
		"source_no_freshness": example("a source of a sync that promises no freshness",
			"dbt cannot say that the data stopped coming in, so the sync goes on sending what it had.",
			"- name: customers", "- name: customers\n  loaded_at_field: loaded_at\n  freshness: {warn_after: {count: 12, period: hour}}", "dbt source freshness then judges it, and the gate can (gate: {freshness: require})."),
	}
}
