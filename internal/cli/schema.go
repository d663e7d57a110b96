package cli

import (
	"github.com/spf13/cobra"

	"exposync/internal/destination/declared"
)

func newSchema(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "print a JSON Schema for your editor",
		Long: `Prints the JSON Schema of a file that you write, for an editor that completes and
checks it.`,
		GroupID: "setup",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newSchemaDestination(a))
	return cmd
}

func newSchemaDestination(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "destination", Short: "the schema of a destination's description", Args: cobra.NoArgs,
		Long: `Prints the JSON Schema of destinations/NAME.yaml. Editors with the YAML language
server take it from the first line of the file:

  # yaml-language-server: $schema=../destination.schema.json`,
		Example: "  exposync schema destination > destination.schema.json",
		RunE: func(*cobra.Command, []string) error {
			text, err := declared.Schema()
			if err != nil {
				return err
			}
			_, err = a.env.Stdout.Write(text)
			return err
		},
	}
}
