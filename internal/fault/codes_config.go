package fault

// configPages has the codes of exposync.yml, exposure metadata and the command line.
func configPages() map[string]Page {
	return map[string]Page{
		"unknown_key": {
			Title: "a key that Exposync does not act on",
			Means: "exposync.yml or an exposure's metadata has a key that this version does not know, or knows from the documentation but does not act on yet. Exposync refuses it: a setting that looks as if it worked, and does nothing, is worse than an error.",
			Next:  "Correct the spelling if the message proposes one, else remove the key. For metadata run dbt parse (or dbt build) afterwards, because Exposync reads it from target/manifest.json.",
		},
		"setting_invalid": {
			Title: "a setting has a value that cannot be right",
			Means: "The key is known, but its value has the wrong shape or is not one of the words that it takes. Often YAML made something else of it: without quotes yes, no, on and off become true or false, 1:30 becomes 90, and #channel is a comment.",
			Next:  "Change the value as the message says, in doubt put it in quotes. For metadata run dbt parse afterwards.",
		},
		"setting_missing": {
			Title: "a setting that is needed is not there",
			Means: "A connection or a sync cannot work without this key, and it has no default.",
			Next:  "Add the key. Exposync looks for metadata under config: meta: exposync: of the exposure (under meta: exposync: up to dbt 1.9).",
		},
		"yaml_trap": {
			Title: "YAML reads the value as something else than what is written",
			Means: "dbt reads YAML 1.1, in which unquoted words and digits change: yes and no become true and false, 1:30 becomes 90, 0123 becomes 83. The value in target/manifest.json is not the one in your file, and it would have been sent to every record.",
			Next:  "Put the value in quotes, or write what you mean (true, 90). Then run dbt parse.",
		},
		"config_unreadable": {
			Title: "exposync.yml cannot be read",
			Means: "The file is there, but the system does not let Exposync read it. Nothing was run.",
			Next:  "Check the owner and the permissions of exposync.yml, then type the command again.",
		},
		"config_missing": {
			Title: "there is no exposync.yml",
			Means: "The exposure declares a sync, but nothing says where its connection leads: exposync.yml is not beside dbt_project.yml. gate, ls and coverage work without it; plan and run need it.",
			Next:  "Write an exposync.yml beside dbt_project.yml. For a first try this is enough:\n\n    targets:\n      dev: sandbox\n",
		},
		"target_not_configured": {
			Title: "exposync.yml does not list this dbt target",
			Means: "Connections belong to a dbt target. A target that is not listed can be planned for, but nothing is sent: Exposync never falls back to the connections of another target, least of all to production's.",
			Next:  "Choose a listed target with --target, or add this one to exposync.yml: `targets: {NAME: sandbox}` sends everything to a local sandbox.",
		},
		"connection_missing": {
			Title: "the sync goes to a connection that is not declared",
			Means: "`to:` names a connection and an object, such as crm.contacts. exposync.yml has no connection with that name for the chosen target.",
			Next:  "Correct the name in the exposure's metadata, or declare the connection under targets: TARGET: connections: in exposync.yml.",
		},
		"connection_type_unknown": {
			Title: "no connector has this type",
			Means: "A connection says with `type:` what it connects to; without it, its own name is the type.",
			Next:  "Correct the type. The message lists the types of this version.",
		},
		"connection_type_differs": {
			Title: "one connection has two types",
			Means: "The same connection name is declared with different types in two targets. A sync would then mean something else in each target, and what works in one would prove nothing about the other.",
			Next:  "Give the two connections different names, or the same type. To try a sync without the real destination use `dev: sandbox`.",
		},
		"secret_literal": {
			Title: "a secret is written out in exposync.yml",
			Means: "The parameter holds a secret. exposync.yml is committed with the project, so it may only say where the secret is found, never what it is.",
			Next:  "Put the value into an environment variable and write \"{{ env_var('NAME') }}\", or refer to it with file:/path/to/secret or exec:command. If the file was committed already, change the secret at its source.",
		},
		"not_application": {
			Title: "a sync is declared by an exposure of another type",
			Means: "Only exposures of `type: application` are synced. This one has an exposync: block, but is a dashboard, notebook, analysis or ml exposure, so nothing would ever be sent.",
			Next:  "Set `type: application`, or remove the exposync: block. Then run dbt parse.",
		},
		"export_ambiguous": {
			Title: "the exposure depends on several export models",
			Means: "A sync reads one export model. When the exposure depends on exactly one, Exposync takes it; here it cannot choose.",
			Next:  "Name the model: `from: export_customers`. To send several models declare one entry for each under `syncs:`.",
		},
		"export_missing": {
			Title: "the sync has no export model to read",
			Means: "The exposure depends on no export model, or `from:` names something it does not depend on. The gate proves what an exposure depends on, so a sync reads nothing else.",
			Next:  "Add the model to depends_on, for example `- ref('export_customers')`. Export models are those named export_*, in models/exports, or as `exports:` in exposync.yml says.",
		},
		"export_unreadable": {
			Title: "the export model has nothing that can be read",
			Means: "The model is disabled, ephemeral, or not part of the manifest: there is no table or view in the warehouse behind it.",
			Next:  "Enable the model and materialize it as a view or a table, then run dbt build.",
		},
		"column_missing": {
			Title: "the export model has no such column",
			Means: "A sync maps a column that the table or view in the warehouse does not have. Nothing was read or sent.",
			Next:  "Correct the column in the exposure's metadata (left is theirs, right is ours) and run dbt parse, or add the column to the model and run dbt build.",
		},
		"field_twice": {
			Title: "two values go to one field",
			Means: "A field of the destination is mapped twice, or is part of the key and of the fields. Which value wins would be chance.",
			Next:  "Remove one of the two. The key is always sent, it need not be repeated under fields:.",
		},
		"job_twice": {
			Title: "two syncs have the same name",
			Means: "A sync is remembered under its exposure's name, with the name under syncs: after a dot. Two syncs with one name would overwrite each other's memory of what was confirmed.",
			Next:  "Rename one of the exposures or syncs.",
		},
	}
}
