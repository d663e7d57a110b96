// Package job turns what exposures say under `exposync:` into jobs. It
// collects everything that is wrong, with the file and line where the YAML is
// at hand, and decides nothing about whether a job may run.
package job

import (
	"maps"
	"slices"
	"strings"
	"time"

	"exposync/internal/config"
	"exposync/internal/dbt"
	"exposync/internal/fault"
	"exposync/internal/plan"
)

// Options are what Build needs to know beside the project and exposync.yml.
type Options struct {
	// Target is the dbt target that was resolved, see ResolveTarget; empty if
	// nothing is known about it, then connections are only checked by name.
	Target string
	// Files reads a file of the dbt project by its path in the manifest, to
	// tell the lines of problems; it may be nil.
	Files func(path string) ([]byte, error)
}

// Set is everything that the exposures of a project declare.
type Set struct {
	Jobs      []plan.Job // by ID
	Exposures []Exposure // every enabled exposure, by unique_id
}

// Exposure is what Exposync's metadata says about one exposure as a whole.
type Exposure struct {
	ID       string // unique_id
	Name     string
	Where    string   // file:line as far as known
	Jobs     []string // the IDs of its jobs
	Watched  string   // the tool whose sync its url shows; empty if the url shows none
	Gate     GateOverride
	SLA      time.Duration // of the exposure as a whole; 0: nobody said
	Ignores  []Ignore
	Problems fault.List // of its own metadata: the gate blocks the exposure as a whole
}

// Build gives the jobs that the exposures declare. Only application exposures
// with an `exposync:` block have jobs. What is wrong with a job stands in its
// Problems; a fault that several jobs share is one pointer in all of them.
func Build(project *dbt.Project, cfg *config.Config, opt Options) Set {
	b := newBuilder(project, cfg, opt)
	var set Set
	for _, id := range slices.Sorted(maps.Keys(project.Exposures)) {
		e, jobs := b.exposure(project.Exposures[id])
		for i := range jobs {
			e.Jobs = append(e.Jobs, jobs[i].ID)
		}
		set.Exposures = append(set.Exposures, e)
		set.Jobs = append(set.Jobs, jobs...)
	}
	slices.SortStableFunc(set.Jobs, func(a, b plan.Job) int { return strings.Compare(a.ID, b.ID) })
	refuseTwins(set.Jobs)
	refuseSharedSyncs(set.Jobs)
	resolveLookups(set.Jobs)
	refuseWas(set.Jobs, b.was)
	return set
}

// Find gives the job with an ID.
func (s Set) Find(id string) (plan.Job, bool) {
	i := slices.IndexFunc(s.Jobs, func(j plan.Job) bool { return j.ID == id })
	if i < 0 {
		return plan.Job{}, false
	}
	return s.Jobs[i], true
}

// refuseTwins reports jobs with one ID: they would share one memory.
func refuseTwins(jobs []plan.Job) {
	for i := 1; i < len(jobs); i++ {
		a, b := &jobs[i-1], &jobs[i]
		if a.ID != b.ID {
			continue
		}
		twice := &fault.Fault{
			Code: "job_twice", Kind: fault.Config, Whose: fault.Mapping, Where: b.Where,
			Msg:  "a second sync is called " + b.ID + ": see " + a.Where,
			Hint: "rename one of the exposures or syncs",
		}
		a.Problems, b.Problems = append(a.Problems, twice), append(b.Problems, twice)
	}
}
