package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"exposync/internal/fault"
	"exposync/internal/report"
)

func newExplain(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "explain [CODE]",
		Short:   "say what a code means and what to do about it",
		Example: "  exposync explain test_failed\n  exposync explain            # every code",
		GroupID: "read",
		Args:    cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return fault.Codes(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) > 0:
				return a.explain(args[0])
			case a.flags.json():
				return a.printJSON(report.AllPages())
			}
			return a.printText(report.CodesText(a.outStyle()))
		},
	}
	a.flags.format(cmd, "text", "json")
	return cmd
}

func (a *app) explain(code string) error {
	page, ok := fault.Explain(code)
	if !ok {
		return usage("exposync explain", "there is no code %q%s", code, near(code, fault.Codes()))
	}
	if a.flags.json() {
		doc, _ := report.Page(code)
		return a.printJSON(doc)
	}
	return a.printText(report.PageText(a.outStyle(), code, page))
}

func newVersion(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "version", Short: "print the version", GroupID: "read", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if a.flags.json() {
				return a.printJSON(map[string]string{"version": version(), "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH})
			}
			return a.printText(fmt.Sprintf("exposync %s (%s, %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH))
		},
	}
	a.flags.format(cmd, "text", "json")
	return cmd
}

// version is the module's version as the build recorded it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "dev"
	}
	return strings.TrimPrefix(info.Main.Version, "v")
}
