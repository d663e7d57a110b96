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
	runResults                                           []string
	sources                                              string
	vars, dbt                                            string
	selects, excludes                                    []string
	output                                               string
	quiet, debug                                         bool
	useColours, noColours                                bool
}

func (f *flags) add(set *pflag.FlagSet) {
	set.StringVar(&f.projectDir, "project-dir", "", "folder of dbt_project.yml (default: here or the nearest parent)")
	set.StringVar(&f.profilesDir, "profiles-dir", "", "folder of profiles.yml")
	set.StringVar(&f.profile, "profile", "", "profile to use instead of the project's")
	set.StringVarP(&f.target, "target", "t", "", "dbt target whose connections and database are used")
	set.StringVar(&f.targetPath, "target-path", "", "folder of dbt's artifacts")
	set.StringVar(&f.manifest, "manifest", "", "manifest.json (or .gz) to read instead of the target path's")
	set.StringArrayVar(&f.runResults, "run-results", nil, "run_results.json (or .gz) to read; may be repeated")
	set.StringVar(&f.sources, "sources", "", "sources.json (or .gz) to read instead of the target path's")
	set.StringVar(&f.vars, "vars", "", "variables for profiles.yml, as dbt takes them")
	set.BoolVarP(&f.quiet, "quiet", "q", false, "print results and errors only")
	set.BoolVarP(&f.debug, "debug", "d", false, "print what happens")
	set.BoolVar(&f.useColours, "use-colors", false, "colour even where the output is no terminal")
	set.BoolVar(&f.noColours, "no-use-colors", false, "no colour")
}

// selection adds --select and --exclude.
func (f *flags) selection(cmd *cobra.Command) {
	cmd.Flags().StringSliceVarP(&f.selects, "select", "s", nil, "exposures or jobs by name, exposure:NAME, tag:TAG; * matches any text")
	cmd.Flags().StringSliceVar(&f.excludes, "exclude", nil, "exposures or jobs to leave out")
}

// dbtProgram adds --dbt to the commands that may run dbt.
func (f *flags) dbtProgram(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.dbt, "dbt", "", "the dbt program (default: EXPOSYNC_DBT, else dbt)")
}

// format adds --output with the formats a command knows; the first is the
// default.
func (f *flags) format(cmd *cobra.Command, formats ...string) {
	cmd.Flags().StringVar(&f.output, "output", formats[0], strings.Join(formats, " or "))
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
