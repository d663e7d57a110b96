package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"exposync/internal/dbt"
	"exposync/internal/plan"
	"exposync/internal/platform"
)

// cloudRun is the run of dbt platform that a session answers.
type cloudRun struct {
	*platform.Run
	client *platform.Client
	store  *cloudStore
	files  map[string]string // path of what counts, by name
	steps  []*platform.Step  // of the session's run_results, in their order
	built  []platform.Step   // that built or tested something
	failed []platform.Step   // that should have, and ended before they had results
}

// told is the run in one sentence.
func (c *cloudRun) told(now time.Time) string {
	job := fmt.Sprintf("job %d", c.Job)
	if c.JobName != "" {
		job += fmt.Sprintf(" (%s)", c.JobName)
	}
	text := fmt.Sprintf("dbt platform: run %d of %s ended %s ago with %s", c.ID, job, plan.Age(now.Sub(c.Finished)), c.Status)
	if len(c.built) == 0 {
		return text + "; no step of it built or tested anything"
	}
	text += "; evidence: " + stepNames(c.built)
	if len(c.failed) > 0 {
		text += "; without results: " + stepNames(c.failed)
	}
	return text
}

func stepNames(list []platform.Step) string {
	words := make([]string, len(list))
	for i, step := range list {
		words[i] = step.String()
	}
	return strings.Join(words, ", ")
}

// load fetches what the steps wrote, and reads it.
func (c *cloudRun) load(ctx context.Context, s *session) error {
	newest, err := c.loadResults(ctx, s)
	if err != nil {
		return err
	}
	if err := c.loadManifest(ctx, s, newest); err != nil {
		return err
	}
	if err := c.loadSources(ctx, s); err != nil {
		return err
	}
	_, err = c.last(ctx, platform.Catalog, "docs")
	return err
}

// loadResults reads the run_results of the steps that may prove something, and
// gives the step whose are newest; nil if there are none. Those of dbt docs
// generate are not even fetched: they are large, and say that all is well.
func (c *cloudRun) loadResults(ctx context.Context, s *session) (*platform.Step, error) {
	for i := range c.Steps {
		if !mayProve(c.Steps[i]) {
			continue
		}
		if err := c.readResults(ctx, s, &c.Steps[i]); err != nil {
			return nil, err
		}
	}
	var newest *platform.Step
	var last *dbt.RunResults
	for i, r := range s.runs {
		if last == nil || later(r, last) {
			newest, last = c.steps[i], r
		}
	}
	return newest, nil
}

// mayProve reports whether a step may have built or tested something: what its
// name says, and where that is nothing known, yes.
func mayProve(step platform.Step) bool {
	command := step.Command()
	return step.Builds() || command == "retry" || command == "" && !step.Prepares()
}

func (c *cloudRun) readResults(ctx context.Context, s *session, step *platform.Step) error {
	path, err := c.store.get(ctx, *step, platform.RunResults)
	if err != nil {
		return err
	}
	if path == "" {
		if step.Builds() && step.Status == platform.Success {
			return c.client.Missing(c.Run, *step, platform.RunResults)
		}
		if step.Command() != "" && mayProve(*step) {
			c.failed = append(c.failed, *step)
		}
		return nil
	}
	r, err := dbt.LoadRunResults(ctx, path)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(s.runs, func(o *dbt.RunResults) bool { return r.InvocationID != "" && o.InvocationID == r.InvocationID }) {
		return nil // the file of an earlier step, still there when this one ended
	}
	r.File = s.a.shown(r.File)
	if r.Executes() {
		c.built = append(c.built, *step)
		if r.Args.Target == "" {
			r.Args.Target = c.Target // engine v2 does not write it
		}
	}
	s.runs, c.steps = append(s.runs, r), append(c.steps, step)
	return nil
}

// loadManifest reads the manifest of a step; without one that of the last step
// that has any.
func (c *cloudRun) loadManifest(ctx context.Context, s *session, newest *platform.Step) error {
	candidates := []*platform.Step{newest}
	if newest == nil {
		candidates = c.fromTheEnd()
	}
	for _, step := range candidates {
		path, err := c.store.get(ctx, *step, platform.Manifest)
		if err != nil {
			return err
		}
		if path == "" {
			continue
		}
		c.files[string(platform.Manifest)] = path
		if s.project, err = dbt.LoadManifest(ctx, path, s.a.flags.asked().Keep()); err == nil {
			s.project.File = s.a.shown(s.project.File)
		}
		return err
	}
	if newest != nil {
		return c.client.Missing(c.Run, *newest, platform.Manifest)
	}
	return c.client.NoManifest(c.Run)
}

// fromTheEnd are the steps that may have artifacts, the last one first.
func (c *cloudRun) fromTheEnd() []*platform.Step {
	var out []*platform.Step
	for i := range slices.Backward(c.Steps) {
		if !c.Steps[i].Prepares() {
			out = append(out, &c.Steps[i])
		}
	}
	return out
}

// loadSources reads the newest sources.json, unless --sources names another.
func (c *cloudRun) loadSources(ctx context.Context, s *session) error {
	path := ""
	if s.a.flags.sources == "" {
		var err error
		if path, err = c.last(ctx, platform.Sources, "source"); err != nil {
			return err
		}
	}
	return s.loadSources(ctx, path)
}

// last fetches a file of the last step that has it, of those whose name tells
// the command that writes it, or no command; empty if there is none.
func (c *cloudRun) last(ctx context.Context, file platform.File, writer string) (string, error) {
	for _, step := range c.fromTheEnd() {
		if command := step.Command(); command != writer && command != "" {
			continue
		}
		path, err := c.store.get(ctx, *step, file)
		if err != nil || path != "" {
			c.files[string(file)] = path
			return path, err
		}
	}
	return "", nil
}
