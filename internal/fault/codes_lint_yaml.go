package fault

// lintYAMLPages has the rules about YAML that dbt cannot load, or reads as
// something else.
func lintYAMLPages() map[string]Page {
	const fix = "exposync lint --fix writes it for you."
	return map[string]Page{
		"yaml_tab": example("a line is indented with a tab",
			"YAML does not allow tabs in the indentation. dbt cannot load the file, so none of its exposures exists.",
			"depends_on:\n\t- ref('export_customers')", "depends_on:\n  - ref('export_customers')", fix),
		"yaml_quotes": example("quotes within the same quotes",
			"A text in single quotes ends at the next single quote. The parser complains about the line before, and about none of the mistakes below.",
			"description: '{{ doc('email_crm_export') }}'", "description: \"{{ doc('email_crm_export') }}\"", fix),
		"yaml_jinja": example("Jinja without quotes around it",
			"A value that begins with a brace is a map for YAML. dbt cannot load the file.",
			"description: {{ doc('email_crm_export') }}", "description: \"{{ doc('email_crm_export') }}\"", fix),
		"yaml_bare_list": example("exposures that do not stand under `exposures:`",
			"The file is a list, which is valid YAML and says nothing to dbt: without the key above it, none of the exposures exists.",
			"- name: email_crm_export\n  type: application", "exposures:\n- name: email_crm_export\n  type: application", fix),
		"yaml_depends_on": example("`depends on` instead of `depends_on`",
			"dbt does not know the key. It refuses the exposure or drops the key, and then the exposure depends on nothing: the gate can prove nothing and blocks it.",
			"depends on:\n  - ref('export_customers')", "depends_on:\n  - ref('export_customers')", fix),
		"yaml_unreadable": example("a file that is not YAML",
			"The parser stopped here, at something that lint cannot mend. dbt cannot load the file either, so none of its exposures exists.",
			"description: Contacts: all of them", "description: \"Contacts: all of them\"", "In doubt put the value in quotes, and look at the lines above, too."),
		"yaml_sql": example("a model's SQL in a YAML file",
			"dbt takes models from .sql and .py files. This file is called .yml, so there is no such model, and whatever depends on it fails.",
			"models/exports/export_customers.yml:\nselect * from {{ ref('dim_customers') }}", "models/exports/export_customers.sql:\nselect * from {{ ref('dim_customers') }}", "Rename the file."),
		"yaml_comment": example("a channel's name without quotes, which is a comment",
			"Everything behind a # is a comment. Nothing is left of the value, and alerts go nowhere.",
			"notify:\n  slack: #tool-email-crm", "notify:\n  slack: \"#tool-email-crm\"", fix),
		"yaml_word": example("yes, no, on, off or null without quotes where a name is meant",
			"dbt reads YAML 1.1, in which unquoted yes and on are true, no and off are false, and null is nothing. A field called no, or a country code no, comes out as false.",
			"fields:\n  on: is_active\n  country: {value: no}", "fields:\n  \"on\": is_active\n  country: {value: \"no\"}", fix+" Where true or false is meant, write that."),
		"yaml_date": example("a date without quotes",
			"YAML makes a date of it, and not the text that is asked for. Depending on the version of dbt it becomes something else in manifest.json, or dbt fails.",
			"until: 2026-12-31", "until: \"2026-12-31\"", fix),
		"yaml_number": example("digits that YAML reads as another number",
			"dbt reads YAML 1.1: 1:30 is 90 (base 60), 0123 is 83 (base 8), 0x1F is 31 and 1_000 is 1000.",
			"every: 1:30\nfields:\n  zip: {value: 0123}", "every: 1h30m\nfields:\n  zip: {value: \"0123\"}", fix+" Of a duration only you know which unit was meant."),
	}
}

// lintPlacePages has the rules about keys where nobody reads them, and secrets
// where everybody does.
func lintPlacePages() map[string]Page {
	return map[string]Page{
		"meta_misplaced": example("meta or tags where this version of dbt does not read them",
			"Up to dbt 1.9, meta and tags of an exposure stand beside config; from 1.10 on they stand in it, and dbt v2 reads them nowhere else. In the other place dbt drops or refuses them, and with them the sync.",
			"meta:                    # dbt v2\n  exposync: {to: crm.contacts, key: email, fields: all}",
			"config:\n  meta:\n    exposync: {to: crm.contacts, key: email, fields: all}",
			"exposync lint --fix moves it. Afterwards run dbt parse."),
		"exposync_misplaced": example("an exposync: block where nobody reads it",
			"Exposync reads what exposures say under meta. Beside it, or at a model, the block declares nothing: no sync, and no error either.",
			"- name: email_crm_export\n  exposync: {to: crm.contacts, key: email, fields: all}",
			"- name: email_crm_export\n  config:\n    meta:\n      exposync: {to: crm.contacts, key: email, fields: all}",
			"Up to dbt 1.9 write meta: without config:. A model takes exposync: {ignore: …}, a column exposync: {mask: …}."),
		"exposure_unknown_key": example("a key of an exposure that dbt does not know",
			"dbt 1.x refuses the whole file for it, dbt v2 drops it with a warning.",
			"desciption: Contacts", "description: Contacts", "What is your own belongs into config: {meta: …}."),
		"exposure_owner_keys": example("an owner with keys that dbt v2 refuses",
			"dbt 1.x keeps further keys of an owner, dbt v2 has only name and email.",
			"owner: {name: Lifecycle team, slack: \"#lifecycle\"}", "owner: {name: Lifecycle team, email: lifecycle@example.com}", "Where alerts go belongs into config: {meta: …}."),
		"secret_in_meta": example("what looks like a secret in a file of the project",
			"Files of the project are committed, and meta goes into target/manifest.json in plain text, which is copied, published and kept. That includes the value of {{ env_var('X') }}, which dbt writes out. The message never shows the value.",
			"meta:\n  exposync: {to: crm.contacts, token: …}",
			"# exposync.yml\ntargets:\n  prod:\n    connections:\n      crm: {type: hubspot, token: \"{{ env_var('HUBSPOT_TOKEN') }}\"}",
			"If it was committed, change the secret at its source: removing it from the file does not remove it from the history."),
		"sync_invalid": example("a sync that cannot be read, with the code that explains it",
			"What the exposure says under exposync: has a mistake, so its jobs never run. The finding has the code of the mistake itself, such as unknown_key or column_missing, which has a page of its own.",
			"exposync: {to: crm.contacts, key: email, feilds: all}", "exposync: {to: crm.contacts, key: email, fields: all}", "Correct it and run dbt parse."),
		"config_invalid": example("an exposync.yml that cannot be read, with the code that explains it",
			"exposync.yml has a mistake, so run and plan stop. The finding has the code of the mistake itself. The rules ran with the settings of a project without exposync.yml.",
			"targets:\n  dev: sandox", "targets:\n  dev: sandbox", "Correct it; exposync plan says the same."),
	}
}
