package cli_test

import (
	"bytes"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"exposync/internal/cli"
	"exposync/internal/platform/platformtest"
)

// cloudBundle is a folder without a dbt project, and a stand-in for dbt platform.
type cloudBundle struct {
	*platformtest.Server
	dir, host string
}

func newCloudBundle(t *testing.T) *cloudBundle {
	t.Helper()
	stand := platformtest.New(cloudToken)
	server := httptest.NewServer(stand)
	t.Cleanup(server.Close)
	b := &cloudBundle{Server: stand, dir: t.TempDir(), host: server.URL}
	b.settings(t, server.URL)
	return b
}

func (b *cloudBundle) settings(t *testing.T, host string) {
	t.Helper()
	text := "dbt_cloud: {host: '" + host + "', account: 1234, job: 456, token: \"{{ env_var('DBT_CLOUD_TOKEN') }}\"}\n"
	if err := os.WriteFile(filepath.Join(b.dir, "exposync.yml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// put makes run 7 one of a step that built, from what real dbt wrote.
func (b *cloudBundle) put(t *testing.T, scenario string) {
	t.Helper()
	dir := t.TempDir()
	if err := cli.PutArtifactsOf(dir, filepath.Join("../../fixtures/dbt/artifacts", scenario), time.Hour); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, name := range []string{"manifest.json", "run_results.json"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = data
	}
	b.Put(platformtest.Run{
		ID: 7, Job: 456, Status: 10, Finished: time.Now().Add(-time.Hour),
		Steps: []platformtest.Step{{Name: "Invoke dbt with `dbt build`", Status: 10, Files: files}},
	})
}

// run gives the exit code and everything that was printed.
func (b *cloudBundle) run(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	code := cli.Run(t.Context(), &cli.Env{
		Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Dir: b.dir, Now: time.Now, Rand: func() float64 { return 0 },
		NewID: func() string { return "0123456789abcdef" },
		Lookup: func(name string) (string, bool) {
			v := map[string]string{"DBT_CLOUD_TOKEN": cloudToken, "COLUMNS": "200", "HOME": b.dir}[name]
			return v, v != ""
		},
	})
	return code, out.String()
}

// fetched counts the artifacts that were asked for since it was asked last.
func (b *cloudBundle) fetched() int {
	return len(slices.DeleteFunc(b.Seen(), func(r string) bool { return !strings.Contains(r, "artifacts") }))
}

// What was fetched completely is not fetched again; what is of another account,
// or was left half-done, is.
func TestRunsOfDBTPlatformAreKept(t *testing.T) {
	t.Parallel()
	b := newCloudBundle(t)
	b.put(t, "1.12-duckdb/all_green")
	gate := []string{"gate", "--dbt-cloud-run", "7"}
	if code, out := b.run(t, gate...); code != 0 || b.fetched() != 2 {
		t.Fatalf("exit %d: %s", code, out)
	}
	dir := filepath.Join(b.dir, ".exposync", "cloud", "run-7")
	if code, _ := b.run(t, gate...); code != 0 || b.fetched() != 0 {
		t.Errorf("exit %d; a run that is here was fetched again", code)
	}
	for name, text := range tree(t, b.dir) {
		unseen(t, name, text, cloudToken)
		info, err := os.Stat(filepath.Join(b.dir, name))
		if ours := strings.HasPrefix(filepath.ToSlash(name), ".exposync/"); ours && runtime.GOOS != "windows" && (err != nil || info.Mode().Perm() != 0o600) {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	for _, open := range []string{dir, filepath.Dir(dir), filepath.Dir(filepath.Dir(dir))} {
		if info, err := os.Stat(open); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", open, info.Mode(), err)
		}
	}

	// a fetch that was broken off
	if err := os.Remove(filepath.Join(dir, "run.json")); err != nil {
		t.Fatal(err)
	}
	if code, _ := b.run(t, gate...); code != 0 || b.fetched() != 2 {
		t.Error("half of a run was taken for all of it")
	}

	// the same number elsewhere
	other := newCloudBundle(t)
	other.put(t, "1.12-duckdb/test_failed_on_export")
	b.settings(t, other.host)
	if code, out := b.run(t, gate...); code != 3 || other.fetched() != 2 {
		t.Errorf("exit %d: the run of another host was answered: %s", code, out)
	}
}

// Nothing of a run that cannot be judged stays behind as if it were complete.
func TestRunOfDBTPlatformThatFailsIsNotKept(t *testing.T) {
	t.Parallel()
	b := newCloudBundle(t)
	b.Put(platformtest.Run{ID: 7, Job: 456, Status: 10, Finished: time.Now(), Steps: []platformtest.Step{
		{Name: "Invoke dbt with `dbt build`", Status: 10, Files: map[string][]byte{"run_results.json": []byte(`{"metadata": {`)}},
	}})
	if code, out := b.run(t, "gate", "--dbt-cloud-run", "7"); code != 2 || !strings.Contains(out, "artifact_truncated") {
		t.Errorf("exit %d: %s", code, out)
	}
	b.put(t, "1.12-duckdb/all_green") // as it is a minute later
	if code, out := b.run(t, "gate", "--dbt-cloud-run", "7"); code != 0 {
		t.Errorf("exit %d: %s", code, out)
	}
}

// Whatever real dbt wrote is judged alike, from dbt platform and from a folder.
func TestDBTPlatformAndFolderAgree(t *testing.T) {
	t.Parallel()
	for _, scenario := range []string{"1.5-duckdb/all_green", "1.12-duckdb/model_failed_upstream", "1.12-duckdb/warn", "1.12-duckdb/empty", "2.0-duckdb/test_failed_on_export"} {
		b := newCloudBundle(t)
		b.put(t, scenario)
		code, out := b.run(t, "gate", "--dbt-cloud-run", "7", "--quiet", "--output", "json")
		if err := cli.PutArtifactsOf(filepath.Join(b.dir, "target"), filepath.Join("../../fixtures/dbt/artifacts", scenario), time.Hour); err != nil {
			t.Fatal(err)
		}
		wantCode, want := b.run(t, "gate", "--manifest", filepath.Join(b.dir, "target", "manifest.json"), "--quiet", "--output", "json")
		out = strings.ReplaceAll(out, ".exposync/cloud/run-7/step-1/", "target/")
		if code != wantCode || out != want {
			t.Errorf("%s: exit %d, want %d\n%s\nwant\n%s", scenario, code, wantCode, out, want)
		}
	}
}
