package cli

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"exposync/internal/engine"
	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/report"
)

func newStatus(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "status",
		Short:   "say when every sync last ran, and how",
		Example: "  exposync status\n  exposync status --output json",
		GroupID: "daily",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.look(cmd.Context())
			if err != nil {
				return err
			}
			defer s.close()
			doc, err := s.status(cmd.Context())
			if err != nil {
				return err
			}
			if a.flags.json() {
				return a.printJSON(doc)
			}
			return a.printText(doc.Text(a.outStyle(), a.env.Now()))
		},
	}
	a.selection(cmd)
	a.flags.format(cmd, "text", "json")
	return cmd
}

func (s *session) status(ctx context.Context) (report.Status, error) {
	doc := report.Status{Jobs: []report.JobStatus{}}
	if s.hasLedger() {
		if err := s.openLedger(ctx); err != nil {
			return doc, err
		}
	}
	for _, j := range s.selected() {
		item := report.JobStatus{Job: j.ID, Ref: s.ref(j.ID), UniqueID: j.Exposure, To: j.To(), Target: s.target}
		if j.Every > 0 {
			item.Every = spell(j.Every)
		}
		if s.ledger != nil {
			if err := s.history(ctx, j, &item); err != nil {
				return doc, err
			}
		}
		doc.Jobs = append(doc.Jobs, item)
	}
	return doc, nil
}

// history fills in what the ledger knows of a job under the session's target.
func (s *session) history(ctx context.Context, j plan.Job, item *report.JobStatus) error {
	var runs []ledger.Run
	for _, name := range append([]string{j.ID}, j.Was...) {
		more, err := s.ledger.Runs(ctx, j.Project, name)
		if err != nil {
			return err
		}
		runs = append(runs, more...)
	}
	if at := due(runs, j); at.After(s.a.env.Now()) {
		at = at.UTC()
		item.Due = &at
	}
	var ids []plan.SyncID
	for _, r := range runs {
		if s.target != "" && r.Target != s.target {
			continue
		}
		if item.Last == nil {
			item.Last = lastRun(r)
		}
		if item.Confirmed == nil && r.Status == plan.Success {
			item.Confirmed = &r.EndedAt
		}
		if r.Sync.Job != "" && !slices.ContainsFunc(ids, func(id plan.SyncID) bool { return ledger.Equal(id, r.Sync) }) {
			ids = append(ids, r.Sync)
		}
	}
	if len(ids) == 0 { // a run that was killed is no history
		found, err := s.present(ctx, j)
		if err != nil {
			return err
		}
		ids = found
	}
	return s.known(ctx, j, ids, item)
}

// known fills in what is known under the newest of the identities that
// anything is known under.
func (s *session) known(ctx context.Context, j plan.Job, ids []plan.SyncID, item *report.JobStatus) error {
	for _, id := range ids {
		view, err := s.ledger.View(ctx, id, s.target)
		if err != nil {
			return err
		}
		h := view.Header()
		item.Records, item.Standing, item.Generation = h.Marks, h.Standing, h.Generation
		all, err := engine.Known(ctx, view, j)
		if err = errors.Join(err, view.Close()); err != nil {
			return err
		}
		if h.Generation == 0 {
			continue
		}
		for _, g := range all {
			if g.Waits {
				item.Waiting = append(item.Waiting, g)
			}
		}
		return nil
	}
	return nil
}

func lastRun(r ledger.Run) *report.LastRun {
	codes := r.Codes
	if codes == nil {
		codes = []string{}
	}
	return &report.LastRun{
		ID: r.ID, Status: r.Status, Codes: codes, InvocationID: r.InvocationID, StartedAt: r.StartedAt, EndedAt: r.EndedAt, Counts: r.Counts,
	}
}
