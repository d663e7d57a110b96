package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"exposync/internal/destination/declared"
	"exposync/internal/fault"
)

func newDestinationTest(a *app) *cobra.Command {
	only := ""
	cmd := &cobra.Command{
		Use:   "test [NAME|FILE]",
		Short: "check a description and run its fixtures, without a network",
		Long: `Reads the description of a destination by its name, the user's own ones in
destinations/ included, or in a file, and runs its fixtures through the code of a
run, without a network. It fails on whatever is wrong with the description, when a
record gets another state than the fixture says, and when no fixture reaches a rule.`,
		Example: `  exposync destination test
  exposync destination test hubspot --explain "an error nobody claims"
  exposync destination test destinations/mycrm.yaml`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.completeDescriptions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.testDestinations(cmd.Context(), args, only)
		},
	}
	cmd.Flags().StringVar(&only, "explain", "", "show of this `FIXTURE` which rule decided, and why each record got its state")
	a.flags.format(cmd, "text", "json")
	return cmd
}

func (a *app) testDestinations(ctx context.Context, args []string, only string) error {
	reports, unreadable := a.fixtureReports(ctx, args)
	if len(reports) == 0 {
		return unreadable
	}
	var err error
	if only != "" {
		if reports = explained(reports, only); len(reports) == 0 {
			return usage("exposync destination test --help", "there is no fixture called %q", only)
		}
	}
	if a.flags.json() {
		err = a.printJSON(map[string]any{"destinations": reports})
	} else {
		err = a.printText(reportText(reports, only != ""))
	}
	if err != nil {
		return err
	}
	if unreadable != nil {
		return unreadable
	}
	for _, r := range reports {
		if !r.OK() {
			return &fault.Fault{
				Code: "fixtures_failed", Kind: fault.Check, Whose: fault.User, Where: r.Name,
				Msg:  "the description does not do what its fixtures say, or has rules that none of them reaches",
				Hint: "exposync destination test " + r.Name + " --explain FIXTURE",
			}
		}
	}
	return nil
}

// fixtureReports tests what is named: a file, a name, or everything there is.
// A description that cannot be read keeps none of the others from being tested.
func (a *app) fixtureReports(ctx context.Context, args []string) ([]declared.Report, error) {
	if len(args) == 1 && strings.ContainsAny(args[0], "./\\") {
		data, err := os.ReadFile(a.pathOf(args[0]))
		if err != nil {
			return nil, usage("exposync destination test --help", "the description %s cannot be read", args[0])
		}
		r, err := declared.TestFile(ctx, args[0], data)
		return []declared.Report{r}, err
	}
	catalog := a.catalog()
	kinds := catalog.Kinds()
	if len(args) == 1 {
		if err := knownKind(catalog, args[0]); err != nil {
			return nil, err
		}
		kinds = args
	}
	var out []declared.Report
	var problems fault.List
	for _, kind := range kinds {
		r, err := catalog.Test(ctx, kind)
		if err != nil {
			problems = append(problems, a.located(fault.All(err))...)
			continue
		}
		out = append(out, r)
	}
	return out, problems.Err()
}

// explained keeps one fixture.
func explained(reports []declared.Report, name string) []declared.Report {
	for _, r := range reports {
		for _, f := range r.Fixtures {
			if f.Fixture == name {
				return []declared.Report{{Name: r.Name, Fixtures: []declared.Tested{f}}}
			}
		}
	}
	return nil
}

func reportText(reports []declared.Report, explain bool) string {
	var b strings.Builder
	for _, r := range reports {
		for _, f := range r.Fixtures {
			fmt.Fprintf(&b, "%-4s %s: %s\n", yesNo(f.OK, "ok", "FAIL"), r.Name, f.Fixture)
			if f.OK && !explain {
				continue
			}
			fmt.Fprintf(&b, "     %s\n", f.Where)
			for _, rule := range f.Rules {
				fmt.Fprintf(&b, "     decided by %s\n", rule)
			}
			recordsText(&b, f)
			if f.Problem != "" {
				fmt.Fprintf(&b, "     %s\n", f.Problem)
			}
		}
		for _, rule := range r.Unproven {
			fmt.Fprintf(&b, "FAIL %s: no fixture reaches %s\n", r.Name, rule)
		}
	}
	return b.String()
}

// recordsText says of every record of a fixture what it became, and why.
func recordsText(b *strings.Builder, f declared.Tested) {
	for i, got := range f.Got {
		fmt.Fprintf(b, "     record %d: %s", i, got)
		if want := f.Want[i]; want != got {
			fmt.Fprintf(b, ", want %s", want)
		}
		if f.Reasons[i] != "" {
			fmt.Fprintf(b, " (%s)", f.Reasons[i])
		}
		b.WriteString("\n")
	}
}

// knownKind says that a catalog has a description, or what else was meant.
func knownKind(catalog *declared.Catalog, name string) error {
	if slices.Contains(catalog.Kinds(), name) {
		return nil
	}
	hint := "exposync destination list"
	msg := "no description is called " + name
	if near := fault.Suggest(name, catalog.Kinds()); near != "" {
		msg += "; did you mean " + near + "?"
	}
	return usage(hint, "%s", msg)
}
