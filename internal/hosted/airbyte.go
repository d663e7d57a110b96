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

// airbyte speaks Airbyte's public API (airbytehq/airbyte-platform,
// api_documentation_jobs.yaml and api_documentation_connections.yaml), of the
// cloud or of an own installation. A sync is a connection; a run a job of type
// sync. The other types (reset, refresh, clear) are never started.
type airbyte struct{ *api }

func airbyteKind() Kind {
	return Kind{
		Name: "airbyte", Title: "Airbyte",
		Params: []Param{
			{Name: "client_id", Required: true, Unless: "token", Doc: "Id of an application (Settings, Applications)."},
			{Name: "client_secret", Required: true, Unless: "token", Secret: true, Doc: "Secret of the application."},
			{Name: "token", Secret: true, Doc: "A token that does not end, instead of an application."},
			{Name: "workspace", Doc: "UUID of the workspace: only its connections are listed."},
			baseURL("https://api.airbyte.com/v1", "Address of the API; of an own installation https://HOST/api/public/v1."),
			plainHTTP(),
		},
		Check: func(sync string) string {
			if uuid(sync) {
				return ""
			}
			return "the UUID of a connection"
		},
		Open: openAirbyte,
	}
}

func openAirbyte(cfg Config) (Tool, error) {
	k := airbyteKind()
	set, err := k.settings(cfg)
	if err != nil {
		return nil, err
	}
	a := &airbyte{newAPI(k, cfg, set["base_url"], set["workspace"], set["token"], set["client_secret"])}
	if set["token"] != "" {
		a.bearer(set["token"])
		return a, nil
	}
	a.login = &login{now: cfg.Now, fetch: func(ctx context.Context) (string, time.Duration, *failure) {
		return a.fetch(ctx, set["client_id"], set["client_secret"])
	}}
	return a, nil
}

// fetch asks for a token. It lives 3 minutes in the open source code and 15 in
// the cloud, by its own word where it has one.
func (a *airbyte) fetch(ctx context.Context, id, secret string) (string, time.Duration, *failure) {
	q := call{
		what: "get a token", method: http.MethodPost, path: "/applications/token", open: true,
		body: map[string]string{"client_id": id, "client_secret": secret},
	}
	r, f := a.send(ctx, q)
	if f != nil {
		return "", 0, f
	}
	token := text(r.doc.Get("access_token"))
	if token == "" {
		return "", 0, a.unreadable(q, r.status, "without a token")
	}
	var life time.Duration
	if n := count(r.doc.Get("expires_in")); n != nil {
		life = time.Duration(min(*n, 24*3600)) * time.Second
	}
	return token, life, nil
}

// Inspect gives a connection.
func (a *airbyte) Inspect(ctx context.Context, sync string) (Sync, error) {
	q := call{what: "look at connection " + sync, path: "/connections/" + part(sync)}
	doc, err := a.read(ctx, q)
	if err != nil {
		return Sync{}, err
	}
	if !strings.EqualFold(text(doc.Get("connectionId")), sync) {
		return Sync{}, a.unreadable(q, http.StatusOK, "with something that is not the connection").fault
	}
	return a.sync(doc), nil
}

func (a *airbyte) sync(doc gjson.Result) Sync {
	s := Sync{ID: text(doc.Get("connectionId")), Title: text(doc.Get("name")), Model: Model{ID: text(doc.Get("sourceId"))}}
	if status := word(text(doc.Get("status"))); status != "" && status != "active" {
		s.Disabled = short(status)
	}
	switch kind, timing := word(text(doc.Get("schedule.scheduleType"))), text(doc.Get("schedule.basicTiming")); {
	case kind == "" || kind == "manual":
	case kind == "cron":
		s.Schedule = strings.TrimSpace("cron " + short(text(doc.Get("schedule.cronExpression"))))
	case timing != "":
		s.Schedule = short(strings.ToLower(timing))
	default:
		s.Schedule = short(kind)
	}
	var streams []string
	for _, name := range doc.Get("configurations.streams.#.name").Array() {
		if t := text(name); t != "" && !slices.Contains(streams, t) {
			streams = append(streams, t)
		}
	}
	s.Model.Name = short(strings.Join(streams, ", "))
	if ui := a.pages(); ui != "" {
		if space := text(doc.Get("workspaceId")); space != "" {
			s.URL = ui + "/workspaces/" + url.PathEscape(space) + "/connections/" + url.PathEscape(s.ID)
		}
	}
	return s
}

// pages is the address for people; "" where nobody knows it.
func (a *airbyte) pages() string {
	if own, ok := strings.CutSuffix(a.base, "/api/public/v1"); ok {
		return own
	}
	if a.base == "https://api.airbyte.com/v1" {
		return "https://cloud.airbyte.com"
	}
	return ""
}

// Trigger starts a job. One that is going on is named in the error.
func (a *airbyte) Trigger(ctx context.Context, sync string, o TriggerOptions) (Run, error) {
	q := call{
		what: "start connection " + sync, path: "/jobs", busy: []int{http.StatusConflict},
		body: map[string]string{"connectionId": sync, "jobType": "sync"},
	}
	if o.FullResync {
		return Run{}, a.notSent(q, "its API sends every record again only after it cleared the destination, and that is never done from here")
	}
	doc, err := a.trigger(ctx, q)
	if busy := (*TriggerError)(nil); errors.As(err, &busy) && busy.Fate == Busy {
		return Run{}, a.busy(ctx, sync, busy, q)
	}
	if err != nil {
		return Run{}, err
	}
	r := a.run(doc)
	if runID(doc.Get("jobId")) == "" {
		return Run{}, a.noID(q, doc)
	}
	return r, nil
}

// busy names the job that is going on. Airbyte answers 409 for a connection
// that is inactive, too.
func (a *airbyte) busy(ctx context.Context, sync string, busy *TriggerError, q call) error {
	jobs, err := a.read(ctx, call{what: "ask for the job that is going on", path: "/jobs", query: url.Values{
		"connectionId": {sync}, "jobType": {"sync"}, "orderBy": {"createdAt|DESC"}, "limit": {"5"},
	}})
	if err != nil {
		return busy
	}
	for _, doc := range jobs.Get("data").Array() {
		if r := a.run(doc); r.ID != "" && !r.State.Ended() {
			busy.Running = r.ID
			return busy
		}
	}
	if strings.Contains(busy.Err.Error(), "inactive") {
		return a.notSent(q, "the connection is inactive")
	}
	return busy
}

// Run gives a job.
func (a *airbyte) Run(ctx context.Context, sync, run string) (Run, error) {
	q := call{what: "ask for job " + run + " of connection " + sync, path: "/jobs/" + part(run), gone: "hosted_run_gone"}
	doc, err := a.read(ctx, q)
	if err != nil {
		return Run{}, err
	}
	if text(doc.Get("jobId")) != run {
		return Run{}, a.unreadable(q, http.StatusOK, "with something that is not the job").fault
	}
	return a.run(doc), nil
}

// run reads a job. Airbyte tells no rows that were rejected, so no run is
// partial.
func (a *airbyte) run(doc gjson.Result) Run {
	r := Run{
		ID: text(doc.Get("jobId")), Status: short(text(doc.Get("status"))), Created: moment(doc.Get("startTime")), Started: moment(doc.Get("startTime")),
		Rows: Rows{OK: count(doc.Get("rowsSynced"))},
	}
	r.State = a.state(words{
		"pending": Queued, "queued": Queued, "running": Running, "incomplete": Running, "succeeded": Succeeded, "failed": Failed,
		"cancelled": Canceled, "canceled": Canceled,
	}, r.Status)
	if r.State.Ended() {
		r.Ended = moment(doc.Get("lastUpdatedAt"))
	}
	return r
}

// Recent lists jobs of the connection.
func (a *airbyte) Recent(ctx context.Context, sync string, since time.Time) ([]Run, error) {
	var out []Run
	err := a.each(ctx, call{what: "list the jobs of connection " + sync, path: "/jobs", query: url.Values{
		"connectionId": {sync}, "jobType": {"sync"}, "createdAtStart": {since.Add(-time.Second).UTC().Format(time.RFC3339)}, "orderBy": {"createdAt|ASC"},
	}}, func(doc gjson.Result) { out = append(out, a.run(doc)) })
	if err != nil {
		return nil, err
	}
	return recent(out, since), nil
}

// List gives the connections.
func (a *airbyte) List(ctx context.Context) ([]Sync, error) {
	q := call{what: "list the connections", path: "/connections", query: url.Values{}}
	if a.space != "" {
		q.query.Set("workspaceIds", a.space)
	}
	var out []Sync
	if err := a.each(ctx, q, func(doc gjson.Result) { out = append(out, a.sync(doc)) }); err != nil {
		return nil, err
	}
	return inOrder(out), nil
}

// each reads a list to its end.
func (a *airbyte) each(ctx context.Context, q call, see func(gjson.Result)) error {
	read := 0
	q.query.Set("limit", "100")
	for range mostPages {
		q.query.Set("offset", strconv.Itoa(read))
		doc, err := a.read(ctx, q)
		if err != nil {
			return err
		}
		if !doc.Get("data").IsArray() {
			return a.unreadable(q, http.StatusOK, "without a list").fault
		}
		page := doc.Get("data").Array()
		for _, item := range page {
			see(item)
		}
		read += len(page)
		if text(doc.Get("next")) == "" || len(page) == 0 {
			return nil
		}
	}
	return a.endless(q)
}

// Cancel ends a job.
func (a *airbyte) Cancel(ctx context.Context, sync, run string) error {
	return a.stop(ctx, call{
		what: "end job " + run + " of connection " + sync, method: http.MethodDelete, path: "/jobs/" + part(run), gone: "hosted_run_gone", empty: true,
	}, func(ctx context.Context) (Run, error) { return a.Run(ctx, sync, run) })
}
