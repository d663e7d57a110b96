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

func newDestination(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "destination",
		Short: "look at HTTP destinations described as data, and test one",
		Long: `HTTP destinations are descriptions in YAML: how a batch is sent, and what an
answer means for every record in it. Each carries its own fixtures.`,
		GroupID: "setup",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDestinationList(a), newDestinationShow(a), newDestinationTest(a))
	return cmd
}

func newDestinationList(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "list", Short: "list the destinations that are described", Args: cobra.NoArgs,
		Example: "  exposync destination list\n  exposync destination list --output json",
		RunE: func(*cobra.Command, []string) error {
			var all []declared.About
			for _, kind := range declared.Kinds() {
				about, err := declared.Describe(kind)
				if err != nil {
					return err
				}
				all = append(all, about)
			}
			if a.flags.json() {
				return a.printJSON(map[string]any{"destinations": all})
			}
			var b strings.Builder
			for _, about := range all {
				fmt.Fprintf(&b, "%-12s %s\n", about.Name, about.Title)
			}
			return a.printText(b.String())
		},
	}
	a.flags.format(cmd, "text", "json")
	return cmd
}

func newDestinationShow(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "show NAME", Short: "show what a destination takes: parameters, limits, operations", Args: cobra.ExactArgs(1),
		Example:           "  exposync destination show hubspot",
		ValidArgsFunction: completeKinds,
		RunE: func(_ *cobra.Command, args []string) error {
			if err := knownKind(args[0]); err != nil {
				return err
			}
			about, err := declared.Describe(args[0])
			if err != nil {
				return err
			}
			if a.flags.json() {
				return a.printJSON(about)
			}
			return a.printText(aboutText(about))
		},
	}
	a.flags.format(cmd, "text", "json")
	return cmd
}

func aboutText(d declared.About) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", d.Name, d.Title)
	if d.VerifiedOn != "" {
		fmt.Fprintf(&b, "described from %s on %s\n", d.Docs, d.VerifiedOn)
	}
	fmt.Fprintf(&b, "known by   %s\nproves by  %s\n", d.Identity, strings.Join(d.Auth, ", or "))
	fmt.Fprintf(&b, "compare    %s\nfields     %s\n", yesNo(d.Reads, "records can be read by key", "records cannot be read by key"),
		yesNo(d.Discovers, "checked before the first write", "not told by the service"))
	if d.PerSecond > 0 {
		fmt.Fprintf(&b, "rate       %g requests a second for the account\n", d.PerSecond)
	}
	b.WriteString("\noperations\n")
	object := ""
	for _, o := range d.Operations {
		if o.Object != object {
			object = o.Object
			fmt.Fprintf(&b, "  to: %s.%s\n", d.Name, object)
		}
		fmt.Fprintf(&b, "  %-19s %d records a %s, %d at a time; %s\n", o.Name, o.Rows, yesNo(o.Job, "job", "request"), o.Concurrency,
			yesNo(o.Idempotent, "may be sent twice", "sent once"))
	}
	b.WriteString("\nparameters of a connection\n")
	for _, p := range d.Params {
		traits := ""
		if p.Required {
			traits += " required"
		}
		if p.Secret {
			traits += " secret"
		}
		if p.Default != "" {
			traits += " default " + p.Default
		}
		fmt.Fprintf(&b, "  %s%s\n      %s\n", p.Name, traits, p.Doc)
	}
	return b.String()
}

func yesNo(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

func newDestinationTest(a *app) *cobra.Command {
	only := ""
	cmd := &cobra.Command{
		Use:   "test [NAME|FILE]",
		Short: "run the fixtures of a description, without a network",
		Long: `Runs the fixtures of a described destination, or of a description in a file,
through the code of a run, without a network. It fails when a record gets another
state than the fixture says, and when no fixture reaches a rule.`,
		Example: `  exposync destination test
  exposync destination test hubspot --explain "an error nobody claims"
  exposync destination test destinations/mycrm.yaml`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeKinds,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.testDestinations(cmd.Context(), args, only)
		},
	}
	cmd.Flags().StringVar(&only, "explain", "", "show of this `FIXTURE` which rule decided, and why each record got its state")
	a.flags.format(cmd, "text", "json")
	return cmd
}

func (a *app) testDestinations(ctx context.Context, args []string, only string) error {
	reports, err := fixtureReports(ctx, args)
	if err != nil {
		return err
	}
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

func fixtureReports(ctx context.Context, args []string) ([]declared.Report, error) {
	if len(args) == 1 && strings.ContainsAny(args[0], "./\\") {
		data, err := os.ReadFile(args[0])
		if err != nil {
			return nil, usage("exposync destination test --help", "the description %s cannot be read", args[0])
		}
		r, err := declared.TestFile(ctx, args[0], data)
		return []declared.Report{r}, err
	}
	if len(args) == 1 {
		if err := knownKind(args[0]); err != nil {
			return nil, err
		}
		r, err := declared.Test(ctx, args[0])
		return []declared.Report{r}, err
	}
	var out []declared.Report
	for _, kind := range declared.Kinds() {
		r, err := declared.Test(ctx, kind)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
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

func knownKind(name string) error {
	if slices.Contains(declared.Kinds(), name) {
		return nil
	}
	hint := "exposync destination list"
	msg := "no destination is called " + name
	if near := fault.Suggest(name, declared.Kinds()); near != "" {
		msg += "; did you mean " + near + "?"
	}
	return usage(hint, "%s", msg)
}

func completeKinds(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return declared.Kinds(), cobra.ShellCompDirectiveDefault
}
