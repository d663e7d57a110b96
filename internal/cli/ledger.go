package cli

import "github.com/spf13/cobra"

func newLedger(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "ledger", Short: "look after what is remembered of each sync", GroupID: "setup", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newLedgerShow(a), newLedgerMove(a), newLedgerRekey(a), newLedgerReset(a))
	return cmd
}
