package hosted

import (
	"fmt"
	"net/http"
	"slices"

	"exposync/internal/fault"
	"exposync/internal/yamlx"
)

// hookSpec is what the settings of a webhook say.
type hookSpec struct {
	trigger hookTrigger
	poll    *hookPoll
	list    *hookList
	cancel  *hookRequest
	check   *hookCheck
	login   *hookLogin
	headers []hookHeader
	secrets []string
}

type hookTrigger struct {
	hookRequest
	id         string // path of the run's id in the answer
	run        string // our own id of the run, a text with ${names}
	page       string // path of the address of its page
	repeatable bool   // the service starts one run for one ${key}
	busy       []int  // statuses that say that another run is going on
	exists     []int  // statuses that say that the run is there already
}

type hookPoll struct {
	hookRequest
	status                        []string // paths, the first that holds something counts
	words                         words
	rows                          map[string]string // paths
	errorAt                       string
	created, started, ended, page string
}

type hookList struct {
	hookRequest
	items, id, created string
}

type hookCheck struct {
	hookRequest
	title, paused, schedule, page string
}

type hookLogin struct {
	hookRequest
	token string
}

// hookWords are the keys of poll that hold words, and the states that they
// stand for.
func hookWords() map[string]State {
	return map[string]State{
		"success": Succeeded, "partial": Partial, "failure": Failed, "canceled": Canceled, "skipped": Skipped, "queued": Queued, "pending": Running,
	}
}

// hookReader reads the settings and collects what is wrong with them.
type hookReader struct {
	cfg      Config
	plain    bool
	problems fault.List
	secrets  []string
}

func readHook(cfg Config, plain bool) (hookSpec, error) {
	r := &hookReader{cfg: cfg, plain: plain}
	out := hookSpec{headers: r.headers("headers", cfg.Blocks["headers"], nil)}
	t := cfg.Blocks["trigger"]
	r.keys("trigger", t, requestKeys("id", "run", "page", "repeatable", "busy", "exists")...)
	given := []string{"sync", "key", "invocation", "job", "reason", "full_resync"}
	out.trigger = hookTrigger{
		id: r.text("trigger", t, "id"), run: r.text("trigger", t, "run"), page: r.text("trigger", t, "page"),
		repeatable: r.flag("trigger", t, "repeatable"), busy: r.statuses("trigger", t, "busy"), exists: r.statuses("trigger", t, "exists"),
	}
	r.known("trigger", t.Get("run"), given)
	out.trigger.hookRequest = r.request("trigger", t, http.MethodPost, append(given, "run"))
	if len(out.trigger.exists) > 0 && out.trigger.run == "" {
		r.fail("setting_missing", t, "trigger.exists needs run: the id that a run which is there already has", "write run: \"exposync-${key}\", and use ${run} in the request")
	}
	if t.Get("busy") == nil {
		out.trigger.busy = []int{http.StatusConflict}
	}
	out.trigger.busy = slices.DeleteFunc(out.trigger.busy, func(s int) bool { return slices.Contains(out.trigger.exists, s) })
	out.poll, out.list = r.poll(cfg.Blocks["poll"]), r.list(cfg.Blocks["list"])
	r.together(out)
	if c := cfg.Blocks["cancel"]; c != nil {
		r.keys("cancel", c, requestKeys()...)
		q := r.request("cancel", c, http.MethodPost, []string{"sync", "run"})
		out.cancel = &q
	}
	if c := cfg.Blocks["check"]; c != nil {
		r.keys("check", c, requestKeys("title", "paused", "schedule", "page")...)
		out.check = &hookCheck{
			hookRequest: r.request("check", c, http.MethodGet, []string{"sync"}), title: r.text("check", c, "title"),
			paused: r.text("check", c, "paused"), schedule: r.text("check", c, "schedule"), page: r.text("check", c, "page"),
		}
	}
	if l := cfg.Blocks["login"]; l != nil {
		r.keys("login", l, requestKeys("token")...)
		out.login = &hookLogin{hookRequest: r.request("login", l, http.MethodPost, nil), token: r.needed("login", l, "token")}
	}
	out.secrets = r.secrets
	return out, r.problems.Err()
}

// together finds parts that need each other.
func (r *hookReader) together(h hookSpec) {
	poll, list := r.cfg.Blocks["poll"], r.cfg.Blocks["list"]
	switch {
	case h.poll == nil && h.list != nil:
		r.fail("setting_missing", list, "list needs poll: its words are those of poll", "add poll")
	case h.poll != nil && h.poll.uses["run"] && h.trigger.id == "" && h.trigger.run == "" && h.list == nil:
		r.fail("setting_missing", poll, "poll asks for ${run}, and nothing says where its id comes from", "add id: PATH to trigger, the place of the id in its answer")
	}
}

func requestKeys(more ...string) []string {
	return append([]string{"method", "url", "headers", "body"}, more...)
}

func (r *hookReader) poll(n *yamlx.Node) *hookPoll {
	if n == nil {
		return nil
	}
	keys := requestKeys("status", "rows", "error", "created", "started", "ended", "page")
	p := &hookPoll{
		hookRequest: r.request("poll", n, http.MethodGet, []string{"sync", "run"}), words: words{}, rows: map[string]string{},
		errorAt: r.text("poll", n, "error"), created: r.text("poll", n, "created"), started: r.text("poll", n, "started"), ended: r.text("poll", n, "ended"),
		page: r.text("poll", n, "page"),
	}
	for key, state := range hookWords() {
		keys = append(keys, key)
		for _, said := range r.list1("poll", n, key) {
			if was, twice := p.words[word(said)]; twice && was != state {
				r.fail("setting_invalid", n.Get(key), fmt.Sprintf("poll: %q cannot mean two things", said), "keep it in one list")
			}
			p.words[word(said)] = state
		}
	}
	r.keys("poll", n, keys...)
	if p.status = r.list1("poll", n, "status"); len(p.status) == 0 {
		r.fail("setting_missing", n, "poll needs status: the place of the run's state in the answer", "write status: PATH")
	}
	if len(r.list1("poll", n, "success")) == 0 {
		r.fail("setting_missing", n, "poll needs success: the words that say that a run succeeded", "write success: [WORD]")
	}
	rows := n.Get("rows")
	r.keys("poll.rows", rows, "added", "changed", "removed", "total", "ok", "failed")
	for _, key := range rows.Keys() {
		p.rows[key] = r.text("poll.rows", rows, key)
	}
	return p
}

func (r *hookReader) list(n *yamlx.Node) *hookList {
	if n == nil {
		return nil
	}
	r.keys("list", n, requestKeys("items", "id", "created")...)
	return &hookList{
		hookRequest: r.request("list", n, http.MethodGet, []string{"sync", "since"}),
		items:       r.needed("list", n, "items"), id: r.needed("list", n, "id"), created: r.needed("list", n, "created"),
	}
}
