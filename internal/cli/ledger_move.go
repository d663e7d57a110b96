package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"exposync/internal/config"
	"exposync/internal/fault"
	"exposync/internal/ledger"
)

func newLedgerMove(a *app) *cobra.Command {
	to := ""
	cmd := &cobra.Command{
		Use:   "move --to LEDGER",
		Short: "copy everything that is remembered into another ledger",
		Long: `Copies what the ledger of exposync.yml remembers into another one: marks,
rejects, doubts, quarantine, open jobs, run history and evidence. LEDGER is what
would stand behind ` + "`ledger:`" + ` in exposync.yml, or a directory, relative to the
dbt project. No sync may run meanwhile. Everything is read back and compared
before it is said to be there; the old ledger stays as it is. After an
interruption, type the same command again.`,
		Example: `  exposync ledger move --to ../ledger
  exposync ledger move --to 'dir: /srv/exposync/shop'
  exposync ledger move --to 's3: s3://acme-analytics/exposync'
  exposync ledger move --to "postgres: \"{{ env_var('LEDGER_URL') }}\""`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if strings.TrimSpace(to) == "" {
				return usage("exposync ledger move --help", "--to is missing: say where to")
			}
			s, err := a.look(cmd.Context())
			if err != nil {
				return err
			}
			defer s.close()
			return s.move(cmd.Context(), to)
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "the other `LEDGER`, as behind ledger: in exposync.yml")
	return cmd
}

func (s *session) move(ctx context.Context, to string) error {
	if !s.hasLedger() {
		return s.noLedger()
	}
	other, err := config.ParseLedger("--to", to)
	if err != nil {
		return err
	}
	if s.sameLedger(other) {
		return usage("exposync ledger move --help", "--to %s is the ledger that exposync.yml names already", to)
	}
	if err := s.openLedger(ctx); err != nil {
		return err
	}
	target, err := s.ledgerAt(ctx, other)
	if err != nil {
		return err
	}
	defer func() { _ = target.Close() }()
	report, err := ledger.Move(ctx, s.ledger, target, func(m ledger.Moved) {
		word := "copied"
		if m.Same {
			word = "is there already:"
		}
		s.a.say("%s %s -> %s.%s (account %s): %s, %d standing", word, m.Sync.Job, m.Sync.Connection, m.Sync.Object, m.Sync.Account,
			plural(m.Sum.Confirmed, "record"), m.Sum.Standing)
	})
	if err != nil {
		return orInterrupted(ctx, err)
	}
	var records int64
	for _, m := range report.Syncs {
		records += m.Sum.Confirmed
	}
	return errors.Join(
		s.a.printProse(fmt.Sprintf("moved %s with %s, %s and %s of dbt nodes; all of it was read back and is equal",
			plural(len(report.Syncs), "sync"), plural(records, "record"), plural(report.Runs, "run"), plural(report.Evidence, "result"))),
		s.a.printProse(fmt.Sprintf("next: write this into %s, everywhere where exposync runs:", config.FileName)),
		s.a.printText("\nledger: "+ledgerLine(to, other)+"\n\n"),
		s.a.printProse(s.ledgerName()+" stays as it is: remove it when nothing uses it any more"),
	)
}

// sameLedger reports whether settings name the ledger in use.
func (s *session) sameLedger(other config.Ledger) bool {
	own := s.config.Ledger
	return own.Alike(other) && (own.Elsewhere() || s.dirOfLedger(own) == s.dirOfLedger(other))
}

// ledgerLine is what the user typed as it stands behind `ledger:`.
func ledgerLine(typed string, c config.Ledger) string {
	typed = strings.TrimSpace(typed)
	switch {
	case typed == c.Dir:
		return "{dir: " + typed + "}"
	case strings.HasPrefix(typed, "{"):
		return typed
	}
	return "{" + typed + "}"
}

func orInterrupted(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return &fault.Fault{
		Code: "interrupted", Kind: fault.Interrupted, Whose: fault.User,
		Msg: "stopped before everything was copied; the ledger in use is as it was", Hint: "type the same command again",
	}
}
