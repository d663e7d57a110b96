package cli

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"exposync/internal/engine"
	"exposync/internal/plan"
	"exposync/internal/record"
	"exposync/internal/report"
)

// The limits of a list on the screen; the export has none.
const (
	maxReasons = 50  // of one job
	maxKeys    = 100 // of one reason
)

func newRejects(a *app) *cobra.Command {
	keys, out := false, ""
	cmd := &cobra.Command{
		Use:   "rejects",
		Short: "list the records that did not arrive, and give them another chance",
		Long: `Lists what stands against records: those that the destination refused, those
that wait in quarantine after five attempts, and those of which nobody knows
whether they arrived. Keys are values of your records, so they are shown only
with --keys, and in the export.`,
		Example: `  exposync rejects
  exposync rejects --select email_crm_export --keys
  exposync rejects --out rejects.csv
  exposync rejects release email_crm_export --yes
  exposync rejects settle orders_export --sent --yes`,
		GroupID: "daily",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.look(cmd.Context())
			if err != nil {
				return err
			}
			defer s.close()
			if out != "" || a.flags.output == "csv" {
				return s.exportRejects(cmd.Context(), out)
			}
			doc, err := s.rejects(cmd.Context(), keys)
			if err != nil {
				return err
			}
			if a.flags.json() {
				return a.printJSON(doc)
			}
			return a.printText(doc.Text(a.outStyle(), a.env.Now()))
		},
	}
	cmd.Flags().BoolVar(&keys, "keys", false, "show the keys of the records, up to 100 of each reason")
	cmd.Flags().StringVar(&out, "out", "", "write all of them as CSV to this `FILE`, which only you can read")
	a.selection(cmd)
	a.flags.format(cmd, "text", "json", "csv")
	cmd.AddCommand(newRejectsRelease(a), newRejectsSettle(a))
	return cmd
}

// present are the syncs under which a job has written where it writes now.
func (s *session) present(ctx context.Context, j plan.Job) ([]plan.SyncID, error) {
	all, err := s.ledger.Siblings(ctx, j.Project, j.ID, ledgerTarget(j.Target, j.Sandbox))
	if err != nil {
		return nil, err
	}
	var key []string
	for _, k := range j.Key {
		key = append(key, k.Field)
	}
	slices.Sort(key)
	return slices.DeleteFunc(all, func(id plan.SyncID) bool {
		return id.Connection != j.Connection || id.Object != j.Object || !slices.Equal(id.Key, key)
	}), nil
}

// eachStanding calls see for every record of a job against which something
// stands.
func (s *session) eachStanding(ctx context.Context, j plan.Job, id plan.SyncID, see func(record.Mark) error) (err error) {
	view, err := s.ledger.View(ctx, id, j.Target)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, view.Close()) }()
	if view.Header().Standing == 0 {
		return nil
	}
	for m, err := range engine.Standing(ctx, view) {
		if err == nil {
			err = see(m)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// standing is what is known to stand against a job's records, for a run that
// has no reason to read anything else.
func (s *session) standing(ctx context.Context, j plan.Job) ([]plan.RejectGroup, error) {
	ids, err := s.present(ctx, j)
	if err != nil {
		return nil, err
	}
	var all []plan.RejectGroup
	for _, id := range ids {
		view, err := s.ledger.View(ctx, id, j.Target)
		if err != nil {
			return nil, err
		}
		found, err := engine.Known(ctx, view, j)
		if err = errors.Join(err, view.Close()); err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

func (s *session) rejects(ctx context.Context, keys bool) (report.Rejects, error) {
	doc := report.Rejects{Jobs: []report.JobRejects{}}
	if !s.hasLedger() {
		return doc, nil
	}
	if err := s.openLedger(ctx); err != nil {
		return doc, err
	}
	for _, j := range s.selected() {
		ids, err := s.present(ctx, j)
		if err != nil {
			return doc, err
		}
		for _, id := range ids {
			item := report.JobRejects{Job: j.ID, UniqueID: j.Exposure, To: j.To(), Target: s.target, Account: id.Account}
			if item.Rejects, err = s.reasons(ctx, j, id, keys); err != nil {
				return doc, err
			}
			doc.Jobs = append(doc.Jobs, item)
		}
	}
	return doc, nil
}

// reasons groups what stands against the records of one sync, most records
// first.
func (s *session) reasons(ctx context.Context, j plan.Job, id plan.SyncID, keys bool) ([]report.RejectJSON, error) {
	type name struct {
		state, code, reason string
		permanent           bool
	}
	found := map[name]*report.RejectJSON{}
	err := s.eachStanding(ctx, j, id, func(m record.Mark) error {
		r := rejectOf(*m.Standing)
		n := name{r.State, r.Code, r.Reason, r.Permanent}
		if found[n] == nil && len(found) >= maxReasons {
			n.code, n.reason, r.Code, r.Reason = "other", "", "other", "other reasons"
		}
		g := found[n]
		if g == nil {
			r.Records = 0
			g, found[n] = &r, &r
		}
		g.Records++
		g.Attempts = max(g.Attempts, r.Attempts)
		if r.FirstSeen != nil && (g.FirstSeen == nil || r.FirstSeen.Before(*g.FirstSeen)) {
			g.FirstSeen = r.FirstSeen
		}
		if keys && len(g.Keys) < maxKeys {
			g.Keys = append(g.Keys, engine.KeyText(m.Key))
		}
		return nil
	})
	out := make([]report.RejectJSON, 0, len(found))
	for _, g := range found {
		g.Schedule(j, s.ref(j.ID))
		slices.Sort(g.Keys)
		out = append(out, *g)
	}
	slices.SortFunc(out, func(a, b report.RejectJSON) int {
		return cmp.Or(cmp.Compare(b.Records, a.Records), cmp.Compare(a.State+a.Code+a.Reason, b.State+b.Code+b.Reason))
	})
	return out, err
}

func rejectOf(st record.Standing) report.RejectJSON {
	return report.RejectJSON{
		State: engine.StateOf(st), Code: st.Code, Reason: st.Reason, Records: 1, Permanent: st.Permanent, Attempts: st.Attempts,
		FirstSeen: unixTime(st.Since),
	}
}

// exportRejects writes every record, one a line, as they come.
func (s *session) exportRejects(ctx context.Context, path string) (err error) {
	var out io.Writer = redactingOut{s.a}
	if path != "" {
		f, err := private(s.a.pathOf(path))
		if err != nil {
			return err
		}
		defer func() {
			if cerr := f.Close(); err == nil && cerr != nil {
				err = outFault(path, cerr)
			}
		}()
		out = f
	}
	w := csv.NewWriter(out)
	n, err := s.writeRejects(ctx, w)
	w.Flush()
	if err = errors.Join(err, w.Error()); err != nil {
		return err
	}
	if path != "" {
		s.a.say("wrote %s to %s", plural(n, "record"), path)
	}
	return nil
}

func (s *session) writeRejects(ctx context.Context, w *csv.Writer) (int, error) {
	n := 0
	_ = w.Write(report.RejectColumns()) // what it could not write, Error says
	if !s.hasLedger() {
		return 0, nil
	}
	if err := s.openLedger(ctx); err != nil {
		return 0, err
	}
	for _, j := range s.selected() {
		ids, err := s.present(ctx, j)
		if err != nil {
			return n, err
		}
		for _, id := range ids {
			err := s.eachStanding(ctx, j, id, func(m record.Mark) error {
				n++
				return w.Write(report.RejectRow(j.ID, engine.KeyText(m.Key), rejectOf(*m.Standing)))
			})
			if err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// redactingOut is stdout without secrets.
type redactingOut struct{ a *app }

func (o redactingOut) Write(p []byte) (int, error) {
	_, err := io.WriteString(o.a.env.Stdout, o.a.redactor.Redact(string(p))) // for programs: nothing is taken out
	return len(p), err
}
