package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"exposync/internal/config"
	"exposync/internal/dbt"
	"exposync/internal/destination"
	"exposync/internal/destination/declared"
	"exposync/internal/engine"
	"exposync/internal/gate"
	"exposync/internal/job"
	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/warehouse"
)

// session is one dbt project as a command sees it: what dbt wrote, what is
// configured, and what is remembered.
type session struct {
	a       *app
	dir     string           // of dbt_project.yml; the working directory if there is none
	file    *dbt.ProjectFile // nil if there is no dbt_project.yml
	project *dbt.Project
	runs    []*dbt.RunResults
	folders []folder  // of --artifacts
	cloud   *cloudRun // of --dbt-cloud-run
	sources *dbt.Sources
	config  *config.Config
	profile *dbt.Profile // nil where none is at hand
	target  string
	// noProfile is why profile is nil.
	noProfile error
	// noConfig is why config is the default one, though there is a file.
	noConfig error

	set    job.Set
	chosen map[string]bool // exposures and jobs that the selectors mean; nil for all
	ledger ledger.Ledger   // nil for commands that only look
	facts  *gate.Facts

	judgements     map[string]plan.Judgement
	policies       gate.Policies
	acceptedByGate map[string]bool

	mu           sync.Mutex
	house        warehouse.Warehouse
	destinations map[string]*opened
	tools        map[string]*openedTool
	rates        declared.Rates // of the accounts behind them
	catalog      *declared.Catalog
	tagged       []string        // files of export models known by a tag; of lint
	overridden   map[string]bool // kinds of which it was said that the built-in description is not used
	sandboxURL   string
	closers      []func()
}

// opened is a connection of this run, or why it could not be opened.
type opened struct {
	once   sync.Once
	dest   destination.Destination
	expect string
	err    error
}

// ledgerDir is where a ledger in a directory is, and the folder for what lasts
// as long as a run.
func (s *session) ledgerDir() string { return s.dirOfLedger(s.config.Ledger) }

func (s *session) dirOfLedger(c config.Ledger) string {
	dir := c.Dir
	if dir == "" {
		dir = ".exposync"
	}
	if filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(s.dir, dir)
}

// recordEvidence keeps what dbt's files prove, failures too, before anything
// is judged.
func (s *session) recordEvidence(ctx context.Context) error {
	for _, e := range s.evidence() {
		if err := s.ledger.Record(ctx, s.world(), e); err != nil {
			return err
		}
	}
	return nil
}

// world is what evidence is kept under: a dev build says nothing about
// production's tables.
func (s *session) world() string { return s.project.Name + "@" + s.target }

// engine gives the engine of this session.
func (s *session) engine() *engine.Engine {
	return &engine.Engine{
		Ledger: s.ledger, Spool: filepath.Join(s.ledgerDir(), "tmp"), Now: s.a.env.Now, Wait: engine.Sleep,
		Rand: s.a.env.Rand, Log: s.a.logger(), Redact: s.a.redactor.Redact,
	}
}

// invocation is the dbt run that this session answers; empty if nothing was
// built or tested.
func (s *session) invocation() string {
	if s.facts == nil {
		return ""
	}
	return s.facts.Invocation
}

func (s *session) invocationAge() string {
	if s.invocation() == "" {
		return "unknown"
	}
	return fmt.Sprintf("%s, %s ago", short(s.facts.Invocation), plan.Age(s.a.env.Now().Sub(s.facts.GeneratedAt)))
}

func short(id string) string { return id[:min(8, len(id))] }

// candidates are the exposures that a listing shows, by unique_id.
func (s *session) candidates(all bool) []*dbt.Exposure {
	var out []*dbt.Exposure
	for _, x := range s.project.Exposures {
		if (all || x.Type == "application") && s.selects(x, "") {
			out = append(out, x)
		}
	}
	slices.SortFunc(out, func(a, b *dbt.Exposure) int {
		if a.UniqueID < b.UniqueID {
			return -1
		}
		return 1
	})
	return out
}

// selected are the jobs that --select and --exclude leave.
func (s *session) selected() []plan.Job {
	var out []plan.Job
	for _, j := range s.set.Jobs {
		if s.selects(s.project.Exposures[j.Exposure], j.ID) {
			out = append(out, j)
		}
	}
	return out
}

func (s *session) exposureCount() int {
	seen := map[string]bool{}
	for _, j := range s.selected() {
		seen[j.Exposure] = true
	}
	return len(seen)
}

// close gives back what the session holds.
func (s *session) close() {
	for _, o := range s.destinations {
		if o.dest != nil {
			_ = o.dest.Close()
		}
	}
	if s.house != nil {
		_ = s.house.Close()
	}
	if s.ledger != nil {
		_ = s.ledger.Close()
	}
	for _, c := range slices.Backward(s.closers) {
		c()
	}
}
