// Package cli is the command line: it parses, wires the packages together and
// renders what they give back. It is the only package that touches the
// process: arguments, environment, streams, clock, signals and exit code.
package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"exposync/internal/fault"
	"exposync/internal/report"
)

// exitCodes is the part that every command's help ends with.
const exitCodes = `Exit codes:
  0 done, or nothing to do      4 some records were not confirmed
  1 a bug in exposync           5 a warehouse, destination or tool failed
  2 usage or configuration      6 a check you asked for failed
  3 held or blocked           130 interrupted`

// Main runs the command line of this process and gives the exit code.
func Main() int {
	cobra.EnableCommandSorting = false // they stand in the order in which people need them
	return Run(context.Background(), processEnv())
}

// Run runs the command line of env and gives the exit code.
func Run(ctx context.Context, env *Env) int {
	app := newApp(env)
	root := app.root() //nolint:contextcheck // cobra hands each command its context
	root.SetArgs(spread(env.Args))
	err := unknown(root, root.ExecuteContext(ctx))
	if done, ok := errors.AsType[exitError](err); ok {
		return int(done)
	}
	if err != nil {
		app.printError(err)
	}
	return fault.ExitCode(err)
}

// exitError ends a command that has said everything already.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// exit gives the error of an exit code, nil for 0.
func exit(code int) error {
	if code == 0 {
		return nil
	}
	return exitError(code)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "exposync",
		Short: "the reverse leg of your dbt project",
		Long: `Exposync makes the exposures of a dbt project executable: it reads the
artifacts dbt just wrote, opens the gate for each sync whose own upstream
succeeded in this dbt run, and moves the changed rows to the business tool.

  dbt build; exposync run      (or: exposync build)`,
		SilenceUsage: true, SilenceErrors: true, SuggestionsMinimumDistance: 2,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
		Version:           version(),
	}
	root.SetVersionTemplate("exposync {{.Version}}\n")
	root.SetOut(a.env.Stdout)
	root.SetErr(a.env.Stderr)
	root.SetIn(a.env.Stdin)
	root.SetFlagErrorFunc(flagError)
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), "Flags.FlagUsages", fmt.Sprintf("Flags.FlagUsagesWrapped %d", a.width())))
	root.AddGroup(
		&cobra.Group{ID: "daily", Title: "Every day:"},
		&cobra.Group{ID: "check", Title: "In a pull request:"},
		&cobra.Group{ID: "setup", Title: "Setting up:"},
		&cobra.Group{ID: "read", Title: "For readers:"},
	)
	a.flags.add(root.PersistentFlags())
	for _, cmd := range []*cobra.Command{
		newBuild(a), newRun(a), newPlan(a), newGate(a), newList(a), newStatus(a),
		newRetry(a), newRejects(a), newTest(a), newWait(a),
		newCoverage(a), newLint(a), newImpact(a),
		newDestination(a), newSchema(a), newLedger(a), newSandbox(a), newDemo(a),
		newExplain(a),
	} {
		root.AddCommand(withExitCodes(cmd))
	}
	root.SetHelpCommandGroupID("read")
	root.SetCompletionCommandGroupID("read")
	root.InitDefaultCompletionCmd()
	root.AddCommand(withExitCodes(newVersion(a)))
	root.InitDefaultHelpCmd()
	inOurWords(root)
	return root
}

// inOurWords describes the commands that cobra brings along.
func inOurWords(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "completion":
			cmd.Short = "print the script that completes words in your shell"
		case "help":
			cmd.Short = "say what a command does"
		}
	}
}

// flagError is the fault of a flag that does not exist, with the nearest one,
// or that was used wrongly.
func flagError(cmd *cobra.Command, err error) error {
	meant := ""
	if no, ok := errors.AsType[*pflag.NotExistError](err); ok {
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, "--"+f.Name) })
		meant = near("--"+no.GetSpecifiedName(), known)
	}
	return usage(cmd.CommandPath()+" --help", "%s%s", err, meant)
}

// withExitCodes ends a command's help with the exit codes, and turns wrong
// arguments into usage faults.
func withExitCodes(cmd *cobra.Command) *cobra.Command {
	if cmd.Long == "" {
		cmd.Long = strings.ToUpper(cmd.Short[:1]) + cmd.Short[1:] + "."
	}
	cmd.Long += "\n\n" + exitCodes
	cmd.SuggestionsMinimumDistance = 2 // as at the root
	if check := cmd.Args; check != nil {
		cmd.Args = func(c *cobra.Command, args []string) error {
			err := check(c, args)
			switch {
			case err == nil:
				return nil
			case len(args) > 0 && len(c.SuggestionsFor(args[0])) > 0:
				return noCommand(c, args[0])
			case len(args) > 0 && c.Flags().Lookup("select") != nil:
				return usage(c.CommandPath()+" --select "+args[0], "%s takes no argument %q", c.CommandPath(), args[0])
			}
			return usage(c.CommandPath()+" --help", "%s", err)
		}
	}
	for _, sub := range cmd.Commands() {
		withExitCodes(sub)
	}
	return cmd
}

// usage is a mistake on the command line.
func usage(next, format string, args ...any) error {
	return &fault.Fault{
		Code: "usage", Kind: fault.Config, Whose: fault.User, Msg: fmt.Sprintf(format, args...), Hint: next,
	}
}

// printError shows an error on stderr. Who asked for JSON has its document
// already, or none, where the command ended before it had a result.
func (a *app) printError(err error) {
	list := a.located(fault.All(err))
	fmt.Fprint(a.env.Stderr, a.redactor.Redact(report.FaultText(a.errStyle(), list)))
}

// unknown turns cobra's error about a command that does not exist, which has
// no type, into a usage fault with the nearest commands.
func unknown(root *cobra.Command, err error) error {
	if err == nil || isFault(err) || !strings.HasPrefix(err.Error(), "unknown command ") {
		return err
	}
	name := between([]byte(err.Error()), `"`, `"`)
	return noCommand(root, name)
}

// noCommand is the fault of a command that does not exist below parent, with
// the nearest ones.
func noCommand(parent *cobra.Command, name string) error {
	meant := ""
	if near := parent.SuggestionsFor(name); len(near) > 0 {
		meant = "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return usage(parent.CommandPath()+" --help", "there is no command %q%s", strings.TrimPrefix(parent.CommandPath()+" ", "exposync ")+name, meant)
}

func isFault(err error) bool {
	_, one := errors.AsType[*fault.Fault](err)
	_, many := errors.AsType[fault.List](err)
	return one || many
}
