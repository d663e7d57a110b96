package report

import "exposync/internal/impact"

// ImpactJSON is what `exposync impact --output json` prints.
type ImpactJSON struct {
	Before    ImpactSide        `json:"before"`
	After     ImpactSide        `json:"after"`
	Summary   ImpactSummaryJSON `json:"summary"`
	Changes   []ChangeJSON      `json:"changes"`   // worst first
	Exposures []ReachedJSON     `json:"exposures"` // that a change reaches, worst first
	Notes     []string          `json:"notes"`     // what limits the comparison
}

// ImpactSummaryJSON counts. What exposures, fields and owners count is reached
// by something breaking or risky.
type ImpactSummaryJSON struct {
	Breaking  int      `json:"breaking"`
	Risky     int      `json:"risky"`
	Safe      int      `json:"safe"`
	Exposures int      `json:"exposures"`
	Fields    int      `json:"fields"`
	Owners    []string `json:"owners"`
}

// ChangeJSON is one difference.
type ChangeJSON struct {
	Kind     string      `json:"kind"`
	Severity string      `json:"severity"`
	UniqueID string      `json:"unique_id"`
	Job      string      `json:"job,omitempty"`
	Column   string      `json:"column,omitempty"`
	Before   string      `json:"before,omitempty"`
	After    string      `json:"after,omitempty"`
	File     string      `json:"file,omitempty"`
	Line     int         `json:"line,omitempty"`
	Message  string      `json:"message"`
	Reaches  []ReachJSON `json:"reaches"`
}

// ReachJSON is one exposure or sync that a change reaches.
type ReachJSON struct {
	Exposure string   `json:"exposure"` // unique_id
	Job      string   `json:"job,omitempty"`
	To       string   `json:"to,omitempty"`
	Fields   []string `json:"fields"`
	Way      string   `json:"way"`
	Path     []string `json:"path"` // unique_ids, from the changed node down
	Severity string   `json:"severity"`
	Why      string   `json:"why"`
}

// ReachedJSON is one exposure.
type ReachedJSON struct {
	UniqueID string   `json:"unique_id"`
	Name     string   `json:"name"`
	Type     string   `json:"type,omitempty"`
	Owner    string   `json:"owner,omitempty"`
	Emails   []string `json:"emails"`
	URL      string   `json:"url,omitempty"`
	File     string   `json:"file,omitempty"`
	Line     int      `json:"line,omitempty"`
	Gone     bool     `json:"gone,omitempty"`
	Severity string   `json:"severity"`
	Changes  []int    `json:"changes"` // places in changes, worst for this exposure first
	Next     string   `json:"next,omitempty"`
}

// JSON is the impact as a document.
func (i Impact) JSON() ImpactJSON {
	t := i.Totals()
	doc := ImpactJSON{
		Before: i.Before, After: i.After, Notes: NonNil(i.Notes), Changes: []ChangeJSON{}, Exposures: []ReachedJSON{},
		Summary: ImpactSummaryJSON{
			Breaking: i.Count(impact.Breaking), Risky: i.Count(impact.Risky), Safe: i.Count(impact.Safe),
			Exposures: t.Exposures, Fields: t.Fields, Owners: t.Owners,
		},
	}
	for _, c := range i.Changes {
		change := ChangeJSON{
			Kind: string(c.Kind), Severity: string(c.Severity), UniqueID: c.Subject, Job: c.Job, Column: c.Column,
			Before: c.Before, After: c.After, File: c.File, Line: c.Line, Message: c.Message, Reaches: []ReachJSON{},
		}
		for _, r := range c.Reaches {
			change.Reaches = append(change.Reaches, ReachJSON{
				Exposure: r.Exposure, Job: r.Job, To: r.To, Fields: NonNil(r.Fields), Way: string(r.Way), Path: NonNil(r.Path),
				Severity: string(r.Severity), Why: r.Why,
			})
		}
		doc.Changes = append(doc.Changes, change)
	}
	for _, x := range i.Exposures {
		doc.Exposures = append(doc.Exposures, ReachedJSON{
			UniqueID: x.ID, Name: x.Name, Type: x.Type, Owner: x.Owner, Emails: NonNil(x.Emails), URL: x.URL, File: x.File, Line: x.Line,
			Gone: x.Gone, Severity: string(x.Severity), Changes: NonNil(x.Changes), Next: x.Next,
		})
	}
	return doc
}
