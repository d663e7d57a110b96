package impact

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"exposync/internal/dbt"
)

// governance compares what a model promises to those who use it.
// A contract that differs in columns that were told of is not told of again.
func (c *comparison) governance(was, is *dbt.Node, columnsTold bool) {
	file, line := c.at(is, "")
	add := func(kind Kind, before, after, format string, args ...any) {
		c.add(Change{
			Kind: kind, Subject: is.UniqueID, Before: before, After: after, File: file, Line: line,
			Message: title(is) + " " + fmt.Sprintf(format, args...),
		})
	}
	enforced := func(n *dbt.Node) string { return fmt.Sprintf("enforced: %t", n.ContractEnforced) }
	switch {
	case was.ContractEnforced && !is.ContractEnforced:
		add("contract_removed", enforced(was), enforced(is), "has no enforced contract any more")
	case !was.ContractEnforced && is.ContractEnforced:
		add("contract_added", enforced(was), enforced(is), "has an enforced contract now")
	case is.ContractEnforced && c.differ[is.UniqueID].Contract && !columnsTold:
		add("contract_changed", "", "", "has another contract")
	}
	if a, b := openness(was.Access), openness(is.Access); a > b {
		add("access_narrowed", was.Access, is.Access, "is %s now, was %s", is.Access, was.Access)
	} else if a < b {
		add("access_widened", was.Access, is.Access, "is %s now, was %s", is.Access, was.Access)
	}
	if was.LatestVersion != is.LatestVersion && is.Version == was.LatestVersion {
		add("latest_version_changed", was.LatestVersion, is.LatestVersion, "is not the latest version any more: %s is", is.LatestVersion)
	}
	switch a, b := was.Deprecation, is.Deprecation; {
	case a.Equal(b):
	case b.IsZero() || !a.IsZero() && b.After(a):
		add("deprecation_lifted", day(a), day(b), "stays longer than was said")
	default:
		add("deprecation_set", day(a), day(b), "is deprecated from %s on", day(b))
	}
}

// openness ranks access; a model that says nothing is protected.
func openness(access string) int {
	switch access {
	case "private":
		return 0
	case "public":
		return 2
	}
	return 1
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

// freshness compares what a source promises about its age.
func (c *comparison) freshness(was, is *dbt.Node) {
	a, b := promise(was), promise(is)
	if was.LoadedAt != is.LoadedAt && b != (dbt.Freshness{}) && a != (dbt.Freshness{}) {
		file, line := c.at(is, "")
		c.add(Change{
			Kind: "freshness_changed", Subject: is.UniqueID, Before: was.LoadedAt, After: is.LoadedAt, File: file, Line: line,
			Message: fmt.Sprintf("%s is asked for its age by %s now, was %s", title(is), orNothing(is.LoadedAt), orNothing(was.LoadedAt)),
		})
	}
	if a == b {
		return
	}
	kind, verb := Kind("freshness_tightened"), "promises to be fresher"
	switch {
	case b == dbt.Freshness{}:
		kind, verb = "freshness_removed", "promises no freshness any more"
	case a == dbt.Freshness{}:
		kind, verb = "freshness_added", "promises freshness"
	case later(a.WarnAfter, b.WarnAfter) || later(a.ErrorAfter, b.ErrorAfter):
		kind, verb = "freshness_loosened", "may be later"
	}
	file, line := c.at(is, "")
	c.add(Change{
		Kind: kind, Subject: is.UniqueID, Before: freshnessText(a), After: freshnessText(b), File: file, Line: line,
		Message: fmt.Sprintf("%s %s: %s now, was %s", title(is), verb, orNothing(freshnessText(b)), orNothing(freshnessText(a))),
	})
}

func promise(n *dbt.Node) dbt.Freshness {
	if n.Freshness == nil {
		return dbt.Freshness{}
	}
	return *n.Freshness
}

// later: no limit is later than any.
func later(was, is time.Duration) bool { return was > 0 && (is == 0 || is > was) }

func freshnessText(f dbt.Freshness) string {
	var out []string
	if f.WarnAfter > 0 {
		out = append(out, "warn after "+hours(f.WarnAfter))
	}
	if f.ErrorAfter > 0 {
		out = append(out, "error after "+hours(f.ErrorAfter))
	}
	return strings.Join(out, ", ")
}

func hours(d time.Duration) string {
	switch {
	case d%(24*time.Hour) == 0:
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dm", d/time.Minute)
}

func orNothing(text string) string {
	if text == "" {
		return "nothing"
	}
	return text
}

// elsewhere are keys of config that are compared by themselves, or that change
// nothing in the warehouse.
var elsewhere = []string{
	"enabled", "alias", "schema", "database", "materialized", "contract", "access", "freshness",
	"meta", "tags", "group", "docs", "persist_docs", "description", "packages", "loaded_at_field", "loaded_at_query", "static_analysis",
}

// configKeys are the keys of config whose values changed what dbt builds, sorted.
// A key that only one of two versions of dbt writes says nothing by itself.
func (c *comparison) configKeys(was, is *dbt.Node) []string {
	written := c.differ[is.UniqueID].Configs
	if bytes.Equal(was.Config, is.Config) || !written && !c.sameWorld {
		return nil
	}
	a, b := configOf(was), configOf(is)
	var out []string
	for _, key := range slices.Sorted(maps.Keys(b)) {
		before, had := a[key]
		if !slices.Contains(elsewhere, key) && (had || written) && !reflect.DeepEqual(before, b[key]) {
			out = append(out, key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(a)) {
		if _, has := b[key]; !has && written && !slices.Contains(elsewhere, key) {
			out = append(out, key)
		}
	}
	return out
}

// configOf is a node's config without what is empty.
func configOf(n *dbt.Node) map[string]any {
	var out map[string]any
	if json.Unmarshal(n.Config, &out) != nil {
		return nil // the manifest is valid JSON; a config that is no map says nothing
	}
	maps.DeleteFunc(out, func(_ string, v any) bool {
		switch v := v.(type) {
		case nil:
			return true
		case []any:
			return len(v) == 0
		case map[string]any:
			return len(v) == 0
		}
		return false
	})
	return out
}

// configText shows some keys of a config, without values that are long.
func configText(n *dbt.Node, keys []string) string {
	config := configOf(n)
	var out []string
	for _, key := range keys {
		value, ok := config[key]
		if !ok {
			continue
		}
		text, err := json.Marshal(value)
		if err != nil || len(text) > 80 {
			text = []byte("…")
		}
		out = append(out, key+": "+string(text))
	}
	return strings.Join(out, ", ")
}
