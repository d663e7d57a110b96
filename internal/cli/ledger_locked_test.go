package cli_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"exposync/internal/cli"
	"exposync/internal/ledger/local"
)

// While somebody holds a sync nothing of it is changed, and looking works.
func TestLedgerCommandsWhileARunGoesOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := cli.UnpackShop(dir); err != nil {
		t.Fatal(err)
	}
	settings := "targets: {prod: {connections: {crm: {type: file, path: out}, support: {type: file, path: out}, erp: {type: file, path: out}}}}\n"
	if err := os.WriteFile(filepath.Join(dir, "exposync.yml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := cli.PlayBuild(dir, "all_green"); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (int, string) {
		cmd := exec.CommandContext(t.Context(), must(os.Executable()), args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "EXPOSYNC_TEST_PROCESS=1", "CI=", "COLUMNS=200", "GOCOVERDIR="+t.TempDir())
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		_ = cmd.Run()
		return cmd.ProcessState.ExitCode(), out.String()
	}
	if code, out := run("run", "--select", "email_crm_export"); code != 0 {
		t.Fatalf("exit %d\n%s", code, out)
	}
	l, err := local.Open(filepath.Join(dir, ".exposync"), local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	contents, err := l.Contents(t.Context())
	if err != nil || len(contents.Syncs) != 1 {
		t.Fatal(contents, err)
	}
	held, err := l.Open(t.Context(), contents.Syncs[0].Sync, "prod")
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"ledger", "reset", "email_crm_export", "--yes"}, {"ledger", "move", "--to", "other"}} {
		if code, out := run(args...); code != 3 || !strings.Contains(out, "locked") {
			t.Errorf("%v: exit %d\n%s", args, code, out)
		}
	}
	for _, args := range [][]string{{"ledger", "show"}, {"ledger", "show", "email_crm_export"}, {"ledger", "reset", "email_crm_export"}} {
		if code, out := run(args...); code != 0 || !strings.Contains(out, "100") {
			t.Errorf("%v: exit %d\n%s", args, code, out)
		}
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	if code, out := run("ledger", "reset", "email_crm_export", "--yes"); code != 0 {
		t.Errorf("exit %d\n%s", code, out)
	}
}
