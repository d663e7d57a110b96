package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"exposync/internal/plan"
)

// Status is what is remembered of every job: `exposync status`.
type Status struct {
	Jobs []JobStatus `json:"jobs"`
}

// JobStatus is one job with its last run.
type JobStatus struct {
	Job        string     `json:"job"`
	Ref        string     `json:"-"`         // the job in a command to type, with --target where the user typed one
	UniqueID   string     `json:"unique_id"` // of the exposure
	To         string     `json:"to"`
	Target     string     `json:"target"`
	Last       *LastRun   `json:"last_run"`     // nil if it never ran
	Confirmed  *time.Time `json:"last_success"` // end of the last run without fault, nil if none
	Records    int64      `json:"records"`      // confirmed
	Standing   int64      `json:"standing"`     // known rejects, doubts and quarantined records
	Generation int64      `json:"generation"`
	Every      string     `json:"every,omitempty"`  // the declared cadence
	Due        *time.Time `json:"due_at,omitempty"` // when it may start again by its cadence, nil if it may now
	// Waiting are the standing records that no run tries again by itself.
	Waiting []plan.RejectGroup `json:"waiting,omitempty"`
}

// LastRun is the newest run of a job.
type LastRun struct {
	ID           string      `json:"id"`
	Status       plan.Status `json:"status"`
	Codes        []string    `json:"codes"`
	InvocationID string      `json:"dbt_invocation_id"`
	StartedAt    time.Time   `json:"started_at"`
	EndedAt      time.Time   `json:"ended_at"`
	Counts       plan.Counts `json:"counts"`
}

// Text draws the jobs as a table.
func (st Status) Text(s Style, now time.Time) string {
	if len(st.Jobs) == 0 {
		return "no syncs are declared; exposync ls shows the exposures\n"
	}
	rows := [][]string{{"job", "to", "records", "standing", "last run", "ended", "last success"}}
	cadence := slices.ContainsFunc(st.Jobs, func(j JobStatus) bool { return j.Every != "" })
	if cadence {
		rows[0] = append(rows[0], "due")
	}
	for _, j := range st.Jobs {
		last, ended, confirmed := "never", "", "never"
		if j.Last != nil {
			last = string(j.Last.Status)
			if len(j.Last.Codes) > 0 {
				last += " " + j.Last.Codes[0]
			}
			ended = plan.Age(now.Sub(j.Last.EndedAt)) + " ago"
		}
		if j.Confirmed != nil {
			confirmed = plan.Age(now.Sub(*j.Confirmed)) + " ago"
		}
		row := []string{j.Job, j.To, strconv.FormatInt(j.Records, 10), strconv.FormatInt(j.Standing, 10), last, ended, confirmed}
		if cadence {
			row = append(row, j.due(now))
		}
		rows = append(rows, row)
	}
	text, ok := s.fitted(rows, 1) // ls shows where it goes
	if !ok {
		text = st.blocks(s, rows)
	}
	return text + st.waiting(s)
}

// waiting says below the table which records wait for a person.
func (st Status) waiting(s Style) string {
	var b strings.Builder
	for _, j := range st.Jobs {
		if len(j.Waiting) > 0 {
			fmt.Fprintf(&b, "\n%s\n%s", s.Paint(Strong, j.Job), rejectText(s, cmp.Or(j.Ref, j.Job), j.Waiting))
		}
	}
	return b.String()
}

// blocks draws the jobs below each other, for names that do not fit a table.
func (st Status) blocks(s Style, rows [][]string) string {
	var b strings.Builder
	for _, r := range rows[1:] {
		b.WriteString(s.head(r[0], r[1], ""))
		last := "last run " + r[4]
		if r[5] != "" {
			last += " " + r[5]
		}
		b.WriteString(s.item(2, Plain, fmt.Sprintf("%s records, %s standing, %s, last success %s", r[2], r[3], last, r[6])))
	}
	return b.String()
}

// due says when a job may start again by its cadence.
func (j JobStatus) due(now time.Time) string {
	switch {
	case j.Every == "":
		return ""
	case j.Due == nil || !j.Due.After(now):
		return "now"
	}
	return "in " + plan.Age(j.Due.Sub(now))
}
