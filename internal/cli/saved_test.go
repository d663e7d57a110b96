package cli

import (
	"os"
	"path/filepath"
	"testing"

	"exposync/internal/fault"
	"exposync/internal/job"
	"exposync/internal/ledger"
	"exposync/internal/plan"
)

// A saved plan holds rows: whatever stood in its place before must not decide
// who can read them.
func TestASavedPlanIsForItsOwnerOnly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "plan.json")
	if err := os.WriteFile(path, []byte("an older plan, longer than the new one"), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := private(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString("new")
	if cerr := f.Close(); err != nil || cerr != nil {
		t.Fatal(err, cerr)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() != 3 {
		t.Errorf("%v %v, %d bytes", info.Mode(), err, info.Size())
	}
	open := filepath.Join(t.TempDir(), "open.json")
	if err := os.WriteFile(open, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link.json")
	if err := os.Symlink(open, link); err != nil {
		t.Fatal(err)
	}
	if f, err = private(link); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err = os.Stat(open); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("through a link: %v %v", info.Mode(), err)
	}
	dir := t.TempDir()
	if _, err := private(dir); !fault.Is(err, "out_unwritable") {
		t.Errorf("a folder: err = %v", err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("the folder is gone: %v", err)
	}
}

// Without an invocation nobody knows which dbt run a run answered.
func TestHandledNeedsAnInvocation(t *testing.T) {
	t.Parallel()
	runs := []ledger.Run{{Handled: true, Definition: job.Definition(plan.Job{})}}
	if handled(runs, plan.Job{}, "") {
		t.Error("a run that answered nothing known counts as an answer")
	}
	runs[0].InvocationID = "a dbt run"
	if !handled(runs, plan.Job{}, "a dbt run") {
		t.Error("a run that answered the dbt run does not count")
	}
}
