package fault

// impactDeclaredPages has the kinds of change that impact finds in what exposures and
// syncs declare.
func impactDeclaredPages() map[string]Page {
	return map[string]Page{
		"exposure_removed": {
			Title: "an exposure is gone",
			Means: "Nothing judges it any more, and its syncs do not run. The destination keeps what it has.",
			Next:  "If it was renamed, say was: old_name in the new one. Else retire what it filled.",
		},
		"exposure_disabled": {
			Title: "an exposure is disabled",
			Means: "Nothing judges it any more, and its syncs do not run. The destination keeps what it has.",
			Next:  "Enable it, or retire what it filled.",
		},
		"exposure_enabled": {
			Title: "an exposure is enabled",
			Means: "It is judged again, and its syncs may run.",
			Next:  "Nothing.",
		},
		"exposure_renamed": {
			Title: "an exposure has another name",
			Means: "Its syncs say was: with the old name, and continue what was confirmed.",
			Next:  "Nothing; was: may go once the syncs ran.",
		},
		"exposure_added": {
			Title: "an exposure is new",
			Means: "It was not there before.",
			Next:  "Nothing.",
		},
		"exposure_retyped": {
			Title: "an exposure is of another type",
			Means: "Only exposures of type application are judged by default, and only they are synced.",
			Next:  "Keep type: application if something leaves the warehouse.",
		},
		"exposure_described": {
			Title: "an exposure is described in other words",
			Means: "Its label or description changed.",
			Next:  "Nothing.",
		},
		"dependency_removed": {
			Title: "an exposure depends on less",
			Means: "The gate no longer looks at that node and what stands above it.",
			Next:  "Keep the dependency if the tool reads it.",
		},
		"dependency_added": {
			Title: "an exposure depends on more",
			Means: "The gate looks at that node and what stands above it, too.",
			Next:  "Nothing.",
		},
		"hosted_changed": {
			Title: "another sync of a hosted tool is meant",
			Means: "The id in hosted: or in the url is another one: another sync is triggered, or watched.",
			Next:  "Compare what both send before it is merged, and retire the old one in the tool.",
		},
		"gate_changed": {
			Title: "an exposure says something else about its gate",
			Means: "A setting under gate: of the exposure changed, so that it may open on less proof.",
			Next:  "Compare it with the truth table: exposync gate shows what it comes to.",
		},
		"waiver_added": {
			Title: "a red test or model is waived",
			Means: "It does not stop the exposure's syncs until that day.",
			Next:  "Make sure that somebody mends it before that day.",
		},
		"waiver_removed": {
			Title: "a waiver is gone",
			Means: "A red test or model stops the exposure's syncs again.",
			Next:  "Nothing.",
		},
		"sla_changed": {
			Title: "an exposure may be older, or has to be fresher",
			Means: "sla: says how stale the destination may be.",
			Next:  "Tell its owner.",
		},
		"ignore_changed": {
			Title: "an exposure ignores other checks",
			Means: "ignore: lists findings of lint and coverage that the project accepts.",
			Next:  "Read the reason that stands beside it.",
		},
		"url_changed": {
			Title: "an exposure has another url",
			Means: "People are led to another page.",
			Next:  "Nothing.",
		},
		"owner_changed": {
			Title: "an exposure belongs to somebody else",
			Means: "Alerts and questions go to the new owner.",
			Next:  "Make sure that they know.",
		},
		"maturity_changed": {
			Title: "an exposure has another maturity",
			Means: "It says how much people may rely on it.",
			Next:  "Nothing.",
		},
		"job_removed": {
			Title: "a sync is gone",
			Means: "Nothing is sent any more, and the destination keeps what it has. The same sync under another name, without was:, starts from nothing: its first run asks, and would send everything again.",
			Next:  "If it was renamed, add was: OLD to the new one. Else exposync ledger reset OLD forgets what was confirmed.",
		},
		"job_renamed": {
			Title: "a sync has another name",
			Means: "It says was: with the old one, and continues what was confirmed.",
			Next:  "Nothing; was: may go once it ran.",
		},
		"job_added": {
			Title: "a sync is new",
			Means: "Its first run holds with first_run and asks what to do: send, compare or adopt.",
			Next:  "exposync plan shows what it would send.",
		},
		"job_invalid": {
			Title: "a sync cannot run any more",
			Means: "Its metadata has a mistake that it did not have before. The sync is blocked until it is corrected; others run.",
			Next:  "exposync ls shows every mistake with file and line.",
		},
		"job_mended": {
			Title: "a sync can run again",
			Means: "Its metadata had mistakes before, and has none now.",
			Next:  "Nothing.",
		},
		"job_destination_changed": {
			Title: "a sync goes to another destination",
			Means: "What was confirmed belongs to the connection and object that it went to before. The run holds until somebody decides.",
			Next:  "exposync ledger rekey JOB carries it over where the records are the same ones; exposync ledger reset JOB starts from nothing.",
		},
		"job_key_changed": {
			Title: "a sync has another key",
			Means: "What was confirmed belongs to the old key fields. The run holds until somebody decides.",
			Next:  "exposync ledger rekey JOB carries it over by the export's own columns; exposync ledger reset JOB starts from nothing.",
		},
		"job_key_source_changed": {
			Title: "a key is filled in another way",
			Means: "The key field is the same, and its values come from another column or expression. Unless they are equal, every record is a new one and the old ones are gone: in mode mirror they would be deleted, within the guard.",
			Next:  "Compare both columns in the warehouse. If the values differ, plan a run by hand: exposync plan shows creates and deletes.",
		},
		"job_mode_mirror": {
			Title: "a sync deletes now",
			Means: "In mode mirror, records that Exposync confirmed and that are gone from the export are deleted at the destination.",
			Next:  "exposync plan shows how many; guards: {deletes: …} holds a run that would delete too many.",
		},
		"job_mode_append": {
			Title: "a sync appends now",
			Means: "Every version of a record becomes a record of its own at the destination, those that are there already too.",
			Next:  "Use a destination object of its own for events.",
		},
		"job_mode_changed": {
			Title: "a sync has another mode",
			Means: "The mode is a part of the mapping: the run holds with mapping_changed before anything is sent again.",
			Next:  "exposync plan shows what would be sent; --accept mapping_changed lets it through.",
		},
		"job_source_changed": {
			Title: "a sync reads another model",
			Means: "Its rows come from another model. What was confirmed stays: rows are compared with it.",
			Next:  "exposync plan shows what would be sent.",
		},
		"job_field_removed": {
			Title: "a field is not filled any more",
			Means: "The destination keeps the last value that it got. The mapping changes: the run holds with mapping_changed.",
			Next:  "Clear the field at the destination if the value must go; --accept mapping_changed lets the run through.",
		},
		"job_field_changed": {
			Title: "a field is filled in another way",
			Means: "Another column, expression, cast, constant or condition. The mapping changes: the run holds with mapping_changed before records are sent again.",
			Next:  "exposync plan --samples 3 shows what would be sent; --accept mapping_changed lets it through.",
		},
		"job_field_added": {
			Title: "a field is filled that was not",
			Means: "The mapping changes: the run holds with mapping_changed before records are sent again.",
			Next:  "Make sure that the destination has the field: exposync plan says so; --accept mapping_changed lets it through.",
		},
		"job_guard_loosened": {
			Title: "a guard holds less",
			Means: "A limit is higher, or off: a run goes through that would have held.",
			Next:  "Make sure that the number is meant.",
		},
		"job_guard_tightened": {
			Title: "a guard holds more",
			Means: "A limit is lower: a run holds that would have gone through.",
			Next:  "Nothing.",
		},
		"job_reading_changed": {
			Title: "a sync reads its source in another way",
			Means: "cursor:, changed_since:, lookback: or full_read: changed, so that each run reads another part of the source.",
			Next:  "exposync plan says from where on it reads; exposync run --full-refresh reads all of it once.",
		},
		"job_policy_changed": {
			Title: "a sync may delete or send twice where it did not",
			Means: "owned: or on_in_doubt: changed.",
			Next:  "Make sure that it is meant: owned: all lets a mirror delete adopted records, on_in_doubt: resend may send a record twice.",
		},
		"job_schedule_changed": {
			Title: "a sync runs at other times",
			Means: "every: changed.",
			Next:  "Nothing.",
		},
		"job_first_changed": {
			Title: "a first run is answered in another way",
			Means: "first: matters to a sync without memory only.",
			Next:  "Nothing.",
		},
	}
}
