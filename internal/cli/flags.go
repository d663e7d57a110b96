package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flags are the flags that every command understands, in dbt's spelling.
type flags struct {
	projectDir, profilesDir, profile, target, targetPath string
	manifest                                             string
	runResults, artifacts                                []string
	cloudRun, cloudJob                                   string
	sources                                              string
	vars, dbt                                            string
	selects, excludes                                    []string
	selector, state                                      string
	output                                               string
	quiet, debug                                         bool
	useColours, noColours                                bool
}

func (f *flags) add(set *pflag.FlagSet) {
	set.StringVar(&f.projectDir, "project-dir", "", "`DIR` of dbt_project.yml (default: here or the nearest parent)")
	set.StringVar(&f.profilesDir, "profiles-dir", "", "`DIR` of profiles.yml")
	set.StringVar(&f.profile, "profile", "", "`NAME` of the profile to use instead of the project's")
	set.StringVarP(&f.target, "target", "t", "", "`NAME` of the dbt target whose connections and database are used")
	set.StringVar(&f.targetPath, "target-path", "", "`DIR` of dbt's artifacts")
	set.StringVar(&f.manifest, "manifest", "", "`FILE` to read as manifest.json instead of the target path's; .gz, too")
	set.StringArrayVar(&f.runResults, "run-results", nil, "`FILE` to read as run_results.json; .gz, too; may be repeated")
	set.StringArrayVar(&f.artifacts, "artifacts", nil, "`DIR` of one dbt job's artifacts; may be repeated")
	set.StringVar(&f.sources, "sources", "", "`FILE` to read as sources.json instead of the target path's; .gz, too")
	set.StringVar(&f.vars, "vars", "", "`YAML` with variables for profiles.yml, as dbt takes them")
	set.BoolVarP(&f.quiet, "quiet", "q", false, "print results and errors only")
	set.BoolVarP(&f.debug, "debug", "d", false, "print what happens")
	set.BoolVar(&f.useColours, "use-colors", false, "colour even where the output is no terminal")
	set.BoolVar(&f.noColours, "no-use-colors", false, "no colour")
}

// selection adds dbt's ways to say what is meant: --select, --exclude,
// --selector and --state.
func (a *app) selection(cmd *cobra.Command) {
	f, set := &a.flags, cmd.Flags()
	set.StringArrayVarP(&f.selects, "select", "s", nil, "exposures, jobs, or any `SELECTOR` of dbt: +, @, tag:, path:, state:, ...")
	set.StringArrayVar(&f.excludes, "exclude", nil, "leave out what the `SELECTOR` means")
	set.StringVar(&f.selector, "selector", "", "what the selector of that `NAME` in selectors.yml means")
	set.StringVar(&f.state, "state", "", "`DIR` with earlier artifacts, for state:, result: and source_status:")
	for flag, complete := range map[string]cobra.CompletionFunc{
		"select": a.completeSelectors, "exclude": a.completeSelectors, "selector": a.completeSelector,
	} {
		_ = cmd.RegisterFlagCompletionFunc(flag, complete) // the flags are there
	}
	_ = cmd.MarkFlagDirname("state")
	a.before(cmd, a.checkSelectors)
}

// before has a command check something before it begins.
func (a *app) before(cmd *cobra.Command, check func() error) {
	then := cmd.PreRunE
	cmd.PreRunE = func(c *cobra.Command, args []string) error {
		if err := check(); err != nil || then == nil {
			return err
		}
		return then(c, args)
	}
}

// dbtProgram adds --dbt to the commands that may run dbt.
func (f *flags) dbtProgram(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.dbt, "dbt", "", "the dbt `PROGRAM` (default: EXPOSYNC_DBT, else dbt)")
}

// format adds --output with the formats a command knows; the first is the
// default.
func (f *flags) format(cmd *cobra.Command, formats ...string) {
	cmd.Flags().StringVar(&f.output, "output", formats[0], "print results as `"+strings.Join(formats, "|")+"`")
	check := cmd.PreRunE
	cmd.PreRunE = func(c *cobra.Command, args []string) error {
		if !slices.Contains(formats, f.output) {
			return usage(c.CommandPath()+" --help", "--output %s: this command knows %s", f.output, strings.Join(formats, ", "))
		}
		if check != nil {
			return check(c, args)
		}
		return nil
	}
}

func (f *flags) json() bool { return f.output == "json" }
