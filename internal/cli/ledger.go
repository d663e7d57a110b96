package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"exposync/internal/plan"
)

func newLedger(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "ledger", Short: "look after what is remembered of each sync", GroupID: "setup", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newLedgerReset(a))
	return cmd
}

func newLedgerReset(a *app) *cobra.Command {
	yes := false
	cmd := &cobra.Command{
		Use:   "reset JOB",
		Short: "forget what was confirmed by a sync",
		Long: `Forgets everything that was confirmed by a sync under the target: the next run
is a first run. Nothing is deleted at the destination. This is the way out of
key_changed, object_changed and account_changed.`,
		Example: "  exposync ledger reset email_crm_export --yes",
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
		return usage("exposync run", "there is no ledger at %s: nothing is remembered", s.ledgerDir())
	}
	if err := s.openLedger(ctx); err != nil {
		return err
	}
	sandbox := s.config.Targets[s.target].Sandbox
	ids, err := s.ledger.Siblings(ctx, s.project.Name, name, ledgerTarget(s.target, sandbox))
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		return usage("exposync status", "nothing is remembered of a job %q under target %s", name, s.target)
	}
	for _, id := range ids {
		if err := s.resetOne(ctx, id, yes); err != nil {
			return err
		}
	}
	if !yes {
		s.a.say("nothing was forgotten; do it with: exposync ledger reset %s --yes", name)
	}
	return nil
}

func (s *session) resetOne(ctx context.Context, id plan.SyncID, yes bool) error {
	view, err := s.ledger.View(ctx, id, s.target)
	records := "records that cannot be counted"
	if err == nil {
		records = fmt.Sprintf("%d records", view.Header().Marks)
		_ = view.Close()
	}
	if !yes {
		return s.a.printText(fmt.Sprintf("would forget %s confirmed in %s.%s (account %s)\n", records, id.Connection, id.Object, id.Account))
	}
	if err := s.ledger.Reset(ctx, id); err != nil {
		return err
	}
	return s.a.printText(fmt.Sprintf("forgot %s confirmed in %s.%s (account %s)\n", records, id.Connection, id.Object, id.Account))
}
