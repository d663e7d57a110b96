package cli_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"exposync/internal/cli"
	"exposync/internal/mariatest"
	"exposync/internal/pgtest"
	"exposync/internal/platform/platformtest"
)

// scriptMain runs the tests; in scripts, `exposync` is this program.
func scriptMain(m *testing.M) {
	testscript.Main(mariatest.Around(pgtest.Around(m)), map[string]func(){"exposync": func() { os.Exit(cli.Main()) }})
}

// The scripts are the specification of the command line: one behaviour a file.
// UPDATE=1 writes what commands print today into them.
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
			env.Setenv("GORACE", "atexit_sleep_ms=0") // else every process of a -race binary stays for a second
			env.Setenv("HOME", env.WorkDir)
			env.Values[sinkKey{}] = &sink{}
			env.Values[cloudKey{}] = new(*platformtest.Server)
			path, err := exec.LookPath("exposync")
			env.Setenv("EXPOSYNC", path)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exit":      wantExit,
			"tidy":      tidy,
			"artifacts": copyArtifacts,
			"shop":      unpackShop,
			"dbt-build": playBuild,
			"declare":   declare,
			"sql":       runSQL,
			"sink":      startSink,
			"sink-got":  sinkGot,
			"refuse":    refuse,
			"edit":      editFile,
			"damage":    damageLedger,
			"append":    appendLine,
			"copy-dir":  copyDir,
			"wait-for":  waitForFile,
			"lose":      loseAnswers,
			"mode":      wantMode,

			"dbt-cloud":     startCloud,
			"cloud-run":     putRun,
			"cloud-trouble": cloudTrouble,
			"cloud-seen":    cloudSeen,
		},
	})
}

// wantExit runs a program and wants its exit code: exit CODE PROGRAM ARGUMENT….
func wantExit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exit CODE PROGRAM [ARGUMENT…]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	code := 0
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		code = failed.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != want {
		ts.Fatalf("exit %d, want %d", code, want)
	}
}

// untidy is what differs from one run to the next, and what is shown instead.
func untidy(work string) []struct{ was, is string } {
	return []struct{ was, is string }{
		{regexp.QuoteMeta(work), "$$WORK"},
		{`\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`, "UUID"},
		{`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`, "TIME"},
		{`\b\d\d:\d\d:\d\d  `, "HH:MM:SS  "},
		{`(in dbt [a-z]+|dbt run) [0-9a-f]{8}\b`, "$1 INVOCATION"},
		{`\b\d+[smh] ago`, "AGE ago"},
		{`\b\d+\.\d+s\]`, "0.0s]"},
		{`\b\d+\.\d+s"`, `0.0s"`},
		{`("(run_id|id)": ")[0-9a-f]{16}"`, `${1}RUN"`},
		{`("(execution_time|elapsed_time)": )[0-9.e-]+`, "${1}0"},
		{`("(digest|rows_sha256|manifest_sha256|definition)": ")[^"]+"`, `${1}DIGEST"`},
		{`("mapping(_was)?": ")[^"]+"`, `${1}MAPPING"`},
		{`127\.0\.0\.1:\d+`, "127.0.0.1:PORT"},
		{`(syncs/\S+-)[0-9a-f]{16}\b`, "${1}HASH"},
		{`("bytes": )\d+`, "${1}0"},
		{`(last run .*, )[0-9a-f]{16}\b`, "${1}RUN"},
		{`process \d+ on \S+ since \S+ \S+ \S+`, "process PID on HOST since TIME"},
		{`\(go[0-9.]+\S*, \w+/\w+\)`, "(GO, PLATFORM)"},
	}
}

// tidy copies a file, or stdout or stderr, without what differs from one run
// to the next: tidy FROM TO. It takes the ends of lines' spaces away, too.
func tidy(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: tidy FROM TO")
	}
	text := ts.ReadFile(args[0])
	for _, r := range untidy(ts.Getenv("WORK")) {
		text = regexp.MustCompile(r.was).ReplaceAllString(text, r.is)
	}
	text = regexp.MustCompile(`(?m) +$`).ReplaceAllString(text, "")
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}

// copyArtifacts puts down what real dbt wrote, as if it had ended three hours
// ago: artifacts ENGINE SCENARIO [DIR [AGE]]. It is done in process, so that
// the test cache sees the files.
func copyArtifacts(ts *testscript.TestScript, _ bool, args []string) {
	dir := "target"
	if len(args) > 2 {
		dir = args[2]
	}
	age := cli.ArtifactAge
	if len(args) > 3 {
		var err error
		age, err = time.ParseDuration(args[3])
		ts.Check(err)
	}
	ts.Check(cli.PutArtifactsOf(ts.MkAbs(dir), filepath.Join("../../fixtures/dbt/artifacts", args[0], args[1]), age))
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

// declare changes what an exposure of the shop declares, in the manifest and,
// where it stands on one line, in the YAML that dbt read: declare EXPOSURE
// BLOCK, a block in JSON.
func declare(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: declare EXPOSURE BLOCK")
	}
	var doc map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("target/manifest.json")), &doc))
	exposure, ok := doc["exposures"].(map[string]any)["exposure.shop."+args[0]].(map[string]any)
	if !ok {
		ts.Fatalf("no exposure %s", args[0])
	}
	meta := map[string]any{"exposync": json.RawMessage(args[1])}
	exposure["meta"] = meta
	exposure["config"].(map[string]any)["meta"] = meta
	out, err := json.Marshal(doc)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("target/manifest.json"), out, 0o600))
	path := ts.MkAbs("models/exports/_exports.yml")
	before, rest, ok := strings.Cut(ts.ReadFile(path), "  - name: "+args[0]+"\n")
	if !ok {
		return
	}
	line := regexp.MustCompile(`(?m)^( +exposync: )\{.*\}$`).FindStringSubmatchIndex(rest)
	if line == nil {
		return
	}
	rest = rest[:line[3]] + args[1] + rest[line[1]:]
	ts.Check(os.WriteFile(path, []byte(before+"  - name: "+args[0]+"\n"+rest), 0o600))
}

// runSQL changes the shop's SQLite: sql STATEMENT.
func runSQL(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("%s", fmt.Sprintf("usage: sql STATEMENT, got %d arguments", len(args)))
	}
	ts.Check(cli.ShopSQL(ts.MkAbs("."), args[0]))
}

// editFile replaces a text in a file, which has to be there: edit FILE OLD NEW.
func editFile(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: edit FILE OLD NEW")
	}
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(text, args[1], args[2])), 0o600))
}

// waitForFile waits until a file is there: wait-for FILE.
func waitForFile(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: wait-for FILE")
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
	}
	ts.Fatalf("%s did not come", args[0])
}

// sinkKey is where a script keeps its sink.
type sinkKey struct{}

// sinkOf gives the script's sink.
func sinkOf(ts *testscript.TestScript) *sink { return ts.Value(sinkKey{}).(*sink) }

// startSink starts an HTTP service as `type: http` describes it, and sets
// CRM_URL: sink KEY, the field that records are known by.
func startSink(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: sink KEY")
	}
	s := sinkOf(ts)
	s.serve(args[0])
	ts.Defer(s.Close)
	ts.Setenv("CRM_URL", s.URL)
}

// sinkGot wants that many records, taken in that many requests, since it was
// asked last: sink-got RECORDS REQUESTS.
func sinkGot(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: sink-got RECORDS REQUESTS")
	}
	taken, requests := sinkOf(ts).log()
	if got := fmt.Sprintf("%d %d", len(taken), requests); got != args[0]+" "+args[1] {
		ts.Fatalf("the sink got %s", got)
	}
}

// refuse lets the sink refuse the records of some keys, with code
// not_welcome: refuse [KEY…].
func refuse(ts *testscript.TestScript, _ bool, keys []string) {
	s := sinkOf(ts)
	s.set(func() {
		s.refuse = func(rec map[string]any) string {
			if slices.Contains(keys, fmt.Sprint(rec[s.key])) {
				return "not_welcome"
			}
			return ""
		}
	})
}
