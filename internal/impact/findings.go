package impact

import (
	"fmt"
	"slices"
	"strings"

	"exposync/internal/plan"
)

// Findings gives the changes as findings, for code scanning, annotations and
// test reports. What is safe is for reading only.
func (i Impact) Findings() []plan.Finding {
	by := map[string]Reached{}
	for _, x := range i.Exposures {
		by[x.ID] = x
	}
	severity := map[Severity]plan.Severity{Breaking: plan.SeverityError, Risky: plan.SeverityWarning, Safe: plan.SeverityInfo}
	out := make([]plan.Finding, 0, len(i.Changes))
	for _, c := range i.Changes {
		f := plan.Finding{
			Code: string(c.Kind), Severity: severity[c.Severity], Subject: c.Subject, Column: c.Column,
			File: c.File, Line: c.Line, Message: c.Message,
		}
		if c.Job != "" {
			f.Column = strings.Trim(strings.TrimPrefix(c.Job, lastName(c.Subject))+"."+c.Column, ".")
		}
		var owners []string
		for _, r := range c.Reaches {
			if name := by[r.Exposure].Owner; name != "" && !slices.Contains(owners, name) && r.Severity != Safe {
				owners = append(owners, name)
			}
		}
		f.Owner = strings.Join(owners, ", ")
		if len(c.Reaches) > 0 && c.Severity != Safe {
			f.Message += fmt.Sprintf("; reaches %s: %s", c.reachedNames(), c.Reaches[0].Why)
			f.Fix = next(by[c.Reaches[0].Exposure], c)
		}
		out = append(out, f)
	}
	return out
}

// reachedNames are the exposures that a change reaches, as far as it matters.
func (c *Change) reachedNames() string {
	var names []string
	for _, r := range c.Reaches {
		if name := lastName(r.Exposure); r.Severity != Safe && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) > 5 {
		names = append(names[:5], fmt.Sprintf("%d more", len(names)-5))
	}
	return strings.Join(names, ", ")
}

// Totals are the sums of what is more than safe.
type Totals struct {
	Exposures int
	Fields    int // of destinations, each once for a sync
	Owners    []string
}

// Totals sums up what the breaking and risky changes reach.
func (i Impact) Totals() Totals {
	exposures, fields := map[string]bool{}, map[string]bool{}
	for _, c := range i.Changes {
		for _, r := range c.Reaches {
			if r.Severity == Safe {
				continue
			}
			exposures[r.Exposure] = true
			for _, f := range r.Fields {
				fields[r.Job+" "+f] = true
			}
		}
	}
	t := Totals{Exposures: len(exposures), Fields: len(fields), Owners: []string{}}
	for _, x := range i.Exposures {
		if exposures[x.ID] && x.Owner != "" && !slices.Contains(t.Owners, x.Owner) {
			t.Owners = append(t.Owners, x.Owner)
		}
	}
	return t
}

// Only keeps what reaches some exposures and syncs. job is empty for what
// reaches an exposure as a whole.
func (i Impact) Only(keep func(exposure, job string) bool) Impact {
	out := Impact{Notes: i.Notes}
	at := make([]int, len(i.Changes))
	for n, c := range i.Changes {
		at[n] = -1
		var reaches []Reach
		for _, r := range c.Reaches {
			if keep(r.Exposure, r.Job) {
				reaches = append(reaches, r)
			}
		}
		if len(reaches) == 0 {
			continue
		}
		c.Reaches, c.Severity = reaches, reaches[0].Severity // the worst stands first
		at[n] = len(out.Changes)
		out.Changes = append(out.Changes, c)
	}
	for _, x := range i.Exposures {
		var changes []int
		for _, n := range x.Changes {
			if at[n] >= 0 && slices.ContainsFunc(out.Changes[at[n]].Reaches, func(r Reach) bool { return r.Exposure == x.ID }) {
				changes = append(changes, at[n])
			}
		}
		if len(changes) > 0 {
			x.Changes = changes
			out.Exposures = append(out.Exposures, x)
		}
	}
	return out
}
