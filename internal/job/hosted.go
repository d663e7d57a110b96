package job

import (
	"fmt"
	"slices"
	"strings"

	"exposync/internal/config"
	"exposync/internal/dbt"
	"exposync/internal/fault"
	"exposync/internal/plan"
)

// directKeys are what only a sync has whose rows Exposync moves itself.
func directKeys() []string {
	return []string{"to", "key", "mode", "fields", "first", "guards", "cursor", "changed_since", "lookback", "full_read", "owned", "on_in_doubt"}
}

// hostedKeys are what only a sync of a hosted tool has.
func hostedKeys() []string { return []string{"hosted", "on_partial", "timeout"} }

func readOnPartial(r *config.Reader) plan.OnPartial {
	word := plan.OnPartial(r.Choice("on_partial", "fail", string(plan.PartialWarns), string(plan.PartialOK)))
	if word == "fail" {
		return plan.PartialFails
	}
	return word
}

func (s spec) isHosted() bool { return slices.Contains(s.set, "hosted") }

// without is the spec of an exposure as a sync inherits it: one that says
// where it goes itself takes nothing of the other kind.
func (s spec) without(own spec) spec {
	drop := []string{}
	switch {
	case own.isHosted():
		drop = directKeys()
	case slices.Contains(own.set, "to"):
		drop = hostedKeys()
	}
	s.set = slices.DeleteFunc(slices.Clone(s.set), func(key string) bool { return slices.Contains(drop, key) })
	return s
}

// refuseHosted reports keys of a hosted sync in a direct one.
func (s spec) refuseHosted(r *config.Reader) {
	for _, key := range hostedKeys() {
		if slices.Contains(s.set, key) {
			r.Fault(key, "setting_conflict", "remove it", "belongs to a sync of a hosted tool, and this one has `to:`")
		}
	}
}

// finishHosted fills in a job that triggers a sync of a hosted tool.
func (b *builder) finishHosted(job *plan.Job, s spec, r *config.Reader, e *dbt.Exposure) (own, setup fault.List) {
	for _, key := range directKeys() {
		if slices.Contains(s.set, key) {
			r.Fault(key, "setting_conflict", "remove it, or remove `hosted:` and let Exposync move the rows itself",
				"says nothing to a hosted sync: the tool decides what it sends")
		}
	}
	s.fill(job)
	job.Mode, job.Guards = "", plan.Guards{}
	job.Hosted = &plan.Hosted{Page: e.URL, Partial: s.partial, Timeout: s.timeout}
	job.Source = b.hostedSource(r, e, s.from)
	if name, sync, ok := b.hostedSync(s.hosted, r, e); ok {
		job.Connection, job.Object, job.Hosted.Sync = name, sync, sync
		setup = b.connectHosted(job, "hosted", r)
	}
	return r.Problems(), setup
}

// hostedSource is the export that the sync reads, as far as the exposure tells:
// the gate judges everything that it depends on, whichever that is.
func (b *builder) hostedSource(r *config.Reader, e *dbt.Exposure, from string) plan.Source {
	if from == "" && r.Node("from") == nil {
		exports := 0
		for _, id := range e.DependsOn {
			if n := b.project.Nodes[id]; n != nil && n.ResourceType == "model" && b.cfg.Exports.Has(n.Name, n.Path, n.Tags) {
				exports++
			}
		}
		if exports != 1 {
			return plan.Source{}
		}
	}
	return b.source(r, e, from)
}

// hostedSync reads hosted: connection/id, or the connection alone with the id
// of the exposure's url.
func (b *builder) hostedSync(said string, r *config.Reader, e *dbt.Exposure) (connection, sync string, ok bool) {
	if strings.TrimSpace(said) == "" {
		return "", "", false // said already
	}
	connection, sync, with := strings.Cut(said, "/")
	if with && connection != "" && sync != "" {
		b.sameAsURL(connection, sync, r, e)
		return connection, sync, true
	}
	page, known := PageOf(e.URL)
	kind, _ := b.cfg.ConnectionType(connection)
	hint := fmt.Sprintf("write hosted: %s/<id of the sync there>", orElse(connection, "hightouch"))
	switch {
	case with || connection == "":
		r.Fault("hosted", "setting_invalid", hint, "%q does not name a tool and a sync", said)
	case !known || kind != "" && page.Tool != kind && page.Tool != connection:
		r.Fault("hosted", "hosted_no_id", hint, "names no sync, and the exposure's url is not one of %s", connection)
	case page.Search:
		r.Fault("hosted", "hosted_no_id", "declare each of its syncs under `syncs:` with `hosted: "+connection+"/<id>`",
			"names no sync, and the exposure's url is a search, which stands for many")
	case page.Sync == "":
		r.Fault("hosted", "hosted_no_id", hint, "names no sync, and the exposure's url holds no id of one")
	default:
		return connection, page.Sync, true
	}
	return "", "", false
}

// sameAsURL reports an id that is another than the url's: one of them sends
// people to the wrong sync.
func (b *builder) sameAsURL(connection, sync string, r *config.Reader, e *dbt.Exposure) {
	page, known := PageOf(e.URL)
	kind, _ := b.cfg.ConnectionType(connection)
	several := len(r.Path("hosted")) > 0 && slices.Contains(r.Path("hosted"), "syncs")
	if known && !several && page.Sync != "" && page.Tool == orElse(kind, connection) && page.Sync != sync {
		r.Fault("hosted", "hosted_url_differs", "correct the one that is wrong",
			"says %s, but the exposure's url shows sync %s", sync, page.Sync)
	}
}

// connectHosted fills in the tool's connection. The faults are those of
// exposync.yml.
func (b *builder) connectHosted(job *plan.Job, key string, r *config.Reader) fault.List {
	var ok bool
	if job.Type, ok = b.cfg.ConnectionType(job.Connection); b.setup != nil {
		return fault.List{b.setup}
	}
	if b.target == "" && ok {
		return nil
	}
	c, ok := b.cfg.Connection(b.target, job.Connection)
	switch {
	case !ok:
		return fault.List{b.noConnection(job.Connection, r.Place(key))}
	case !c.Hosted && c.Type != c.Name: // without any other target a sandbox knows no types
		r.Fault(key, "connection_not_hosted", "write `to: "+job.Connection+".<object>` with `key:` and `fields:`, or name a hosted tool",
			"%s is of type %s: records are written to it, it has no syncs of its own", job.Connection, c.Type)
		return nil
	case !c.Hosted && !c.Sandbox:
		r.Fault(key, "connection_not_hosted", "write `to: "+job.Connection+".<object>` with `key:` and `fields:`, or name a hosted tool",
			"%s is no hosted tool: records are written to it, it has no syncs of its own", job.Connection)
		return nil
	}
	job.Type, job.Sandbox = c.Type, c.Sandbox
	if !c.Sandbox {
		job.Settings = c.Fingerprint()
		return fault.All(c.Problem)
	}
	return nil
}

// urged gives the job of an exposure that declares none, where its url is to
// trigger a sync: because the exposure says so, or the whole project does.
func (b *builder) urged(e *dbt.Exposure, own *bool, base spec, src source, out *Exposure) []plan.Job {
	wanted := b.cfg.TriggerURLs
	if own != nil {
		wanted = *own
	}
	page, known := PageOf(e.URL)
	if !wanted || e.Type != "application" || !known && own == nil {
		return nil
	}
	r := config.NewReader(nil, fault.Mapping, src.place)
	job := b.start(e, "", r)
	base.fill(&job)
	job.Mode, job.Guards = "", plan.Guards{}
	job.Hosted = &plan.Hosted{Page: e.URL, Urged: true}
	job.Source = b.hostedSource(r, e, "")
	var setup fault.List
	switch names := b.cfg.ConnectionsOf(b.target, page.Tool); {
	case !known || page.Sync == "":
		r.Fault("", "hosted_no_id", "write hosted: <connection>/<id of the sync there>, or trigger_urls: false", "trigger_urls is on, but the exposure's url holds no id of a sync")
	case len(names) > 1:
		r.Fault("", "hosted_ambiguous", "write hosted: "+names[0]+"/"+page.Sync, "its url shows a sync of %s, and several connections are of that type: %s", page.Tool, strings.Join(names, ", "))
	default:
		job.Connection, job.Object, job.Hosted.Sync = page.Tool, page.Sync, page.Sync
		if len(names) == 1 {
			job.Connection = names[0]
		}
		setup = b.connectHosted(&job, "", r)
	}
	found := r.Problems()
	out.Problems = append(out.Problems, found...)
	job.Problems = slices.Concat(out.Problems, setup)
	return []plan.Job{job}
}

// refuseSharedSyncs reports jobs that trigger one sync of a hosted tool: each
// would trigger it for the same dbt run.
func refuseSharedSyncs(jobs []plan.Job) {
	first := map[string]*plan.Job{}
	for i := range jobs {
		j := &jobs[i]
		if j.Hosted == nil || j.Connection == "" || j.Object == "" {
			continue
		}
		was := first[j.To()]
		if was == nil {
			first[j.To()] = j
			continue
		}
		j.Problems = append(j.Problems, &fault.Fault{
			Code: "hosted_twice", Kind: fault.Config, Whose: fault.Mapping, Where: j.Where,
			Msg:  j.ID + " triggers " + j.To() + ", and so does " + was.ID + " (" + was.Where + "): one dbt run would trigger it twice",
			Hint: "let one exposure depend on everything that the sync reads, and remove `hosted:` from the other: its url still shows the sync",
		})
	}
}
