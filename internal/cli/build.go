package cli

import (
	"context"
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
			if err := opts.check(); err != nil {
				return err
			}
			code, err := a.dbtBuild(cmd.Context(), a.dbtProgram(), args)
			if err != nil {
				return err
			}
			code = dbtExit(code)
			opts.dbtExit = &code
			return a.run(cmd.Context(), opts)
		},
	}
	opts.add(cmd)
	a.flags.dbtProgram(cmd)
	a.selection(cmd)
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
	a.say("$ %s %s", dbt, strings.Join(args, " "))
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

// dbtExit is dbt's exit code as one of ours: a dbt that was killed, or ended
// with a code that dbt does not have, counts as one that failed.
func dbtExit(code int) int {
	switch code {
	case 0, 1, 2, fault.Interrupted.ExitCode():
		return code
	}
	return 1
}
