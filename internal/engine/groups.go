package engine

import (
	"slices"
	"strings"

	"exposync/internal/plan"
)

// maxGroups bounds the reasons that are kept apart in a report.
const maxGroups = 50

// groups counts rejects by reason.
type groups map[string]*plan.RejectGroup

func (g groups) add(code, reason string, records, fresh int64) {
	name := code + "\x00" + reason
	if _, known := g[name]; !known && len(g) >= maxGroups {
		name, code, reason = "\x00", "other", "other reasons"
	}
	group := g[name]
	if group == nil {
		group = &plan.RejectGroup{Code: code, Reason: reason}
		g[name] = group
	}
	group.Records += records
	group.New += fresh
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
		return strings.Compare(a.Code+a.Reason, b.Code+b.Reason)
	})
	return out
}
