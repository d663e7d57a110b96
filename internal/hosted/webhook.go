package hosted

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"exposync/internal/rest"
)

// webhook starts something at any HTTP service, as the settings describe it:
// a request, where the id of the run stands in its answer, and, for those that
// can be asked, how to read how the run is. Without poll nobody asks: the run
// then counts as done when the service took the request, and says so.
type webhook struct {
	*api
	h hookSpec
}

func webhookKind() Kind {
	return Kind{
		Name: "webhook", Title: "Webhook",
		Params: []Param{
			{Name: "trigger", Tree: true, Required: true, Doc: "The request that starts a run: method, url, headers, body, and where its id is."},
			{Name: "poll", Tree: true, Doc: "How a run is asked for: url, status, and which words mean what."},
			{Name: "list", Tree: true, Doc: "How runs are listed, to find one whose trigger got no clear answer."},
			{Name: "cancel", Tree: true, Doc: "The request that ends a run."},
			{Name: "check", Tree: true, Doc: "A request that shows that the sync is there, before anything is triggered."},
			{Name: "login", Tree: true, Doc: "The request that gives a token which ends by itself."},
			{Name: "headers", Tree: true, Doc: "Headers of every request."},
			{Name: "token", Secret: true, Doc: "Sent with every request as Authorization: Bearer."},
			plainHTTP(),
		},
		Check: func(sync string) string {
			if sync != "" && len(sync) <= 200 && sync != "." && sync != ".." && !strings.ContainsFunc(sync, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
				return ""
			}
			return "a word that the connection's requests use as ${sync}"
		},
		Open: openWebhook,
	}
}

func openWebhook(cfg Config) (Tool, error) {
	k := webhookKind()
	set, err := k.settings(cfg)
	if err != nil {
		return nil, err
	}
	h, err := readHook(cfg, set["plain_http"] == "true")
	if err != nil {
		return nil, err
	}
	w := &webhook{newAPI(k, cfg, h.trigger.base(), "", append(h.secrets, set["token"])...), h}
	if set["token"] != "" {
		w.bearer(set["token"])
	}
	for _, p := range h.headers {
		w.header.Set(p.name, p.text)
	}
	if h.login != nil {
		w.login = &login{now: cfg.Now, fetch: w.fetch}
	}
	if h.cancel == nil {
		return w, nil
	}
	return cancelingWebhook{w}, nil
}

func (w *webhook) fetch(ctx context.Context) (string, time.Duration, *failure) {
	q := w.h.login.call(names{}, "log in")
	q.open = true
	r, f := w.send(ctx, q)
	if f != nil {
		return "", 0, f
	}
	token := text(r.doc.Get(w.h.login.token))
	if token == "" {
		return "", 0, w.unreadable(q, r.status, "without a token")
	}
	return token, 0, nil
}

// Inspect asks check, if there is one; else nothing is known of a sync.
func (w *webhook) Inspect(ctx context.Context, sync string) (Sync, error) {
	out := Sync{ID: sync}
	c := w.h.check
	if c == nil {
		return out, nil
	}
	doc, err := w.read(ctx, c.call(names{"sync": sync}, "look at "+sync))
	if err != nil {
		return Sync{}, err
	}
	out.Title, out.Schedule, out.URL = c.get(doc, c.title), w.show(c.get(doc, c.schedule)), webAddress(c.get(doc, c.page))
	if c.paused != "" && doc.Get(c.paused).Bool() {
		out.Disabled = "paused"
	}
	return out, nil
}

// Trigger sends the request. It carries Idempotency-Key, which makes it safe to
// repeat only where the service says so: there (repeatable) it is.
func (w *webhook) Trigger(ctx context.Context, sync string, o TriggerOptions) (Run, error) {
	t := w.h.trigger
	n := names{"sync": sync, "key": o.Key, "invocation": o.Invocation, "job": o.Job, "reason": o.Reason, "full_resync": "false"}
	if o.FullResync {
		n["full_resync"] = "true"
	}
	n["run"] = n.fill(t.run)
	q := t.call(n, "start "+sync)
	q.busy, q.fresh = t.busy, true
	q.loose, q.empty = t.id == "", true // where an id is asked for, half of an answer is none
	if o.Key != "" && q.header.Get("Idempotency-Key") == "" {
		q.header.Set("Idempotency-Key", o.Key)
	}
	if o.FullResync && !t.uses["full_resync"] {
		return Run{}, w.notSent(q, "its request has no ${full_resync}, so it cannot ask for every record")
	}
	q.class = rest.Trigger
	if t.repeatable {
		q.class = rest.Upsert
	}
	r, f := w.send(ctx, q)
	switch {
	case f != nil && slices.Contains(t.exists, f.status):
		return w.accepted(n["run"], f.doc), nil
	case f != nil:
		return Run{}, &TriggerError{Fate: f.fate, Err: f.fault}
	}
	id := runID(at(r.doc, t.id))
	switch {
	case id == "" && t.id != "" && n["run"] == "" && r.doc.Exists():
		return Run{}, w.noID(q, r.doc)
	case id == "":
		id = n["run"]
	}
	return w.accepted(id, r.doc), nil
}

// accepted is a run whose trigger was taken.
func (w *webhook) accepted(id string, doc gjson.Result) Run {
	r := Run{ID: id, State: Queued, URL: webAddress(w.h.trigger.get(doc, w.h.trigger.page))}
	if w.h.poll == nil {
		w.note("a run of %s counts as done when its request is accepted: without poll nobody can ask how it ends", account(w.base, ""))
		r.State, r.Status, r.Unwatched = Succeeded, "accepted", true
	}
	return r
}

// Run asks poll.
func (w *webhook) Run(ctx context.Context, sync, run string) (Run, error) {
	p := w.h.poll
	if p == nil {
		return w.accepted(run, gjson.Result{}), nil
	}
	q := p.call(names{"sync": sync, "run": run}, "ask for run "+run+" of "+sync)
	q.gone = "hosted_run_gone"
	doc, err := w.read(ctx, q)
	if err != nil {
		return Run{}, err
	}
	r := w.run(doc)
	if r.ID = run; r.Status == "" {
		return Run{}, w.unreadable(q, http.StatusOK, "without "+strings.Join(p.status, " or ")).fault
	}
	return r, nil
}

// run reads a run, out of an answer or out of one item of a list.
func (w *webhook) run(doc gjson.Result) Run {
	p := w.h.poll
	r := Run{
		Created: moment(at(doc, p.created)), Started: moment(at(doc, p.started)), Ended: moment(at(doc, p.ended)), URL: webAddress(p.get(doc, p.page)),
		Rows: Rows{
			Added: count(at(doc, p.rows["added"])), Changed: count(at(doc, p.rows["changed"])), Removed: count(at(doc, p.rows["removed"])),
			Total: count(at(doc, p.rows["total"])), OK: count(at(doc, p.rows["ok"])), Failed: count(at(doc, p.rows["failed"])),
		},
	}
	for _, path := range p.status {
		v := doc.Get(path)
		if r.Status = short(text(v)); v.Type == gjson.True || v.Type == gjson.False {
			r.Status = v.Raw
		}
		if r.Status != "" {
			break
		}
	}
	r.State = w.state(p.words, r.Status)
	r.mind(at(doc, p.rows["failed"]))
	if !r.State.Ended() {
		r.Ended = time.Time{}
	} else if r.State != Succeeded {
		r.Error = w.show(p.get(doc, p.errorAt))
	}
	return r
}

// Recent asks list.
func (w *webhook) Recent(ctx context.Context, sync string, since time.Time) ([]Run, error) {
	l := w.h.list
	if l == nil {
		return nil, w.noList(sync + " (its connection has no list)")
	}
	q := l.call(names{"sync": sync, "since": since.UTC().Format(time.RFC3339)}, "list the runs of "+sync)
	doc, err := w.read(ctx, q)
	if err != nil {
		return nil, err
	}
	if doc = doc.Get(l.items); !doc.IsArray() {
		return nil, w.unreadable(q, http.StatusOK, "without a list").fault
	}
	var out []Run
	for _, item := range doc.Array() {
		r := w.run(item)
		r.ID, r.Created = text(item.Get(l.id)), moment(item.Get(l.created))
		out = append(out, r)
	}
	return recent(out, since), nil
}

// cancelingWebhook is a webhook whose settings say how a run is ended.
type cancelingWebhook struct{ *webhook }

// Cancel sends the request.
func (w cancelingWebhook) Cancel(ctx context.Context, sync, run string) error {
	q := w.h.cancel.call(names{"sync": sync, "run": run}, "end run "+run+" of "+sync)
	q.loose, q.gone = true, "hosted_run_gone"
	return w.stop(ctx, q, func(ctx context.Context) (Run, error) {
		if w.h.poll == nil {
			return Run{}, errors.New("nobody can ask")
		}
		return w.Run(ctx, sync, run)
	})
}

// at is what stands at a path; nothing for no path.
func at(doc gjson.Result, path string) gjson.Result {
	if path == "" {
		return gjson.Result{}
	}
	return doc.Get(path)
}

// webAddress keeps an address of a page; what is none is left out.
func webAddress(text string) string {
	if addressProblem(text, true) != "" || len(text) > 1000 || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' }) {
		return ""
	}
	return text
}
