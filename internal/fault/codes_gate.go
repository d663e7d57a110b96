package fault

import "maps"

// gatePages has the codes of the gate's reasons.
func gatePages() map[string]Page {
	all := map[string]Page{}
	for _, part := range []map[string]Page{nodePages(), absencePages(), testPages(), artifactPages(), lineagePages()} {
		maps.Copy(all, part)
	}
	return all
}

// nodePages explain what dbt says about models, seeds and snapshots.
func nodePages() map[string]Page {
	return map[string]Page{
		"node_failed": {
			Title: "a model, seed or snapshot above the exposure failed",
			Means: "The newest result of the node is an error, so what would be synced is old or half built. It blocks even if dbt built the models below it (on_error: continue), and it stays until a newer result replaces it, however old it is: the ledger remembers failures of earlier runs.",
			Next:  "See dbt's own message in logs/dbt.log, mend the node, then type: dbt build --select NODE+\nIf old data is acceptable for this exposure, set gate: {allow_failed_ancestors: true}: failures further up then warn. What the exposure reads directly always blocks.",
		},
		"node_skipped": {
			Title: "dbt skipped a model, seed or snapshot above the exposure",
			Means: "dbt did not build the node because something above it failed, or because an earlier failure stopped the command (--fail-fast). The warehouse still holds what was there before.",
			Next:  "Mend the failure that the same tree shows further down, then type: dbt retry",
		},
		"partial_success": {
			Title: "some batches of a microbatch model failed",
			Means: "The model holds some periods of time and lacks others, so records may be missing or old.",
			Next:  "Type: dbt retry (it runs only the failed batches).\nIf a gap is acceptable, set gate: {partial_success: warn}.",
		},
		"model_warned": {
			Title: "dbt built a model with a warning",
			Means: "The model was built. dbt v2 attaches warnings to models; the sync may start.",
			Next:  "Read the warning in dbt's output. Nothing has to be done for the sync.",
		},
		"reused": {
			Title: "dbt reused the model: nothing changed",
			Means: "dbt found that neither the code nor the data of the model changed and did not build it again. If that holds for everything the exposure reads, the verdict is \"unchanged\".",
			Next:  "Nothing has to be done. To skip the sync in this case, set gate: {skip_if_unchanged: true}.",
		},
		"unknown_status": {
			Title: "dbt wrote a status that this version does not know",
			Means: "A newer dbt may have new words. What is not understood is not proof: read directly, the node holds the sync.",
			Next:  "Update Exposync, or report the status that the reason shows: exposync version",
		},
		"deprecated": {
			Title: "the exposure reads a deprecated model",
			Means: "The model's deprecation_date has passed: its owners may remove it at any time.",
			Next:  "Point depends_on: and from: to the newer version of the model, then type: dbt build --select NEW_MODEL",
		},
		"hook_failed": {
			Title: "a hook of the dbt project failed",
			Means: "A failed on-run-start hook means that the run began without what it needs, so every exposure is blocked. A failed on-run-end hook only warns: the models were built before it.",
			Next:  "Mend the hook in dbt_project.yml, then type: dbt build",
		},
	}
}

// absencePages explain what leaves a node without proof.
func absencePages() map[string]Page {
	return map[string]Page{
		"not_in_run": {
			Title: "nothing this exposure depends on was in this dbt run",
			Means: "dbt built another part of the project, and nothing is known that would speak for or against this exposure. That is normal after dbt build --select. It ends with exit code 0, unless the exposure was selected by name.",
			Next:  "Build it with everything above it: dbt build --select +exposure:NAME",
		},
		"not_rebuilt": {
			Title: "a table that the exposure reads was not rebuilt",
			Means: "The node holds rows of its own and was not in this dbt run. If the ledger knows a success of the same code that is younger than max_age, the sync may start with this warning; else it holds, because nobody knows how old the rows are.",
			Next:  "Type: dbt build --select NODE+\nFor one run, let it through: exposync run --accept not_rebuilt\nIf the table is rebuilt less often, set gate: {max_age: 7d} on the exposure.",
		},
		"not_built": {
			Title: "a view changed since it was last built",
			Means: "The view's code in the project is not the code that was last built, so the warehouse still has the old view, with the old columns.",
			Next:  "Type: dbt build --select VIEW\nFor one run, let it through: exposync run --accept not_built",
		},
		"view_not_in_run": {
			Title: "a view was not in this dbt run",
			Means: "A view needs no rebuild while its code stays the same: it shows what its parents hold. Here nothing tells whether the warehouse has this code, because the ledger has no success of the view. That warns; it holds with gate: {scope: strict} or {views: require}.",
			Next:  "Build the view once, so that the ledger knows it: dbt build --select VIEW, then exposync run (or exposync gate --record)",
		},
		"other_project": {
			Title: "the exposure reads a node of another dbt project",
			Means: "The node belongs to a project whose results are not here, so nothing tells whether it was built.",
			Next:  "Nothing has to be done: it warns. To hold instead, set gate: {external: require}.",
		},
		"source_unknown": {
			Title: "the exposure reads a source, and nothing tells how fresh it is",
			Means: "dbt does not build sources. Without a freshness result nothing vouches for one that an exposure reads directly.",
			Next:  "Declare freshness and loaded_at_field on the source, then type: dbt source freshness\nBetter: put an export model between the source and the exposure.",
		},
		"freshness_warn": {
			Title: "a source is later than it promises",
			Means: "The age of the source, computed now from its newest record, is above warn_after.",
			Next:  "Ask who loads the source. Look again: dbt source freshness",
		},
		"freshness_error": {
			Title: "a source is not fresh",
			Means: "The age of the source, computed now from its newest record, is above error_after, or dbt itself called it an error. It blocks an exposure that reads the source directly, and warns further up; with gate: {freshness: require} it blocks anywhere.",
			Next:  "Ask who loads the source, then type: dbt source freshness, and dbt build",
		},
		"freshness_missing": {
			Title: "a source promises freshness, but has no result",
			Means: "dbt source freshness leaves out sources whose check failed, so an absent result is not a fresh one.",
			Next:  "Type: dbt source freshness, and read what it says about the source",
		},
	}
}

// testPages explain what dbt's tests lead to.
func testPages() map[string]Page {
	return map[string]Page{
		"test_warned": {
			Title: "a test with severity warn found rows",
			Means: "The sync may start. gate: {tests: {warn: block}} makes such tests block, {warn: pass} silences them.",
			Next:  "Look at the rows: dbt test --select TEST --store-failures",
		},
		"test_failed": {
			Title: "a test above the exposure failed",
			Means: "The test found rows that it should not find. dbt may still call the exposure itself no-op: an exposure's own status proves nothing.",
			Next:  "Mend the data or the test, then type: dbt build --select MODEL+\nA known failure can be waived in the exposure's metadata, with a reason and a last day: gate: {waive: [{node: TEST, reason: \"DATA-12\", until: \"2026-12-31\"}]}",
		},
		"test_error": {
			Title: "a test above the exposure could not run",
			Means: "dbt could not ask the question: the SQL does not compile or the warehouse refused it. What was not asked is not proven.",
			Next:  "See the message in dbt's output, mend it, then type: dbt test --select TEST",
		},
		"test_skipped": {
			Title: "a test of what the exposure reads was skipped",
			Means: "dbt did not run the test although what the exposure reads was built, for example because the other model that it compares with failed.",
			Next:  "Type: dbt test --select TEST\nFor one run, let it through: exposync run --accept test_skipped",
		},
		"untested": {
			Title: "no test passed on what the exposure reads",
			Means: "The model has tests, but none of them ran after its rows last changed: dbt run does not test, and --exclude or --resource-type may leave tests out. It warns; with gate: {tests: {require: true}} it holds.",
			Next:  "Type: dbt build (instead of dbt run), or dbt test --select MODEL, and pass both files: --run-results FILE --run-results FILE",
		},
		"related_test_failed": {
			Title: "a test of two models failed, and one of them is not above the exposure",
			Means: "A test such as relationships compares what the exposure reads with something else. It blocks if it is declared on a model that the exposure reads directly; declared elsewhere it warns, because the fault may well be on the other side.",
			Next:  "Type: dbt test --select TEST, and mend the side that is wrong",
		},
		"waived": {
			Title: "a test's finding is waived",
			Means: "The exposure's metadata waives the test, with a reason and a last day. From the day after it counts again.",
			Next:  "Mend what the test found before the waiver ends. It stands under gate: waive: in the exposure's metadata.",
		},
	}
}

// artifactPages explain what speaks against the artifacts themselves.
func artifactPages() map[string]Page {
	return map[string]Page{
		"not_evidence": {
			Title: "run_results.json was not written by a command that builds or tests",
			Means: "dbt docs generate, compile, show and clone write the same file and call every node a success, tests included, although nothing was built or tested. They overwrite what dbt build left.",
			Next:  "Run Exposync before dbt docs generate, or give docs its own folder: dbt docs generate --target-path target/docs\nexposync build does both in the right order.",
		},
		"no_results": {
			Title: "no dbt results",
			Means: "There is no run_results.json, or dbt selected nothing and wrote an empty one. Nothing tells whether anything was built.",
			Next:  "Type: dbt build, and check its --select if you used it",
		},
		"stale": {
			Title: "the dbt results are too old",
			Means: "A success older than max_age (24 hours unless gate: max_age says otherwise) proves nothing any more; failures still count. The same is said of a file that lies in the future.",
			Next:  "Type: dbt build\nFor one run, let it through: exposync run --accept stale",
		},
		"pair_mismatch": {
			Title: "manifest.json and run_results.json are not of one state of the project",
			Means: "They come from different dbt commands, and the manifest does not even hold the nodes that were run, or knows them under other names. What was built is not what the project says now.",
			Next:  "Type: dbt build, and run Exposync right after it: dbt parse, ls, compile and source freshness overwrite the manifest.\nFor one run, let it through: exposync run --accept pair_mismatch",
		},
		"reparsed": {
			Title: "the manifest was written again after the dbt run",
			Means: "manifest.json comes from a later dbt command than run_results.json, but holds every node that was run. That is what dbt ls, parse, docs and source freshness do. A build that failed before it had results leaves the same picture.",
			Next:  "Run the gate right after dbt build, or use exposync build",
		},
		"empty_build": {
			Title: "dbt built without rows (--empty)",
			Means: "Every relation was made with no rows at all, while every status says success. Syncing it would delete or clear everything, so no flag lets it through.",
			Next:  "Type: dbt build (without --empty)",
		},
		"sample_build": {
			Title: "dbt built with a part of the rows (--sample)",
			Means: "The relations hold a slice of time only, while every status says success. No flag lets it through.",
			Next:  "Type: dbt build (without --sample)",
		},
		"wrong_project": {
			Title: "the artifacts are of another dbt project",
			Means: "The project's name, or every node that was run, is not that of the manifest.",
			Next:  "Check --project-dir, --manifest and --run-results, then type: dbt build",
		},
		"wrong_target": {
			Title: "what dbt built is not in the target that is asked for",
			Means: "Database or schema of what the exposure reads differ from the profile's target, or the files were written for different targets. A development build must never feed production.",
			Next:  "Type: dbt build --target TARGET\nIf the project has its own generate_schema_name, list its schemas under the target's schemas: in exposync.yml.",
		},
	}
}

// lineagePages explain what is wrong with the exposure itself.
func lineagePages() map[string]Page {
	return map[string]Page{
		"exposure_skipped": {
			Title: "dbt skipped the exposure",
			Means: "dbt 1.10 and later skip an exposure in dbt build if a model above it failed. Nothing else in the artifacts says why.",
			Next:  "Type: dbt retry",
		},
		"disabled": {
			Title: "the exposure is disabled in dbt",
			Means: "enabled: false, or a variable that sets it, takes the exposure out of the project: it is not judged and not synced.",
			Next:  "Set enabled: true in the exposure's config, then type: dbt parse",
		},
		"no_parents": {
			Title: "the exposure depends on nothing",
			Means: "Without parents nothing can be proven. A common cause is \"depends on:\" with a space, which dbt ignores.",
			Next:  "Write depends_on: [ref('export_…')] in the exposure, then type: dbt parse",
		},
		"dangling_parent": {
			Title: "the exposure depends on something that is not in the project",
			Means: "The node was removed, renamed or disabled since the exposure was written, or the manifest was cut down.",
			Next:  "Correct depends_on: of the exposure, then type: dbt parse",
		},
		"config": {
			Title: "the exposure's own metadata is wrong",
			Means: "What stands under exposync: in the exposure's meta cannot be used, so nobody knows what would be synced.",
			Next:  "Correct the line that the reason shows, then type: exposync gate",
		},
	}
}
