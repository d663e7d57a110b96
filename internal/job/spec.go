package job

import (
	"maps"
	"slices"
	"strings"
	"time"

	"exposync/internal/config"
	"exposync/internal/plan"
)

// spec is what one map of metadata says about a sync: exposync: itself, or an
// entry under syncs:. What it does not say is inherited.
type spec struct {
	set         []string // the keys that are there, right or wrong
	from, to    string
	key         []plan.KeyField
	fields      []plan.Field
	allFields   bool
	mode        plan.Mode
	first       plan.First
	every       time.Duration
	guards      map[string]plan.Limit
	maxRejected *plan.Limit
	was         []string // former names; not inherited as it is, see formerIDs

	cursor, changedSince string
	lookback             plan.Lookback
	fullRead             time.Duration // negative: never
	owned                plan.Owned
	onInDoubt            plan.OnInDoubt
	sla                  time.Duration

	hosted  string // tool/id, or the tool alone
	partial plan.OnPartial
	timeout time.Duration
}

// guardNames are the guards in the order of the documentation.
func guardNames() []string { return []string{"deletes", "creates", "rows", "keys"} }

func readSpec(r *config.Reader, src source) spec {
	s := spec{}
	for _, key := range []string{"from", "to", "key", "mode", "fields", "first", "every", "guards", "max_rejected", "cursor", "changed_since", "lookback", "full_read", "owned", "on_in_doubt", "sla", "hosted", "on_partial", "timeout"} {
		if r.Node(key) != nil {
			s.set = append(s.set, key)
		}
	}
	s.from, s.to = r.Text("from"), r.Text("to")
	s.key = readKey(r)
	s.fields, s.allFields = readFields(r, src)
	modes := make([]string, 0, len(plan.Modes()))
	for _, m := range plan.Modes() {
		modes = append(modes, string(m))
	}
	s.mode = plan.Mode(r.Choice("mode", modes...))
	s.first = plan.First(r.Choice("first", string(plan.FirstSend), string(plan.FirstCompare), string(plan.FirstAdopt)))
	s.every = r.Duration("every")
	guards := r.Map("guards")
	s.guards = map[string]plan.Limit{}
	for _, name := range guardNames() {
		if l := readLimit(guards, name); l != nil {
			s.guards[name] = *l
		}
	}
	guards.Done()
	s.maxRejected = readLimit(r, "max_rejected")
	s.was = readWas(r)
	readIncremental(r, &s)
	s.owned, s.onInDoubt = readOwned(r), readOnInDoubt(r)
	s.sla = r.Duration("sla")
	s.hosted, s.partial, s.timeout = r.Text("hosted"), readOnPartial(r), r.Duration("timeout")
	r.Later("lookup")
	return s
}

// over lays the sync's own keys over those of its exposure. A key that is set
// replaces the inherited one as a whole; guards do so one by one.
func (s spec) over(base spec) spec {
	base = base.without(s)
	out := base
	out.set = append(slices.Clone(base.set), s.set...)
	out.guards = maps.Clone(base.guards)
	maps.Copy(out.guards, s.guards)
	for _, key := range s.set {
		switch key {
		case "from":
			out.from = s.from
		case "to":
			out.to = s.to
		case "key":
			out.key = s.key
		case "fields":
			out.fields, out.allFields = s.fields, s.allFields
		case "mode":
			out.mode = s.mode
		case "first":
			out.first = s.first
		case "every":
			out.every = s.every
		case "max_rejected":
			out.maxRejected = s.maxRejected
		case "cursor":
			out.cursor = s.cursor
		case "changed_since":
			out.changedSince = s.changedSince
		case "lookback":
			out.lookback = s.lookback
		case "full_read":
			out.fullRead = s.fullRead
		case "owned":
			out.owned = s.owned
		case "on_in_doubt":
			out.onInDoubt = s.onInDoubt
		case "sla":
			out.sla = s.sla
		case "hosted":
			out.hosted = s.hosted
		case "on_partial":
			out.partial = s.partial
		case "timeout":
			out.timeout = s.timeout
		}
	}
	return out
}

// fill writes the spec and its defaults into a job.
func (s spec) fill(job *plan.Job) {
	job.Mode, job.First, job.Every, job.SLA, job.Owned, job.OnInDoubt = s.mode, s.first, s.every, s.sla, s.owned, s.onInDoubt
	if job.Mode == "" {
		job.Mode = plan.Upsert
	}
	job.Key = slices.SortedFunc(slices.Values(s.key), func(a, b plan.KeyField) int { return strings.Compare(a.Field, b.Field) })
	job.Fields, job.AllFields = s.fields, s.allFields
	job.Guards = plan.DefaultGuards()
	for name, limit := range map[string]*plan.Limit{
		"deletes": &job.Guards.Deletes, "creates": &job.Guards.Creates, "rows": &job.Guards.Rows, "keys": &job.Guards.Keys,
	} {
		if l, ok := s.guards[name]; ok {
			*limit = l
		}
	}
	job.MaxRejected = plan.Limit{Share: 0.01}
	if s.maxRejected != nil {
		job.MaxRejected = *s.maxRejected
	}
}

// require reports what a sync cannot do without, and what contradicts itself.
func (s spec) require(r *config.Reader) {
	for _, need := range []struct{ key, hint string }{
		{"to", "add `to: connection.object`, for example `to: crm.contacts`"},
		{"key", "add `key:`, the field that identifies a record at the destination"},
		{"fields", "add `fields: all`, or a map of their field names to our columns"},
	} {
		if !slices.Contains(s.set, need.key) {
			r.Fault("", "setting_missing", need.hint, "%s is missing", need.key)
		}
	}
	if s.owned == plan.OwnedAll && s.mode != plan.Mirror {
		r.Fault("owned", "setting_invalid", "remove it, or use `mode: mirror`", "all: only mode mirror deletes")
	}
	s.refuseHosted(r)
	s.requireWrites(r)
	s.requireWholeSource(r)
	for _, f := range s.fields {
		if slices.ContainsFunc(s.key, func(k plan.KeyField) bool { return k.Field == f.Name }) {
			r.Fault("fields", "field_twice", "remove it from fields: the key is always sent",
				"%q is part of the key and of the fields", f.Name)
		}
	}
}
