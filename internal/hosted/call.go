package hosted

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tidwall/gjson"

	"exposync/internal/fault"
	"exposync/internal/rest"
)

// readAttempts is how often one reading call is sent at most: the engine asks
// again anyway, later and for longer.
const readAttempts = 6

// api is what the tools share: one client for one workspace, what proves who
// asks, and what an answer means.
type api struct {
	title  string // of the tool, for people
	space  string // the workspace, as the settings call it; may be empty
	where  string // of the connection
	base   string // without a slash at its end
	header http.Header
	login  *login // nil: the header proves who asks
	client *rest.Client
	rest   rest.Config // that client was made with
	now    func() time.Time
	hidden []string // what no message may repeat

	mu    sync.Mutex
	said  map[string]bool // notes
	tells func(string)
}

// newAPI makes the client of a workspace. Secrets are hidden in all that is
// said; the client gives up on a host later than others do, since a run of an
// hour outlives an outage of minutes.
func newAPI(k Kind, cfg Config, base, workspace string, secrets ...string) *api {
	rc := cfg.Rest
	rc.Breaker.Failures = max(rc.Breaker.Failures, 500)
	rc.Breaker.Denials = max(rc.Breaker.Denials, 32) // every sync may meet the end of a token once
	a := &api{
		title: k.Title, space: workspace, where: cfg.Where, base: strings.TrimRight(base, "/"), now: cfg.Now, client: rest.New(rc), rest: rc,
		header: http.Header{"Accept": {"application/json"}}, said: map[string]bool{}, tells: cfg.Note,
	}
	for _, s := range secrets {
		a.hidden = append(a.hidden, formsOf(s)...)
	}
	return a
}

// Account is the host, with the workspace if that is set: a key is of one
// workspace, and most tools do not tell which.
func (a *api) Account() string { return account(a.base, a.space) }

// bearer makes a token prove every request.
func (a *api) bearer(token string) { a.header.Set("Authorization", "Bearer "+token) }

// note tells a person something, once.
func (a *api) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.tells == nil || a.said[text] {
		return
	}
	a.said[text] = true
	a.tells(a.hide(text))
}

// state gives the state of a status, and notes one that w does not have.
func (a *api) state(w words, status string) State {
	s := w.state(status)
	switch {
	case s == Unknown && status == "":
		a.note("%s does not say how a run stands: it counts neither as done nor as failed", a.title)
	case s == Unknown:
		a.note("%s says that a run is %q, which this version does not know: it counts neither as done nor as failed", a.title, short(status))
	}
	return s
}

// call is one request.
type call struct {
	what   string // in words, for messages: "start sync 42"
	method string // "" for GET
	path   string // below the base; its parts are escaped
	url    string // instead of base and path
	query  url.Values
	header http.Header
	body   any // as JSON; nil: none
	class  rest.Class
	gone   string // the code of a fault for 404; "" for hosted_missing
	busy   []int  // the statuses that say that another run is going on
	empty  bool   // a success may have no body
	loose  bool   // a success may be anything but a web page
	open   bool   // needs no login
	fresh  bool   // has a connection of its own
}

// reply is an answer of success.
type reply struct {
	status int
	doc    gjson.Result
}

// read makes a call that changes nothing.
func (a *api) read(ctx context.Context, c call) (gjson.Result, error) {
	r, f := a.send(ctx, c)
	if f != nil {
		return gjson.Result{}, f.fault
	}
	return r.doc, nil
}

// trigger makes a call that starts something. It is sent once it surely
// started nothing before; its error is a *TriggerError.
func (a *api) trigger(ctx context.Context, c call) (gjson.Result, error) {
	c.class = rest.Trigger
	if c.method == "" {
		c.method = http.MethodPost
	}
	r, f := a.send(ctx, c)
	if f != nil {
		return gjson.Result{}, &TriggerError{Fate: f.fate, Err: f.fault}
	}
	return r.doc, nil
}

// send makes a call and classifies its answer. A request that was refused
// because its token has ended is sent again with a new one, once.
func (a *api) send(ctx context.Context, c call) (reply, *failure) {
	for renewed := false; ; renewed = true {
		r, token, f := a.request(ctx, c)
		if f != nil {
			return reply{}, f
		}
		resp, err := a.do(ctx, r, c.fresh)
		if err != nil {
			return reply{}, a.unanswered(c, err)
		}
		if resp.Status == http.StatusUnauthorized && !renewed && token != "" {
			a.login.drop(token)
			continue
		}
		return a.answered(c, resp)
	}
}

// do sends a request. A fresh one has a connection of its own: net/http sends
// a request that carries an Idempotency-Key again by itself when a connection
// that was kept turns out to be dead, and not every service honours the key.
func (a *api) do(ctx context.Context, r rest.Request, fresh bool) (*rest.Response, error) {
	if !fresh {
		return a.client.Do(ctx, r)
	}
	own := rest.New(a.rest)
	defer own.Close()
	return own.Do(ctx, r)
}

// request completes a call.
func (a *api) request(ctx context.Context, c call) (r rest.Request, token string, f *failure) {
	r = rest.Request{Class: c.class, Method: c.method, URL: a.base + c.path, Header: a.header.Clone(), Hide: a.hide}
	if c.class != rest.Trigger {
		r.Attempts = readAttempts
	}
	if c.url != "" {
		r.URL = c.url
	}
	if len(c.query) > 0 {
		r.URL += "?" + c.query.Encode()
	}
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	for name, values := range c.header {
		r.Header[name] = slices.Clone(values)
	}
	if c.body != nil {
		body, err := json.Marshal(c.body)
		if err != nil {
			return r, "", a.bug(c, err)
		}
		r.Body = body
		if r.Header.Get("Content-Type") == "" {
			r.Header.Set("Content-Type", "application/json")
		}
	}
	if a.login == nil || c.open {
		return r, "", nil
	}
	if token, f = a.login.current(ctx); f != nil {
		return r, "", f
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return r, token, nil
}

// failure is a call without a usable answer.
type failure struct {
	fault  *fault.Fault
	fate   Fate
	status int          // 0: no answer
	doc    gjson.Result // the answer's body, where it is JSON
}

func (a *api) bug(c call, err error) *failure {
	return &failure{fate: NotStarted, fault: &fault.Fault{
		Code: "internal", Kind: fault.Bug, Whose: fault.Ours, Where: a.where,
		Msg: fmt.Sprintf("%s: cannot %s: the request cannot be written as JSON", a.title, c.what), Err: err,
	}}
}

// unanswered sorts a call that got no answer.
func (a *api) unanswered(c call, err error) *failure {
	broken := &rest.Error{Code: rest.CodeUnreachable, Msg: "the request failed"}
	errors.As(err, &broken)
	f := broken.Fault(a.where)
	f.Msg = fmt.Sprintf("%s: cannot %s: %s", a.title, c.what, a.hide(broken.Error()))
	switch {
	case broken.Code == rest.CodeUnreachable || broken.Code == rest.CodeTimeout:
		f.Code, f.Kind = "hosted_unavailable", fault.Unavailable
	case broken.Code == rest.CodeReply:
		f.Code, f.Whose = "hosted_reply", fault.Tool
	case broken.Denied:
		f.Code, f.Kind, f.Whose = "hosted_denied", fault.Config, fault.Setup
	case broken.Code == rest.CodeStopped:
		f.Code, f.Whose = "hosted_unavailable", fault.Tool
	}
	out := &failure{fault: f, fate: MayHaveStarted}
	if broken.Fate == rest.NeverReached {
		out.fate = NotStarted
	}
	return out
}

// answered sorts an answer by its status and type. A page for people, such as
// that of a login, is no answer, whatever its status.
func (a *api) answered(c call, resp *rest.Response) (reply, *failure) {
	out := reply{status: resp.Status}
	valid := resp.JSON() && gjson.ValidBytes(resp.Body)
	if valid {
		out.doc = gjson.ParseBytes(resp.Body)
	}
	switch {
	case !resp.OK():
		return reply{}, a.refused(c, resp, out.doc)
	case valid, (c.empty || c.loose) && len(resp.Body) == 0, c.loose && bodyKind(resp) != webPage:
		return out, nil
	}
	return reply{}, a.unreadable(c, resp.Status, "with "+bodyKind(resp)+" instead of JSON")
}

// unreadable is an answer of success that does not say what it has to.
func (a *api) unreadable(c call, status int, how string) *failure {
	return &failure{status: status, fate: MayHaveStarted, fault: &fault.Fault{
		Code: "hosted_reply", Kind: fault.Unavailable, Whose: fault.Tool, Where: a.where,
		Msg:  fmt.Sprintf("%s: cannot %s: it answered %d %s", a.title, c.what, status, how),
		Hint: "check base_url of this connection, and that no proxy or login page stands in between: exposync explain hosted_reply",
	}}
}

// stop makes a call that ends a run. A tool that will not, because the run has
// ended already, is no error.
func (a *api) stop(ctx context.Context, c call, run func(context.Context) (Run, error)) error {
	c.class = rest.Upsert // ending it twice ends it once
	_, f := a.send(ctx, c)
	if f == nil {
		return nil
	}
	if f.status >= 400 && f.status < 500 && f.fault.Code != "hosted_denied" && f.fault.Code != rest.CodeLimited {
		if r, err := run(ctx); err == nil && r.State.Ended() {
			return nil
		}
	}
	return f.fault
}

// noID is a trigger's answer of success that names no run: nobody knows
// whether there is one.
func (a *api) noID(c call, doc gjson.Result) error {
	how := "without the id of a run"
	if text := a.reason(doc); text != "" {
		how += ": " + text
	}
	f := a.unreadable(c, http.StatusOK, how)
	return &TriggerError{Fate: f.fate, Err: f.fault}
}

const webPage = "a web page"

// bodyKind says what a body is that is not JSON, without repeating it.
func bodyKind(resp *rest.Response) string {
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	switch kind = strings.ToLower(strings.TrimSpace(kind)); {
	case len(resp.Body) == 0:
		return "nothing"
	case kind == "text/html":
		return webPage
	case resp.JSON():
		return "broken JSON"
	}
	return "another type of text"
}
