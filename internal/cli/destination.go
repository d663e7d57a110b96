package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"exposync/internal/dbt"
	"exposync/internal/destination/declared"
	"exposync/internal/fault"
	"exposync/internal/report"
)

func newDestination(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "destination",
		Short: "list what records can go to, test a description of one",
		Long: `Destinations are the types of connections in exposync.yml. Most are HTTP services
and described in YAML: how a batch is sent, and what an answer means for every record
in it. Put a description of your own into destinations/NAME.yaml beside exposync.yml,
and NAME is a type; one with the name of a built-in description takes its place.`,
		GroupID: "setup",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDestinationList(a), newDestinationShow(a), newDestinationTest(a))
	return cmd
}

// catalog gives the descriptions at hand: those of the dbt project around the
// working directory, and the embedded ones.
func (a *app) catalog() *declared.Catalog {
	from := a.env.Dir
	if a.flags.projectDir != "" {
		from = a.pathOf(a.flags.projectDir)
	} else if dir := a.env.get("DBT_PROJECT_DIR"); dir != "" {
		from = a.pathOf(dir)
	}
	if dir, err := dbt.FindProject(from); err == nil {
		from = dir
	}
	return catalogOf(from)
}

// aboutAll describes every destination, sorted by name. Descriptions that
// cannot be read are left out, and reported.
func (a *app) aboutAll() ([]declared.About, fault.List) {
	connectors := connectors{a.catalog()}
	var all []declared.About
	var problems fault.List
	for _, name := range connectors.Destinations() {
		about, err := connectors.about(name)
		if err != nil {
			problems = append(problems, a.located(fault.All(err))...)
			continue
		}
		about.File = a.shown(about.File)
		all = append(all, about)
	}
	return all, problems
}

func newDestinationList(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "list", Short: "list the destinations, built-in and your own", Args: cobra.NoArgs,
		Example: "  exposync destination list\n  exposync destination list --output json",
		RunE: func(*cobra.Command, []string) error {
			all, problems := a.aboutAll()
			var err error
			switch {
			case a.flags.json():
				err = a.printJSON(map[string]any{"destinations": all})
			case a.flags.output == "markdown":
				err = a.printText(indexPage(all))
			default:
				err = a.printText(listText(a.outStyle(), all))
			}
			if err != nil {
				return err
			}
			return problems.Err()
		},
	}
	a.flags.format(cmd, "text", "json", "markdown")
	return cmd
}

func listText(s report.Style, all []declared.About) string {
	rows := [][]string{{"name", "origin", "modes", "verified", "title"}}
	for i := range all {
		d := &all[i]
		rows = append(rows, []string{d.Name, string(d.Origin), strings.Join(d.Modes, " "), orDash(d.VerifiedOn), d.Title})
	}
	return report.Table(s, rows, 3, 4)
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func newDestinationShow(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "show NAME", Short: "show what a destination takes: parameters, modes, limits, rejects", Args: cobra.ExactArgs(1),
		Example:           "  exposync destination show hubspot\n  exposync destination show hubspot --output markdown",
		ValidArgsFunction: a.completeDestinations,
		RunE: func(_ *cobra.Command, args []string) error {
			connectors := connectors{a.catalog()}
			if !slices.Contains(connectors.Destinations(), args[0]) {
				return usage("exposync destination list", "no destination is called %s%s", args[0], near(args[0], connectors.Destinations()))
			}
			about, err := connectors.about(args[0])
			if err != nil {
				return a.located(fault.All(err)).Err()
			}
			about.File = a.shown(about.File)
			switch {
			case a.flags.json():
				return a.printJSON(about)
			case a.flags.output == "markdown":
				return a.printText(destinationPage(&about))
			}
			return a.printText(aboutText(&about))
		},
	}
	a.flags.format(cmd, "text", "json", "markdown")
	return cmd
}

func (a *app) completeDestinations(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return connectors{a.catalog()}.Destinations(), cobra.ShellCompDirectiveNoFileComp
}

// completeDescriptions completes names; a file is an argument, too.
func (a *app) completeDescriptions(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return a.catalog().Kinds(), cobra.ShellCompDirectiveDefault
}
