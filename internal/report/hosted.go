package report

import (
	"fmt"
	"strings"
	"time"

	"exposync/internal/plan"
)

// hostedTail is what a result line says of a run in a hosted tool: its rows as
// those of direct syncs where the tool tells them apart, and the run.
func hostedTail(r plan.HostedRun, took time.Duration) string {
	var parts []string
	going := r.State == "queued" || r.State == "running" || r.State == "unknown" // its rows are those of now, not of the end
	if rows := hostedRows(r.Rows); rows != "" && !going {
		parts = append(parts, rows)
	}
	if failed := r.Rows.Failed; failed != nil && *failed > 0 && !going {
		parts = append(parts, fmt.Sprintf("%d rejected", *failed))
	}
	run := "run " + r.Run
	switch {
	case r.Unwatched:
		run = "accepted"
	case r.Run == "":
		run = "no run known"
	case r.Adopted:
		run += " (found)"
	case r.Resumed:
		run += " (resumed)"
	}
	return strings.Join(append(parts, run, fmt.Sprintf("%.1fs", took.Seconds())), ", ")
}

// hostedRows are the rows that a run dealt with; empty where the tool tells
// nothing.
func hostedRows(r plan.HostedRows) string {
	switch {
	case r.Added != nil && r.Changed != nil && r.Removed != nil:
		return fmt.Sprintf("+%d ~%d -%d", *r.Added, *r.Changed, *r.Removed)
	case r.Total != nil:
		return Count(*r.Total, "row")
	case r.OK != nil:
		return Count(*r.OK, "row") + " ok"
	}
	return ""
}

// hostedPlan says what triggering would do.
func hostedPlan(s Style, h plan.HostedSync, now time.Time) string {
	out := s.item(2, Plain, hostedText(h, now))
	if h.URL != "" {
		out += s.item(2, Faint, h.URL)
	}
	return out
}

// hostedText is the same in one sentence.
func hostedText(h plan.HostedSync, now time.Time) string {
	text := "would trigger sync " + h.Sync + " of " + h.Tool
	if h.Title != "" {
		text = fmt.Sprintf("would trigger %q, sync %s of %s", h.Title, h.Sync, h.Tool)
	}
	if h.Resumes != "" {
		text = "would first wait for run " + h.Resumes + ", which is open; " + text
	}
	if h.LastRun != nil {
		text += "; its last run was " + plan.Age(now.Sub(*h.LastRun)) + " ago"
	}
	if h.Reads != "" && h.Writes != "" {
		text += fmt.Sprintf("; it reads %s and writes %s", h.Reads, h.Writes)
	}
	return text + "; which rows change is known to the tool alone"
}
