package engine

import (
	"exposync/internal/diff"
	"exposync/internal/mapping"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// StateInvalid is the state of records whose values the mapping could not
// make.
const StateInvalid = "invalid"

// StateNoKey is the state of rows whose key the mapping could not make: nobody
// can say which record they are.
const StateNoKey = "no_key"

// maxUnfits bounds the reasons that are told apart.
const maxUnfits = 1000

// unfits numbers the reasons why rows have no values to send.
type unfits struct {
	numbers map[plan.RejectGroup]uint16
	groups  []plan.RejectGroup
}

// hash stands for the values of a row whose mapping failed.
func (u *unfits) hash(f *mapping.Failure) record.Hash {
	return diff.Unfit(u.number(plan.RejectGroup{Code: f.Code, Reason: f.Reason, Records: 1, State: StateInvalid}), diff.Invalid)
}

func (u *unfits) number(g plan.RejectGroup) uint16 {
	if _, known := u.numbers[g]; !known && len(u.groups) >= maxUnfits {
		g.Code, g.Reason = "other", "other reasons"
	}
	n, known := u.numbers[g]
	if known {
		return n
	}
	if u.numbers == nil {
		u.numbers = map[plan.RejectGroup]uint16{}
	}
	n = uint16(len(u.groups)) //nolint:gosec // at most maxUnfits, and one for each state
	u.groups = append(u.groups, g)
	u.numbers[g] = n
	return n
}

// group is the reason of one such row.
func (u *unfits) group(h record.Hash) plan.RejectGroup {
	n, _ := diff.Unfits(h)
	return u.groups[n]
}

// badKeys is how many rows have a null or duplicate key.
func badKeys(p *plan.Plan) int64 {
	n := p.Counts.Invalid
	for _, g := range p.Standing {
		if g.State == StateInvalid {
			n -= g.Records
		}
	}
	return n
}
