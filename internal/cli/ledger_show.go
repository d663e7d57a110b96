package cli

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"exposync/internal/engine"
	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/record"
	"exposync/internal/report"
)

func newLedgerShow(a *app) *cobra.Command {
	var keys []string
	cmd := &cobra.Command{
		Use:   "show [JOB]",
		Short: "say what is remembered",
		Long: `Lists every sync that something is remembered of; with JOB, all there is to know
about it, and with --key what is known of one record. It takes no lease and
changes nothing, works while a run goes on, and reads every mark, so it finds
damage as well. With --target only what runs under that dbt target wrote.`,
		Example: `  exposync ledger show
  exposync ledger show email_crm_export
  exposync ledger show email_crm_export --key jo@example.com
  exposync ledger show orders --key region=eu --key id=42`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(keys) > 0 && len(args) == 0 {
				return usage("exposync ledger show JOB --key KEY", "--key needs the job whose record is meant")
			}
			s, err := a.look(cmd.Context())
			if err != nil {
				return err
			}
			defer s.close()
			return s.show(cmd.Context(), slices.Concat(args, []string{""})[0], keys)
		},
	}
	cmd.Flags().StringArrayVar(&keys, "key", nil, "what is known of the record with this `KEY`; "+keyHelp)
	a.flags.format(cmd, "text", "json")
	return cmd
}

// show prints what is remembered, and then what cannot be read.
func (s *session) show(ctx context.Context, job string, keys []string) error {
	doc := report.Ledger{Where: s.ledgerName(), Syncs: []report.LedgerSync{}}
	var problems fault.List
	if s.hasLedger() {
		var err error
		if problems, err = s.remembered(ctx, &doc, job, keys); err != nil {
			return err
		}
	}
	if job != "" && len(doc.Syncs)+len(problems) == 0 {
		return s.nothingOf(ctx, job, s.a.flags.target)
	}
	problems = s.a.located(problems)
	doc.Problems = report.FaultsJSON(problems)
	var err error
	switch {
	case s.a.flags.json():
		err = s.a.printJSON(doc)
	case job == "" && (len(doc.Syncs) > 0 || len(problems) == 0):
		err = s.a.printText(doc.Text(s.a.outStyle(), s.a.env.Now()))
	default:
		err = s.a.printText(doc.Details(s.a.outStyle(), s.a.env.Now()))
	}
	if err != nil {
		return err
	}
	return problems.Err()
}

// remembered fills in the syncs. What one of them lacks does not keep the
// others from being shown.
func (s *session) remembered(ctx context.Context, doc *report.Ledger, job string, keys []string) (fault.List, error) {
	if err := s.openLedger(ctx); err != nil {
		return nil, err
	}
	contents, err := s.ledger.Contents(ctx)
	problems := fault.All(err)
	slices.SortStableFunc(contents.Syncs, func(a, b ledger.Stored) int { return cmp.Compare(a.Sync.Job, b.Sync.Job) })
	for _, stored := range contents.Syncs {
		if job != "" && stored.Sync.Job != job || !s.underTarget(stored.Targets) {
			continue
		}
		y, err := s.rememberedOf(ctx, stored, keys)
		if isUsage(err) {
			return nil, err
		}
		problems = append(problems, fault.All(err)...)
		doc.Syncs = append(doc.Syncs, y)
	}
	return problems, ctx.Err()
}

// underTarget reports whether --target, if it was given, means one of them.
func (s *session) underTarget(targets []string) bool {
	asked := s.a.flags.target
	return asked == "" || slices.Contains(targets, asked) || slices.Contains(targets, ledgerTarget(asked, true))
}

func (s *session) rememberedOf(ctx context.Context, stored ledger.Stored, keys []string) (report.LedgerSync, error) {
	id := stored.Sync
	y := report.LedgerSync{
		Sync: id, Targets: report.NonNil(stored.Targets), State: report.LedgerGood, Standing: []report.StandingGroup{},
		Jobs: []report.LedgerJob{}, Notes: []string{},
	}
	var wanted []string
	if len(keys) > 0 {
		var err error
		if wanted, err = keyParts(id.Job, keyFields(id), keys...); err != nil {
			return y, err
		}
		y.Record = &report.LedgerRecord{Key: strings.Join(wanted, ", "), State: "unknown"}
	}
	var problems fault.List
	if l, ok := s.ledger.(ledger.Located); ok {
		where, bytes, err := l.Place(ctx, id)
		y.Where, y.Bytes = s.a.shown(where), bytes
		problems = append(problems, fault.All(err)...)
	}
	runs, err := s.ledger.Runs(ctx, id.Project, id.Job)
	problems = append(problems, fault.All(err)...)
	for _, run := range runs {
		if ledger.Equal(run.Sync, id) {
			if y.Last == nil {
				y.Last = lastRun(run)
			}
			if y.Notes = report.NonNil(run.Notes); len(y.Notes) > 0 {
				break
			}
		}
	}
	if err := s.readMarks(ctx, id, &y, wanted); err != nil {
		y.State = report.LedgerDamaged
		problems = append(problems, fault.All(err)...)
	}
	return y, problems.Err()
}

// readMarks reads every mark of a sync.
func (s *session) readMarks(ctx context.Context, id plan.SyncID, y *report.LedgerSync, wanted []string) error {
	v, err := s.ledger.View(ctx, id, "")
	if err != nil {
		return err
	}
	defer func() { _ = v.Close() }()
	h := v.Header()
	y.Generation, y.Encoding, y.Mapping, y.Rows, y.First = h.Generation, h.Encoding, h.Mapping, h.Rows, h.First
	y.FullAt = unixTime(h.FullAt)
	for _, j := range h.Pending() {
		y.Jobs = append(y.Jobs, ledgerJob(j))
	}
	if h.Leftover {
		y.State = report.LedgerOpen
	}
	if _, half := h.Incomplete(); half {
		y.State = report.LedgerIncomplete
	}
	groups := map[report.StandingGroup]int64{}
	for m, err := range ledger.All(ctx, v) {
		if err != nil {
			return err
		}
		countMark(y, groups, &m)
		if wanted != nil && hasKey(m.Key, wanted) {
			describe(y.Record, &m)
		}
	}
	for g, n := range groups {
		g.Records = n
		y.Standing = append(y.Standing, g)
	}
	slices.SortFunc(y.Standing, func(a, b report.StandingGroup) int {
		return cmp.Or(cmp.Compare(b.Records, a.Records), cmp.Compare(a.State, b.State), cmp.Compare(a.Code, b.Code))
	})
	return nil
}

// ledgerJob is work that goes on elsewhere, in words where it is a trigger.
func ledgerJob(j ledger.OpenJob) report.LedgerJob {
	out := report.LedgerJob{ID: j.ID, Hosted: j.Hosted}
	if t, ok := engine.TriggerOf(j); ok {
		at := t.At.UTC()
		out.Run, out.InvocationID, out.TriggeredAt = t.Run, t.Invocation, &at
	}
	return out
}

func countMark(y *report.LedgerSync, groups map[report.StandingGroup]int64, m *record.Mark) {
	if m.Confirmed() {
		y.Records++
	}
	if m.Adopted {
		y.Adopted++
	}
	if m.Standing == nil {
		return
	}
	switch m.Standing.State {
	case record.Rejected:
		y.Rejected++
	case record.InDoubt:
		y.InDoubt++
	case record.Quarantined:
		y.Quarantine++
	}
	groups[report.StandingGroup{State: engine.StateOf(*m.Standing), Code: m.Standing.Code}]++
}
