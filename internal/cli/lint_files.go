package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"exposync/internal/config"
	"exposync/internal/coverage"
	"exposync/internal/dbt"
	"exposync/internal/fault"
	"exposync/internal/job"
	"exposync/internal/lint"
)

// lintLimit is the size from which a file is no YAML or SQL of a person.
const lintLimit = 8 << 20

// lintInput reads what there is to check. dbt cannot load the YAML that lint
// explains best, so it does without a manifest.
func (a *app) lintInput(ctx context.Context, asked lintAsked) (*session, lint.Input, error) {
	s := &session{a: a, destinations: map[string]*opened{}, acceptedByGate: map[string]bool{}}
	if err := s.findProject(false); err != nil {
		return nil, lint.Input{}, err
	}
	if err := s.configForCloud(); err != nil {
		return nil, lint.Input{}, err
	}
	if err := s.loadArtifacts(ctx); err != nil && (s.manifestNamed() || !fault.Is(err, "artifact_missing")) {
		return nil, lint.Input{}, err
	}
	in := lint.Input{Project: s.project, Now: a.env.Now(), Only: asked.rules, Read: asked.read}
	s.catalog = catalogOf(s.dir)
	var err error
	if s.config, err = config.Load(filepath.Join(s.dir, config.FileName), connectors{s.catalog}); err != nil {
		in.ConfigProblems = s.inProjectWords(fault.All(err))
		s.config = config.Default(filepath.Join(s.dir, config.FileName))
	}
	if unknown := lint.UnknownRules(s.config.Lint); len(unknown) > 0 {
		return nil, lint.Input{}, a.located(unknown)
	}
	in.Config = s.config
	if s.file != nil {
		in.Name = s.file.Name
	}
	if in.Files, err = s.lintFiles(); err != nil {
		return nil, lint.Input{}, err
	}
	if s.project != nil {
		s.noProfile = s.loadProfile()
		s.resolveTarget()
		s.addManifest(ctx, &in)
	}
	return s, in, nil
}

// manifestNamed reports whether the command line names the artifacts: then they have
// to be there.
func (s *session) manifestNamed() bool {
	return s.a.flags.manifest != "" || len(s.a.flags.artifacts) > 0 || s.a.flags.cloudRun != ""
}

// addManifest adds what the manifest declares.
func (s *session) addManifest(ctx context.Context, in *lint.Input) {
	read := func(path string) ([]byte, error) {
		if text, ok := in.Files[path]; ok {
			return text, nil
		}
		return s.readFile(path)
	}
	s.set = job.Build(s.project, s.config, job.Options{Target: s.target, Files: read})
	in.Set = s.set
	var catalog *dbt.Catalog
	for _, found := range existing(s.besideManifest("catalog.json")) {
		catalog, _ = dbt.LoadCatalog(ctx, found) // it only adds to what is known
	}
	facts := s.coverageInput()
	facts.Files, facts.Catalog, facts.Settings = read, catalog, s.coverageSettings(nil)
	in.Facts, in.ViewDepth = coverage.Collect(facts), s.config.Coverage.ViewDepth
}

func (s *session) besideManifest(name string) string {
	if s.a.flags.manifest != "" {
		return beside(s.a.pathOf(s.a.flags.manifest), name)
	}
	return s.artifact(name)
}

// lintFiles reads the YAML of the project's model paths, and the SQL of its
// export models.
func (s *session) lintFiles() (map[string][]byte, error) {
	paths := []string{"models"}
	if s.file != nil {
		paths = s.file.ModelPaths
	}
	out := map[string][]byte{}
	for _, root := range paths {
		if err := s.addFiles(out, filepath.Join(s.dir, filepath.FromSlash(root))); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *session) addFiles(out map[string][]byte, root string) error {
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel := s.slashed(file)
		if !s.wanted(rel) {
			return nil
		}
		info, err := os.Stat(file)
		if err != nil || !info.Mode().IsRegular() || info.Size() > lintLimit {
			return nil //nolint:nilerr // a link to nowhere is none of dbt's files
		}
		text, err := os.ReadFile(file) //nolint:gosec // reading the user's own project is the job
		if err != nil {
			return &fault.Fault{
				Code: "lint_unreadable", Kind: fault.Config, Whose: fault.User, Where: s.a.shown(file),
				Msg: "the file cannot be read", Hint: "check its owner and permissions", Err: err,
			}
		}
		out[rel] = text
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// wanted reports whether lint reads a file: YAML, and the SQL of exports.
func (s *session) wanted(rel string) bool {
	switch strings.ToLower(filepath.Ext(rel)) {
	case ".yml", ".yaml":
		return true
	case ".sql":
		name := strings.TrimSuffix(filepath.Base(rel), filepath.Ext(rel))
		if s.config.Exports.Has(name, rel, nil) {
			return true
		}
		return s.project != nil && slices.ContainsFunc(s.exportFiles(), func(f string) bool { return f == rel })
	}
	return false
}

// exportFiles are the files of the manifest's export models, known by a tag.
func (s *session) exportFiles() []string {
	if s.config.Exports.Tag == "" || s.tagged != nil {
		return s.tagged
	}
	s.tagged = []string{}
	for _, n := range s.project.Nodes {
		if n.ResourceType == "model" && s.config.Exports.Has(n.Name, n.Path, n.Tags) {
			s.tagged = append(s.tagged, strings.ReplaceAll(n.Path, `\`, "/"))
		}
	}
	return s.tagged
}

// slashed is a file as seen from the project, with slashes.
func (s *session) slashed(file string) string {
	rel, err := filepath.Rel(s.dir, file)
	if err != nil {
		return filepath.ToSlash(file)
	}
	return filepath.ToSlash(rel)
}

// inProject is a path of the command line as seen from the project.
func (s *session) inProject(path string) string { return s.slashed(s.a.pathOf(path)) }

// shownFile is a file of the project as seen from the working directory.
func (s *session) shownFile(file string) string {
	return filepath.ToSlash(s.a.shown(filepath.Join(s.dir, filepath.FromSlash(file))))
}

// inProjectWords gives faults of exposync.yml with their place as seen from
// the project.
func (s *session) inProjectWords(list fault.List) fault.List {
	for _, f := range list {
		file, line, ok := strings.Cut(strings.TrimPrefix(f.Where, s.dir+string(filepath.Separator)), ":")
		if ok {
			f.Where = fmt.Sprintf("%s:%s", file, line)
		}
	}
	return list
}
