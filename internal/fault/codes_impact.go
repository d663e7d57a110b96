package fault

// impactPages has the kinds of change that impact finds in the graph.
func impactPages() map[string]Page {
	return map[string]Page{
		"column_removed": {
			Title: "a column is gone",
			Means: "A node no longer has a column that it had. A sync that maps the column, in its key, in a field, in an expression or with fields: all, has nothing to fill those fields with: breaking. Where a tool reads the node by itself, or the column stood upstream, it is risky: nobody can tell from here whether it was used.",
			Next:  "Take the field out of the mapping or fill it from another column, then dbt parse; or keep the column for a while. exposync plan shows what would be sent.",
		},
		"column_renamed": {
			Title: "a column looks renamed",
			Means: "One column is gone and one of the same type stands between the same neighbours, and there is only one such pair: it looks like another name for the same values. A mapping that names the old column cannot be filled.",
			Next:  "Write the new name into the mapping in the same pull request. If it is no renaming, read it as column_removed and column_added.",
		},
		"column_retyped": {
			Title: "a column has a type of another kind",
			Means: "Values of the new type are something else to Exposync and to the destination, such as a text instead of a number: every record counts as changed. In a key, every record becomes another one.",
			Next:  "Cast it in the export model, or with cast: in the mapping, so that the destination gets what it got; or plan for a full resend: exposync plan shows how many records.",
		},
		"column_narrowed": {
			Title: "a column holds less than before",
			Means: "The type stays of the same kind, but with less room: a shorter text, fewer digits, a smaller number. The warehouse cuts, rounds or refuses what does not fit.",
			Next:  "Make sure that the values fit, with a test on the column, or keep the type.",
		},
		"column_widened": {
			Title: "a column holds more than before",
			Means: "The type stays of the same kind, with more room. Nothing is sent again, since equal values stay equal, but larger ones may come that the destination's field does not take.",
			Next:  "Look up what the destination's field takes; a test on the column keeps the values within it.",
		},
		"column_added": {
			Title: "a column is new",
			Means: "A sync with fields: all sends every column of its export, so a new one changes its mapping: every record would be sent again, and the run holds with mapping_changed. A mapping that names its fields does not change.",
			Next:  "Name the fields in the mapping if the column is not meant to leave; else add it at the destination and run with --accept mapping_changed.",
		},
		"column_undeclared": {
			Title: "YAML no longer declares a column",
			Means: "The documentation of a column is gone, while neither the node's SQL nor anything above it changed, so the column itself is very likely still there. With catalogs on both sides, or a contract, it would be known.",
			Next:  "Nothing. Lint and coverage may ask for the documentation.",
		},
		"column_declared": {
			Title: "YAML declares a column that it did not",
			Means: "The documentation of a column is new, while neither the node's SQL nor anything above it changed.",
			Next:  "Nothing.",
		},
		"constraint_dropped": {
			Title: "a column has a constraint less",
			Means: "The contract no longer asks the warehouse to refuse such rows: nulls, doubles, values out of range. They may reach a destination now.",
			Next:  "Keep the constraint, or put a test in its place (not_null, unique), which the gate asks for.",
		},
		"constraint_added": {
			Title: "a column has a constraint more",
			Means: "The contract asks the warehouse to refuse more rows than before. A build may fail, and the gate stops the sync then.",
			Next:  "Nothing.",
		},
		"model_removed": {
			Title: "a model, seed or snapshot is gone",
			Means: "What read the relation has nothing to read: a sync whose export it was does not run, and a tool that knows it by its name fails or sends what is left.",
			Next:  "Point the exposure, and the tool, to what takes its place, or retire the sync first. If it has another name only, its SQL changed as well, or there are several like it: exposync could not tell.",
		},
		"model_disabled": {
			Title: "a model is disabled",
			Means: "dbt no longer builds it: its relation stands as it was, until somebody drops it. Syncs on it do not run; other tools go on sending old rows.",
			Next:  "Retire the syncs that read it first, or enable it again.",
		},
		"model_renamed": {
			Title: "a model looks renamed",
			Means: "A model is gone, and one with the same SQL and the same parents is new. Exposync follows the exposure's depends_on; tools that know the relation by its name do not.",
			Next:  "Tell the owners of the tools named here the new name, or give the model the alias of the old one: config: {alias: old_name}.",
		},
		"model_enabled": {
			Title: "a model is enabled",
			Means: "dbt builds it again.",
			Next:  "Nothing.",
		},
		"model_added": {
			Title: "a model, seed or snapshot is new",
			Means: "It was not there before.",
			Next:  "Nothing.",
		},
		"source_added": {
			Title: "a source is new",
			Means: "It was not there before.",
			Next:  "Nothing.",
		},
		"source_removed": {
			Title: "a source is gone",
			Means: "Nothing is read from that table any more. What stood on it gets its rows from elsewhere, or none.",
			Next:  "Make sure that the rows behind the exposures named here are the same: exposync plan shows what would be sent.",
		},
		"source_moved": {
			Title: "a source is another table",
			Means: "The rows come from another database, schema or table than before.",
			Next:  "Make sure that the new table has the same rows: exposync plan shows what would be sent.",
		},
		"relation_moved": {
			Title: "a relation is in another place",
			Means: "Database, schema or alias of a node changed. Direct syncs follow the manifest and keep what they confirmed; the gate holds with wrong_target if the new schema is not one of the target's. Tools that know the relation by its name read the old one, which nobody builds any more.",
			Next:  "Tell the owners of the tools named here the new place before it is merged; list schemas of your own under schemas: of the target in exposync.yml.",
		},
		"made_ephemeral": {
			Title: "a model is ephemeral now",
			Means: "An ephemeral model has no relation in the warehouse: there is nothing that a sync or a tool could read.",
			Next:  "Keep it a view or a table.",
		},
		"made_view": {
			Title: "a model is a view now",
			Means: "Its rows are computed whenever they are read. A chain of views above an export is computed as a whole by every run of its sync, and shows rows of the moment, not of the last build.",
			Next:  "Keep the parents of an export tables or incremental, if reading it takes long.",
		},
		"incremental_left": {
			Title: "a model is not incremental any more",
			Means: "It is built from what its sources hold today. Rows that only the incremental table kept are gone, and a sync in mode mirror would delete them at the destination, within its guard.",
			Next:  "Compare the number of rows before and after. guards: {deletes: …} holds a run that would delete too many.",
		},
		"incremental_begun": {
			Title: "a model is incremental now",
			Means: "Rows that were built once stay as they are until their key comes again: corrections further up do not reach them without a full refresh.",
			Next:  "Look at its unique_key and its is_incremental() condition; dbt build --full-refresh builds all of it.",
		},
		"rematerialised": {
			Title: "a model is kept in another way",
			Means: "The same rows, in another kind of relation. A table has the rows of its last build, where a view had those of the moment.",
			Next:  "Nothing.",
		},
		"contract_removed": {
			Title: "a model has no enforced contract any more",
			Means: "dbt no longer stops a build whose columns are not those that were promised: a column may vanish or change its type without a word.",
			Next:  "Keep contract: {enforced: true} on export models.",
		},
		"contract_changed": {
			Title: "the contract of a model changed",
			Means: "The columns that dbt promises are others than before.",
			Next:  "Read the contract in the diff, and compare the mappings of the syncs named here.",
		},
		"contract_added": {
			Title: "a model has an enforced contract",
			Means: "dbt stops a build whose columns are not those that are promised.",
			Next:  "Nothing.",
		},
		"access_narrowed": {
			Title: "a model is meant for fewer readers",
			Means: "access says that a model which others read is not for them any more.",
			Next:  "Ask the owner of the model, or read another one.",
		},
		"access_widened": {
			Title: "a model is meant for more readers",
			Means: "access says that more may read it.",
			Next:  "Nothing.",
		},
		"latest_version_changed": {
			Title: "another version of a model is the latest",
			Means: "A ref without a version means another model than before. What depends on it by name gets other rows, and perhaps other columns.",
			Next:  "Pin the version, ref('model', v=1), until the mapping fits the new one.",
		},
		"deprecation_set": {
			Title: "a model is deprecated",
			Means: "The model says from which day on it may be gone.",
			Next:  "Move the exposures named here to what takes its place before that day.",
		},
		"deprecation_lifted": {
			Title: "a model stays longer",
			Means: "The day from which on the model may be gone is later, or not said any more.",
			Next:  "Nothing.",
		},
		"logic_changed": {
			Title: "the SQL of a node changed",
			Means: "dbt builds it from other SQL, or a seed has other rows, and no column of it changed its name or type for that reason alone. The values may be others.",
			Next:  "Review it for what the exposures named here send. exposync plan, after a build, shows what would change at the destination.",
		},
		"macro_changed": {
			Title: "a macro that a node uses changed",
			Means: "dbt takes a node for modified when a macro that it calls changed, or one that this calls. The values may be others.",
			Next:  "Review the macro; exposync plan, after a build, shows what would change at the destination.",
		},
		"config_changed": {
			Title: "the configuration of a node changed",
			Means: "Something that decides how dbt builds it, such as unique_key, on_schema_change, a hook or on_error.",
			Next:  "Review it; dbt's own documentation says what each key does.",
		},
		"config_respelled": {
			Title: "what YAML says changed, and nothing that is built",
			Means: "The configuration has the same values but is written in another way, or only meta, tags, groups, docs or descriptions changed.",
			Next:  "Nothing.",
		},
		"other_changed": {
			Title: "dbt calls a node modified",
			Means: "Something about it differs that no other kind of change names.",
			Next:  "dbt ls --select state:modified --state DIR lists what dbt sees; the diff says the rest.",
		},
		"file_moved": {
			Title: "a node stands in another file",
			Means: "The same node, in another file.",
			Next:  "Nothing; a folder may bring other configuration, which is told by itself.",
		},
		"freshness_removed": {
			Title: "a source promises no freshness any more",
			Means: "dbt source freshness no longer looks at it, so a late source stops nothing.",
			Next:  "Keep warn_after or error_after on the sources behind an export.",
		},
		"freshness_loosened": {
			Title: "a source may be later than before",
			Means: "dbt source freshness warns or fails later, so a sync sends older rows before it stops.",
			Next:  "Compare it with the sla of the exposures named here.",
		},
		"freshness_changed": {
			Title: "the age of a source is found in another way",
			Means: "loaded_at_field or loaded_at_query is another one.",
			Next:  "Make sure that it is the time of loading: dbt source freshness shows the age.",
		},
		"freshness_added": {
			Title: "a source promises freshness",
			Means: "A late source can stop a sync now.",
			Next:  "Nothing.",
		},
		"freshness_tightened": {
			Title: "a source promises to be fresher",
			Means: "dbt source freshness warns or fails earlier.",
			Next:  "Nothing.",
		},
		"test_removed": {
			Title: "a test is gone",
			Means: "The gate opens on less proof: what the test found would be sent now. Tests that went with their model or column are not listed.",
			Next:  "Keep the test, or put one in its place. A key needs unique and not_null.",
		},
		"test_disabled": {
			Title: "a test is disabled",
			Means: "The gate opens on less proof: what the test found would be sent now.",
			Next:  "Enable it, or waive it for a while with a reason: exposync: {gate: {waive: …}}.",
		},
		"test_loosened": {
			Title: "a test lets more through",
			Means: "Severity, where, limit, warn_if, error_if or fail_calc changed: what stopped a sync may only warn now, or not be looked at.",
			Next:  "Keep severity error for what must not be sent; a waiver with a date is for the rest.",
		},
		"test_changed": {
			Title: "a test asks something else",
			Means: "Its arguments, its SQL or its macro changed.",
			Next:  "Review it: it may let through what it stopped, or stop what it let through.",
		},
		"test_tightened": {
			Title: "a test lets less through",
			Means: "Its severity is error now, or it looks at more rows.",
			Next:  "Nothing.",
		},
		"test_enabled": {
			Title: "a test is enabled",
			Means: "The gate opens on more proof.",
			Next:  "Nothing.",
		},
		"test_added": {
			Title: "a test is new",
			Means: "The gate opens on more proof. Tests that came with their model or column are not listed.",
			Next:  "Nothing.",
		},
	}
}
