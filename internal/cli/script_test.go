package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"exposync/internal/cli"
	"exposync/internal/pgtest"
)

// scriptMain runs the tests; in scripts, `exposync` is this program.
func scriptMain(m *testing.M) {
	testscript.Main(pgtest.Around(m), map[string]func(){"exposync": func() { os.Exit(cli.Main()) }})
}

// The scripts are the specification of the command line: one behaviour a file.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "../../fixtures/scripts",
		UpdateScripts:       os.Getenv("UPDATE") != "",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("COLUMNS", "80")
			env.Setenv("CI", "")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"artifacts": copyArtifacts,
			"shop":      unpackShop,
			"dbt-build": playBuild,
			"sql":       runSQL,
		},
	})
}

// copyArtifacts copies what real dbt wrote: artifacts ENGINE SCENARIO [DIR].
// It is done in process, so that the test cache sees the files.
func copyArtifacts(ts *testscript.TestScript, _ bool, args []string) {
	dir := "target"
	if len(args) > 2 {
		dir = args[2]
	}
	from := filepath.Join("../../fixtures/dbt/artifacts", args[0], args[1])
	ts.Check(os.MkdirAll(ts.MkAbs(dir), 0o755))
	ts.Check(os.CopyFS(ts.MkAbs(dir), os.DirFS(from)))
}

// unpackShop makes the demo's project, with its SQLite filled: shop [DIR].
func unpackShop(ts *testscript.TestScript, _ bool, args []string) {
	dir := "."
	if len(args) > 0 {
		dir = args[0]
	}
	ts.Check(cli.UnpackShop(ts.MkAbs(dir)))
}

// playBuild plays a dbt build of the shop: dbt-build SCENARIO [DIR].
func playBuild(ts *testscript.TestScript, _ bool, args []string) {
	dir := "."
	if len(args) > 1 {
		dir = args[1]
	}
	ts.Check(cli.PlayBuild(ts.MkAbs(dir), args[0]))
}

// runSQL changes the shop's SQLite: sql STATEMENT.
func runSQL(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("%s", fmt.Sprintf("usage: sql STATEMENT, got %d arguments", len(args)))
	}
	ts.Check(cli.ShopSQL(ts.MkAbs("."), args[0]))
}
