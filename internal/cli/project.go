package cli

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"exposync/internal/dbt"
	"exposync/internal/fault"
	"exposync/internal/gate"
	"exposync/internal/secret"
	"exposync/internal/yamlx"
)

// pathOf gives a path of the command line as seen from the working directory.
func (a *app) pathOf(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(a.env.Dir, path)
}

// resolver resolves references in profiles.yml and exposync.yml.
func (a *app) resolver(dir string) secret.Resolver {
	return secret.Resolver{
		Env: a.env.Lookup, Redactor: a.redactor, Vars: a.dbtVars(),
		ReadFile: func(path string) ([]byte, error) {
			if !filepath.IsAbs(path) {
				path = filepath.Join(dir, path)
			}
			return os.ReadFile(path)
		},
		Exec: func(ctx context.Context, argv []string) ([]byte, error) {
			cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // the user's own exec: reference
			var out bytes.Buffer
			cmd.Dir, cmd.Stdout, cmd.Stdin = dir, &out, nil
			err := cmd.Run()
			return out.Bytes(), err
		},
	}
}

// dbtVars reads --vars as dbt does: a YAML map.
func (a *app) dbtVars() func(string) (string, bool) {
	tree, err := yamlx.Parse("--vars", []byte(a.flags.vars))
	if err != nil || a.flags.vars == "" {
		return nil
	}
	return func(name string) (string, bool) { return tree.Get(name).Scalar() }
}

// findProject finds dbt_project.yml. Commands that only look do without one
// when a manifest is named.
func (s *session) findProject(strict bool) error {
	from := s.a.env.Dir
	if s.a.flags.projectDir != "" {
		from = s.a.pathOf(s.a.flags.projectDir)
	} else if dir := s.a.env.get("DBT_PROJECT_DIR"); dir != "" {
		from = s.a.pathOf(dir)
	}
	dir, err := dbt.FindProject(from)
	if err == nil {
		s.dir = dir
		s.file, err = dbt.ReadProjectFile(dir, s.a.resolver(dir))
	}
	if err == nil || !strict && (s.a.flags.manifest != "" || s.a.flags.targetPath != "" || len(s.a.flags.artifacts) > 0 || s.a.flags.cloudRun != "") {
		if s.dir == "" {
			s.dir = from
		}
		return nil
	}
	return err
}

// targetPath is the folder that dbt writes its artifacts to.
func (s *session) targetPath() string {
	file := s.file
	if file == nil {
		file = &dbt.ProjectFile{Dir: s.dir, TargetPath: "target"}
	}
	return file.Target(s.a.flags.targetPath, s.a.env.Lookup)
}

// loadProfile reads the output of the run's target. Looking commands do
// without one.
func (s *session) loadProfile() error {
	home := homeOf(runtime.GOOS, s.a.env.Lookup)
	path, err := dbt.FindProfiles(dbt.ProfilesPlaces{
		Flag: s.a.flags.profilesDir, Dir: s.a.env.Dir, Project: s.dir, Home: home, Env: s.a.env.Lookup,
	})
	if err != nil {
		return err
	}
	target := s.a.flags.target
	if target == "" {
		target = s.ranTarget()
	}
	s.profile, err = dbt.LoadProfile(path, dbt.ProfileChoice{Profile: s.a.flags.profile, Target: target, Project: s.file}, s.a.resolver(s.dir))
	if err != nil {
		s.profile = nil
	}
	return err
}

// homeOf is the user's folder, where Python and so dbt look for it: on Windows
// USERPROFILE, whatever HOME a shell from elsewhere has set.
func homeOf(system string, lookup func(string) (string, bool)) string {
	names := []string{"HOME", "USERPROFILE"}
	if system == "windows" {
		slices.Reverse(names)
	}
	for _, name := range names {
		if home, _ := lookup(name); home != "" {
			return home
		}
	}
	return ""
}

// ranTarget is the --target of the newest dbt command that built or tested.
func (s *session) ranTarget() string {
	ran := ""
	var newest time.Time
	for _, r := range s.runs {
		if r.Executes() && r.GeneratedAt.After(newest) {
			newest, ran = r.GeneratedAt, r.Args.Target
		}
	}
	return ran
}

// gateTarget is what the gate compares the artifacts with; nil where no
// profile is at hand.
func (s *session) gateTarget() *gate.Target {
	if s.profile == nil {
		return nil
	}
	t := &gate.Target{
		Name: s.target, Database: s.profile.Output.Database, Schema: s.profile.Output.Schema,
		Schemas: s.config.Targets[s.target].Schemas,
	}
	if t.Schema == "" && s.profile.Output.Adapter == "duckdb" {
		t.Schema = "main" // what dbt-duckdb takes where the profile says nothing
	}
	if s.file != nil {
		t.Project = s.file.Name
	}
	return t
}

// noTarget is the fault of a run that knows no dbt target.
func noTarget() error {
	return &fault.Fault{
		Code: "target_unknown", Kind: fault.Config, Whose: fault.User,
		Msg: "no dbt target is known: neither --target, nor the dbt run, nor a profile names one", Hint: "exposync run --target NAME",
	}
}
