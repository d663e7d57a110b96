package cli_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"exposync/internal/yamlx"
)

// pre-commit reads .pre-commit-hooks.yaml as its manifest schema says, see
// https://pre-commit.com/#creating-new-hooks: the keys that it needs, no key
// that it does not know, and a `files` that is a regular expression.
func TestPreCommitHooks(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../.pre-commit-hooks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	root, err := yamlx.Parse(".pre-commit-hooks.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	if root.Kind != yamlx.List || len(root.Items) == 0 {
		t.Fatal("the file is no list of hooks")
	}
	known := []string{
		"id", "name", "entry", "language", "files", "exclude", "types", "types_or", "exclude_types", "always_run", "fail_fast", "verbose",
		"pass_filenames", "require_serial", "description", "language_version", "minimum_pre_commit_version", "args", "stages", "additional_dependencies", "alias", "log_file",
	}
	seen := map[string]bool{}
	for _, hook := range root.Items {
		id, _ := hook.Get("id").Str()
		if seen[id] {
			t.Errorf("two hooks are called %s", id)
		}
		seen[id] = true
		for _, key := range []string{"id", "name", "entry", "language"} {
			if v, ok := hook.Get(key).Str(); !ok || v == "" {
				t.Errorf("hook %s: %s is missing", id, key)
			}
		}
		for _, key := range hook.Keys() {
			if !slices.Contains(known, key) {
				t.Errorf("hook %s: pre-commit knows no key %s", id, key)
			}
		}
		if v, _ := hook.Get("language").Str(); v != "golang" {
			t.Errorf("hook %s: language %s, want golang", id, v)
		}
		checkHookFiles(t, id, hook)
	}
}

// checkHookFiles wants the hook to run for what lint reads, to be given no
// names of files, and to be a command that there is.
func checkHookFiles(t *testing.T, id string, hook *yamlx.Node) {
	t.Helper()
	pattern, _ := hook.Get("files").Str()
	files, err := regexp.Compile(pattern)
	if err != nil {
		t.Fatalf("hook %s: files: %v", id, err)
	}
	for file, want := range map[string]bool{
		"models/exports/_exports.yml": true, "models/a.yaml": true, "exposync.yml": true, "models/exports/export_a.sql": true, "README.md": false, "a.sqlite": false,
	} {
		if files.MatchString(file) != want {
			t.Errorf("hook %s: runs for %s is %t, want %t", id, file, !want, want)
		}
	}
	if pass, ok := hook.Get("pass_filenames").Bool(); !ok || pass {
		t.Errorf("hook %s: pass_filenames has to be false: rules look at several files at once", id)
	}
	entry, _ := hook.Get("entry").Str()
	m := &mini{TB: t, dir: t.TempDir()}
	words := strings.Fields(entry)
	if words[0] != "exposync" {
		t.Errorf("hook %s runs %s", id, words[0])
	}
	m.want(0, append(words[1:], "--help")...)
}
