package fault

// identityPages has the codes of what keeps a sync from going on under
// another name, key, place or ledger.
func identityPages() map[string]Page {
	return map[string]Page{
		"sandbox_required": {
			Title: "what would be sent has not passed a sandbox",
			Means: "exposync.yml says `require: sandbox` for this connection or target. So a run into a sandbox has to come first, with the same export fields, key, null policies, object and description of the service, that sent something and had all of it confirmed. Changing any of these asks for another pass; the rows do not count. The ledger remembers who ran what into which sandbox, so sandbox and production need the same ledger.",
			Next:  "Build and run into the sandbox (exposync run --target dev), correct what it refuses, and run again. A sandbox that has everything already proves nothing anew: exposync ledger reset JOB --target dev makes it get all records again. For one run, remembered with it: exposync run --accept sandbox_required.",
		},
		"ephemeral_ledger": {
			Title: "in CI a local ledger is likely to be gone after the job",
			Means: "CI=true, and the ledger is a directory of this machine. If nothing keeps it, the next job knows nothing of what was sent: it would send every record again, delete nothing in mode mirror, and forget every reject. So the run is held before its first write to a real destination; sandboxes and files are not.",
			Next:  "Write a ledger that outlives the job into exposync.yml: `ledger: {postgres: \"{{ env_var('LEDGER_URL') }}\"}` or a bucket, and take what is remembered along with `exposync ledger move`. Or have the CI's cache restore .exposync before the run and save it afterwards, always and under a new cache key each time, and say so: `ledger: {dir: .exposync, kept: true}`. For one run: exposync run --accept ephemeral_ledger.",
		},
		"ledger_incomplete": {
			Title: "a copy of the ledger was interrupted",
			Means: "What is remembered of this sync here is a part of what was confirmed: `exposync ledger move`, `exposync ledger rekey` or the carrying over of a renamed sync did not come to its end. Taking the part for the whole would send the rest again, so nothing is sent. The original is untouched.",
			Next:  "Type the interrupted command again: it starts over. A renamed sync (`was:`) is carried over by the next run by itself. To forget the part: exposync ledger reset JOB.",
		},
		"ledger_differs": {
			Title: "two ledgers, or two identities, remember different things",
			Means: "What is to be copied would be written over something else that is remembered there. Which of the two is true, only you can know: usually a run went on in one of them after a copy was made.",
			Next:  "exposync ledger show lists what is remembered. Move into an empty place, or forget one of the two with `exposync ledger reset JOB`.",
		},
		"ledger_copy": {
			Title: "a copied ledger does not read back as it was written",
			Means: "After copying, everything is read back and compared; this time it was not equal. The copy is not used, and the original is as it was.",
			Next:  "Look at the disk or database that takes the copy, then type the command again: it starts over.",
		},
		"rekey_nothing": {
			Title: "there is nothing to carry over",
			Means: "`exposync ledger rekey` takes what was confirmed under a former key, object, account or connection over to the present one. Either nothing was confirmed before, or something was confirmed under the present identity already.",
			Next:  "exposync ledger show JOB lists every identity that is remembered. To begin anew: exposync ledger reset JOB.",
		},
		"rekey_columns": {
			Title: "the columns of the former key are gone from the model",
			Means: "To carry marks over to a new key, each row has to tell both keys: the one under which it was confirmed and the new one. The model no longer has a column for the former.",
			Next:  "Put the column back beside the new key, run dbt build and `exposync ledger rekey JOB --yes`, then remove it. Or begin anew: exposync ledger reset JOB, then exposync run --first compare.",
		},
		"rekey_gate": {
			Title: "the model is not proven, so keys are not carried over",
			Means: "Carrying marks over to another key reads the model. If the model lacks records because a part of its upstream failed, what was confirmed of those would be lost.",
			Next:  "exposync gate says what is wrong. Build the model, then type the command again.",
		},
		"was_exists": {
			Title: "was: names a sync that still exists",
			Means: "`was: old_name` lets a renamed exposure or sync go on with what its former name confirmed. A sync that still exists needs that itself.",
			Next:  "Remove `was`, or remove the old exposure or sync, then run dbt parse.",
		},
		"was_twice": {
			Title: "two syncs continue one former name",
			Means: "What was confirmed belongs to one sync: if two went on with it, each would take the other's records for its own, and a mirror would delete them.",
			Next:  "Leave `was` with the sync that really goes on, and let the other begin anew. A sync that is `exposure.sync` is named like that.",
		},
	}
}
