package cli

import (
	"errors"

	"github.com/spf13/cobra"
)

func newRetry(a *app) *cobra.Command {
	opts := runOptions{command: "retry", retry: true}
	cmd := &cobra.Command{
		Use:   "retry",
		Short: "send rejected records again now, in the same dbt run",
		Long: `Does what run does, gate and guards included, also where the dbt run was
answered already, and sends records again that the destination refused for good.
What waits in quarantine stays there, unless it was released (exposync rejects
release) or --quarantined asks for it. Records in doubt that must not be sent
twice are not sent: exposync rejects settle ends a doubt.`,
		Example: `  exposync retry
  exposync retry --select email_crm_export
  exposync retry --select email_crm_export --quarantined`,
		GroupID: "daily",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := errors.Join(opts.check(), opts.hosted.check(a)); err != nil {
				return err
			}
			return a.run(cmd.Context(), opts)
		},
	}
	opts.add(cmd)
	opts.hosted.add(cmd)
	cmd.Flags().BoolVar(&opts.released, "quarantined", false, "send what waits in quarantine, too")
	a.flags.dbtProgram(cmd)
	a.selection(cmd)
	a.cloud(cmd)
	a.flags.format(cmd, "text", "json")
	return cmd
}
