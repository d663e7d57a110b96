package impact

import "slices"

// Kind is what differs. Each has a page: see fault.Explain.
type Kind string

// Way is how a change gets to an exposure.
type Way string

// The ways.
const (
	Mapped   Way = "mapped"   // a sync maps the column
	Direct   Way = "direct"   // a sync of Exposync reads the node
	Outside  Way = "outside"  // a hosted sync, a dashboard or another tool reads the node by itself
	Traced   Way = "traced"   // upstream: every node from there has a column of that name, down to one that a sync maps
	Chained  Way = "chained"  // upstream through views alone: it is computed whenever the export is read
	Upstream Way = "upstream" // upstream: it may reach it
	Declared Way = "declared" // the exposure or the sync itself says something else
	LooksUp  Way = "looks_up" // a field looks up the ids of that sync
)

// Ways lists them, nearest first.
func Ways() []Way {
	return []Way{Declared, Mapped, Direct, Outside, LooksUp, Traced, Chained, Upstream}
}

// Rule says how bad a kind of change is, by the way in which it gets to an
// exposure. A way that a rule does not have is none: nothing is reached.
type Rule struct {
	Kind Kind
	By   map[Way]Severity
	Why  string // what it does to a sync, as a clause
}

// severities of what is the same whichever way a node is read.
func everywhere(direct, outside, upstream Severity) map[Way]Severity {
	return map[Way]Severity{Direct: direct, Outside: outside, Upstream: upstream}
}

func declared(s Severity) map[Way]Severity { return map[Way]Severity{Declared: s} }

// identity is declared, and reaches those that look up the sync's ids, too.
func identity() map[Way]Severity { return map[Way]Severity{Declared: Breaking, LooksUp: Risky} }

// Rules is the one table of what is breaking. Kinds stand in the order in
// which people read them.
func Rules() []Rule {
	return slices.Concat(columnRules(), nodeRules(), testRules(), exposureRules(), jobRules())
}

func columnRules() []Rule {
	gone := map[Way]Severity{Mapped: Breaking, Outside: Risky, Traced: Risky, Upstream: Risky}
	return []Rule{
		{"column_removed", gone, "the fields that it fills get no values any more"},
		{"column_renamed", gone, "the mapping still names the old column"},
		{"column_retyped", map[Way]Severity{Mapped: Breaking, Outside: Risky, Traced: Risky, Upstream: Safe}, "every record counts as changed, and the destination may refuse the values; in a key every record becomes another one"},
		{"column_narrowed", map[Way]Severity{Mapped: Risky, Outside: Risky, Traced: Risky, Upstream: Safe}, "values may be cut or rounded, or the build may fail"},
		{"column_widened", map[Way]Severity{Mapped: Risky, Outside: Safe, Traced: Safe, Upstream: Safe}, "nothing is sent again, but values may become larger than the destination's field takes"},
		{"column_added", map[Way]Severity{Mapped: Risky, Outside: Safe}, "with `fields: all` the mapping changes: every record would be sent again, and the run holds with mapping_changed"},
		{"column_undeclared", map[Way]Severity{Mapped: Safe, Outside: Safe}, "only its documentation is gone: no SQL above it changed"},
		{"column_declared", map[Way]Severity{Mapped: Safe, Outside: Safe}, "only its documentation is new: no SQL above it changed"},
		{"constraint_dropped", map[Way]Severity{Mapped: Risky, Outside: Safe, Traced: Risky, Upstream: Safe}, "the warehouse no longer refuses such rows: nulls or doubles may arrive"},
		{"constraint_added", map[Way]Severity{Mapped: Safe, Outside: Safe, Traced: Safe, Upstream: Safe}, "the warehouse refuses more rows"},
	}
}

func nodeRules() []Rule {
	safe, review := everywhere(Safe, Safe, Safe), everywhere(Risky, Risky, Risky)
	weaker := everywhere(Risky, Risky, Safe)
	view := everywhere(Risky, Risky, Safe)
	view[Chained] = Risky
	moved := everywhere(Safe, Safe, Safe)
	moved[Declared] = Safe
	return []Rule{
		{"model_removed", everywhere(Breaking, Breaking, Risky), "what reads it has nothing to read"},
		{"model_disabled", everywhere(Breaking, Breaking, Risky), "dbt no longer builds it: the relation stands as it was, or goes"},
		{"source_removed", everywhere(Breaking, Breaking, Risky), "what reads it has nothing to read"},
		{"model_renamed", everywhere(Risky, Breaking, Safe), "Exposync follows depends_on; tools that know the relation by its name do not"},
		{"relation_moved", everywhere(Risky, Breaking, Safe), "Exposync follows the manifest and keeps what was confirmed; tools that know the relation by its name read the old one, or none"},
		{"source_moved", everywhere(Risky, Breaking, Risky), "rows come from another place"},
		{"made_ephemeral", everywhere(Breaking, Breaking, Safe), "there is no relation to read any more"},
		{"made_view", view, "it is computed whenever it is read, views above it too"},
		{"incremental_left", review, "it is built from its sources alone: rows that only the incremental table kept are gone, and a mirror would delete them"},
		{"incremental_begun", review, "rows that were built stay as they are until their key comes again"},
		{"rematerialised", safe, "the same rows, kept in another way"},
		{"contract_removed", weaker, "dbt no longer stops a build that changes the columns"},
		{"contract_changed", weaker, "the columns that dbt promises are others"},
		{"contract_added", safe, "dbt stops a build that changes the columns"},
		{"access_narrowed", weaker, "the model is meant for fewer readers than before"},
		{"access_widened", safe, "the model is meant for more readers"},
		{"latest_version_changed", review, "a ref without a version means another model now"},
		{"deprecation_set", weaker, "the model will go on that day"},
		{"deprecation_lifted", safe, "the model stays"},
		{"logic_changed", review, "the values may not be what they were: review it"},
		{"macro_changed", review, "a macro in its SQL changed, so the values may differ: review it"},
		{"config_changed", review, "dbt builds it in another way: review it"},
		{"freshness_removed", review, "nothing stops a sync when the source is late"},
		{"freshness_loosened", review, "the source may be later before a sync stops"},
		{"freshness_changed", review, "its age is found in another way"},
		{"freshness_added", safe, "a late source stops a sync"},
		{"freshness_tightened", safe, "a late source stops a sync earlier"},
		{"other_changed", review, "dbt calls it modified: review it"},
		{"file_moved", moved, "the same node in another file"},
		{"config_respelled", safe, "the same values, written in another way, or notes that change nothing in the warehouse"},
		{"model_enabled", safe, "dbt builds it again"},
		{"model_added", safe, "it is new"},
		{"source_added", safe, "it is new"},
	}
}

func testRules() []Rule {
	safe, weaker := everywhere(Safe, Safe, Safe), everywhere(Risky, Risky, Risky)
	safe[Mapped], weaker[Mapped] = Safe, Risky
	return []Rule{
		{"test_removed", weaker, "the gate opens on less proof"},
		{"test_disabled", weaker, "the gate opens on less proof"},
		{"test_loosened", weaker, "the gate lets through what it stopped before"},
		{"test_changed", weaker, "the gate proves something else than before"},
		{"test_tightened", safe, "the gate stops what it let through before"},
		{"test_enabled", safe, "the gate opens on more proof"},
		{"test_added", safe, "the gate opens on more proof"},
	}
}

func exposureRules() []Rule {
	return []Rule{
		{"exposure_removed", declared(Risky), "nothing judges or sends it any more; the destination keeps what it has"},
		{"exposure_disabled", declared(Risky), "nothing judges or sends it any more; the destination keeps what it has"},
		{"exposure_retyped", declared(Risky), "only exposures of type application are synced"},
		{"dependency_removed", declared(Risky), "the gate no longer looks at that lineage"},
		{"dependency_added", declared(Safe), "the gate looks at that lineage, too"},
		{"hosted_changed", declared(Risky), "another sync of the tool is triggered or watched"},
		{"gate_changed", declared(Risky), "the gate of this exposure may let more through"},
		{"waiver_added", declared(Risky), "a red test or model is let through until that day"},
		{"waiver_removed", declared(Safe), "a red test or model stops the sync again"},
		{"sla_changed", declared(Safe), "people are told otherwise when it is late"},
		{"ignore_changed", declared(Safe), "a check of lint or coverage is passed over, or no longer"},
		{"url_changed", declared(Safe), "people are led to another page"},
		{"owner_changed", declared(Safe), "somebody else is told"},
		{"maturity_changed", declared(Safe), "people are told something else"},
		{"exposure_described", declared(Safe), "people are told something else"},
		{"exposure_enabled", declared(Safe), "it is judged again"},
		{"exposure_renamed", declared(Safe), "its syncs continue what was confirmed"},
		{"exposure_added", declared(Safe), "it is new"},
	}
}

func jobRules() []Rule {
	return []Rule{
		{"job_removed", identity(), "nothing is sent any more, and the destination keeps what it has; under another name without `was:` everything is sent again"},
		{"job_invalid", identity(), "the sync does not run until its metadata is corrected"},
		{"job_destination_changed", identity(), "what was confirmed belongs to the old destination: the run holds until `exposync ledger rekey` or `reset`"},
		{"job_key_changed", identity(), "what was confirmed belongs to the old key: the run holds until `exposync ledger rekey` or `reset`"},
		{"job_key_source_changed", identity(), "the key's values come from elsewhere: every record may become another one, to be created, and in mode mirror the old ones deleted"},
		{"job_mode_mirror", declared(Breaking), "records that are gone from the export will be deleted at the destination"},
		{"job_mode_append", declared(Breaking), "every version becomes a record of its own at the destination"},
		{"job_mode_changed", declared(Risky), "the mapping changes: the run holds with mapping_changed before anything is sent again"},
		{"job_source_changed", declared(Risky), "rows come from another model, and are compared with what was confirmed"},
		{"job_field_removed", declared(Risky), "the destination keeps the last value, and the mapping changes: the run holds with mapping_changed"},
		{"job_field_changed", declared(Risky), "the mapping changes: the run holds with mapping_changed before records are sent again"},
		{"job_field_added", declared(Risky), "the mapping changes: the run holds with mapping_changed before records are sent again"},
		{"job_guard_loosened", declared(Risky), "a run goes through that would have held"},
		{"job_reading_changed", declared(Risky), "another part of the source is read at each run"},
		{"job_policy_changed", declared(Risky), "more may be deleted, or sent twice"},
		{"job_guard_tightened", declared(Safe), "a run holds that would have gone through"},
		{"job_schedule_changed", declared(Safe), "it runs at other times"},
		{"job_first_changed", declared(Safe), "it matters to a first run only"},
		{"job_mended", declared(Safe), "the sync can run again"},
		{"job_renamed", declared(Safe), "it continues what was confirmed, see `was:`"},
		{"job_added", declared(Safe), "it is new: its first run asks before it sends"},
	}
}

// ruleOf gives the rule of a kind.
func ruleOf(k Kind) Rule {
	if i := slices.IndexFunc(rules, func(r Rule) bool { return r.Kind == k }); i >= 0 {
		return rules[i]
	}
	return Rule{Kind: k}
}

var rules = Rules()

// order is where a kind stands in the table.
func order(k Kind) int { return slices.IndexFunc(rules, func(r Rule) bool { return r.Kind == k }) }
