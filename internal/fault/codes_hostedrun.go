package fault

// hostedRunPages has the codes of declaring syncs of hosted tools, and of
// triggering them and watching them.
func hostedRunPages() map[string]Page {
	return map[string]Page{
		"connection_hosted": {
			Title: "`to:` names a hosted tool",
			Means: "Records are written to a connection of `to:`. This one is a tool in which syncs live, such as Hightouch or Census: they can be triggered and watched, nothing is written to them.",
			Next:  "Write `hosted: CONNECTION/ID` in place of `to:`, `key:` and `fields:`, with the id of the sync in the tool.",
		},
		"connection_not_hosted": {
			Title: "`hosted:` names something that has no syncs of its own",
			Means: "A connection of `hosted:` is a tool in which syncs live. This one is a place that records are written to.",
			Next:  "Write `to: CONNECTION.OBJECT` with `key:` and `fields:`, or name the hosted tool.",
		},
		"setting_conflict": {
			Title: "two settings contradict each other",
			Means: "One of them belongs to a sync whose rows Exposync moves itself (`to:`), the other to a sync of a hosted tool (`hosted:`). A sync is one of the two.",
			Next:  "Remove the one that is not meant. Several syncs of one exposure stand under `syncs:`, each of its own kind.",
		},
		"hosted_no_id": {
			Title: "nothing says which sync of the tool is meant",
			Means: "`hosted: TOOL` alone takes the sync's id from the exposure's url, and so does trigger_urls. The url is of another tool, is a search, or holds no id that can be read.",
			Next:  "Write `hosted: TOOL/ID`. The id stands in the address of the sync's page in the tool; for Segment write SOURCE/MODEL/SUBSCRIPTION, for a sequence of Hightouch sequence/ID.",
		},
		"hosted_url_differs": {
			Title: "the sync that is triggered is not the one that the url shows",
			Means: "The exposure's url leads people to one sync, and `hosted:` triggers another. Whoever follows the link looks at the wrong runs.",
			Next:  "Correct the url or the id. Where one exposure stands for several syncs, declare them under `syncs:`.",
		},
		"hosted_ambiguous": {
			Title: "several connections could be meant",
			Means: "The exposure's url shows a sync of a tool, and exposync.yml has more than one connection of that type. Only the exposure can say which workspace it is.",
			Next:  "Write `hosted: CONNECTION/ID` in the exposure's metadata.",
		},
		"hosted_disabled": {
			Title: "the sync is switched off in the tool",
			Means: "It is disabled, paused or a draft there: a trigger would be refused, or would do nothing. It was not triggered.",
			Next:  "Switch the sync on in the tool, or remove `hosted:` from the exposure.",
		},
		"own_schedule": {
			Title: "the tool runs the sync by itself, too",
			Means: "The sync has a schedule or trigger of its own in the tool. Whatever dbt did, it will run then: rows go out that no gate has judged, and Exposync can only add a run.",
			Next:  "Set the sync to manual in the tool. To let one run through: exposync run --accept own_schedule",
		},
		"hosted_in_doubt": {
			Title: "nobody knows whether the sync was triggered",
			Means: "The answer to the trigger was lost on its way, and the tool lists no run, or several, that may have come of it. Triggering again could run the sync twice, so Exposync does not do it for this dbt run. A later dbt run triggers as usual.",
			Next:  "Look at the sync's runs in the tool. If there is none of this time: exposync retry --select JOB triggers again.",
		},
		"hosted_no_records": {
			Title: "the records of a hosted sync are known to its tool alone",
			Means: "The command is about records, their keys or their marks. A sync of a hosted tool is only triggered and watched: which records it moves is known there.",
			Next:  "exposync plan --select JOB asks the tool about the sync; exposync ledger reset JOB forgets what was triggered.",
		},
		"hosted_unwatched": {
			Title: "the run goes on, but the tool does not answer",
			Means: "The sync was triggered. Asking how far it is failed several times, so its end is not known yet. The run's id is remembered.",
			Next:  "exposync wait, or the next exposync run, goes on waiting for the same run; nothing is triggered twice.",
		},
		"hosted_timeout": {
			Title: "the run did not end in time",
			Means: "The sync was triggered and takes longer than the job waits (an hour, or `timeout:` in the metadata). It goes on in the tool.",
			Next:  "exposync wait goes on waiting. `timeout: 3h` in the exposure's metadata gives it longer; --cancel-on-timeout ends a run that takes too long, where the tool can.",
		},
		"hosted_failed": {
			Title: "the run failed in the tool",
			Means: "The tool ended it early and says why. What it wrote before is written. For this dbt run it is not triggered again by itself.",
			Next:  "Correct what the tool says, then: exposync retry --select JOB",
		},
		"hosted_canceled": {
			Title: "the run was canceled in the tool",
			Means: "Somebody, or a time limit, ended it. It is no success: rows may be missing.",
			Next:  "exposync retry --select JOB triggers it again.",
		},
		"hosted_skipped": {
			Title: "the tool decided not to run the sync",
			Means: "It was triggered, and the tool skipped the run, twice: nothing was synced. That happens while another run is going on.",
			Next:  "See what runs in the tool, then: exposync retry --select JOB",
		},
		"hosted_goes_on": {
			Title: "you stopped waiting, the run goes on",
			Means: "Interrupting Exposync interrupts no run in a hosted tool. The run's id is remembered.",
			Next:  "exposync wait, or the next exposync run, goes on waiting for the same run.",
		},
		"hosted_rows": {
			Title: "the tool ended the run, and refused some of the rows",
			Means: "The run came to its end, but not every row arrived. The tool's page of the run names them; Exposync sees only how many there are.",
			Next:  "Open the run's page in the tool. What such a run comes to is decided by `on_partial: fail|warn|ok` and `max_rejected:` in the exposure's metadata.",
		},
		"hosted_bad_id": {
			Title: "the id cannot be one of a sync of this tool",
			Means: "Every tool has ids of a form of its own, and what `hosted:` names has another one.",
			Next:  "Copy the id from the address of the sync's page in the tool.",
		},
		"hosted_no_export": {
			Title: "a hosted sync reads a model that is no export model",
			Means: "What leaves the warehouse should have one place, where it is documented, tested and owned: the export models. This sync reads another model, so a change there reaches the business tool without anybody looking.",
			Next:  "Let the sync read an export_ model that selects from it, and declare an exposure on that.",
		},
		"hosted_undeclared": {
			Title: "no exposure declares a sync that the tool has",
			Means: "The tool sends data out of the warehouse, and the dbt project does not say so: no lineage, no owner, no gate.",
			Next:  "Declare an exposure on what it reads, with exposync: {hosted: CONNECTION/ID}; or retire the sync.",
		},
		"hosted_unread": {
			Title: "a hosted tool could not be asked",
			Means: "Whether its syncs fit the exposures is not known: it did not answer, or its API does not list syncs.",
			Next:  "Check the connection in exposync.yml, then: exposync ls --online",
		},
		"hosted_twice": {
			Title: "two exposures trigger one sync of a hosted tool",
			Means: "A sync is triggered once for a dbt run, behind the gate of its exposure. Two exposures with the same sync would trigger it twice, and the gate of one would say nothing of what the other depends on. The second one does not run.",
			Next:  "Let one exposure depend on everything that the sync reads, and keep `hosted:` there alone. The other one is still watched by its url.",
		},
	}
}
