package tools

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Sync is what a tool knows of a sync beside its runs.
type Sync struct {
	ID       string   `json:"id"`
	Title    string   `json:"title,omitempty"` // for people; one is made up where it is empty
	Slug     string   `json:"slug,omitempty"`
	Missing  bool     `json:"missing,omitempty"` // the tool says that there is none
	Disabled bool     `json:"disabled,omitempty"`
	Schedule string   `json:"schedule,omitempty"` // its own clock: 1h, "0 * * * *" or dbt_cloud; empty is none
	Model    string   `json:"model,omitempty"`    // the id of a declared model that feeds it
	Source   string   `json:"source,omitempty"`   // Segment: the id of the warehouse that the model reads
	Object   string   `json:"object,omitempty"`   // what it writes to; one is made up
	Columns  []string `json:"columns,omitempty"`  // of the model, that it reads
	Rows     *Rows    `json:"rows,omitempty"`     // of its runs, where a script says nothing else
}

// Model is what feeds syncs.
type Model struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	UniqueID string `json:"unique_id,omitempty"` // of the dbt node; empty: it is a query that dbt does not know
	Database string `json:"database,omitempty"`
	Schema   string `json:"schema,omitempty"`
	Table    string `json:"table,omitempty"`
}

// relation is where a model lives, in one text.
func relation(m Model) string { return strings.Trim(m.Database+"."+m.Schema+"."+m.Table, ".") }

// Counts tell what was asked for.
type Counts struct {
	Triggers int `json:"triggers"` // that reached the tool, whatever it answered
	Runs     int `json:"runs"`     // there were, whoever started them
	Polls    int `json:"polls"`    // questions about one run
	Lists    int `json:"lists"`    // questions about all runs of the sync
	Cancels  int `json:"cancels"`
}

// calendar is a sync's own schedule, read.
type calendar struct {
	every time.Duration // of an interval
	cron  string
	dbt   bool // it runs after a job of dbt Cloud
}

// calendar reads what Schedule says.
func (s Sync) calendar() (calendar, error) {
	switch text := strings.TrimSpace(s.Schedule); {
	case text == "":
		return calendar{}, nil
	case text == "dbt_cloud":
		return calendar{dbt: true}, nil
	case len(strings.Fields(text)) == 5:
		return calendar{cron: text}, nil
	default:
		every, err := time.ParseDuration(text)
		if err != nil || every < time.Minute {
			return calendar{}, fmt.Errorf("a schedule is an interval such as 1h, five fields of cron, or dbt_cloud: %q", s.Schedule)
		}
		return calendar{every: every}, nil
	}
}

// kept is a sync with everything that happened to it, as it is on disk.
type kept struct {
	Sync

	Made    time.Time `json:"made"`
	Changed time.Time `json:"changed"`
	Scripts []scripted
	Runs    []*run // by number
	Counts  Counts
}

// scripted is a script that waits for triggers.
type scripted struct {
	Script Script
	Used   int // triggers it was for
}

// next takes the script for one more trigger from a list.
func next(list []scripted) (Script, bool) {
	for i := range list {
		if s := &list[i]; s.Script.Times == 0 || s.Used < s.Script.Times {
			s.Used++
			return s.Script, true
		}
	}
	return Script{}, false
}

// seen is a sync as a request sees it.
type seen struct {
	Sync

	Made, Changed time.Time
	last          *run // a copy of its newest run; nil if there was none
	runs          int  // that are kept
}

func (s Sync) title() string { return cmp.Or(s.Title, "Sync "+s.ID) }

func (s Sync) slug() string { return cmp.Or(s.Slug, "sync-"+s.ID) }

func (s Sync) object() string { return cmp.Or(s.Object, "contact") }

// columns are what it reads.
func (s Sync) columns() []string {
	if len(s.Columns) > 0 {
		return s.Columns
	}
	return []string{"id", "email"}
}

// view gives the sync as a request sees it.
func (k *kept) view(r *http.Request) seen {
	out := seen{Sync: overlaid(k.Sync, r), Made: k.Made, Changed: k.Changed, runs: len(k.Runs)}
	if last := k.newest(); last != nil {
		out.last = last.copy()
	}
	return out
}

// find gives a run by its id.
func (k *kept) find(id string) *run {
	for _, r := range k.Runs {
		if r.ID == id {
			return r
		}
	}
	return nil
}

// going gives the runs that have not ended, by number.
func (k *kept) going() []*run {
	var out []*run
	for _, r := range k.Runs {
		if r.End == "" {
			out = append(out, r)
		}
	}
	return out
}

// newest gives the run that was created last; nil if there was none.
func (k *kept) newest() *run {
	if len(k.Runs) == 0 {
		return nil
	}
	return k.Runs[len(k.Runs)-1]
}

// keptRuns is how many runs of a sync stay.
const keptRuns = 500

func (k *kept) add(r *run) {
	k.Counts.Runs++
	k.Runs = append(k.Runs, r)
	if extra := len(k.Runs) - keptRuns; extra > 0 {
		k.Runs = append([]*run{}, k.Runs[extra:]...)
	}
}
