package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"exposync/internal/fault"
)

func newBuild(a *app) *cobra.Command {
	opts := runOptions{command: "build"}
	cmd := &cobra.Command{
		Use:   "build [-- dbt arguments]",
		Short: "dbt build, then run; exits with the worse of both",
		Long: `Runs dbt build, and then exposync run whatever dbt's exit code: one red
finance test must not stop the CRM sync, because every exposure has a gate of
its own. Everything after -- goes to dbt.`,
		Example: "  exposync build\n  exposync build --target prod -- --select +export_customers",
		GroupID: "daily",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := errors.Join(opts.check(), opts.hosted.check(a)); err != nil {
				return err
			}
			if err := ownFlags(args); err != nil {
				return err
			}
			before := a.resultsStamp()
			code, err := a.dbtBuild(cmd.Context(), a.dbtProgram(), args)
			if err != nil {
				return err
			}
			code = dbtExit(code)
			if code != 0 && a.resultsStamp() == before {
				a.printError(noResults(code))
				return exit(fault.Worse(code, fault.Config.ExitCode()))
			}
			opts.dbtExit = &code
			return a.run(cmd.Context(), opts)
		},
	}
	opts.add(cmd)
	opts.hosted.add(cmd)
	a.flags.dbtProgram(cmd)
	a.selection(cmd)
	a.noCloud(cmd)
	a.flags.format(cmd, "text", "json")
	return cmd
}

// dbtBuild runs dbt build with our flags in dbt's spelling and gives its exit
// code.
func (a *app) dbtBuild(ctx context.Context, dbt string, extra []string) (int, error) {
	args := []string{"build"}
	for _, f := range []struct{ name, value string }{
		{"--target", a.flags.target},
		{"--profile", a.flags.profile},
		{"--profiles-dir", a.flags.profilesDir},
		{"--project-dir", a.flags.projectDir},
		{"--target-path", a.flags.targetPath},
		{"--vars", a.flags.vars},
	} {
		if f.value != "" {
			args = append(args, f.name, f.value)
		}
	}
	args = append(args, extra...)
	a.line("$ " + dbt + " " + strings.Join(args, " "))
	code, err := a.env.Exec(ctx, a.env.Dir, dbt, args...)
	if err != nil {
		return 0, &fault.Fault{
			Code: "dbt_missing", Kind: fault.Config, Whose: fault.Setup,
			Msg:  dbt + " could not be started",
			Hint: "install dbt, activate its environment, or name it: exposync build --dbt PATH", Err: err,
		}
	}
	return code, nil
}

// ownFlags refuses flags behind the -- that both programs must agree on.
func ownFlags(extra []string) error {
	for _, arg := range extra {
		name, _, _ := strings.Cut(arg, "=")
		switch name {
		case "--target", "-t", "--target-path", "--project-dir", "--profiles-dir", "--profile":
			return usage("exposync build "+name+" … -- (other dbt arguments)",
				"%s stands behind the --, where only dbt sees it: give it before, so that both programs take it", name)
		}
	}
	return nil
}

// resultsStamp tells one run_results.json from the next; empty if there is
// none.
func (a *app) resultsStamp() string {
	s := &session{a: a}
	if err := s.findProject(false); err != nil {
		return ""
	}
	info, err := os.Stat(s.artifact("run_results.json"))
	if err != nil {
		return ""
	}
	return info.ModTime().String() + " " + strconv.FormatInt(info.Size(), 10)
}

// noResults ends a build whose dbt failed before it had results: what lies in
// the target path is of an earlier run and proves nothing about this one.
func noResults(code int) error {
	return &fault.Fault{
		Code: "dbt_no_results", Kind: fault.Config, Whose: fault.DBT,
		Msg:  fmt.Sprintf("dbt build ended with exit code %d and wrote no results; nothing was synced", code),
		Hint: "mend what dbt says above, then: exposync build",
	}
}

// dbtExit is dbt's exit code as one of ours: a dbt that was killed, or ended
// with a code that dbt does not have, counts as one that failed.
func dbtExit(code int) int {
	switch code {
	case 0, 1, 2, fault.Interrupted.ExitCode():
		return code
	}
	return 1
}
