package platform

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Status is how far a run or a step has come, as dbt platform numbers it.
type Status int

// The statuses. All others count as not ended.
const (
	Queued    Status = 1
	Starting  Status = 2
	Running   Status = 3
	Success   Status = 10
	Failed    Status = 20
	Cancelled Status = 30
)

// String names the status as dbt platform does, in small letters.
func (s Status) String() string {
	switch s {
	case Queued:
		return "queued"
	case Starting:
		return "starting"
	case Running:
		return "running"
	case Success:
		return "success"
	case Failed:
		return "error"
	case Cancelled:
		return "cancelled"
	}
	return fmt.Sprintf("status %d", int(s))
}

// Run is one run of a job.
type Run struct {
	ID, Account, Project, Job int64
	JobName                   string // empty if it is not known
	Environment               string
	Status                    Status
	Saved                     Saved
	Finished                  time.Time // zero while it goes on
	Target                    string    // the dbt target of the job, or of this run alone; empty if it is not told
	Retries                   int64     // the run that failed before, and that this one goes on with; 0: none
	Steps                     []Step    // in order

	started bool
}

// Saved says whether the artifacts of a run are kept.
type Saved uint8

// What dbt platform may say of it.
const (
	SavedUnknown Saved = iota
	SavedYes
	SavedNo
)

// Step is one step of a run.
type Step struct {
	Index  int    // from 1, as the artifacts are asked for
	Name   string // such as: Invoke dbt with `dbt build`
	Status Status
}

// Ended reports whether nothing of the run is still to come.
func (r *Run) Ended() bool {
	return r.Status == Success || r.Status == Failed || r.Status == Cancelled
}

// began reports whether the run came so far that it could change anything.
func (r *Run) began() bool { return r.Status != Cancelled || r.started }

// Command is the dbt command of the step, such as build, run-operation or
// docs; empty if its name tells none.
func (s Step) Command() string {
	text := s.Name
	if _, after, ok := strings.Cut(text, "`"); ok {
		text, _, _ = strings.Cut(after, "`")
	}
	words := strings.Fields(text)
	if len(words) > 0 && strings.HasPrefix(words[0], "dbt") {
		for _, w := range words[1:] {
			if isCommand(w) {
				return w
			}
		}
		return ""
	}
	switch lower := strings.ToLower(text); { // what is ticked in the settings of a job
	case strings.Contains(lower, "freshness"):
		return "source"
	case strings.Contains(lower, "docs"):
		return "docs"
	}
	return ""
}

func isCommand(word string) bool {
	switch word {
	case "build", "run", "test", "seed", "snapshot", "retry", "compile", "docs", "source", "ls", "list", "parse", "deps",
		"clean", "clone", "debug", "show", "run-operation", "init", "lint", "sl":
		return true
	}
	return false
}

// Builds reports whether the step builds or tests, as far as its name tells,
// and so has written results if it ended well.
func (s Step) Builds() bool {
	switch s.Command() {
	case "build", "run", "test", "seed", "snapshot":
		return true
	}
	return false
}

// Prepares reports whether the step is one that dbt platform puts before dbt:
// it has no artifacts.
func (s Step) Prepares() bool {
	lower := strings.ToLower(s.Name)
	return s.Command() == "" && (strings.HasPrefix(lower, "clone ") || strings.HasPrefix(lower, "create profile"))
}

// String names the step for people.
func (s Step) String() string {
	name := s.Name
	if _, after, ok := strings.Cut(name, "`"); ok {
		name, _, _ = strings.Cut(after, "`")
	}
	return fmt.Sprintf("step %d (%s)", s.Index, name)
}

// wireRun is a run as the API writes it; what may be null stays zero.
type wireRun struct {
	ID          int64  `json:"id"`
	Account     int64  `json:"account_id"`
	Project     int64  `json:"project_id"`
	Job         int64  `json:"job_definition_id"`
	Status      Status `json:"status"`
	Saved       *bool  `json:"artifacts_saved"`
	StartedAt   string `json:"started_at"`
	FinishedAt  string `json:"finished_at"`
	Retries     int64  `json:"retrying_run_id"`
	Environment struct {
		Name string `json:"name"`
	} `json:"environment"`
	JobDefinition struct {
		Name     string `json:"name"`
		Settings struct {
			Target string `json:"target_name"`
		} `json:"settings"`
	} `json:"job"`
	Trigger struct {
		Target string `json:"target_name_override"`
	} `json:"trigger"`
	Steps []struct {
		Index  int    `json:"index"`
		Name   string `json:"name"`
		Status Status `json:"status"`
	} `json:"run_steps"`
}

func (w *wireRun) run() *Run {
	r := &Run{
		ID: w.ID, Account: w.Account, Project: w.Project, Job: w.Job, JobName: plain(w.JobDefinition.Name),
		Environment: plain(w.Environment.Name), Status: w.Status, Finished: when(w.FinishedAt), started: !when(w.StartedAt).IsZero(),
		Target: w.Trigger.Target, Retries: w.Retries,
	}
	if r.Target == "" {
		r.Target = w.JobDefinition.Settings.Target
	}
	if w.Saved != nil {
		r.Saved = SavedNo
		if *w.Saved {
			r.Saved = SavedYes
		}
	}
	for _, s := range w.Steps {
		if s.Index > 0 {
			r.Steps = append(r.Steps, Step{Index: s.Index, Name: plain(s.Name), Status: s.Status})
		}
	}
	return r
}

// when reads a time as the API writes it: RFC 3339, or with a space between
// date and time.
func when(text string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999Z07:00", "2006-01-02 15:04:05.999999"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// plain makes a name fit for one line of a terminal.
func plain(name string) string {
	const most = 100
	out := []rune(strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return ' '
	}, name))
	if len(out) > most {
		out = append(out[:most-1], '…')
	}
	return string(out)
}
