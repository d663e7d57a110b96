package fault

// coveragePages has the dimensions of coverage, whose misses carry their codes.
func coveragePages() map[string]Page {
	return map[string]Page{
		"coverage_exports": {
			Title: "an export model has no application exposure",
			Means: "Dimension a, exports: of the export models (by name, folder or tag, see `exports:` in exposync.yml), those that an exposure of type application depends on. Without one nobody who changes the model is told which tool it feeds, and nothing is synced.",
			Next:  "Add the exposure that the report proposes, or remove the model if nothing reads it.",
		},
		"coverage_targets": {
			Title: "an application exposure reads no export model",
			Means: "Dimension b, targets: of the application exposures, those that depend on an export model. An exposure on a mart ties the tool to a table that others change for their own reasons.",
			Next:  "Add an export model between the mart and the exposure, and name it in depends_on. If the exposure is no sync at all, give it another type.",
		},
		"coverage_bound": {
			Title: "an application exposure names no sync",
			Means: "Dimension c, bound: of the application exposures, those with a sync under exposync: in their meta, or with a url that shows the id of a hosted sync (…/syncs/12345). A sync whose declaration has a mistake never runs and counts as missing.",
			Next:  "Declare the sync under exposync:, or put the page of the hosted sync into url. exposync ls shows what each exposure declares.",
		},
		"coverage_hosted": {
			Title: "a hosted sync has no exposure",
			Means: "Dimension d, hosted: of the syncs that the hosted tools of exposync.yml have, those whose model or relation some exposure depends on. The others read the warehouse without anybody in the dbt project knowing. The dimension is n/a unless the tools were asked.",
			Next:  "Add the exposure that the report proposes, or retire the sync in the tool.",
		},
		"coverage_described": {
			Title: "an exposure leaves out owner, url, description, maturity or sla",
			Means: "Dimension e, described: the five fields that somebody needs at night, of every exposure with a sync. A url with a placeholder and an address made unreadable with asterisks do not count.",
			Next:  "Fill in the field that the report names. sla stands under exposync: in meta, the others in the exposure itself.",
		},
		"coverage_keys": {
			Title: "the key of an export model is not proven by tests",
			Means: "Dimension f, keys: of the export models that are synced, those whose keys have unique and not_null on every column, a test of their combination, or the primary key of an enforced contract. The key is the one the sync declares, else the model's unique_key or primary key. A test with a `where` looks at a part of the rows and does not count.",
			Next:  "Add the tests that the report proposes. A duplicate key becomes a reject at best, and the wrong record at worst.",
		},
		"coverage_parity": {
			Title: "the rows of an export model are not compared with its parent's",
			Means: "Dimension g, parity: of the export models that are synced and made of exactly one model, those with a test that counts rows against it (dbt_utils.equal_rowcount, dbt_utils.equality, dbt_expectations.expect_table_row_count_to_equal_other_table, or an own test of such a name). A join that drops or doubles rows shows here first.",
			Next:  "Add the test. If rows are left out on purpose, say so: `ignore: [{check: parity, reason: only active customers}]` under exposync: in the model's meta.",
		},
		"coverage_values": {
			Title: "a column with a few possible words has no list of them",
			Means: "Dimension h, values: of the columns that are sent and enum-like, those with accepted_values. Enum-like is what has such a test, what its meta calls `enum: true` or `picklist: true`, and what is named as `coverage: enum_columns` says (status, stage and tier unless set). A destination refuses a picklist value that it does not know, record by record.",
			Next:  "Add accepted_values with what the destination takes.",
		},
		"coverage_documented": {
			Title: "a column that is sent has no description, type or contract",
			Means: "Dimension i, documented: of the columns that are sent, those with a description and a data_type, in a model with an enforced contract. Without the contract a column can change its type, or go, without dbt saying a word. A column that two exposures send counts twice.",
			Next:  "Add what the report names, and `contract: {enforced: true}` to the model's config.",
		},
		"coverage_fresh": {
			Title: "a source that a sync begins with promises no freshness",
			Means: "Dimension j, fresh: of the sources at the root of the synced exposures, those with warn_after or error_after. Without it a loader that stopped shows in no test: everything is built well, from yesterday's rows.",
			Next:  "Add freshness to the source, and run dbt source freshness before dbt build.",
		},
		"coverage_evidence": {
			Title: "a node or test above a sync has no result of this run",
			Means: "Dimension k, evidence: of everything that dbt builds or tests above the synced exposures, what the run results tell about. What was skipped tells nothing. It is n/a without run_results.json.",
			Next:  "Use dbt build instead of dbt run, or select more: dbt build --select +export_customers. exposync gate says what is missing for each exposure.",
		},
		"coverage_views": {
			Title: "an exposure depends on views over views or over raw data",
			Means: "Dimension l, views: of the models that synced exposures depend on, those that are a table, or a view whose parents are all tables, incrementals, snapshots, seeds or materialized views. An ephemeral model counts as its parents. `coverage: view_depth` in exposync.yml lets more views through.",
			Next:  "Materialize the model that the report names as a table or incremental. The export itself may stay a view.",
		},
		"coverage_mapped": {
			Title: "no sync sends a column of an export model",
			Means: "Dimension m, mapped: of the columns of the export models that jobs read, those that some job sends, or reads changes by. The others cost a scan and tell everybody that the tool has them.",
			Next:  "Add the column to fields, or drop it from the export model.",
		},
		"coverage_ignore": {
			Title: "a suppression does not count",
			Means: "An entry of ignore has no reason, names no check that exists, or its last day has passed. What it was to hide is reported again.",
			Next:  "Mend what it hides and remove it, or write: ignore: [{check: parity, reason: only active customers, until: \"2027-01-31\"}].",
		},
		"baseline_unreadable": {
			Title: "the baseline is no coverage report",
			Means: "The file that --baseline or coverage compare names does not exist, cannot be read, or was not written by exposync coverage.",
			Next:  "Write one from the branch to compare with: exposync coverage --write-baseline coverage.json.",
		},
	}
}
