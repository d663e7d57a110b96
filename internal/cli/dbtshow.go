package cli

import (
	"context"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"exposync/internal/warehouse"
	"exposync/internal/warehouse/dbtshow"
)

// dbtProgram is the dbt that reads rows and that build runs: the flag, else
// EXPOSYNC_DBT, else what is on the path.
func (a *app) dbtProgram() string {
	for _, name := range []string{a.flags.dbt, a.env.get("EXPOSYNC_DBT")} {
		if name != "" {
			return name
		}
	}
	return "dbt"
}

// throughDBT is the reader of every warehouse that has none of its own.
func (s *session) throughDBT(adapter string) warehouse.Warehouse {
	program := s.a.dbtProgram()
	start := program
	if strings.ContainsAny(start, `/\`) { // dbt runs in the project's folder
		start = s.a.pathOf(start)
	}
	args := []string{
		"--project-dir", s.dir, "--profiles-dir", filepath.Dir(s.profile.File),
		"--profile", s.profile.Name, "--target", s.profile.Target,
	}
	if s.a.flags.vars != "" {
		args = append(args, "--vars", s.a.flags.vars)
	}
	var others []string
	for _, j := range s.selected() {
		if !slices.Contains(others, j.Source.Relation) {
			others = append(others, j.Source.Relation)
		}
	}
	return dbtshow.New(dbtshow.Config{
		Program: program, Adapter: adapter, Args: args, Others: others,
		Run: func(ctx context.Context, stdout, stderr io.Writer, args ...string) (int, error) {
			return s.a.env.Capture(ctx, s.dir, stdout, stderr, start, args...)
		},
		Parsed: s.artifact("partial_parse.msgpack"), Spool: filepath.Join(s.ledgerDir(), "tmp"),
		Masked: slices.ContainsFunc(s.a.env.Environ(), func(v string) bool {
			_, value, _ := strings.Cut(v, "=")
			return strings.HasPrefix(v, "DBT_ENV_SECRET_") && strings.TrimSpace(value) != ""
		}),
		Warn: func(relation string) {
			s.a.say("warning: %s has more than %d rows, and is read through %s show, which is not made for that: it may take minutes and gigabytes", relation, dbtshow.Rows, program)
		},
	})
}
