package hosted

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// polytomic speaks Polytomic's API for model syncs, as its Go SDK
// (polytomic/polytomic-go, model_sync.go and modelsync/executions) has it.
// Bulk syncs are another family and no business of dbt's exports.
type polytomic struct{ *api }

func polytomicKind() Kind {
	return Kind{
		Name: "polytomic", Title: "Polytomic",
		Params: []Param{
			{Name: "token", Required: true, Secret: true, Doc: "API key of a user."},
			{Name: "workspace", Doc: "Name of the organization, where one connection must be told from another one of the same host."},
			baseURL("https://app.polytomic.com", "Address of Polytomic, without /api."),
			plainHTTP(),
		},
		Check: func(sync string) string {
			if uuid(sync) {
				return ""
			}
			return "the UUID of a model sync"
		},
		Open: openPolytomic,
	}
}

func openPolytomic(cfg Config) (Tool, error) {
	k := polytomicKind()
	set, err := k.settings(cfg)
	if err != nil {
		return nil, err
	}
	p := &polytomic{newAPI(k, cfg, set["base_url"], set["workspace"], set["token"])}
	p.bearer(set["token"])
	return p, nil
}

// Inspect gives a sync.
func (p *polytomic) Inspect(ctx context.Context, sync string) (Sync, error) {
	q := call{what: "look at sync " + sync, path: "/api/syncs/" + part(sync)}
	doc, err := p.read(ctx, q)
	if err != nil {
		return Sync{}, err
	}
	if !strings.EqualFold(text(doc.Get("data.id")), sync) {
		return Sync{}, p.unreadable(q, http.StatusOK, "with something that is not the sync").fault
	}
	return p.sync(doc.Get("data")), nil
}

func (p *polytomic) sync(doc gjson.Result) Sync {
	s := Sync{
		ID: text(doc.Get("id")), Title: text(doc.Get("name")), Schedule: polytomicSchedule(doc.Get("schedule")),
		Model: Model{ID: text(doc.Get("model_ids.0"))}, Object: text(doc.Get("target.object")),
	}
	if a := doc.Get("active"); a.Exists() && !a.Bool() {
		s.Disabled = "inactive"
	}
	for _, path := range []string{"identity.source.field", "fields.#.source.field"} {
		for _, f := range doc.Get(path).Array() {
			if name := text(f); name != "" && !slices.Contains(s.Columns, name) {
				s.Columns = append(s.Columns, name)
			}
		}
	}
	return s
}

func polytomicSchedule(doc gjson.Result) string {
	switch f := word(text(doc.Get("frequency"))); f {
	case "", "manual":
		return ""
	case "dbtcloud":
		return strings.TrimSpace("after dbt Cloud job " + text(doc.Get("job_id")))
	case "runafter":
		return "after other syncs"
	default:
		return short(f)
	}
}

// Trigger starts an execution. One that is going on is named in the error.
func (p *polytomic) Trigger(ctx context.Context, sync string, o TriggerOptions) (Run, error) {
	q := call{what: "start sync " + sync, path: "/api/syncs/" + part(sync) + "/executions", body: struct{}{}, busy: []int{http.StatusConflict}}
	if o.FullResync {
		q.body = map[string]bool{"resync": true}
	}
	doc, err := p.trigger(ctx, q)
	if busy := (*TriggerError)(nil); errors.As(err, &busy) && busy.Fate == Busy {
		if now, err := p.status(ctx, sync); err == nil {
			busy.Running = text(now.Get("current_execution.id"))
		}
		return Run{}, busy
	}
	if err != nil {
		return Run{}, err
	}
	r := p.run(doc.Get("data"))
	if r.ID == "" {
		return Run{}, p.noID(q, doc)
	}
	return r, nil
}

func (p *polytomic) status(ctx context.Context, sync string) (gjson.Result, error) {
	doc, err := p.read(ctx, call{what: "ask for the state of sync " + sync, path: "/api/syncs/" + part(sync) + "/status"})
	return doc.Get("data"), err
}

// Run gives an execution.
func (p *polytomic) Run(ctx context.Context, sync, run string) (Run, error) {
	q := call{
		what: "ask for run " + run + " of sync " + sync, path: "/api/syncs/" + part(sync) + "/executions/" + part(run), gone: "hosted_run_gone",
	}
	doc, err := p.read(ctx, q)
	if err != nil {
		return Run{}, err
	}
	r := p.run(doc.Get("data"))
	if !strings.EqualFold(r.ID, run) {
		return Run{}, p.unreadable(q, http.StatusOK, "with something that is not the run").fault
	}
	return r, nil
}

func (p *polytomic) run(doc gjson.Result) Run {
	r := Run{
		ID: text(doc.Get("id")), Status: short(text(doc.Get("status"))), Created: moment(doc.Get("created_at")),
		Started: moment(doc.Get("started_at")), Ended: moment(doc.Get("completed_at")),
	}
	n := doc.Get("counts")
	added, changed, removed := count(n.Get("insert")), sum(count(n.Get("update")), count(n.Get("upserts"))), count(n.Get("delete"))
	r.Rows = Rows{
		Added: added, Changed: changed, Removed: removed, Total: count(n.Get("total")),
		OK: sum(added, changed, removed), Failed: count(n.Get("error")),
	}
	r.State = p.state(words{
		"created": Queued, "scheduled": Queued, "queued": Queued, "waiting": Queued,
		"running": Running, "processing": Running, "canceling": Running,
		"completed": Succeeded, "canceled": Canceled, "cancelled": Canceled, "failed": Failed, "interrupted": Failed,
	}, r.Status)
	r.mind(n.Get("error"))
	if r.State != Succeeded {
		var why []string
		for _, e := range doc.Get("errors").Array() {
			if said := text(e); said != "" {
				why = append(why, said)
			}
		}
		r.Error = p.show(strings.Join(why, "; "))
	}
	return r
}

// Recent lists executions, newest first as Polytomic lists them. Installations
// without that call tell the execution that is going on and the last one.
func (p *polytomic) Recent(ctx context.Context, sync string, since time.Time) ([]Run, error) {
	q := call{what: "list the runs of sync " + sync, path: "/api/syncs/" + part(sync) + "/executions", query: url.Values{}}
	var out []Run
	for range mostPages {
		r, f := p.send(ctx, q)
		if f != nil && (f.status == http.StatusNotFound || f.status == http.StatusMethodNotAllowed) {
			return p.latest(ctx, sync, since)
		}
		if f != nil {
			return nil, f.fault
		}
		if !r.doc.Get("data").IsArray() {
			return nil, p.unreadable(q, http.StatusOK, "without a list").fault
		}
		var page []Run
		for _, doc := range r.doc.Get("data").Array() {
			page = append(page, p.run(doc))
		}
		out = append(out, page...)
		next := text(r.doc.Get("pagination.next_page_token"))
		if next == "" || len(page) == 0 || tooOld(page, since) {
			return recent(out, since), nil
		}
		q.query.Set("page_token", next)
	}
	return nil, p.endless(q)
}

func (p *polytomic) latest(ctx context.Context, sync string, since time.Time) ([]Run, error) {
	doc, err := p.status(ctx, sync)
	if err != nil {
		return nil, err
	}
	return recent([]Run{p.run(doc.Get("last_execution")), p.run(doc.Get("current_execution"))}, since), nil
}

// List gives all model syncs.
func (p *polytomic) List(ctx context.Context) ([]Sync, error) {
	q := call{what: "list the syncs", path: "/api/syncs"}
	doc, err := p.read(ctx, q)
	if err != nil {
		return nil, err
	}
	if !doc.Get("data").IsArray() {
		return nil, p.unreadable(q, http.StatusOK, "without a list").fault
	}
	var out []Sync
	for _, s := range doc.Get("data").Array() {
		out = append(out, p.sync(s))
	}
	return inOrder(out), nil
}

// Cancel asks to end an execution; Polytomic does that in its own time.
func (p *polytomic) Cancel(ctx context.Context, sync, run string) error {
	return p.stop(ctx, call{
		what: "end run " + run + " of sync " + sync, method: http.MethodPost, path: "/api/syncs/" + part(sync) + "/executions/" + part(run) + "/cancel",
		gone: "hosted_run_gone", empty: true,
	}, func(ctx context.Context) (Run, error) { return p.Run(ctx, sync, run) })
}
