package hosted

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// rudderstack speaks the Reverse ETL Connections API
// (rudderstack.com/docs/api/retl-connections-api). What a connection is comes
// from the calls of RudderStack's own command line (rudderlabs/rudder-iac,
// api/client/retl). A sync of ours is a connection of RudderStack's, a run of
// ours a sync of it.
type rudderstack struct{ *api }

func rudderstackKind() Kind {
	return Kind{
		Name: "rudderstack", Title: "RudderStack", Path: "/v2",
		Params: []Param{
			{Name: "token", Required: true, Secret: true, Doc: "Service access token of the workspace, or a personal one."},
			{Name: "region", Default: "us", Choices: []string{"us", "eu"}, Doc: "Where the workspace is: api.rudderstack.com or api.eu.rudderstack.com."},
			{Name: "workspace", Doc: "Name of the workspace, where one connection must be told from another one of the same host."},
			baseURL("", "Address of the API with /v2, instead of region."),
			plainHTTP(),
		},
		Check: func(sync string) string {
			if opaque(sync) {
				return ""
			}
			return "the id of a Reverse ETL connection, from its settings"
		},
		Open: openRudderstack,
	}
}

func openRudderstack(cfg Config) (Tool, error) {
	k := rudderstackKind()
	set, err := k.settings(cfg)
	if err != nil {
		return nil, err
	}
	base := set["base_url"]
	if base == "" {
		base = map[string]string{"us": "https://api.rudderstack.com/v2", "eu": "https://api.eu.rudderstack.com/v2"}[set["region"]]
	}
	r := &rudderstack{newAPI(k, cfg, base, set["workspace"], set["token"])}
	r.bearer(set["token"])
	return r, nil
}

// opaque reports whether an id has only letters and digits, as ids have whose
// form the tool does not tell.
func opaque(id string) bool {
	return id != "" && len(id) <= 100 && strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
}

func (r *rudderstack) path(sync string) string { return "/retl-connections/" + part(sync) }

// Inspect gives a connection. Where the token may not read it, or the API does
// not have the call, its list of syncs proves that it is there.
func (r *rudderstack) Inspect(ctx context.Context, sync string) (Sync, error) {
	what := "look at connection " + sync
	got, f := r.send(ctx, call{what: what, path: r.path(sync)})
	if f == nil {
		doc := got.doc
		if inner := doc.Get("connection"); inner.IsObject() {
			doc = inner
		}
		if text(doc.Get("id")) != sync {
			return Sync{}, r.unreadable(call{what: what}, http.StatusOK, "with something that is not the connection").fault
		}
		return r.sync(doc), nil
	}
	if f.status != http.StatusNotFound && f.status != http.StatusForbidden && f.status != http.StatusMethodNotAllowed {
		return Sync{}, f.fault
	}
	doc, err := r.read(ctx, call{what: what, path: r.path(sync) + "/syncs", query: url.Values{"per_page": {"1"}}})
	if err != nil {
		return Sync{}, err
	}
	return Sync{ID: sync, LastRun: moment(doc.Get("syncs.0.startedAt"))}, nil
}

func (r *rudderstack) sync(doc gjson.Result) Sync {
	s := Sync{ID: text(doc.Get("id")), Title: text(doc.Get("externalId")), Model: Model{ID: text(doc.Get("sourceId"))}, Object: text(doc.Get("object"))}
	if e := doc.Get("enabled"); e.Exists() && !e.Bool() {
		s.Disabled = "disabled"
	}
	switch kind := word(text(doc.Get("schedule.type"))); kind {
	case "", "manual":
	case "basic":
		s.Schedule = "every " + text(doc.Get("schedule.everyMinutes")) + " minutes"
	default:
		s.Schedule = short(kind)
	}
	for _, path := range []string{"identifiers.#.from", "mappings.#.from"} {
		for _, c := range doc.Get(path).Array() {
			if name := text(c); name != "" && !slices.Contains(s.Columns, name) {
				s.Columns = append(s.Columns, name)
			}
		}
	}
	return s
}

// Trigger starts a sync of the connection; RudderStack decides how much it
// sends. One that is going on is named in the error.
func (r *rudderstack) Trigger(ctx context.Context, sync string, o TriggerOptions) (Run, error) {
	q := call{what: "start connection " + sync, path: r.path(sync) + "/start", body: struct{}{}, busy: []int{http.StatusConflict}}
	if o.FullResync {
		q.body = map[string]string{"syncType": "full"}
	}
	doc, err := r.trigger(ctx, q)
	if busy := (*TriggerError)(nil); errors.As(err, &busy) && busy.Fate == Busy {
		running, err := r.read(ctx, call{
			what: "ask for the sync that is going on", path: r.path(sync) + "/syncs", query: url.Values{"status": {"running"}},
		})
		if err == nil {
			busy.Running = text(running.Get("syncs.0.id"))
		}
		return Run{}, busy
	}
	if err != nil {
		return Run{}, err
	}
	id := runID(doc.Get("syncId"))
	if id == "" {
		return Run{}, r.noID(q, doc)
	}
	return Run{ID: id, State: Queued}, nil
}

// Run gives a sync of the connection.
func (r *rudderstack) Run(ctx context.Context, sync, run string) (Run, error) {
	q := call{what: "ask for sync " + run + " of connection " + sync, path: r.path(sync) + "/syncs/" + part(run), gone: "hosted_run_gone"}
	doc, err := r.read(ctx, q)
	if err != nil {
		return Run{}, err
	}
	if text(doc.Get("id")) != run {
		return Run{}, r.unreadable(q, http.StatusOK, "with something that is not the sync").fault
	}
	return r.run(doc), nil
}

func (r *rudderstack) run(doc gjson.Result) Run {
	out := Run{
		ID: text(doc.Get("id")), Status: short(text(doc.Get("status"))), Started: moment(doc.Get("startedAt")), Ended: moment(doc.Get("finishedAt")),
		Rows: Rows{
			Changed: count(doc.Get("metrics.changed.total")), Total: count(doc.Get("metrics.total")),
			OK: count(doc.Get("metrics.succeeded.total")), Failed: count(doc.Get("metrics.failed.total")),
		},
	}
	out.State = r.state(words{
		"running": Running, "succeeded": Succeeded, "failed": Failed, "cancelled": Canceled, "canceled": Canceled, "stopped": Canceled, "aborted": Canceled,
	}, out.Status)
	out.mind(doc.Get("metrics.failed.total"))
	if out.State != Succeeded {
		out.Error = r.show(text(doc.Get("error")))
	}
	return out
}

// Recent lists syncs of the connection by the time of their start: it is the
// only one that RudderStack tells.
func (r *rudderstack) Recent(ctx context.Context, sync string, since time.Time) ([]Run, error) {
	q := call{what: "list the syncs of connection " + sync, path: r.path(sync) + "/syncs"}
	var out []Run
	for page := 1; page <= mostPages; page++ {
		q.query = url.Values{
			"started_after": {since.Add(-time.Second).UTC().Format(time.RFC3339)}, "per_page": {"100"}, "page": {strconv.Itoa(page)},
		}
		doc, err := r.read(ctx, q)
		if err != nil {
			return nil, err
		}
		list := doc.Get("syncs")
		if !list.IsArray() {
			return nil, r.unreadable(q, http.StatusOK, "without a list").fault
		}
		for _, s := range list.Array() {
			out = append(out, r.run(s))
		}
		if text(doc.Get("paging.next")) == "" || len(list.Array()) == 0 {
			return recent(out, since), nil
		}
	}
	return nil, r.endless(q)
}

// List gives the connections of the workspace.
func (r *rudderstack) List(ctx context.Context) ([]Sync, error) {
	q := call{what: "list the connections", path: "/retl-connections"}
	var out []Sync
	for page := 1; page <= mostPages; page++ {
		q.query = url.Values{"page": {strconv.Itoa(page)}}
		doc, err := r.read(ctx, q)
		if err != nil {
			return nil, err
		}
		if !doc.Get("data").IsArray() {
			return nil, r.unreadable(q, http.StatusOK, "without a list").fault
		}
		for _, c := range doc.Get("data").Array() {
			out = append(out, r.sync(c))
		}
		if text(doc.Get("paging.next")) == "" { // a page may be empty and not the last
			return inOrder(out), nil
		}
	}
	return nil, r.endless(q)
}

// Cancel stops what the connection is running, unless the run has ended: the
// API has no call for just one sync.
func (r *rudderstack) Cancel(ctx context.Context, sync, run string) error {
	now, err := r.Run(ctx, sync, run)
	if err != nil || now.State.Ended() {
		return err
	}
	return r.stop(ctx, call{
		what: "end sync " + run + " of connection " + sync, method: http.MethodPost, path: r.path(sync) + "/stop", empty: true,
	}, func(ctx context.Context) (Run, error) { return r.Run(ctx, sync, run) })
}
