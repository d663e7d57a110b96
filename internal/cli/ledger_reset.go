package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"exposync/internal/engine"
	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/plan"
)

func newLedgerReset(a *app) *cobra.Command {
	yes := false
	cmd := &cobra.Command{
		Use:   "reset JOB",
		Short: "forget what was confirmed by a sync",
		Long: `Forgets everything that was confirmed by a sync under the target: the next run
is a first run. Nothing is deleted at the destination. This is the way out of
key_changed, object_changed and account_changed where exposync ledger rekey does
not fit, and of a damaged ledger without a backup.`,
		Example: "  exposync ledger reset email_crm_export --yes\n  exposync ledger reset email_crm_export --target dev --yes",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.look(cmd.Context())
			if err != nil {
				return err
			}
			defer s.close()
			return s.reset(cmd.Context(), args[0], yes)
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do it; without this it only says what would be forgotten")
	return cmd
}

func (s *session) reset(ctx context.Context, name string, yes bool) error {
	if !s.hasLedger() {
		return s.noLedger()
	}
	if err := s.openLedger(ctx); err != nil {
		return err
	}
	ids, damage := s.identities(ctx, name)
	if len(ids) == 0 && damage != nil {
		return damage
	}
	if len(ids) == 0 {
		return s.nothingOf(ctx, name, s.target)
	}
	for _, id := range ids {
		if err := s.resetOne(ctx, id, yes); err != nil {
			return err
		}
	}
	if damage != nil {
		return damage
	}
	if !yes {
		s.a.say("nothing was forgotten")
		s.a.next("exposync ledger reset %s --yes", s.ref(name))
	}
	return nil
}

// identities are those of a job under the session's target. Where a damaged
// file does not say whose marks are beside it, the job's runs do.
func (s *session) identities(ctx context.Context, name string) ([]plan.SyncID, error) {
	target := ledgerTarget(s.target, s.config.Targets[s.target].Sandbox)
	ids, damage := s.ledger.Siblings(ctx, s.project.Name, name, target)
	if damage == nil {
		return ids, nil
	}
	found := len(ids)
	runs, err := s.ledger.Runs(ctx, s.project.Name, name)
	if err != nil {
		return ids, damage
	}
	for _, run := range runs {
		same := func(id plan.SyncID) bool { return ledger.Equal(id, run.Sync) }
		if run.Target != s.target || run.Sync.Job == "" || slices.ContainsFunc(ids, same) {
			continue
		}
		if s.unreadable(ctx, run.Sync) {
			ids = append(ids, run.Sync)
		}
	}
	if len(ids) > found {
		return ids, nil
	}
	for _, f := range fault.All(damage) {
		if f.Code == "ledger_corrupt" {
			f.Hint = "nothing says any more which sync that was: restore the directory from a backup; or move it away, and the next run is a first run"
		}
	}
	return ids, damage
}

func (s *session) unreadable(ctx context.Context, id plan.SyncID) bool {
	view, err := s.ledger.View(ctx, id, s.target)
	if err != nil {
		return true
	}
	_ = view.Close()
	return false
}

func (s *session) resetOne(ctx context.Context, id plan.SyncID, yes bool) error {
	view, err := s.ledger.View(ctx, id, s.target)
	what := fmt.Sprintf("records that cannot be counted, because the ledger is damaged, confirmed in %s.%s", id.Connection, id.Object)
	if err == nil {
		what = forgotten(id, view.Header())
		_ = view.Close()
	}
	if !yes {
		return s.a.printProse(fmt.Sprintf("would forget %s (account %s)", what, id.Account))
	}
	if err := s.ledger.Reset(ctx, id); err != nil {
		return err
	}
	return s.a.printProse(fmt.Sprintf("forgot %s (account %s)", what, id.Account))
}

// forgotten is what a reset forgets: marks of records, or what is known of a
// hosted sync's triggers.
func forgotten(id plan.SyncID, h ledger.Header) string {
	hosted := slices.ContainsFunc(h.Pending(), func(j ledger.OpenJob) bool { return j.Hosted })
	if h.Mapping != engine.HostedMapping && !hosted {
		return fmt.Sprintf("%s confirmed in %s.%s", plural(h.Marks, "record"), id.Connection, id.Object)
	}
	return fmt.Sprintf("what was triggered in %s/%s, %s not seen to end", id.Connection, id.Object, plural(len(h.Pending()), "run"))
}
