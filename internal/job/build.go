package job

import (
	"slices"
	"strings"

	"exposync/internal/config"
	"exposync/internal/dbt"
	"exposync/internal/fault"
	"exposync/internal/plan"
	"exposync/internal/yamlx"
)

// builder builds the jobs of one project.
type builder struct {
	project *dbt.Project
	cfg     *config.Config
	target  string
	lines   *lines
	was     map[string]string // where `was` of a job stands
	setup   *fault.Fault      // why no connection of the target can be told, shared by all jobs
}

func newBuilder(project *dbt.Project, cfg *config.Config, opt Options) *builder {
	return &builder{
		project: project, cfg: cfg, target: opt.Target,
		lines: &lines{project: project, files: opt.Files}, was: map[string]string{},
		setup: targetFault(cfg, opt.Target),
	}
}

// exposure reads one exposure with its jobs.
func (b *builder) exposure(e *dbt.Exposure) (Exposure, []plan.Job) {
	src := b.lines.of(e)
	out := Exposure{ID: e.UniqueID, Name: e.Name, Where: src.place(nil).Where, Watched: Watched(e.URL)}
	node := metaOf(e.Meta).Get("exposync")
	if node == nil {
		return out, b.urged(e, nil, spec{}, src, &out)
	}
	r := config.NewReader(node, fault.Mapping, src.place)
	if node.Kind != yamlx.Map {
		if node.Kind == yamlx.Null {
			r.Fault("", "setting_invalid", "write `to:`, `key:` and `fields:` below it, or remove it", "exposync is empty")
		}
		job := b.start(e, "", r)
		out.Problems = r.Problems()
		job.Problems = out.Problems
		return out, []plan.Job{job}
	}
	if e.Type != "application" {
		r.Fault("", "not_application", "set `type: application`, or remove the exposync block",
			"is of type %s: only application exposures are synced", e.Type)
	}
	base := readSpec(r, src)
	out.Gate = readGate(r.Map("gate"))
	out.Ignores, out.SLA = readIgnores(r), base.sla
	urges := r.Bool("trigger_urls")
	syncs := r.Map("syncs")
	several := r.Has("syncs")
	r.Later("notify")
	r.Done()
	out.Problems = r.Problems()

	if several {
		return out, b.several(e, base, syncs, src, &out)
	}
	if declaresNone(node) && len(out.Problems) == 0 {
		return out, b.urged(e, urges, base, src, &out)
	}
	job := b.start(e, "", r)
	job.Was = formerIDs(e.Name, "", base.was, nil)
	b.was[job.ID] = r.Place("was").Where
	own, setup := b.finish(&job, base, r, e)
	out.Problems = append(out.Problems, own...)
	job.Problems = slices.Concat(out.Problems, setup)
	return out, []plan.Job{job}
}

// several reads the jobs under syncs:. A fault in one of them blocks that one
// alone.
func (b *builder) several(e *dbt.Exposure, base spec, syncs *config.Reader, src source, exposure *Exposure) []plan.Job {
	var jobs []plan.Job
	for name := range syncs.Entries() {
		r := syncs.Map(name)
		job := b.start(e, name, r)
		if !validName(name) {
			r.Fault("", "setting_invalid", "rename it", "a sync's name has only letters, digits, _ and -")
		}
		own := readSpec(r, src)
		if r.Has("gate") {
			r.Fault("gate", "setting_invalid", "move it up to exposync: of the exposure",
				"one verdict counts for all syncs of an exposure")
		}
		if r.Has("ignore") {
			r.Fault("ignore", "setting_invalid", "move it up to exposync: of the exposure", "what is ignored is ignored for the whole exposure")
		}
		r.Later("notify")
		r.Done()
		problems := r.Problems()
		job.Was = formerIDs(e.Name, name, base.was, own.was)
		b.was[job.ID] = r.Place("was").Where
		more, setup := b.finish(&job, own.over(base), r, e)
		job.Problems = slices.Concat(exposure.Problems, problems, more, setup)
		jobs = append(jobs, job)
	}
	if len(jobs) == 0 && len(exposure.Problems) == 0 {
		syncs.Fault("", "setting_missing", "name each sync below syncs:", "declares no sync")
		exposure.Problems = syncs.Problems()
	}
	if len(jobs) == 0 {
		job := b.start(e, "", syncs)
		job.Problems = exposure.Problems
		jobs = append(jobs, job)
	}
	return jobs
}

// start gives a job that knows who it is.
func (b *builder) start(e *dbt.Exposure, sync string, r *config.Reader) plan.Job {
	job := plan.Job{
		ID: e.Name, Exposure: e.UniqueID, Sync: sync, Project: b.project.Name,
		Where: r.Place("").Where, Target: b.target,
	}
	if sync != "" {
		job.ID += "." + sync
	}
	return job
}

// finish fills the job from its spec. It gives the faults of the metadata and
// those of the set-up, which are no fault of the exposure.
func (b *builder) finish(job *plan.Job, s spec, r *config.Reader, e *dbt.Exposure) (own, setup fault.List) {
	if s.isHosted() {
		return b.finishHosted(job, s, r, e)
	}
	s.fill(job)
	s.require(r)
	job.Incremental = s.incremental(r, job.Mode)
	job.Source = b.source(r, e, s.from)
	setup = b.connect(job, s.to, r)
	return r.Problems(), setup
}

// declaresNone reports whether a block holds nothing that makes a sync: then the
// exposure is judged and counted, and not synced.
func declaresNone(n *yamlx.Node) bool {
	return len(n.Pairs) > 0 && !slices.ContainsFunc(n.Pairs, func(p yamlx.Pair) bool {
		return !slices.Contains([]string{"gate", "ignore", "sla", "trigger_urls"}, p.Key)
	})
}

func validName(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
}
