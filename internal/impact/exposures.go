package impact

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"exposync/internal/dbt"
	"exposync/internal/job"
	"exposync/internal/plan"
)

// exposures compares what exposures say about themselves; their syncs are
// compared in jobs.
func (c *comparison) exposures() {
	c.pairRenamedJobs()
	before, after := declaredBy(c.before), declaredBy(c.after)
	for _, id := range slices.Sorted(maps.Keys(c.before.Project.Exposures)) {
		if c.after.Project.Exposures[id] == nil && c.renamed[id] == "" {
			c.goneExposure(c.before.Project.Exposures[id])
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.after.Project.Exposures)) {
		is, was := c.after.Project.Exposures[id], c.before.Project.Exposures[c.formerly(id)]
		if was == nil {
			c.newExposure(is, after[id])
			continue
		}
		c.exposure(was, is, before[was.UniqueID], after[id])
	}
}

func declaredBy(s Side) map[string]job.Exposure {
	out := make(map[string]job.Exposure, len(s.Jobs.Exposures))
	for _, x := range s.Jobs.Exposures {
		out[x.ID] = x
	}
	return out
}

func (c *comparison) goneExposure(e *dbt.Exposure) {
	kind, word := Kind("exposure_removed"), "is gone"
	if _, off := c.after.Project.Disabled[e.UniqueID]; off {
		kind, word = "exposure_disabled", "is disabled"
	}
	c.add(Change{Kind: kind, Subject: e.UniqueID, File: slashes(e.Path), Message: "exposure " + e.Name + " " + word})
}

func (c *comparison) newExposure(e *dbt.Exposure, x job.Exposure) {
	kind, word := Kind("exposure_added"), "is new"
	if _, off := c.before.Project.Disabled[e.UniqueID]; off {
		kind, word = "exposure_enabled", "is enabled"
	}
	file, line := place(x.Where, e.Path)
	c.add(Change{Kind: kind, Subject: e.UniqueID, File: file, Line: line, Message: "exposure " + e.Name + " " + word})
}

// exposure compares one that both sides have.
func (c *comparison) exposure(was, is *dbt.Exposure, declaredThen, declaredNow job.Exposure) {
	file, line := place(declaredNow.Where, is.Path)
	add := func(kind Kind, before, after, format string, args ...any) {
		c.add(Change{
			Kind: kind, Subject: is.UniqueID, Before: before, After: after, File: file, Line: line,
			Message: "exposure " + is.Name + " " + fmt.Sprintf(format, args...),
		})
	}
	if was.UniqueID != is.UniqueID {
		add("exposure_renamed", was.Name, is.Name, "was %s", was.Name)
	}
	if was.Type != is.Type {
		add("exposure_retyped", was.Type, is.Type, "is of type %s now, was %s", is.Type, was.Type)
	}
	if was.URL != is.URL {
		kind := Kind("url_changed")
		if len(declaredNow.Jobs) == 0 && watchedSync(was.URL) != watchedSync(is.URL) {
			kind = "hosted_changed"
		}
		add(kind, was.URL, is.URL, "has another url")
	}
	if a, b := ownerText(was), ownerText(is); a != b {
		add("owner_changed", a, b, "belongs to %s now, was %s", orNobody(b), orNobody(a))
	}
	if was.Maturity != is.Maturity {
		add("maturity_changed", was.Maturity, is.Maturity, "has maturity %s now, was %s", orNothing(is.Maturity), orNothing(was.Maturity))
	}
	if was.Description != is.Description || was.Label != is.Label {
		add("exposure_described", "", "", "is described in other words")
	}
	if was.Path != is.Path {
		c.add(Change{Kind: "file_moved", Subject: is.UniqueID, Before: was.Path, After: is.Path, File: file, Line: line, Message: "exposure " + is.Name + " stands in another file"})
	}
	if a, b := declaredThen.SLA, declaredNow.SLA; a != b {
		add("sla_changed", slaText(a), slaText(b), "has sla %s now, was %s", slaText(b), slaText(a))
	}
	if a, b := ignored(declaredThen), ignored(declaredNow); !slices.Equal(a, b) {
		add("ignore_changed", strings.Join(a, ", "), strings.Join(b, ", "), "ignores %s now, was %s", orNothing(strings.Join(b, ", ")), orNothing(strings.Join(a, ", ")))
	}
	c.dependencies(was, is, add)
	c.gate(declaredThen.Gate, declaredNow.Gate, add)
}

// watchedSync is the sync of a hosted tool that a url shows; empty if it shows none.
func watchedSync(url string) string {
	page, ok := job.PageOf(url)
	if !ok {
		return ""
	}
	return page.Tool + "/" + page.Sync
}

func slaText(d time.Duration) string {
	if d == 0 {
		return "none"
	}
	return plan.Age(d)
}

// ignored are the checks that an exposure passes over.
func ignored(x job.Exposure) []string {
	var out []string
	for _, i := range x.Ignores {
		out = append(out, strings.TrimSpace(i.Check+" "+day(i.Until)))
	}
	slices.Sort(out)
	return out
}

type adder func(kind Kind, before, after, format string, args ...any)

func (c *comparison) dependencies(was, is *dbt.Exposure, add adder) {
	before := map[string]bool{}
	for _, id := range was.DependsOn {
		before[cmp.Or(c.renamed[id], id)] = true
	}
	for _, id := range slices.Sorted(maps.Keys(before)) {
		if !slices.Contains(is.DependsOn, id) {
			add("dependency_removed", id, "", "no longer depends on %s", lastName(id))
		}
	}
	for _, id := range slices.Compact(slices.Sorted(slices.Values(is.DependsOn))) {
		if !before[id] {
			add("dependency_added", "", id, "depends on %s, too", lastName(id))
		}
	}
}

// gate compares what an exposure says about its own gate.
func (c *comparison) gate(was, is job.GateOverride, add adder) {
	if keys := differingFields(was.Gate, is.Gate); len(keys) > 0 {
		add("gate_changed", "", "", "says something else about its gate: %s", strings.Join(keys, ", "))
	}
	until := map[string]time.Time{}
	for _, w := range was.Waive {
		until[w.Node] = w.Until
	}
	for _, w := range is.Waive {
		before, had := until[w.Node]
		if !had || w.Until.After(before) {
			add("waiver_added", day(before), day(w.Until), "waives %s until %s", w.Node, day(w.Until))
		}
		delete(until, w.Node)
	}
	for _, node := range slices.Sorted(maps.Keys(until)) {
		add("waiver_removed", day(until[node]), "", "no longer waives %s", node)
	}
}

// differingFields names the fields of two values of a struct that differ, as
// YAML spells them.
func differingFields(was, is any) []string {
	a, b := reflect.ValueOf(was), reflect.ValueOf(is)
	var out []string
	for i := range a.NumField() {
		if a.Type().Field(i).IsExported() && !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			out = append(out, snake(a.Type().Field(i).Name))
		}
	}
	return out
}

func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// ownerText is who an exposure belongs to.
func ownerText(e *dbt.Exposure) string {
	text := e.OwnerName
	if len(e.OwnerEmails) > 0 {
		text = strings.TrimSpace(text + " <" + strings.Join(e.OwnerEmails, ", ") + ">")
	}
	return text
}

func orNobody(text string) string { return cmp.Or(text, "nobody") }

// place reads file:line; where that is not known, path is the file.
func place(where, path string) (file string, line int) {
	if at := strings.LastIndexByte(where, ':'); at > 0 {
		if n, err := strconv.Atoi(where[at+1:]); err == nil {
			return where[:at], n
		}
	}
	return slashes(path), 0
}

// slashes undoes the separators of a manifest that dbt wrote on Windows.
func slashes(path string) string { return strings.ReplaceAll(path, `\`, "/") }

// lastName is a unique_id as people say it: export_customers, dim_products.v2, raw.orders.
func lastName(id string) string {
	parts := strings.SplitN(id, ".", 3)
	return parts[len(parts)-1]
}
