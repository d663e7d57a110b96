package cli

import (
	"context"
	"slices"
	"strings"

	"exposync/internal/config"
	"exposync/internal/coverage"
	"exposync/internal/dbt"
	"exposync/internal/job"
	"exposync/internal/plan"
)

// measure puts together everything that speaks about the project.
func (s *session) measure(ctx context.Context, f *coverageFlags, limits map[string]config.Threshold) (coverage.Report, error) {
	if s.hasLedger() {
		if err := s.openLedger(ctx); err != nil {
			return coverage.Report{}, err
		}
	}
	if err := s.gather(ctx); err != nil {
		return coverage.Report{}, err
	}
	in := s.coverageInput()
	var err error
	if in.Catalog, err = s.loadCatalog(ctx, f.catalog); err != nil {
		return coverage.Report{}, err
	}
	if in.Last, err = s.lastSyncs(ctx); err != nil {
		return coverage.Report{}, err
	}
	if f.online {
		in.Hosted = s.inventory(ctx)
	}
	in.Gate, in.Runs = s.facts, len(s.runs) > 0
	in.Settings = s.coverageSettings(limits)
	r := coverage.Measure(coverage.Collect(in))
	r.Selection = slices.Concat(s.a.flags.selects, s.a.flags.excludes)
	return r, nil
}

// coverageInput is what the project itself says: enough for the facts that
// coverage and lint share.
func (s *session) coverageInput() coverage.Input {
	in := coverage.Input{
		Project: s.project, Jobs: s.set.Jobs, Declared: declaredOf(s.set, s.project), Files: s.readFile, Now: s.a.env.Now(),
		IsExport: func(n *dbt.Node) bool { return s.config.Exports.Has(n.Name, n.Path, n.Tags) },
		NodeIgnores: func(meta []byte, where string) ([]coverage.Ignore, []string) {
			found, mistakes := job.Ignores(meta, where)
			return ignoresOf(found), mistakes
		},
	}
	if s.chosen != nil {
		in.Selected = func(id string) bool {
			if x := s.project.Exposures[id]; x != nil {
				return s.selects(x, "")
			}
			return s.chosen[id]
		}
	}
	return in
}

// coverageSettings lays the flags over exposync.yml.
func (s *session) coverageSettings(limits map[string]config.Threshold) coverage.Settings {
	c := s.config.Coverage
	out := coverage.Settings{
		Weights: c.Weights, ViewDepth: c.ViewDepth, EnumColumns: c.EnumColumns,
		FailUnder: map[string]coverage.Threshold{}, Required: map[string]string{},
	}
	for _, from := range []map[string]config.Threshold{c.FailUnder, limits} {
		for name, t := range from {
			out.FailUnder[name] = coverage.Threshold{Share: t.Share, Where: s.a.shown(t.Where)}
		}
	}
	for name, where := range c.Required {
		out.Required[name] = s.a.shown(where)
	}
	return out
}

// loadCatalog reads the catalog of the flag, else the one beside the manifest;
// nil if there is none.
func (s *session) loadCatalog(ctx context.Context, named string) (*dbt.Catalog, error) {
	path := named
	if path == "" {
		beside := beside(s.a.pathOf(s.project.File), "catalog.json")
		if path = strings.Join(existing(beside), ""); path == "" {
			return nil, nil //nolint:nilnil // without a catalog less is said
		}
	}
	c, err := dbt.LoadCatalog(ctx, s.a.pathOf(path))
	if err != nil {
		return nil, err
	}
	c.File = s.a.shown(c.File)
	return c, nil
}

// lastSyncs gives the newest run of every job, as far as the ledger knows one
// under the session's target.
func (s *session) lastSyncs(ctx context.Context) (map[string]coverage.LastSync, error) {
	if s.ledger == nil {
		return nil, nil //nolint:nilnil // nothing is remembered
	}
	out := map[string]coverage.LastSync{}
	for _, j := range s.set.Jobs {
		runs, err := s.ledger.Runs(ctx, j.Project, j.ID)
		if err != nil {
			return nil, err
		}
		last := coverage.LastSync{}
		for _, r := range runs { // newest first
			if s.target != "" && r.Target != s.target {
				continue
			}
			if last.RunID == "" {
				last.RunID, last.Status, last.EndedAt = r.ID, string(r.Status), r.EndedAt
			}
			if r.Status == plan.Success && last.Success.IsZero() {
				last.Success = r.EndedAt
			}
		}
		if last.RunID != "" {
			out[j.ID] = last
		}
	}
	return out, nil
}
