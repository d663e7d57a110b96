package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"exposync/internal/config"
	"exposync/internal/dbt"
	"exposync/internal/fault"
	"exposync/internal/job"
)

// open loads everything a run needs. The ledger is opened too.
func (a *app) open(ctx context.Context, command string) (*session, error) {
	s, err := a.load(ctx, true)
	if err != nil {
		return nil, err
	}
	if len(s.runs) == 0 && s.cloud != nil {
		return nil, s.cloud.client.NothingBuilt(s.cloud.Run)
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
	if err := s.configForCloud(); err != nil {
		return nil, err
	}
	if err := s.loadArtifacts(ctx); err != nil {
		return nil, err
	}
	if s.config == nil {
		if err := s.loadConfig(strict); err != nil {
			return nil, err
		}
	}
	s.noProfile = s.loadProfile()
	s.resolveTarget()
	s.set = job.Build(s.project, s.config, job.Options{Target: s.target, Files: s.readFile})
	for _, j := range s.set.Jobs {
		_ = a.located(j.Problems)
	}
	if err := s.choose(ctx); err != nil {
		return nil, err
	}
	if s.noProfile != nil && strict && !s.onlyHosted() {
		return nil, s.noProfile
	}
	return s, nil
}

// configForCloud reads exposync.yml before the artifacts, where it has to say
// where they are.
func (s *session) configForCloud() error {
	if s.a.flags.cloudRun == "" {
		return nil
	}
	return s.loadConfig(true)
}

// loadConfig reads exposync.yml. Who only looks does without one that is
// broken.
func (s *session) loadConfig(strict bool) error {
	s.catalog = catalogOf(s.dir)
	file := filepath.Join(s.dir, config.FileName)
	var err error
	if s.config, err = config.Load(file, connectors{s.catalog}); err == nil {
		return nil
	}
	if strict {
		return err
	}
	s.noConfig = err
	s.a.say("%s could not be read: job problems that depend on it are not shown; exposync plan says what is wrong", config.FileName)
	s.config = config.Default(file)
	return nil
}

func (s *session) loadArtifacts(ctx context.Context) error {
	if s.a.flags.cloudRun != "" {
		return s.loadCloud(ctx)
	}
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
	if s.project, err = dbt.LoadManifest(ctx, s.a.pathOf(manifest), s.a.keep, s.a.flags.asked().Keep()); err != nil {
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
	if s.cloud != nil {
		if path, ok := s.cloud.files[name]; ok {
			return path
		}
	}
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
