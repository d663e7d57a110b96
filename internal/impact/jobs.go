package impact

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"exposync/internal/fault"
	"exposync/internal/plan"
)

// pairRenamedJobs follows `was:` of today's syncs to those of before, and to
// their exposures.
func (c *comparison) pairRenamedJobs() {
	for _, j := range c.after.Jobs.Jobs {
		if _, same := c.before.Jobs.Find(j.ID); same {
			continue
		}
		for _, id := range j.Was {
			was, ok := c.before.Jobs.Find(id)
			_, stays := c.after.Jobs.Find(id)
			if !ok || stays {
				continue
			}
			c.renamed[was.ID], c.was[j.ID] = j.ID, was.ID
			if c.after.Project.Exposures[was.Exposure] == nil && c.before.Project.Exposures[j.Exposure] == nil {
				c.renamed[was.Exposure], c.was[j.Exposure] = j.Exposure, was.Exposure
			}
			break
		}
	}
}

// jobs compares the syncs that exposures declare.
func (c *comparison) jobs() {
	for _, was := range c.before.Jobs.Jobs {
		if _, ok := c.after.Jobs.Find(cmp.Or(c.renamed[was.ID], was.ID)); !ok {
			c.goneJob(was)
		}
	}
	for _, is := range c.after.Jobs.Jobs {
		was, ok := c.before.Jobs.Find(c.formerly(is.ID))
		if !ok {
			c.jobChange("job_added", is, "", "", target(is), "sync %s is new", is.ID)
			continue
		}
		c.job(was, is)
	}
}

// goneJob tells of a sync that is gone, and of what looks like it.
func (c *comparison) goneJob(was plan.Job) {
	message := "sync " + was.ID + " is gone"
	alike := slices.IndexFunc(c.after.Jobs.Jobs, func(is plan.Job) bool {
		_, old := c.before.Jobs.Find(c.formerly(is.ID))
		return !old && is.Source.Node == was.Source.Node && target(is) == target(was)
	})
	if alike >= 0 {
		message += ", and looks renamed to " + c.after.Jobs.Jobs[alike].ID + ": without `was: " + was.ID + "` everything is sent again"
	}
	file, line := place("", c.pathOf(was))
	c.add(Change{Kind: "job_removed", Subject: was.Exposure, Job: was.ID, Before: target(was), File: file, Line: line, Message: message})
}

func (c *comparison) pathOf(j plan.Job) string {
	for _, p := range []*Side{&c.after, &c.before} {
		if e := p.Project.Exposures[j.Exposure]; e != nil {
			return e.Path
		}
	}
	return ""
}

func (c *comparison) jobChange(kind Kind, is plan.Job, field, before, after, format string, args ...any) {
	file, line := place(is.Where, c.pathOf(is))
	c.add(Change{
		Kind: kind, Subject: is.Exposure, Job: is.ID, Column: field, Before: before, After: after,
		File: file, Line: line, Message: fmt.Sprintf(format, args...),
	})
}

// target is where a sync goes: connection.object, or connection/id in a hosted
// tool.
func target(j plan.Job) string {
	between := "."
	if j.Hosted != nil {
		between = "/"
	}
	return strings.Trim(j.Connection+between+j.Object, between)
}

// job compares a sync that both sides have.
func (c *comparison) job(was, is plan.Job) {
	change := func(kind Kind, before, after, format string, args ...any) {
		c.jobChange(kind, is, "", before, after, "sync "+is.ID+" "+format, args...)
	}
	if was.ID != is.ID {
		change("job_renamed", was.ID, is.ID, "was %s", was.ID)
	}
	if a, b := target(was), target(is); a != b {
		kind := Kind("job_destination_changed")
		if was.Hosted != nil && is.Hosted != nil {
			kind = "hosted_changed"
		}
		change(kind, a, b, "goes to %s now, was %s", orNothing(b), orNothing(a))
	}
	if a, b := was.Source.Node, is.Source.Node; cmp.Or(c.renamed[a], a) != b && b != "" {
		change("job_source_changed", lastName(a), lastName(b), "reads %s now, was %s", lastName(b), orNothing(lastName(a)))
	}
	if was.Hosted == nil && is.Hosted == nil {
		c.jobKey(was, is)
		c.jobMode(was, is, change)
		c.jobFields(was, is)
	}
	c.jobLimits(was, is, change)
	c.jobSettings(was, is, change)
	c.jobProblems(was, is)
}

// jobKey compares the fields that identify a record, and where they come from.
func (c *comparison) jobKey(was, is plan.Job) {
	a, b := keyFields(was), keyFields(is)
	if !slices.Equal(a, b) {
		c.jobChange("job_key_changed", is, "", strings.Join(a, ", "), strings.Join(b, ", "),
			"sync %s has the key %s now, was %s", is.ID, orNothing(strings.Join(b, ", ")), orNothing(strings.Join(a, ", ")))
		return
	}
	for i := range is.Key {
		before, after := keyText(was.Key[i]), keyText(is.Key[i])
		if before == after {
			continue
		}
		kind := Kind("job_key_source_changed")
		if c.follows(was, is, was.Key[i].Column, is.Key[i].Column) {
			kind = "job_field_changed"
		}
		c.jobChange(kind, is, is.Key[i].Field, withoutTokens(before), withoutTokens(after),
			"sync %s fills the key field %s with %s now, was %s", is.ID, is.Key[i].Field, withoutTokens(after), withoutTokens(before))
	}
}

func keyFields(j plan.Job) []string {
	var out []string
	for _, k := range j.Key {
		out = append(out, k.Field)
	}
	return out
}

// follows reports whether a mapping names a column by the name that it looks
// renamed to, and nothing else about it changed: then the values are the same.
func (c *comparison) follows(was, is plan.Job, before, after string) bool {
	if before == "" || after == "" || was.Source.Node != is.Source.Node {
		return false
	}
	return slices.ContainsFunc(c.changes, func(ch Change) bool {
		return ch.Kind == "column_renamed" && ch.Subject == is.Source.Node && fold(ch.Column) == fold(before) &&
			strings.EqualFold(strings.SplitN(ch.After, " ", 2)[0], after)
	})
}

func (c *comparison) jobMode(was, is plan.Job, change adder) {
	if was.Mode == is.Mode {
		return
	}
	kind := Kind("job_mode_changed")
	switch is.Mode {
	case plan.Mirror:
		kind = "job_mode_mirror"
	case plan.Append:
		kind = "job_mode_append"
	case plan.Upsert, plan.Update, plan.Insert:
	}
	change(kind, string(was.Mode), string(is.Mode), "has mode %s now, was %s", is.Mode, was.Mode)
}

// jobFields compares what each field of the destination is filled with.
func (c *comparison) jobFields(was, is plan.Job) {
	before, after := c.fieldTexts(then, was), c.fieldTexts(now, is)
	sets := !was.AllFields || !is.AllFields // else a column more or less is told by itself
	for _, f := range before {
		i := slices.IndexFunc(after, func(o fieldSaid) bool { return o.name == f.name })
		switch {
		case i < 0 && sets:
			c.jobChange("job_field_removed", is, f.name, withoutTokens(f.text), "", "sync %s no longer fills %s", is.ID, f.name)
		case i >= 0 && f.text != after[i].text:
			c.jobChange("job_field_changed", is, f.name, withoutTokens(f.text), withoutTokens(after[i].text), "sync %s fills %s with %s now, was %s", is.ID, f.name, withoutTokens(after[i].text), withoutTokens(f.text))
		}
	}
	for _, f := range after {
		if !slices.ContainsFunc(before, func(o fieldSaid) bool { return o.name == f.name }) && sets {
			c.jobChange("job_field_added", is, f.name, "", withoutTokens(f.text), "sync %s fills %s, too, with %s", is.ID, f.name, withoutTokens(f.text))
		}
	}
}

// jobProblems tells of syncs that can no longer run, or can again. What
// exposync.yml lacks is the same on both sides.
func (c *comparison) jobProblems(was, is plan.Job) {
	count := map[string]int{}
	before, after := mistakes(was), mistakes(is)
	for _, p := range before {
		count[p.Code]++
	}
	for _, p := range after {
		if count[p.Code]--; count[p.Code] < 0 {
			c.jobChange("job_invalid", is, "", "", p.Code, "sync %s cannot run: %s", is.ID, p.Msg)
		}
	}
	if len(before) > 0 && len(after) == 0 {
		c.jobChange("job_mended", is, "", before[0].Code, "", "sync %s has no mistake any more", is.ID)
	}
}

// mistakes are those of the metadata.
func mistakes(j plan.Job) fault.List {
	return slices.DeleteFunc(slices.Clone(j.Problems), func(f *fault.Fault) bool { return f.Whose == fault.Setup })
}
