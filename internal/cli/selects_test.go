package cli_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/cli"
)

// selectorShop is a folder with the artifacts that selectors are compared on,
// and those of an earlier run below state.
func selectorShop(t *testing.T) string {
	t.Helper()
	from, dir := filepath.Join("..", "..", "fixtures", "dbt", "selectors"), t.TempDir()
	for name, to := range map[string]string{
		"manifest.json": "target", "sources.json": "target",
		"state/manifest.json": "state", "state/run_results.json": "state", "state/sources.json": "state",
	} {
		f, err := os.Open(filepath.Join(from, name+".gz"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		zip, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(zip)
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, to, filepath.Base(name)), string(text))
	}
	put(t, filepath.Join(dir, "dbt_project.yml"), "name: shop\nprofile: shop\n")
	put(t, filepath.Join(dir, "exposync.yml"), "targets: {dev: sandbox}\n")
	return dir
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// play runs a command line in a folder.
func play(t *testing.T, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = cli.Run(t.Context(), &cli.Env{
		Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Dir: dir,
		Lookup: func(string) (string, bool) { return "", false },
		Now:    func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) },
		Rand:   func() float64 { return 0.5 }, NewID: func() string { return "0123456789abcdef" }, Width: 80,
	})
	return code, out.String(), errs.String()
}

// listed gives the names and job ids that ls --output json shows.
func listed(t *testing.T, stdout string) []string {
	t.Helper()
	var doc struct {
		Exposures []struct {
			Name string
			Jobs []struct{ ID string }
		}
	}
	if err := json.Unmarshal([]byte(stdout), &doc); err != nil {
		t.Fatalf("%v in %s", err, stdout)
	}
	names := []string{}
	for _, x := range doc.Exposures {
		names = append(names, x.Name)
		for _, j := range x.Jobs {
			if j.ID != x.Name {
				names = append(names, j.ID)
			}
		}
	}
	return names
}

// TestSelectOnTheCommandLine: selectors of dbt choose exposures, and names of
// syncs choose these alone.
func TestSelectOnTheCommandLine(t *testing.T) {
	t.Parallel()
	dir := selectorShop(t)
	desk := []string{"support_desk_export", "support_desk_export.tickets", "support_desk_export.users"}
	tests := []struct {
		args string
		want []string
		warn string
	}{
		{"--select email_crm_export", []string{"email_crm_export"}, ""},
		{"-s email_crm_export finance_erp_export", []string{"email_crm_export", "finance_erp_export"}, ""},
		{"--select export_orders+", desk, ""},
		{"--select export_orders", nil, "a model does not stand for its exposures: try --select export_orders+"},
		{"--select nobody", nil, `the selector "nobody" matches nothing`},
		{"--select tag:crm,support*", desk, ""},
		{"--select support_desk_export.users", []string{"support_desk_export", "support_desk_export.users"}, ""},
		{"--select tag:crm --exclude support_desk_export.users email_crm_export store_export", desk[:2], ""},
		{"--selector crm_exposures --quiet", append([]string{"email_crm_export", "store_export"}, desk...), ""},
		{"--select path:models/exports --exclude tag:crm nobody", []string{"finance_erp_export", "ops_tool"}, `"nobody" matches nothing`},
		{"--select state:modified,finance* --state state", []string{"finance_erp_export"}, ""},
		{"--select result:no-op --state state", []string{"finance_erp_export"}, ""},
		{"--select 1+result:error+,config.meta.x:y --state state", nil, "nothing selected"},
		{"--select weekly_kpis --all", []string{"weekly_kpis"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := play(t, dir, append([]string{"ls", "--output", "json"}, strings.Fields(tt.args)...)...)
			if diff := cmp.Diff(append([]string{}, tt.want...), listed(t, stdout)); diff != "" || code != 0 {
				t.Errorf("exit %d, listed (-want +got):\n%s\n%s", code, diff, stderr)
			}
			if !strings.Contains(stderr, tt.warn) || tt.warn == "" && stderr != "" {
				t.Errorf("stderr is %q, want %q", stderr, tt.warn)
			}
		})
	}
}

// TestSelectMistakes: what cannot be meant stops before anything is read,
// dbt included.
func TestSelectMistakes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ args, want string }{
		{"ls --select tagg:x", `did you mean "tag"?`},
		{"build --dbt no-such-program --select tagg:x", "selector_invalid"},
		{"gate --selector a --exclude b", "--selector excludes --select and --exclude"},
		{"plan --exclude @a+", "selector_invalid"},
	} {
		code, _, stderr := play(t, t.TempDir(), strings.Fields(tt.args)...)
		if code != 2 || !strings.Contains(stderr, tt.want) || strings.Contains(stderr, "artifact_missing") {
			t.Errorf("%s: exit %d, %s, want %s", tt.args, code, stderr, tt.want)
		}
	}
	dir := selectorShop(t)
	for _, tt := range []struct{ args, want string }{
		{"ls --selector crn", `did you mean "crm"?`},
		{"ls --select state:new", "state_missing"},
		{"ls --select state:new --state nowhere", "state_missing"},
		{"ls --select result:error", "state_missing"},
		{"ls --select exposure:a.b.c", "selector_invalid"},
	} {
		if code, stdout, stderr := play(t, dir, strings.Fields(tt.args)...); code != 2 || !strings.Contains(stderr, tt.want) || stdout != "" {
			t.Errorf("%s: exit %d, %s%s, want %s", tt.args, code, stdout, stderr, tt.want)
		}
	}
	put(t, filepath.Join(dir, "broken", "manifest.json"), "{")
	if code, _, stderr := play(t, dir, "ls", "--select", "state:new", "--state", "broken"); code != 2 || !strings.Contains(stderr, "artifact_truncated") {
		t.Errorf("a broken state: exit %d, %s", code, stderr)
	}
}

// TestCompletion: the last word, from the manifest; and never a word on
// stderr.
func TestCompletion(t *testing.T) {
	t.Parallel()
	dir := selectorShop(t)
	for _, tt := range []struct {
		args []string
		want []string
		all  bool
	}{
		{[]string{"run", "--select", "sup"}, []string{"support_desk_export", "support_desk_export.tickets", "support_desk_export.users"}, true},
		{[]string{"run", "--select", "email_crm_export", "fin"}, []string{"finance_erp_export"}, true},
		{[]string{"ls", "--exclude", "+tag:f"}, []string{"+tag:finance"}, true},
		{[]string{"ls", "-s", "tag:crm,3+exposure:st"}, []string{"tag:crm,3+exposure:store_board", "tag:crm,3+exposure:store_export"}, true},
		{[]string{"ls", "--select", "email_crm_export @source:raw.o"}, []string{"email_crm_export @source:raw.order_items", "email_crm_export @source:raw.orders"}, true},
		{[]string{"gate", "--select", ""}, []string{"email_crm_export", "tag:", "config.materialized:", "owner:"}, false},
		{[]string{"plan", "--selector", "cr"}, []string{"crm", "crm_exposures"}, false},
	} {
		code, stdout, stderr := play(t, dir, append([]string{"__complete"}, tt.args...)...)
		lines := strings.Split(strings.TrimSpace(stdout), "\n")
		got := lines[:len(lines)-1] // the last is for the shell
		if code != 0 || strings.Contains(stderr, "error") {
			t.Errorf("%v: exit %d, %s", tt.args, code, stderr)
		}
		for _, want := range tt.want {
			if !slices.Contains(got, want) {
				t.Errorf("%v completes to %v, want %s", tt.args, got, want)
			}
		}
		if tt.all && len(got) != len(tt.want) {
			t.Errorf("%v completes to %v, want %v only", tt.args, got, tt.want)
		}
	}
	put(t, filepath.Join(dir, "target", "manifest.json"), "<html>")
	for _, dir := range []string{dir, t.TempDir()} {
		code, stdout, stderr := play(t, dir, "__complete", "run", "--select", "")
		if code != 0 || !strings.HasPrefix(stdout, ":4\n") || strings.Contains(stderr, "error") {
			t.Errorf("without a manifest: exit %d, %q, %q", code, stdout, stderr)
		}
	}
}
