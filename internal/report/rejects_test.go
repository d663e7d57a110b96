package report_test

import (
	"testing"
	"time"

	"exposync/internal/plan"
	"exposync/internal/report"
)

func standing(state, code string, permanent bool) report.RejectJSON {
	since := time.Unix(0, 0)
	return report.RejectJSON{State: state, Code: code, Reason: "why", Records: 3, Permanent: permanent, Attempts: 2, FirstSeen: &since, Keys: []string{"a", "b"}}
}

// Every state says when it is tried again, and what a person can type.
func TestWhenRejectsAreDue(t *testing.T) {
	t.Parallel()
	held, resent := plan.Job{ID: "orders"}, plan.Job{ID: "orders", OnInDoubt: plan.Resend}
	tests := map[string]struct {
		job  plan.Job
		r    report.RejectJSON
		due  string
		next string
	}{
		"permanent":   {held, standing("rejected", "422", true), "change", "exposync retry --select orders"},
		"transient":   {held, standing("rejected", "full", false), "next_run", "exposync retry --select orders"},
		"quarantined": {held, standing("quarantined", "422", true), "release", "exposync rejects release orders"},
		"ambiguous":   {held, standing("ambiguous", "ambiguous", false), "next_run", "exposync retry --select orders"},
		"in doubt":    {held, standing("in_doubt", "timeout", false), "settle", "exposync rejects settle orders --sent (it arrived) or --resend (it did not)"},
		"resent":      {resent, standing("in_doubt", "timeout", false), "next_run", "exposync retry --select orders"},
	}
	for name, tt := range tests {
		if tt.r.Schedule(tt.job, "orders"); tt.r.Due != tt.due || tt.r.Next != tt.next {
			t.Errorf("%s: due %q, next %q", name, tt.r.Due, tt.r.Next)
		}
	}
}

func TestRejectsText(t *testing.T) {
	t.Parallel()
	job := plan.Job{ID: "orders"}
	doc := report.Rejects{Jobs: []report.JobRejects{{Job: "quiet", To: "crm.quiet"}, {Job: "orders", To: "crm.orders"}}}
	for _, r := range []report.RejectJSON{
		standing("rejected", "422", true), standing("quarantined", "422", true), standing("in_doubt", "timeout", false), standing("ambiguous", "ambiguous", false),
	} {
		r.Schedule(job, "orders")
		doc.Jobs[1].Rejects = append(doc.Jobs[1].Rejects, r)
	}
	golden(t, "rejects", doc.Text(report.Style{}, time.Unix(7200, 0)))
}

// What waits for a person comes with the way out, once for each state.
func TestClosingSaysTheWayOut(t *testing.T) {
	t.Parallel()
	group := func(state string, waits bool) plan.RejectGroup {
		return plan.RejectGroup{State: state, Code: "c", Reason: "why", Records: 2, Waits: waits}
	}
	j := report.JobReport{Job: plan.Job{ID: "orders"}, Result: plan.Result{Status: plan.PartialDone, Rejects: []plan.RejectGroup{
		group("rejected", false), group("quarantined", true), group("quarantined", true), group("in_doubt", true), group("ambiguous", false),
	}}}
	golden(t, "closing_waiting", report.ClosingText(report.Style{}, report.Run{Jobs: []report.JobReport{j}})+"\n")
}

func TestOneText(t *testing.T) {
	t.Parallel()
	text, there, n := "Jana\x1b[31m\nNov\u00e1k", "Jana", 1
	doc := report.One{
		Job: "orders", To: "crm.orders", Verdict: plan.VerdictGo, Change: "update", There: &n, Sent: true,
		Key: []report.OneField{{Field: "id", Column: "order_id", Ours: &there, Sent: &there}},
		Fields: []report.OneField{
			{Field: "name", Column: "full_name", Ours: &text, Sent: &text, There: &there, Known: true},
			{Field: "phone", Column: "phone", Left: true, Known: true},
			{Field: "source", Ours: &there, Sent: &there},
		},
		Ledger: &report.OneMark{Confirmed: true, RemoteID: "7", Standing: "in_doubt", Code: "timeout", Attempts: 1},
		Said: []report.OneExchange{{
			Kind: "http", Request: "POST https://crm/orders", Headers: []string{"Authorization: ***"}, Body: "{\"id\": 1}\n{\"id\": 2}",
			Response: "200 OK", Reply: "ok\x1b[2J",
		}},
		Outcome: &report.OneOutcome{State: "rejected", Code: "422", Message: "no"}, NotSent: "the gate is shut",
	}
	golden(t, "one", doc.Text(report.Style{}))
}
