package report_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/fault"
	"exposync/internal/gate"
	"exposync/internal/plan"
	"exposync/internal/report"
)

// golden compares text with a file of testdata; UPDATE=1 writes it. Colours
// are written as <31>, so that a reader of the file sees them.
func golden(t *testing.T, name, got string) {
	t.Helper()
	got = strings.NewReplacer("\x1b[0m", "<>", "\x1b[31m", "<red>", "\x1b[32m", "<green>", "\x1b[33m", "<yellow>", "\x1b[2m", "<faint>", "\x1b[1m", "<bold>").Replace(got)
	path := filepath.Join("testdata", name+".golden")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func job(id string) plan.Job {
	return plan.Job{
		ID: id, Exposure: "exposure.shop." + id, Connection: "crm", Object: "contacts",
		Source: plan.Source{Name: "export_" + id}, Key: []plan.KeyField{{Field: "email", Column: "mail"}},
	}
}

// jobs is a run with one job of every kind of end.
func jobs() []report.JobReport {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	counts := plan.Counts{Read: 100, Unchanged: 90, Create: 3, Update: 2, Delete: 1, Invalid: 1, HeldBack: 2, Quarantined: 2, OK: 4, Rejected: 1, InDoubt: 1, Calls: 2, Standing: 4}
	full := &plan.Plan{
		Job: "contacts", Sync: plan.SyncID{Project: "shop", Job: "contacts", Connection: "crm", Account: "acme", Object: "contacts", Key: []string{"email"}},
		Generation: 7, Mapping: "m1:aa", MappingWas: "m1:bb", FirstRun: true, First: plan.FirstCompare, Counts: counts, Digest: "dd", MadeAt: now,
		Notes: []string{"null or duplicate keys in 3 rows: nothing is deleted in this run"},
		Holds: []plan.Hold{
			{Code: "guard_deletes", Message: "12 of 100 records would be deleted (limit 1% or 10 records)", Next: "look at `exposync plan`, then: exposync run --accept guard_deletes", Acceptable: true},
			{Code: "guard_rows", Message: "the source has 70 rows, last time it had 100 (limit: 20% or 20 records fewer)", Next: "exposync run --accept guard_rows", Acceptable: true, Accepted: true},
		},
	}
	rejects := []plan.RejectGroup{
		{Code: "PROPERTY_INVALID", Reason: "the property \"lifecycle\" must be one of the options that the portal defines for it", Records: 12, New: 12},
		{Code: "23514", Reason: "violates check constraint", Records: 1},
	}
	problem := &fault.Fault{
		Code: "destination_unavailable", Kind: fault.Unavailable, Whose: fault.Destination, Where: "job orders",
		Msg: "the destination did not take a batch after several attempts: 503", Hint: "run again when it is up: exactly what is left will be sent", Err: errors.New("connection reset"),
	}
	block := plan.Judgement{Exposure: "exposure.shop.blocked", Verdict: plan.VerdictBlock, Reasons: []plan.Reason{
		{
			Code: "test_failed", Verdict: plan.VerdictBlock, UniqueID: "test.shop.unique_id", Status: "fail", InvocationID: "abc",
			File: "target/run_results.json", Age: time.Hour, Path: []string{"model.shop.export"}, Message: "the test unique_id failed with 3 rows", Next: "dbt build --select unique_id",
		},
		{Code: "test_warned", Verdict: plan.VerdictGoWarn, Message: "a warning that did not decide", Accepted: true},
	}}
	opened := plan.Judgement{Verdict: plan.VerdictGo}
	end := func(id string, status plan.Status, p *plan.Plan) report.JobReport {
		r := report.JobReport{Job: job(id), Judgement: opened, Result: plan.Result{Job: id, Status: status, Plan: p, StartedAt: now, Took: 1234 * time.Millisecond}}
		if p != nil {
			r.Result.Counts = p.Counts
		}
		return r
	}
	done, partial, held := end("a_sync_that_is_done", plan.Success, &plan.Plan{Counts: plan.Counts{Read: 95, Unchanged: 95}}), end("contacts", plan.PartialDone, full), end("held", plan.HeldStatus, full)
	partial.Result.Rejects, held.Reason = rejects, "guard_deletes"
	blocked := end("blocked", plan.Blocked, nil)
	blocked.Judgement, blocked.Reason = block, "test_failed"
	failed, unplanned := end("orders", plan.Failed, &plan.Plan{Counts: plan.Counts{Read: 9, Create: 9, OK: 4, NotSent: 5, Calls: 1}}), end("a_job_that_never_came_to_a_plan_and_has_a_very_long_name", plan.Failed, nil)
	failed.Result.Problems, unplanned.Result.Problems, unplanned.Reason = fault.List{problem}, fault.List{problem}, "destination_unavailable"
	skipped, stopped := end("skipped", plan.Skipped, nil), end("stopped", plan.Stopped, &plan.Plan{Counts: plan.Counts{Read: 9, Update: 9, OK: 4, NotSent: 5, Calls: 1}})
	skipped.Reason = "already synced"
	return []report.JobReport{done, partial, held, blocked, failed, unplanned, skipped, stopped}
}

func run() report.Run {
	code := 1
	return report.Run{
		Version: "1.2.3", RunID: "run", Invocation: "inv", Command: "build", Target: "prod", StartedAt: time.Unix(0, 0), Elapsed: 2500 * time.Millisecond,
		Jobs: jobs(), NotInRun: 2, ExitCode: 5, DBTExitCode: &code, Problems: jobs()[4].Result.Problems, PlanFile: "plan.json",
	}
}

func styles() map[string]report.Style {
	return map[string]report.Style{
		"80": {Width: 80}, "120": {Width: 120}, "80_colour": {Width: 80, Colour: true}, "120_colour": {Width: 120, Colour: true},
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for name, style := range styles() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var lines strings.Builder
			results := []plan.Result{}
			for i, j := range jobs() {
				l := report.JobLine{N: i + 1, Of: 8, Job: j.Job.ID, To: j.To(), Result: &j.Result, Reason: j.Reason}
				fmt.Fprintf(&lines, "%s\n%s\n", l.Start(style), l.End(style))
				results = append(results, j.Result)
			}
			fmt.Fprintln(&lines, report.Done(results))
			golden(t, "lines_"+name, lines.String())
			golden(t, "plan_"+name, report.PlanText(style, report.Run{Jobs: jobs()}))
			golden(t, "closing_"+name, report.ClosingText(style, run())+"\n")
			golden(t, "gate_"+name, gateText(style))
			golden(t, "listing_"+name, listing().Text(style))
			golden(t, "status_"+name, statuses().Text(style, time.Unix(100_000, 0)))
			golden(t, "page_"+name, report.PageText(style, "code", fault.Page{Title: "a title", Means: strings.Repeat("what it means and ", 12) + "why.", Next: "exposync plan"}))
		})
	}
}

func gateText(style report.Style) string {
	leaf := &gate.Tree{Role: gate.RoleReason, Verdict: plan.VerdictBlock, Text: "test_failed: the test unique_id of the model failed with 3 rows, an hour ago in the dbt run abcdef", Children: []*gate.Tree{{Role: gate.RoleNext, Text: "next: dbt build --select unique_id"}}}
	node := &gate.Tree{Role: gate.RoleNode, Text: "model.shop.export_contacts", Children: []*gate.Tree{leaf}}
	trees := []*gate.Tree{
		{Role: gate.RoleExposure, Verdict: plan.VerdictBlock, Text: "blocked", Children: []*gate.Tree{node, {Role: gate.RoleNode, Text: "model.shop.other"}}},
		{Role: gate.RoleExposure, Verdict: plan.VerdictGo, Text: "open"},
	}
	judgements := []plan.Judgement{jobs()[3].Judgement, {Exposure: "exposure.shop.open", Verdict: plan.VerdictGo}}
	return report.GateText(style, judgements, trees, []string{"a note about the artifacts"})
}

func listing() report.Exposures {
	problem := report.FaultsJSON(jobs()[4].Result.Problems)
	return report.Exposures{Exposures: []report.ExposureJSON{
		{
			UniqueID: "exposure.shop.email", Name: "email", Type: "application", Label: "Email", Owner: "Lifecycle", URL: "https://app", Path: "models/x.yml",
			DependsOn: []string{"model.shop.export_customers"}, Ancestors: 3,
			Jobs: []report.JobJSON{{ID: "email.crm", From: "export_customers", To: "crm.contacts", Mode: "upsert", Key: []string{"email"}, Problems: problem}},
		},
		{UniqueID: "exposure.shop.ads", Name: "ads", Type: "application", Path: "models/x.yml", DependsOn: []string{"model.shop.export_orders.v2", "source.shop.raw.orders"}, Jobs: []report.JobJSON{}},
	}}
}

func statuses() report.Status {
	at := time.Unix(90_000, 0)
	return report.Status{Jobs: []report.JobStatus{
		{Job: "contacts", UniqueID: "exposure.shop.contacts", To: "crm.contacts", Target: "prod", Confirmed: &at, Records: 1000, Standing: 2, Generation: 7, Last: &report.LastRun{
			ID: "run", Status: plan.Failed, Codes: []string{"destination_unavailable"}, InvocationID: "inv", StartedAt: at, EndedAt: at, Counts: plan.Counts{Read: 1},
		}},
		{Job: "new", UniqueID: "exposure.shop.new", To: "crm.leads"},
	}}
}

// No line of a job is wider than the terminal where that can be helped.
func TestLinesKeepWithinTheTerminal(t *testing.T) {
	t.Parallel()
	for _, width := range []int{80, 120} {
		style := report.Style{Width: width}
		if width == 80 {
			narrow := statuses()
			narrow.Jobs[0].Job = strings.Repeat("n", 60)
			if text := narrow.Text(style, time.Unix(100_000, 0)); !strings.Contains(text, narrow.Jobs[0].Job+" ->") || !strings.Contains(text, "crm.leads\n  0 records") {
				t.Errorf("names do not stand above what is known of them:\n%s", text)
			}
		}
		texts := []string{report.PlanText(style, report.Run{Jobs: jobs()}), report.PlanText(style, report.Run{Jobs: sampled().Jobs}), statuses().Text(style, time.Unix(100_000, 0)), report.ClosingText(style, run()), gateText(style), report.FaultText(style, jobs()[4].Result.Problems)}
		for i, j := range jobs() {
			l := report.JobLine{N: i + 1, Of: 8, Job: j.Job.ID, To: j.To(), Result: &j.Result, Reason: j.Reason}
			const at = "15:04:05  "
			if len(j.Job.ID) < 30 { // names are never cut
				texts = append(texts, at+l.Start(style), at+l.End(style))
			}
		}
		for line := range strings.SplitSeq(strings.Join(texts, "\n"), "\n") {
			if n := utf8.RuneCountInString(line); n > width {
				t.Errorf("%d columns of %d: %s", n, width, line)
			}
		}
	}
}

// Colour adds nothing but colour.
func TestColourChangesNoText(t *testing.T) {
	t.Parallel()
	plain := func(s string) string {
		for _, code := range []string{"0", "1", "2", "31", "32", "33"} {
			s = strings.ReplaceAll(s, "\x1b["+code+"m", "")
		}
		return s
	}
	for _, width := range []int{0, 80, 120} {
		with, without := report.Style{Width: width, Colour: true}, report.Style{Width: width}
		for name, draw := range map[string]func(report.Style) string{
			"plan":    func(s report.Style) string { return report.PlanText(s, report.Run{Jobs: jobs()}) },
			"closing": func(s report.Style) string { return report.ClosingText(s, run()) },
			"gate":    gateText,
			"faults":  func(s report.Style) string { return report.FaultText(s, run().Problems) },
			"end": func(s report.Style) string {
				j := jobs()[1]
				return report.JobLine{N: 1, Of: 1, Job: "OK sync", To: j.To(), Result: &j.Result}.End(s)
			},
		} {
			if diff := cmp.Diff(draw(without), plain(draw(with))); diff != "" {
				t.Errorf("%s at %d (-without +with):\n%s", name, width, diff)
			}
		}
	}
}

func TestNothingToShow(t *testing.T) {
	t.Parallel()
	s := report.Style{}
	if got := report.ClosingText(s, report.Run{Jobs: []report.JobReport{jobs()[0]}}); got != "" {
		t.Errorf("a job that went well needs no words: %q", got)
	}
	for name, text := range map[string]string{
		"gate": report.GateText(s, nil, nil, nil), "listing": report.Exposures{}.Text(s), "status": report.Status{}.Text(s, time.Time{}),
	} {
		if strings.Count(text, "\n") != 1 || len(text) < 20 {
			t.Errorf("%s of nothing says %q", name, text)
		}
	}
}

// The documents are read by programs: a field that goes away or changes its
// name breaks them.
func TestJSONFields(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	for name, doc := range map[string]any{
		"run": run().JSON(now), "gate": report.Gate{Judgements: []plan.Judgement{jobs()[3].Judgement}}.JSON(), "exposures": listing(), "status": statuses(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			var v any
			if err := json.Unmarshal(data, &v); err != nil {
				t.Fatal(err)
			}
			paths := map[string]bool{}
			fields("", v, paths)
			golden(t, "fields_"+name, strings.Join(slices.Sorted(maps.Keys(paths)), "\n")+"\n")
		})
	}
}

// fields collects the paths of all values with their types.
func fields(path string, v any, out map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for k, child := range v {
			fields(strings.TrimPrefix(path+"."+k, "."), child, out)
		}
	case []any:
		if len(v) == 0 {
			out[path+"[] empty"] = true
		}
		for _, child := range v {
			fields(path+"[]", child, out)
		}
	case nil:
		out[path+" null"] = true
	default:
		out[fmt.Sprintf("%s %T", path, v)] = true
	}
}

// Lists are never null, for programs that walk over them.
func TestEmptyListsAreLists(t *testing.T) {
	t.Parallel()
	doc := report.Run{Jobs: []report.JobReport{{}}}.JSON(time.Time{})
	data, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"reasons", "rejects", "holds", "notes", "problems"} {
		if !strings.Contains(string(data), `"`+field+`":[]`) {
			t.Errorf("%s is no list in %s", field, data)
		}
	}
	if data, err = json.Marshal(report.Gate{}.JSON()); err != nil || string(data) != `{"exposures":[]}` {
		t.Errorf("%s %v", data, err)
	}
}
