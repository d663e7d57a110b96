package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const oneColumn = `create table main.export_t as select 1 as id, 'a' as v`

const intoFile = `{"to": "out.t", "key": "id", "fields": "all"}`

// --quiet takes the lines away, never the reason why nothing was sent.
func TestQuietStillSaysWhatWentWrong(t *testing.T) {
	t.Parallel()
	m := newMini(t, oneColumn, `{"to": "out.t", "key": "id", "fields": {"v": "w"}}`, "out: {type: file, path: out}")
	out := m.want(2, "run", "--quiet")
	for _, want := range []string{"column_missing", "next", "ERROR=1"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	if strings.Contains(out, "START") {
		t.Errorf("--quiet prints lines:\n%s", out)
	}
}

// What was sent is said, to people and to programs, where the artifact cannot
// be written.
func TestResultsThatCannotBeWrittenAreSaid(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"text": {"run"}, "json": {"run", "--output", "json"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMini(t, oneColumn, intoFile, "out: {type: file, path: out}")
			if err := os.Mkdir(filepath.Join(m.dir, "target/exposync_run_results.json"), 0o755); err != nil {
				t.Fatal(err)
			}
			cmd := m.command(t.Context(), args...)
			var out, said bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &said
			_ = cmd.Run() // judged by its exit code
			if got := cmd.ProcessState.ExitCode(); got != 5 {
				t.Errorf("exit %d, want 5\n%s", got, said.String())
			}
			want := map[string]string{"text": "Done. OK=1", "json": `"code": "results_unwritable"`}[name]
			if !strings.Contains(out.String(), want) {
				t.Errorf("no %q on stdout:\n%s", want, out.String())
			}
			if !strings.Contains(said.String(), "error results_unwritable") {
				t.Errorf("stderr does not say why it failed:\n%s", said.String())
			}
		})
	}
}

// A plan sends nothing, so the first ^C ends it, in the middle of a query.
func TestInterruptedPlanEndsAtOnce(t *testing.T) {
	t.Parallel()
	m := newMini(t, oneColumn, intoFile, "out: {type: file, path: out}")
	m.exec("begin")
	m.exec("lock table main.export_t in access exclusive mode")
	p := m.start("plan")
	awaitRow(t, connect(t, m.dsn), "select exists (select from pg_locks where not granted)")
	p.signal(syscall.SIGTERM)
	if out := p.wantExit(130); !strings.Contains(out, "nothing was sent") || strings.Contains(out, "error") {
		t.Errorf("the plan said:\n%s", out)
	}
}

// A plan that is stale as a whole names its file, and a saved one the target
// that it was made for.
func TestStalePlanNamesItsFile(t *testing.T) {
	t.Parallel()
	m := newMini(t, oneColumn, intoFile, "out: {type: file, path: out}")
	if out := m.want(0, "plan", "--target", "prod", "--out", "p.json"); !strings.Contains(out, "next: exposync run --plan p.json --target prod\n") {
		t.Errorf("the plan said:\n%s", out)
	}
	m.build()
	if out := m.want(3, "run", "--plan", "p.json"); !strings.Contains(out, "at   p.json\n") {
		t.Errorf("the run said:\n%s", out)
	}
}

// A dbt that is killed ends as a failed one: no exit code outside the list.
func TestKilledDBTHasAnExitCodeOfTheList(t *testing.T) {
	t.Parallel()
	m := newMini(t, oneColumn, intoFile, "out: {type: file, path: out}")
	dbt := filepath.Join(m.dir, "dbt")
	for script, want := range map[string]int{"kill -9 $$": 1, "exit 77": 1, "exit 2": 2, "exit 0": 0} {
		m.write("dbt", "#!/bin/sh\n"+script+"\n")
		if err := os.Chmod(dbt, 0o700); err != nil {
			t.Fatal(err)
		}
		said := "nothing was synced" // there are no new results
		if want == 0 {
			said = "Done. "
		}
		if out := m.want(want, "build", "--dbt", dbt); !strings.Contains(out, said) {
			t.Errorf("%s: exposync did not say %q:\n%s", script, said, out)
		}
	}
}
