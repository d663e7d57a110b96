package hosted

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// multiwoven speaks the API of Multiwoven, and of AI Squared which hosts it,
// as the controllers and serializers of Multiwoven/multiwoven have it. A
// trigger's answer names no run: it has to be found with Recent.
type multiwoven struct{ *api }

func multiwovenKind() Kind {
	return Kind{
		Name: "multiwoven", Title: "Multiwoven",
		Params: []Param{
			{Name: "email", Required: true, Doc: "E-mail address of a user who may run syncs."},
			{Name: "password", Required: true, Secret: true, Doc: "Password of that user."},
			{Name: "workspace", Required: true, Doc: "Number of the workspace."},
			baseURL("https://api.squared.ai/api/v1", "Address of the API; of an own installation https://HOST/api/v1."),
			plainHTTP(),
		},
		Check: func(sync string) string {
			if digits(sync) {
				return ""
			}
			return "the number of a sync"
		},
		Open: openMultiwoven,
	}
}

func openMultiwoven(cfg Config) (Tool, error) {
	k := multiwovenKind()
	set, err := k.settings(cfg)
	if err != nil {
		return nil, err
	}
	m := &multiwoven{newAPI(k, cfg, set["base_url"], set["workspace"], set["password"])}
	m.header.Set("Workspace-Id", set["workspace"])
	m.login = &login{now: cfg.Now, fetch: func(ctx context.Context) (string, time.Duration, *failure) {
		q := call{
			what: "log in", method: http.MethodPost, path: "/login", open: true,
			body: map[string]string{"email": set["email"], "password": set["password"]},
		}
		r, f := m.send(ctx, q)
		if f != nil {
			return "", 0, f
		}
		token := text(r.doc.Get("data.attributes.token"))
		if token == "" {
			return "", 0, m.unreadable(q, r.status, "without a token")
		}
		return token, 0, nil
	}}
	return m, nil
}

// Inspect gives a sync.
func (m *multiwoven) Inspect(ctx context.Context, sync string) (Sync, error) {
	q := call{what: "look at sync " + sync, path: "/syncs/" + part(sync)}
	doc, err := m.read(ctx, q)
	if err != nil {
		return Sync{}, err
	}
	if text(doc.Get("data.id")) != sync {
		return Sync{}, m.unreadable(q, http.StatusOK, "with something that is not the sync").fault
	}
	return m.sync(doc.Get("data")), nil
}

func (m *multiwoven) sync(doc gjson.Result) Sync {
	at := doc.Get("attributes")
	s := Sync{
		ID: text(doc.Get("id")), Title: text(at.Get("name")), Object: text(at.Get("stream_name")),
		Model: Model{ID: text(at.Get("model_id")), Name: text(at.Get("model.name"))},
	}
	if word(text(at.Get("status"))) == "disabled" {
		s.Disabled = "disabled"
	}
	kind := word(text(at.Get("schedule_type")))
	switch kind {
	case "", "manual":
		return s
	case "interval":
		s.Schedule = "every " + text(at.Get("sync_interval")) + " " + short(text(at.Get("sync_interval_unit")))
	case "cron_expression":
		s.Schedule = "cron " + short(text(at.Get("cron_expression")))
	default:
		s.Schedule = short(kind)
	}
	if s.Disabled == "" { // the API starts syncs without a schedule only
		s.Disabled = "scheduled: Multiwoven takes triggers only for a sync whose schedule type is manual"
	}
	return s
}

// Trigger schedules a run, whose id nobody tells. Multiwoven answers 424 for a
// sync that is disabled or has a schedule, and while a run is going on.
func (m *multiwoven) Trigger(ctx context.Context, sync string, o TriggerOptions) (Run, error) {
	id, err := strconv.ParseInt(sync, 10, 64)
	q := call{
		what: "start sync " + sync, path: "/schedule_syncs", busy: []int{http.StatusFailedDependency, http.StatusConflict},
		body: map[string]any{"schedule_sync": map[string]int64{"sync_id": id}},
	}
	if err != nil {
		return Run{}, m.notSent(q, "its id is no number")
	}
	if o.FullResync {
		return Run{}, m.notSent(q, "its API cannot ask for every record again")
	}
	doc, err := m.trigger(ctx, q)
	if busy := (*TriggerError)(nil); errors.As(err, &busy) && busy.Fate == Busy {
		return Run{}, m.busy(ctx, sync, busy, q)
	}
	if err != nil {
		return Run{}, err
	}
	if !doc.IsObject() || doc.Get("errors").Exists() || text(doc.Get("message")) == "" {
		return Run{}, m.noID(q, doc)
	}
	return Run{State: Queued}, nil
}

// busy tells a sync that is running from one that is not to be triggered.
func (m *multiwoven) busy(ctx context.Context, sync string, busy *TriggerError, q call) error {
	said := strings.ToLower(busy.Err.Error())
	if strings.Contains(said, "disabled") || strings.Contains(said, "schedule type") {
		return m.notSent(q, m.title+" takes no trigger for it: it is disabled, or its schedule type is not manual")
	}
	for _, status := range []string{"in_progress", "querying", "started", "queued", "pending"} {
		doc, err := m.read(ctx, call{what: "ask for the run that is going on", path: "/syncs/" + part(sync) + "/sync_runs", query: url.Values{"status": {status}}})
		if err != nil {
			break
		}
		if id := text(doc.Get("data.0.id")); id != "" && word(text(doc.Get("data.0.attributes.status"))) == status {
			busy.Running = id
			break
		}
	}
	return busy
}

// Run gives a run.
func (m *multiwoven) Run(ctx context.Context, sync, run string) (Run, error) {
	q := call{what: "ask for run " + run + " of sync " + sync, path: "/syncs/" + part(sync) + "/sync_runs/" + part(run), gone: "hosted_run_gone"}
	doc, err := m.read(ctx, q)
	if err != nil {
		return Run{}, err
	}
	if text(doc.Get("data.id")) != run {
		return Run{}, m.unreadable(q, http.StatusOK, "with something that is not the run").fault
	}
	return m.run(doc.Get("data")), nil
}

func (m *multiwoven) run(doc gjson.Result) Run {
	at := doc.Get("attributes")
	r := Run{
		ID: text(doc.Get("id")), Status: short(text(at.Get("status"))), Created: moment(at.Get("created_at")),
		Started: moment(at.Get("started_at")), Ended: moment(at.Get("finished_at")),
		Rows: Rows{Total: count(at.Get("total_query_rows")), OK: count(at.Get("successful_rows")), Failed: count(at.Get("failed_rows"))},
	}
	r.State = m.state(words{
		"pending": Queued, "queued": Queued, "started": Running, "querying": Running, "in_progress": Running, "paused": Running,
		"success": Succeeded, "failed": Failed, "canceled": Canceled, "cancelled": Canceled,
	}, r.Status)
	r.mind(at.Get("failed_rows"))
	if r.State != Succeeded {
		r.Error = m.show(text(at.Get("error")))
	}
	return r
}

// Recent lists runs. Multiwoven lists those that have not started first, and
// then the newest.
func (m *multiwoven) Recent(ctx context.Context, sync string, since time.Time) ([]Run, error) {
	var out []Run
	err := m.each(ctx, call{what: "list the runs of sync " + sync, path: "/syncs/" + part(sync) + "/sync_runs"}, func(page []gjson.Result) bool {
		var runs []Run
		for _, doc := range page {
			runs = append(runs, m.run(doc))
		}
		out = append(out, runs...)
		return !tooOld(runs, since)
	})
	if err != nil {
		return nil, err
	}
	return recent(out, since), nil
}

// List gives the syncs of the workspace.
func (m *multiwoven) List(ctx context.Context) ([]Sync, error) {
	var out []Sync
	err := m.each(ctx, call{what: "list the syncs", path: "/syncs"}, func(page []gjson.Result) bool {
		for _, doc := range page {
			out = append(out, m.sync(doc))
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	return inOrder(out), nil
}

// each reads a list page by page, as long as see wants more. Its last page has
// no next link; a list without links has one page.
func (m *multiwoven) each(ctx context.Context, q call, see func([]gjson.Result) bool) error {
	for page := 1; page <= mostPages; page++ {
		q.query = url.Values{"page": {strconv.Itoa(page)}, "per_page": {"100"}}
		doc, err := m.read(ctx, q)
		if err != nil {
			return err
		}
		if !doc.Get("data").IsArray() {
			return m.unreadable(q, http.StatusOK, "without a list").fault
		}
		items := doc.Get("data").Array()
		if !see(items) || len(items) == 0 || text(doc.Get("links.next")) == "" {
			return nil
		}
	}
	return m.endless(q)
}

// Cancel ends what the sync is running, unless the run has ended: the API has
// no call for just one run, and one sync has one run at a time.
func (m *multiwoven) Cancel(ctx context.Context, sync, run string) error {
	now, err := m.Run(ctx, sync, run)
	if err != nil || now.State.Ended() {
		return err
	}
	return m.stop(ctx, call{
		what: "end run " + run + " of sync " + sync, method: http.MethodDelete, path: "/schedule_syncs/" + part(sync), empty: true,
	}, func(ctx context.Context) (Run, error) { return m.Run(ctx, sync, run) })
}
