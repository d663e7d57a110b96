package report

import (
	"slices"
	"strconv"
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
	return table(s, rows)
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
