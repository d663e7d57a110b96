package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"exposync/internal/cli"
)

// header is the header of a saved plan, to be changed.
type header map[string]any

func (h header) job() map[string]any { return h["jobs"].([]any)[0].(map[string]any) }

func (h header) plan() map[string]any { return h.job()["plan"].(map[string]any) }

func (h header) more(count string) {
	c := h.plan()["counts"].(map[string]any)
	c[count] = c[count].(float64) + 1
}

// Every fact of the header differs from the world in one test, and in nothing
// else: it was edited by somebody who knows how to seal it again. Nothing is
// sent then.
func TestEveryFactOfASavedPlanCounts(t *testing.T) {
	t.Parallel()
	sync := func(field string, value any) func(h header) {
		return func(h header) { h.plan()["sync"].(map[string]any)[field] = value }
	}
	tests := map[string]struct {
		change       func(h header)
		full, hashes string // the code with values, and without
	}{
		"nothing":          {func(header) {}, "", ""},
		"project":          {func(h header) { h["project"] = "other" }, "plan_stale", "plan_stale"},
		"target":           {func(h header) { h["target"] = "dev" }, "plan_stale", "plan_stale"},
		"invocation":       {func(h header) { h["dbt_invocation_id"] = "other" }, "plan_stale", "plan_stale"},
		"manifest":         {func(h header) { h["manifest_sha256"] = "other" }, "plan_stale", "plan_stale"},
		"a newer exposync": {func(h header) { h["exposync_plan"] = 2 }, "plan_stale", "plan_stale"},
		"a job that is gone": {func(h header) {
			h.job()["id"] = "gone"
		}, "plan_stale", "plan_stale"},
		"definition":  {func(h header) { h.job()["definition"] = "d1:other" }, "plan_stale", "plan_stale"},
		"connection":  {func(h header) { h.job()["connection"] = "c1:other" }, "plan_stale", "plan_stale"},
		"guards":      {func(h header) { h.job()["guards"].(map[string]any)["deletes"] = "5%" }, "plan_stale", "plan_stale"},
		"verdict":     {func(h header) { h.job()["verdict"] = "go_warn" }, "plan_stale", "plan_stale"},
		"generation":  {func(h header) { h.plan()["generation"] = 7 }, "plan_stale", "plan_stale"},
		"mapping":     {func(h header) { h.plan()["mapping"] = "m1:other" }, "plan_stale", "plan_stale"},
		"account":     {sync("account", "other"), "plan_stale", "plan_stale"},
		"object":      {sync("object", "other"), "plan_stale", "plan_stale"},
		"key":         {sync("key", []string{"ext", "other"}), "plan_stale", "plan_stale"},
		"its sync":    {sync("connection", "other"), "plan_stale", "plan_stale"},
		"its job":     {sync("job", "other"), "plan_stale", "plan_stale"},
		"creates":     {func(h header) { h.more("created") }, "plan_damaged", "plan_stale"},
		"updates":     {func(h header) { h.more("updated") }, "plan_damaged", "plan_stale"},
		"deletes":     {func(h header) { h.more("deleted") }, "plan_damaged", "plan_stale"},
		"rows read":   {func(h header) { h.more("read") }, "plan_damaged", "plan_stale"},
		"unchanged":   {func(h header) { h.more("unchanged") }, "plan_damaged", "plan_stale"},
		"invalid":     {func(h header) { h.more("invalid") }, "plan_damaged", "plan_stale"},
		"held back":   {func(h header) { h.more("held_back") }, "plan_damaged", "plan_stale"},
		"outcomes":    {func(h header) { h.more("ok") }, "plan_damaged", "plan_stale"},
		"digest":      {func(h header) { h.plan()["digest"] = "00" }, "plan_damaged", "plan_stale"},
		"rows digest": {func(h header) { h.job()["rows_sha256"] = "00" }, "plan_damaged", "plan_damaged"},
		"first":       {func(h header) { h.plan()["first"] = "adopt" }, "plan_damaged", "plan_stale"},
		"holds":       {func(h header) { h.plan()["holds"] = []any{} }, "plan_stale", "plan_stale"},
		"values":      {func(h header) { h["values"] = "some" }, "plan_damaged", "plan_damaged"},
	}
	for _, values := range []string{"full", "hashes"} {
		t.Run(values, func(t *testing.T) {
			t.Parallel()
			s := newSink(t)
			m := s.project(t, `create table main.export_t (id text, name text, score int)`, strings.Replace(peopleMeta("crm.people", "upsert"), `"first"`, `"guards": {"keys": "1%"}, "first"`, 1), "{rows: 10}")
			m.exec(`insert into main.export_t values ('a', 'Ada', 1), ('b', 'Bob', 2), (null, 'nobody', 3)`)
			m.want(3, "plan", "--out", "p.json", "--values", values)
			kept := must(os.ReadFile(filepath.Join(m.dir, "p.json")))
			for name, tt := range tests {
				t.Run(name, func(t *testing.T) {
					h := header{}
					if err := json.Unmarshal(kept, &h); err != nil {
						t.Fatal(err)
					}
					tt.change(h)
					h["sha256"] = must(cli.Reseal(must(json.Marshal(h))))
					m.write("p.json", string(must(json.Marshal(h))))
					want := tt.full
					if values == "hashes" {
						want = tt.hashes
					}
					code, out := m.run("run", "--plan", "p.json")
					if want == "" && code != 3 || want != "" && !strings.Contains(out, "error "+want) {
						t.Errorf("exit %d, want %q\n%s", code, want, out)
					}
					if taken, _ := s.log(); len(taken) > 0 {
						t.Errorf("sent %v", taken)
					}
				})
			}
			m.write("p.json", string(kept))
			m.want(4, "run", "--plan", "p.json", "--accept", "guard_keys") // a row without a key is rejected
			if taken, _ := s.log(); len(taken) != 2 {
				t.Errorf("the plan as it was made sends %v", taken)
			}
		})
	}
}

// Whatever of the header changes, be it a digit or a name, it is damaged, and
// however it is laid out, it is the same.
func TestAnEditedHeaderIsDamaged(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	m := s.project(t, `create table main.export_t (id text primary key, name text, score int)`, peopleMeta("crm.people", "upsert"), "{rows: 10}")
	m.exec(`insert into main.export_t values ('a', 'Ada', 1)`)
	m.want(0, "plan", "--out", "p.json")
	kept := string(must(os.ReadFile(filepath.Join(m.dir, "p.json"))))
	for name, text := range map[string]string{
		"a count":          strings.Replace(kept, `"created": 1`, `"created": 2`, 1),
		"a hold":           strings.Replace(kept, `"first_run": true`, `"first_run": true, "holds": []`, 1),
		"another spelling": strings.Replace(kept, `"jobs"`, `"Jobs"`, 1),
		"a field more":     strings.Replace(kept, `"project"`, `"more": 1, "project"`, 1),
		"no seal":          kept[:strings.LastIndex(kept, `,`)] + "}",
		"cut":              kept[:len(kept)-3],
		"cut in the midst": kept[:len(kept)/2],
	} {
		if text == kept {
			t.Fatalf("%s changed nothing", name)
		}
		m.write("p.json", text)
		if out := m.want(2, "run", "--plan", "p.json"); !strings.Contains(out, "error plan_damaged") {
			t.Errorf("%s:\n%s", name, out)
		}
	}
	m.write("p.json", strings.ReplaceAll(kept, "\n", "\n\n"))
	m.want(0, "run", "--plan", "p.json")
}
