package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"exposync/internal/config"
	"exposync/internal/dbt"
	"exposync/internal/destination"
	"exposync/internal/destination/declared"
	"exposync/internal/engine"
	"exposync/internal/fault"
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
	folders []folder // of --artifacts
	sources *dbt.Sources
	config  *config.Config
	profile *dbt.Profile // nil where none is at hand
	target  string
	// noProfile is why profile is nil.
	noProfile error

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
	rates        declared.Rates // of the accounts behind them
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

// open loads everything a run needs. The ledger is opened too.
func (a *app) open(ctx context.Context, command string) (*session, error) {
	s, err := a.load(ctx, true)
	if err != nil {
		return nil, err
	}
	if len(s.runs) == 0 {
		return nil, &fault.Fault{
			Code: "artifact_missing", Kind: fault.Config, Whose: fault.DBT, Where: s.artifact("run_results.json"),
			Msg:  "there is no run_results.json: dbt has not built anything here yet",
			Hint: "dbt build, then exposync " + command + " (or both: exposync build)",
		}
	}
	return s, s.openLedger(ctx)
}

// look loads what gate, ls and status need: a manifest, and whatever else is
// there. A profile or exposync.yml that cannot be read is not asked for.
func (a *app) look(ctx context.Context) (*session, error) { return a.load(ctx, false) }

func (a *app) load(ctx context.Context, strict bool) (*session, error) {
	s := &session{a: a, destinations: map[string]*opened{}, acceptedByGate: map[string]bool{}}
	if err := s.findProject(strict); err != nil {
		return nil, err
	}
	if err := s.loadArtifacts(ctx); err != nil {
		return nil, err
	}
	var err error
	if s.config, err = config.Load(filepath.Join(s.dir, config.FileName), connectionTypes()); err != nil {
		if strict {
			return nil, err
		}
		a.say("%s could not be read: job problems that depend on it are not shown; exposync plan says what is wrong", config.FileName)
		s.config = config.Default(filepath.Join(s.dir, config.FileName))
	}
	if s.noProfile = s.loadProfile(); s.noProfile != nil && strict {
		return nil, s.noProfile
	}
	s.resolveTarget()
	s.set = job.Build(s.project, s.config, job.Options{Target: s.target, Files: s.readFile})
	for _, j := range s.set.Jobs {
		_ = a.located(j.Problems)
	}
	if err := s.choose(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *session) loadArtifacts(ctx context.Context) error {
	if err := s.a.checkArtifacts(); err != nil {
		return err
	}
	if len(s.a.flags.artifacts) > 0 {
		problems := fault.All(s.loadFolders(ctx))
		return append(problems, fault.All(s.loadSources(ctx, s.newestSources()))...).Err()
	}
	manifest := s.a.flags.manifest
	if manifest == "" {
		manifest = s.artifact("manifest.json")
	}
	err := settled(func() (fs.FileInfo, error) { return os.Stat(s.a.pathOf(manifest)) }, func() error {
		return s.loadPair(ctx, manifest)
	})
	if s.project == nil {
		return err
	}
	sources := ""
	for _, found := range existing(beside(manifest, "sources.json")) {
		sources = found
	}
	return append(fault.All(err), fault.All(s.loadSources(ctx, sources))...).Err()
}

// loadPair reads the manifest, and the run results that go with it.
func (s *session) loadPair(ctx context.Context, manifest string) error {
	var err error
	s.runs = nil
	if s.project, err = dbt.LoadManifest(ctx, s.a.pathOf(manifest), s.a.flags.asked().Keep()); err != nil {
		return err
	}
	s.project.File = s.a.shown(s.project.File)
	paths := s.a.flags.runResults
	if len(paths) == 0 && s.a.flags.manifest == "" {
		paths = existing(s.artifact("run_results.json"))
	} else if len(paths) == 0 {
		paths = existing(beside(manifest, "run_results.json"))
	}
	var problems fault.List
	for _, p := range paths {
		r, err := dbt.LoadRunResults(ctx, s.a.pathOf(p))
		if err != nil {
			problems = append(problems, fault.All(err)...)
			continue
		}
		r.File = s.a.shown(r.File)
		s.runs = append(s.runs, r)
	}
	return problems.Err()
}

// loadSources reads the sources.json of the flag, else the one that was found.
func (s *session) loadSources(ctx context.Context, found string) error {
	if s.a.flags.sources != "" {
		found = s.a.flags.sources
	}
	if found == "" {
		return nil
	}
	var err error
	if s.sources, err = dbt.LoadSources(ctx, s.a.pathOf(found)); err != nil {
		return err
	}
	s.sources.File = s.a.shown(s.sources.File)
	return nil
}

// existing gives the file, or its gzipped form, if one of them is there.
func existing(path string) []string {
	for _, p := range []string{path, path + ".gz"} {
		if _, err := os.Stat(p); !errors.Is(err, fs.ErrNotExist) {
			return []string{p}
		}
	}
	return nil
}

func beside(manifest, name string) string { return filepath.Join(filepath.Dir(manifest), name) }

// artifact is the path of one of dbt's artifacts.
func (s *session) artifact(name string) string {
	return filepath.Join(s.targetPath(), name)
}

// readFile reads a file of the dbt project by its path in the manifest.
func (s *session) readFile(path string) ([]byte, error) {
	return os.ReadFile(filepath.Join(s.dir, filepath.FromSlash(path)))
}

// resolveTarget chooses the dbt target: the flag, else the run's, else the
// profile's.
func (s *session) resolveTarget() {
	profile := ""
	if s.profile != nil {
		profile = s.profile.Target
	}
	s.target, _ = job.ResolveTarget(s.a.flags.target, s.ranTarget(), profile)
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
