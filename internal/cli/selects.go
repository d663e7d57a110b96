package cli

import (
	"path"
	"slices"
	"strings"

	"exposync/internal/dbt"
	"exposync/internal/plan"
)

// selects reports whether --select and --exclude leave an exposure, or the
// job of that ID in it.
func (s *session) selects(x *dbt.Exposure, id string) bool {
	f := s.a.flags
	if len(f.selects) > 0 && !slices.ContainsFunc(f.selects, func(sel string) bool { return matches(sel, x, id) }) {
		return false
	}
	return !slices.ContainsFunc(f.excludes, func(sel string) bool { return matches(sel, x, id) })
}

// matches reports whether one selector means the exposure or the job. A
// selector of a job's ID also means its exposure where exposures are listed.
func matches(selector string, x *dbt.Exposure, id string) bool {
	method, value, found := strings.Cut(selector, ":")
	if !found {
		method, value = "exposure", selector
	}
	switch method {
	case "exposure":
		if glob(value, x.Name) || glob(value, x.Package+"."+x.Name) {
			return true
		}
		exposure, _, _ := strings.Cut(value, ".")
		return glob(value, id) || id == "" && strings.Contains(value, ".") && glob(exposure, x.Name)
	case "tag":
		return slices.ContainsFunc(x.Tags, func(t string) bool { return glob(value, t) })
	}
	return false
}

func glob(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}

// checkSelectors refuses selectors of a method that this version does not
// know: they would silently select nothing.
func (a *app) checkSelectors() error {
	for _, sel := range slices.Concat(a.flags.selects, a.flags.excludes) {
		method, _, found := strings.Cut(sel, ":")
		if found && method != "exposure" && method != "tag" {
			return usage("exposync ls", "selector %q: this version knows names of exposures and jobs, exposure: and tag:", sel)
		}
		if strings.ContainsAny(sel, "+@") {
			return usage("exposync ls", "selector %q: this version has no graph operators", sel)
		}
	}
	return nil
}

// named reports whether the job was selected by its very name.
func (s *session) named(j plan.Job) bool {
	return s.namedExposure(s.project.Exposures[j.Exposure]) || slices.Contains(s.a.flags.selects, j.ID)
}

func (s *session) namedExposure(x *dbt.Exposure) bool {
	return slices.ContainsFunc(s.a.flags.selects, func(sel string) bool {
		return strings.TrimPrefix(sel, "exposure:") == x.Name || strings.HasPrefix(sel, x.Name+".")
	})
}
