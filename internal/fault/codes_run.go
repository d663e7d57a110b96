package fault

import "maps"

// runPages has the codes of planning, guards and running.
func runPages() map[string]Page {
	pages := map[string]Page{}
	for _, group := range []map[string]Page{holdPages(), savedPlanPages(), deliveryPages(), outcomePages(), commandPages(), secondPages()} {
		maps.Copy(pages, group)
	}
	return pages
}

// holdPages explains what keeps a planned job from running.
func holdPages() map[string]Page {
	return map[string]Page{
		"first_run": {
			Title: "nothing was ever sent by this sync: say how to begin",
			Means: "The ledger knows no record of this sync, so every row of the export model would be created at the destination. If the records are already there, from another tool or an earlier ledger, that may overwrite or double them. Exposync asks once, and never again after the first run has come to its end.",
			Next:  "exposync run --select EXPOSURE --first compare reads the destination and sends only what differs; --first send sends every row; --first adopt sends nothing and takes every row as already there. To answer for good, write `first: compare` into the exposure's metadata. A first run that is cut short goes on with the same answer.",
		},
		"guard_deletes": {
			Title: "the run would delete more records than its guard allows",
			Means: "In mode mirror, a record that is gone from the export model is deleted at the destination. More of them are gone than `guards: {deletes: …}` lets through (by default 1% of the confirmed records, but at least 10). The usual cause is a model that lost rows by mistake: a join that became an inner join, a filter, a source that was loaded in part.",
			Next:  "exposync plan shows the numbers. If the model is wrong, correct it and run dbt build. If the records are meant to go: exposync run --accept guard_deletes, for this run only.",
		},
		"guard_creates": {
			Title: "the run would create more records than its guard allows",
			Means: "The plan has more new records than `guards: {creates: …}` lets through (by default half of the confirmed records, and more than 100). The usual causes are a key column that changed its format, so that known records look new, or a join that multiplies rows.",
			Next:  "exposync plan shows the numbers. Compare the key column with last time. If the records are really new: exposync run --accept guard_creates, for this run only.",
		},
		"guard_rows": {
			Title: "the export model has far fewer rows than last time",
			Means: "The model lost more rows since the last complete run than `guards: {rows: …}` lets through (by default 20%, and more than 20 rows). What is read may be incomplete.",
			Next:  "Look at what the model depends on: dbt build --select +MODEL. If fewer rows are right: exposync run --accept guard_rows, for this run only.",
		},
		"guard_keys": {
			Title: "too many rows have a null or duplicate key",
			Means: "A row without a key, or with a key that another row has too, cannot be sent: nobody could say which record it is. A few of them are counted as invalid, and nothing is deleted in such a run; more than `guards: {keys: …}` allows (by default 0.5% of the rows) hold it.",
			Next:  "Add the tests not_null and unique to the key column in the export model's YAML, run dbt build, and correct what they find. To go on without these rows: exposync run --accept guard_keys, for this run only.",
		},
		"window_reread": {
			Title: "all events are read again, but the ledger forgot which were sent",
			Means: "With `cursor:` the ledger remembers only the events inside of the window, so that it does not grow for ever. Now the whole source is read: because of --full-refresh, because cursor was removed or names another column, or because the model moved. What left the window looks new, whether it was sent or not.",
			Next:  "If nothing forces you, put it back as it was: the next run goes on where the last one ended. exposync run --accept window_reread sends everything that the ledger does not know; --first adopt sends nothing and takes it all as sent.",
		},
		"mapping_changed": {
			Title: "the mapping changed, and many records would be sent again",
			Means: "Fields, their columns or the mode differ from the last run, so records look changed although the model's data did not. With `fields: all` a new column of the model does that, too. More records than `guards: {creates: …}` lets through would be sent again.",
			Next:  "exposync plan shows how many. If that is what you want: exposync run --accept mapping_changed; it is asked once, even if the run is cut short.",
		},
		"key_changed": {
			Title: "the key fields differ from those under which records were confirmed",
			Means: "The key says which record is which. Under another key nothing that was confirmed can be found again, and every row would be sent as new. No flag lets this through.",
			Next:  "If the records are the same ones: exposync ledger rekey JOB shows, and with --yes does, what carries over to the new key. Or put the key back. Or forget what was confirmed under the old one: exposync ledger reset JOB, then exposync run --first compare.",
		},
		"object_changed": {
			Title: "the sync points to another object than before",
			Means: "Records were confirmed in one object of the destination, and `to:` now names another. Every row would be sent as new there, and what is in the old object would be left alone for ever. No flag lets this through.",
			Next:  "If it is the same object under another name: exposync ledger rekey JOB. Else put `to:` back, or forget what was confirmed in the old object: exposync ledger reset JOB, then run again.",
		},
		"account_changed": {
			Title: "the credentials belong to another account than before",
			Means: "The destination says that it is another account, database or portal than the one where records were confirmed. Often somebody exchanged the credentials of production and a test account. No flag lets this through.",
			Next:  "Check the connection in exposync.yml, and name the account you mean with `expect: {account: …}`. If the new account holds the same records (it was renamed or moved): exposync ledger rekey JOB. If it is right and begins empty: exposync ledger reset JOB, then run again.",
		},
		"connection_changed": {
			Title: "the sync goes through another connection than before",
			Means: "Records were confirmed through a connection of another name. It may lead to another place, so what was confirmed does not count there. No flag lets this through.",
			Next:  "If only the connection's name changed: exposync ledger rekey JOB. Else put the name back in `to:`, or forget what was confirmed: exposync ledger reset JOB, then exposync run --first compare.",
		},
		"accept_unraised": {
			Title: "--accept names a code that nothing raised",
			Means: "A code can be let through only if the planning of this very run raised it, so that yesterday's permission does not open today's gate. Nothing was sent. Blocks, changed keys and builds with --empty or --sample cannot be accepted at all.",
			Next:  "exposync plan shows what is held, with the command for each. Leave the code out if nothing is held any more.",
		},
	}
}

// savedPlanPages explains what can be wrong with a plan file.
func savedPlanPages() map[string]Page {
	return map[string]Page{
		"plan_stale": {
			Title: "the saved plan no longer fits the world",
			Means: "Since the plan was made, dbt ran, another run wrote to the destination, or the target, a definition, a connection, the account, a guard, a verdict, the mapping or the rows changed. Applying it would do something else than what was reviewed, so nothing was sent.",
			Next:  "exposync plan --out FILE, review it, then exposync run --plan FILE.",
		},
		"plan_damaged": {
			Title: "the files of a saved plan are not as they were written",
			Means: "The plan's file or the rows beside it are incomplete, were edited, or belong to another plan. Nothing was sent.",
			Next:  "Make the plan again: exposync plan --out FILE. Move or copy the file and its .rows files together.",
		},
		"plan_file": {
			Title: "the plan file cannot be used",
			Means: "The file that --plan or --out names cannot be read or written, or it is no saved plan.",
			Next:  "Check the path and its permissions, or make a plan: exposync plan --out FILE.",
		},
	}
}

// deliveryPages explains what ends a job.
func deliveryPages() map[string]Page {
	return map[string]Page{
		"internal": {
			Title: "a mistake of Exposync's own",
			Means: "Something happened that Exposync does not expect. No record was confirmed that the destination did not confirm.",
			Next:  "Run again with --debug and report the output.",
		},
		"interrupted": {
			Title: "the run was stopped before its end",
			Means: "After ^C the batches in flight are finished, everything confirmed is saved and nothing more starts. After a second ^C, or a kill, requests are torn off: what was on its way is in doubt, and the next run sends it again where that does no harm.",
			Next:  "Run again: it continues with exactly what is left.",
		},
		"spool_failed": {
			Title: "rows could not be kept on the local disk",
			Means: "Exposync writes the rows of a run to a temporary file in the ledger's folder, because memory must not grow with their number. The disk is full, read-only or broken. Nothing was sent that is not in the ledger.",
			Next:  "Make room beside exposync.yml (folder .exposync), then run again.",
		},
		"rows_vanished": {
			Title: "the model gives different rows each time it is read",
			Means: "Rows that had changed were read a second time, by their key and in the same transaction, and were missing or different. The model is a view with random(), clock_timestamp(), a limit without order, or something like it. What was planned is not what would be sent, so nothing was sent.",
			Next:  "Make the model a table (materialized: table), or take the unstable expression out, then dbt build.",
		},
		"wrong_account": {
			Title: "the credentials belong to another account than `expect:` says",
			Means: "The destination was asked who it is before anything was sent, and it is not the account that exposync.yml expects. Nothing was sent.",
			Next:  "Correct the credentials, or `expect: {account: …}` of the connection in exposync.yml.",
		},
		"deletes_unsupported": {
			Title: "this destination cannot delete records",
			Means: "Mode mirror deletes records that are gone from the model, and a destination of this type, or this object of it, offers no way to do that.",
			Next:  "Use mode: upsert, and take records out by a field such as `active`.",
		},
		"compare_unsupported": {
			Title: "this destination cannot be read by key",
			Means: "A first run with compare reads the destination's records by their key, and this type of destination offers no way to do that.",
			Next:  "exposync run --first send (sends every record) or --first adopt (takes every record as sent).",
		},
		"destination_unavailable": {
			Title: "the destination did not take a batch after several attempts",
			Means: "Each attempt ended in a time-out, a refusal for now (429, 503) or an answer that says nothing. What was confirmed before is saved; the rest is due.",
			Next:  "See whether the destination is up (its status page), then run again: exactly what is left will be sent.",
		},
		"destination_stopped": {
			Title: "the destination takes no more in this run",
			Means: "A quota is used up, a policy forbids the call, or the destination asks to wait longer than a run waits (5 minutes). Going on would only burn calls. What was confirmed is saved.",
			Next:  "Run again when the quota is open again: exactly what is left will be sent.",
		},
		"mapping_error": {
			Title: "the destination refuses every record for the same reason",
			Means: "A field does not exist there, has the wrong type, or may not be written by this user. After 100 equal refusals and not one success Exposync stops, before the quota is used up.",
			Next:  "Read the destination's reason, correct the fields in the exposure's metadata, run dbt parse or dbt build, then run again.",
		},
	}
}

// outcomePages explains the reasons that Exposync itself gives for records
// whose fate nobody knows.
func outcomePages() map[string]Page {
	return map[string]Page{
		"outcomes_missing": {
			Title: "the answer does not say what became of each record",
			Means: "The destination's answer has another number of results than records were sent. None of them counts as confirmed: they are in doubt, and are sent again where that does no harm.",
			Next:  "Run again. If it happens every time, report it with the output of --debug.",
		},
		"never_settled": {
			Title: "the destination accepted records and never said what became of them",
			Means: "Accepted is not confirmed. The records are in doubt.",
			Next:  "Look at the destination. Run again: where sending twice does no harm, the records are sent again.",
		},
		"unrecorded": {
			Title: "records were sent, but the ledger could not be written",
			Means: "The destination answered, and the answer did not reach the ledger: the disk is full or broken. For the next run these records are in doubt, and it sends them again where that does no harm.",
			Next:  "Correct what the fault beside it says (ledger_write), then run again.",
		},
	}
}

// commandPages explains mistakes around the commands themselves.
func commandPages() map[string]Page {
	return map[string]Page{
		"usage": {
			Title: "the command line cannot be understood",
			Means: "A flag, an argument or a word that Exposync does not know, or two that exclude each other. Nothing was done.",
			Next:  "exposync COMMAND --help shows what there is.",
		},
		"dbt_no_results": {
			Title: "dbt failed before it had results",
			Means: "dbt build ended with an error and did not write run_results.json, for example because a file could not be parsed or it was stopped. The results of an earlier run prove nothing about this one, so nothing was synced.",
			Next:  "Mend what dbt said, then type: exposync build. To sync on the results of the earlier run, type: exposync run",
		},
		"dbt_missing": {
			Title: "dbt could not be started",
			Means: "`exposync build` runs `dbt build` first, and the rows of a warehouse without a reader of its own come through `dbt show`. There is no such program on the path, or it may not be executed.",
			Next:  "Activate dbt's environment, or name it: exposync build --dbt PATH, exposync run --dbt PATH, or the variable EXPOSYNC_DBT. If dbt ran already and the warehouse is PostgreSQL or SQLite: exposync run needs no dbt.",
		},
		"results_unwritable": {
			Title: "the results of the run could not be written",
			Means: "target/exposync_run_results.json cannot be written. The syncs themselves ended as the lines say, and the ledger remembers them.",
			Next:  "Correct the permissions of dbt's target folder. There is no need to run again.",
		},
	}
}
