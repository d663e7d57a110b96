package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"exposync/internal/cli"
	"exposync/internal/yamlx"
)

// fakeGH stands in for GitHub's command: it keeps one comment, and finds it
// again by the line it begins with, as the workflow asks for.
const fakeGH = `#!/bin/sh
echo "$*" >> "$GH_DIR/calls"
case "$*" in
  *"--method POST"*) cp plan.md "$GH_DIR/comment" ;;
  *"--method PATCH repos/acme/shop/issues/comments/17 "*) cp plan.md "$GH_DIR/comment" ;;
  *"--paginate repos/acme/shop/issues/5/comments --jq "*startswith*) if [ -f "$GH_DIR/comment" ] && [ "$(head -n 1 "$GH_DIR/comment")" = "$MARKER" ]; then echo 17; fi ;;
  *) echo "unexpected: $*" >&2; exit 1 ;;
esac
`

// The example workflow is one that GitHub can read, and its steps do what
// they say: one comment, made once and kept up to date.
func TestExampleWorkflow(t *testing.T) {
	t.Parallel()
	file := "../../docs/examples/github-plan.yml"
	root, err := yamlx.Parse(file, must(os.ReadFile(file)))
	if err != nil {
		t.Fatal(err)
	}
	steps, ok := root.Find("jobs", "plan", "steps")
	if !ok {
		t.Fatal("there are no steps")
	}
	run := map[string]string{}
	for _, step := range steps.Items {
		if uses, ok := step.Get("uses").Str(); ok && !regexp.MustCompile(`^actions/[a-z-]+@v\d+$`).MatchString(uses) {
			t.Errorf("%s is not pinned to a major version of GitHub's own actions", uses)
		}
		text, _ := step.Get("run").Str()
		if strings.Contains(text, "${{") {
			t.Errorf("a script takes text of others for its own: %s", text)
		}
		name, _ := step.Get("name").Str()
		run[name] = text
	}
	dir, bin, gh := t.TempDir(), t.TempDir(), t.TempDir()
	if err := os.Symlink(must(os.Executable()), filepath.Join(bin, "exposync")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, "gh"), []byte(fakeGH), 0o700); err != nil {
		t.Fatal(err)
	}
	step := func(name string, env ...string) error {
		t.Helper()
		if run[name] == "" {
			t.Fatalf("there is no step %s", name)
		}
		cmd := exec.CommandContext(t.Context(), "bash", "-eo", "pipefail", "-c", run[name])
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "EXPOSYNC_TEST_PROCESS=1", "CI=true", "DBT_TARGET=prod", "GORACE=atexit_sleep_ms=0", "GOCOVERDIR="+t.TempDir(),
			"GITHUB_OUTPUT="+filepath.Join(dir, "output"), "GITHUB_REPOSITORY=acme/shop", "PULL_REQUEST=5", "GH_DIR="+gh)
		cmd.Env = append(cmd.Env, env...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Logf("%s: %v\n%s", name, err, out)
		}
		return err
	}
	if err := cli.UnpackShop(dir); err != nil {
		t.Fatal(err)
	}
	for _, scenario := range []string{"all_green", "invoices_test_failed"} {
		if err := cli.PlayBuild(dir, scenario); err != nil {
			t.Fatal(err)
		}
		if step("Plan") != nil || step("Comment") != nil {
			t.Fatal(scenario)
		}
	}
	calls := string(must(os.ReadFile(filepath.Join(gh, "calls"))))
	if strings.Count(calls, "--method POST") != 1 || strings.Count(calls, "--method PATCH") != 1 {
		t.Errorf("made and updated:\n%s", calls)
	}
	if comment := string(must(os.ReadFile(filepath.Join(gh, "comment")))); !strings.Contains(comment, "| `finance_erp_export` | `erp.invoices` | block |") {
		t.Errorf("the comment is not that of the last plan:\n%s", comment)
	}
	if got := string(must(os.ReadFile(filepath.Join(dir, "output")))); got != "code=0\ncode=3\n" {
		t.Errorf("output %q", got)
	}
	for code, fails := range map[string]bool{"0": false, "3": false, "2": true, "5": true} {
		if err := step("Result", "CODE="+code); (err != nil) != fails {
			t.Errorf("code %s: %v", code, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "exposync.yml"), []byte("targets: {prod: sandbx}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if step("Plan") != nil || step("Comment") != nil { // there is no plan, so there is nothing to say
		t.Error("a plan that failed")
	}
	if after := string(must(os.ReadFile(filepath.Join(gh, "calls")))); after != calls {
		t.Errorf("an empty comment: %s", after)
	}
}
