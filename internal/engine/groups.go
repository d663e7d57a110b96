package engine

import (
	"slices"
	"strings"

	"exposync/internal/plan"
	"exposync/internal/record"
)

// maxGroups bounds the reasons that are kept apart in a report.
const maxGroups = 50

// groups counts rejects by what stands and why.
type groups map[string]*plan.RejectGroup

// add counts g's records under its state, code and reason.
func (g groups) add(more plan.RejectGroup) {
	name := more.State + "\x00" + more.Code + "\x00" + more.Reason
	if _, known := g[name]; !known && len(g) >= maxGroups {
		name, more.Code, more.Reason = more.State+"\x00", "other", "other reasons"
	}
	group := g[name]
	if group == nil {
		group = &plan.RejectGroup{Code: more.Code, Reason: more.Reason, State: more.State}
		g[name] = group
	}
	group.Records += more.Records
	group.New += more.New
	group.Waits = group.Waits || more.Waits
}

// list gives the groups, largest first.
func (g groups) list() []plan.RejectGroup {
	out := make([]plan.RejectGroup, 0, len(g))
	for _, group := range g {
		out = append(out, *group)
	}
	slices.SortFunc(out, func(a, b plan.RejectGroup) int {
		if a.Records != b.Records {
			return int(b.Records - a.Records)
		}
		return strings.Compare(a.State+a.Code+a.Reason, b.State+b.Code+b.Reason)
	})
	return out
}

// StateOf is the word for what stands against a key.
func StateOf(s record.Standing) string {
	switch {
	case s.Code == plan.CodeAmbiguous && s.State == record.Rejected:
		return "ambiguous"
	case s.State == record.InDoubt:
		return "in_doubt"
	case s.State == record.Quarantined:
		return "quarantined"
	}
	return "rejected"
}

// known is the group of a standing that is not tried again.
func known(s record.Standing) plan.RejectGroup {
	state := StateOf(s)
	return plan.RejectGroup{
		Code: s.Code, Reason: s.Reason, Records: 1, State: state, Waits: state == "quarantined" || state == "in_doubt",
	}
}
