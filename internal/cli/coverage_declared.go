package cli

import (
	"exposync/internal/coverage"
	"exposync/internal/dbt"
	"exposync/internal/job"
)

// declaredOf is what exposures say, as coverage wants it.
func declaredOf(set job.Set, project *dbt.Project) map[string]coverage.Declared {
	out := map[string]coverage.Declared{}
	for _, x := range set.Exposures {
		page, _ := job.PageOf(project.Exposures[x.ID].URL)
		out[x.ID] = coverage.Declared{Where: x.Where, Watched: x.Watched, Sync: page.Sync, SLA: x.SLA, Ignores: ignoresOf(x.Ignores)}
	}
	return out
}

func ignoresOf(list []job.Ignore) []coverage.Ignore {
	out := make([]coverage.Ignore, 0, len(list))
	for _, i := range list {
		out = append(out, coverage.Ignore(i))
	}
	return out
}
