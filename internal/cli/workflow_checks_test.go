package cli_test

import (
	"compress/gzip"
	"encoding/base64"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"exposync/fixtures/schemas/formats"
	"exposync/internal/cli"
	"exposync/internal/yamlx"
)

// What the workflow of pull requests calls, as far as it calls it: git lays the
// base branch beside, dbt has parsed it already, and GitHub keeps one comment and
// the uploads.
const (
	fakeGit = `#!/bin/sh
case "$1 $2" in
  "fetch --depth") ;;
  "worktree add") mkdir -p "$4" && cp -R . "$4" && cp -R "$WORK/base/." "$4/target/" ;;
  *) echo "unexpected: git $*" >&2; exit 1 ;;
esac
`
	fakeDBT = `#!/bin/sh
[ "$1" = parse ] && [ -f target/manifest.json ]
`
	fakeHub = `#!/bin/sh
echo "$*" >> "$WORK/calls"
case "$*" in
  *code-scanning*) for a in "$@"; do case "$a" in sarif=@*) cp "${a#sarif=@}" "$WORK/upload" ;; esac; done ;;
  *"--method POST"*|*"--method PATCH repos/acme/shop/issues/comments/17 "*) cp comment.md "$WORK/comment" ;;
  *"--paginate repos/acme/shop/issues/5/comments --jq "*startswith*) if [ -f "$WORK/comment" ] && [ "$(head -n 1 "$WORK/comment")" = "$MARKER" ]; then echo 17; fi ;;
  *) echo "unexpected: gh $*" >&2; exit 1 ;;
esac
`
)

// stepsOf gives the scripts of a workflow by the name of their step. None takes
// text of others for its own, and only GitHub's own actions are used.
func stepsOf(t *testing.T, file, job string) map[string]string {
	t.Helper()
	root, err := yamlx.Parse(file, must(os.ReadFile(file)))
	if err != nil {
		t.Fatal(err)
	}
	steps, ok := root.Find("jobs", job, "steps")
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
	return run
}

// The workflow of pull requests does what it says: it measures against the base
// branch, keeps one comment of three parts, and uploads what code scanning reads.
func TestPullRequestWorkflow(t *testing.T) {
	t.Parallel()
	run := stepsOf(t, "../../docs/examples/pull-request.yml", "checks")
	work := t.TempDir()
	dir, bin := filepath.Join(work, "repo"), filepath.Join(work, "bin")
	for _, d := range []string{dir, bin, filepath.Join(work, "base")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(must(os.Executable()), filepath.Join(bin, "exposync")); err != nil {
		t.Fatal(err)
	}
	for name, script := range map[string]string{"git": fakeGit, "dbt": fakeDBT, "gh": fakeHub} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := cli.UnpackShop(dir); err != nil {
		t.Fatal(err)
	}
	if err := cli.PlayBuild(dir, "all_green"); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(work, "base"), os.DirFS(filepath.Join(dir, "target"))); err != nil {
		t.Fatal(err)
	}
	// the branch takes the owner's description away
	manifest := filepath.Join(dir, "target", "manifest.json")
	text := string(must(os.ReadFile(manifest)))
	worse := regexp.MustCompile(`"maturity": ?"[a-z]+"`).ReplaceAllString(text, `"maturity": null`)
	if worse == text {
		t.Fatal("the manifest has no maturity")
	}
	put(t, manifest, worse)
	worst := ""
	step := func(name string) error {
		t.Helper()
		if run[name] == "" {
			t.Fatalf("there is no step %s", name)
		}
		cmd := exec.CommandContext(t.Context(), "bash", "-eo", "pipefail", "-c", run[name])
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "WORK="+work, "EXPOSYNC_TEST_PROCESS=1", "CI=true", "DBT_TARGET=prod", "GORACE=atexit_sleep_ms=0", "GOCOVERDIR="+t.TempDir(),
			"BASE=abc123", "GITHUB_ENV="+filepath.Join(work, "env"), "GITHUB_STEP_SUMMARY="+filepath.Join(work, "summary"), "GITHUB_REPOSITORY=acme/shop", "PULL_REQUEST=5",
			"GITHUB_SHA=def456", "GITHUB_REF=refs/pull/5/merge", "SUMMARY=https://github.example/run/1", "worst="+worst)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Logf("%s: %v\n%s", name, err, out)
		}
		return err
	}
	for _, name := range []string{"Before", "Parse", "Checks", "Plan", "Comment", "Comment", "Code scanning"} {
		if err := step(name); err != nil {
			t.Fatal(name)
		}
	}
	comment := string(must(os.ReadFile(filepath.Join(work, "comment"))))
	for _, want := range []string{"<!-- exposync:pull-request -->\n", "### Exposync coverage: ", " new misses", "### Exposync impact: ", "### Exposync plan: "} {
		if !strings.Contains(comment, want) {
			t.Errorf("the comment lacks %q:\n%s", want, comment)
		}
	}
	calls := string(must(os.ReadFile(filepath.Join(work, "calls"))))
	if strings.Count(calls, "issues/5/comments --field") != 1 || strings.Count(calls, "--method PATCH") != 1 || strings.Count(calls, "code-scanning/sarifs") != 2 {
		t.Errorf("calls:\n%s", calls)
	}
	if err := formats.Sarif(unpacked(t, filepath.Join(work, "upload"))); err != nil {
		t.Errorf("what was uploaded: %v", err)
	}
	if worst = strings.TrimPrefix(strings.TrimSpace(string(must(os.ReadFile(filepath.Join(work, "env"))))), "worst="); worst != "6" {
		t.Errorf("new misses end with %q", worst)
	}
	if err := step("Result"); err == nil {
		t.Error("new misses pass")
	}
	// a comment that would be too long says where the rest is
	put(t, filepath.Join(dir, "plan.md"), strings.Repeat("x", 65_000))
	if err := step("Comment"); err != nil {
		t.Fatal(err)
	}
	if comment := string(must(os.ReadFile(filepath.Join(work, "comment")))); len(comment) > 65_536 || !strings.Contains(comment, "plan is too long for this comment: [it stands in the summary](https://github.example/run/1)") {
		t.Errorf("%d bytes: %.300s", len(comment), comment)
	}
}

// unpacked is an upload as code scanning reads it.
func unpacked(t *testing.T, file string) []byte {
	t.Helper()
	r, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(string(must(os.ReadFile(file))))))
	if err != nil {
		t.Fatal(err)
	}
	return must(io.ReadAll(r))
}
