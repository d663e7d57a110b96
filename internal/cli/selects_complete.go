package cli

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"exposync/internal/config"
	"exposync/internal/dbt"
	"exposync/internal/job"
)

// completeSelectors completes the last word of --select and --exclude from
// the manifest. Where there is none it is silent.
func (a *app) completeSelectors(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	s := a.completing(cmd)
	if s == nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	head, word := lastWord(typed)
	var out []string
	for _, candidate := range s.completions(word) {
		if strings.HasPrefix(candidate, word) {
			out = append(out, head+candidate)
		}
	}
	directive := cobra.ShellCompDirectiveNoFileComp
	if !slices.ContainsFunc(out, func(c string) bool { return !strings.HasSuffix(c, ":") }) {
		directive |= cobra.ShellCompDirectiveNoSpace // only methods: their value follows
	}
	return out, directive
}

// completeSelector completes --selector.
func (a *app) completeSelector(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	if s := a.completing(cmd); s != nil {
		return s.project.SelectorNames(), cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// completing loads the manifest and the jobs' names, and nothing else; nil if
// that does not go.
func (a *app) completing(cmd *cobra.Command) *session {
	a.flags.quiet = true
	s := &session{a: a}
	if s.findProject(false) != nil {
		return nil
	}
	manifest := a.flags.manifest
	if manifest == "" {
		manifest = s.artifact("manifest.json")
	}
	project, err := dbt.LoadManifest(cmd.Context(), a.pathOf(manifest))
	if err != nil {
		return nil
	}
	s.project = project
	s.set = job.Build(project, config.Default(config.FileName), job.Options{Files: s.readFile})
	return s
}

// completions is all that a word could become: names of exposures and jobs
// and methods, or the values of the method that it has already.
func (s *session) completions(word string) []string {
	if method, _, ok := strings.Cut(word, ":"); ok {
		values := s.project.SelectorValues(method)
		for i, v := range values {
			values[i] = method + ":" + v
		}
		return values
	}
	names := map[string]bool{}
	for _, x := range s.project.Exposures {
		names[x.Name] = x.Type == "application"
	}
	for _, j := range s.set.Jobs {
		names[j.ID] = true
	}
	maps.DeleteFunc(names, func(_ string, keep bool) bool { return !keep })
	out := slices.Sorted(maps.Keys(names))
	for _, method := range dbt.SelectorMethods() {
		if method == "config" {
			method = "config.materialized"
		}
		out = append(out, method+":")
	}
	return out
}

// lastWord parts what was typed before the atom that is being typed: after the
// last blank or comma, and after @ or n+.
func lastWord(typed string) (head, word string) {
	i := strings.LastIndexAny(typed, " ,") + 1
	rest := strings.TrimPrefix(typed[i:], "@")
	if depth, after, ok := strings.Cut(rest, "+"); ok && strings.Trim(depth, "0123456789") == "" {
		rest = after
	}
	return typed[:len(typed)-len(rest)], rest
}
