package cli

import (
	"context"
	"fmt"
	"path/filepath"
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
	files  map[string]string // path of what counts, by name
	all    []*cloudStep      // of the runs that it goes on with, and its own, in order
	read   []*cloudStep      // those of the session's run_results
	built  []*cloudStep      // those that built or tested something
	failed []*cloudStep      // those that should have, and ended before they had results
}

// cloudStep is a step with the place of what it wrote.
type cloudStep struct {
	platform.Step
	run   *platform.Run
	store *cloudStore
}

// add adds the steps of a run that may have artifacts.
func (c *cloudRun) add(run *platform.Run, store *cloudStore) {
	for _, step := range run.Steps {
		if !step.Prepares() {
			c.all = append(c.all, &cloudStep{step, run, store})
		}
	}
	// What no step has is not there: never the file of another run in target/.
	for _, file := range []platform.File{platform.Manifest, platform.RunResults, platform.Sources, platform.Catalog} {
		c.files[string(file)] = filepath.Join(store.dir, string(file))
	}
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
	text += "; evidence: " + c.named(c.built)
	if len(c.failed) > 0 {
		text += "; without results: " + c.named(c.failed)
	}
	return text
}

func (c *cloudRun) named(list []*cloudStep) string {
	words := make([]string, len(list))
	for i, step := range list {
		words[i] = step.String()
		if step.run != c.Run {
			words[i] += fmt.Sprintf(" of run %d, which it goes on with", step.run.ID)
		}
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
	return c.findCatalog(ctx)
}

// loadResults reads the run_results of the steps that may prove something, and
// gives the step whose are newest; nil if there are none. Those of dbt docs
// generate are not even fetched: they are large, and say that all is well.
func (c *cloudRun) loadResults(ctx context.Context, s *session) (*cloudStep, error) {
	for _, step := range c.all {
		if !mayProve(step.Step) {
			continue
		}
		if err := c.readResults(ctx, s, step); err != nil {
			return nil, err
		}
	}
	var newest *cloudStep
	var last *dbt.RunResults
	for i, r := range s.runs {
		if last == nil || later(r, last) {
			newest, last = c.read[i], r
		}
	}
	return newest, nil
}

// mayProve reports whether a step may have built or tested something: what its
// name says, and where that is nothing known, yes.
func mayProve(step platform.Step) bool {
	command := step.Command()
	return step.Builds() || command == "retry" || command == ""
}

func (c *cloudRun) readResults(ctx context.Context, s *session, step *cloudStep) error {
	path, err := step.store.get(ctx, step.Step, platform.RunResults)
	if err != nil {
		return err
	}
	if path == "" {
		if step.Builds() && step.Status == platform.Success {
			return c.client.Missing(step.run, step.Step, platform.RunResults)
		}
		if step.Command() != "" {
			c.failed = append(c.failed, step)
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
		c.built = append(c.built, step)
		if r.Args.Target == "" {
			r.Args.Target = step.run.Target // engine v2 does not write it
		}
	}
	s.runs, c.read = append(s.runs, r), append(c.read, step)
	return nil
}

// loadManifest reads the manifest of a step; without one that of the last step
// that has any.
func (c *cloudRun) loadManifest(ctx context.Context, s *session, newest *cloudStep) error {
	candidates := []*cloudStep{newest}
	if newest == nil {
		candidates = c.all
	}
	for _, step := range slices.Backward(candidates) {
		path, err := step.store.get(ctx, step.Step, platform.Manifest)
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
		return c.client.Missing(newest.run, newest.Step, platform.Manifest)
	}
	return c.client.NoManifest(c.Run)
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
	if path != "" {
		c.files[string(platform.Sources)] = path
	}
	return s.loadSources(ctx, path)
}

// findCatalog lays the newest catalog beside the manifest, where it is looked
// for.
func (c *cloudRun) findCatalog(ctx context.Context) error {
	path, err := c.last(ctx, platform.Catalog, "docs")
	if err != nil || path == "" {
		return err
	}
	name := string(platform.Catalog)
	c.files[name] = beside(c.files[string(platform.Manifest)], name)
	return layBeside(path, c.files[name])
}

// last fetches a file of the last step that has it, of those whose name tells
// the command that writes it, or no command; empty if there is none.
func (c *cloudRun) last(ctx context.Context, file platform.File, writer string) (string, error) {
	for _, step := range slices.Backward(c.all) {
		if command := step.Command(); command != writer && command != "" {
			continue
		}
		if path, err := step.store.get(ctx, step.Step, file); err != nil || path != "" {
			return path, err
		}
	}
	return "", nil
}
