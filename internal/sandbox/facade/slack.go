package facade

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// slack is Slack's Web API as far as messages go. Channels are there by any
// well-formed id and by #name; #archived and #private are not to be written to.
func slack() Vendor {
	return Vendor{Kind: "slack", Title: "Slack", Credential: Bearer, Routes: slackRoutes, Refuse: slackRefuse}
}

// What a message may hold, and how many a channel takes at once beyond one a
// second.
const (
	slackText   = 40_000
	slackBlocks = 50
	slackFiles  = 100
	slackBurst  = 10
)

// team is one workspace of Slack.
type team struct {
	s    *Service
	mu   sync.Mutex
	sent map[string]slackPace
}

// slackPace is how many messages a channel may still have, as of a time.
type slackPace struct {
	left float64
	at   time.Time
}

func slackRoutes(s *Service) http.Handler {
	t := &team{s: s, sent: map[string]slackPace{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/auth.test", t.test)
	mux.HandleFunc("POST /chat.postMessage", t.post)
	mux.HandleFunc("POST /chat.update", t.update)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { slackRefuse(w, r, NotFound) })
	return mux
}

// slackSay is an answer of failure, which has the status 200.
func slackSay(w http.ResponseWriter, problem string) {
	JSON(w, http.StatusOK, map[string]any{"ok": false, "error": problem})
}

func slackRefuse(w http.ResponseWriter, r *http.Request, t Trouble) {
	switch t {
	case Unauthorized:
		slackSay(w, "not_authed")
	case Expired:
		slackSay(w, "token_expired")
	case Throttled, Exhausted:
		w.Header().Set("Retry-After", "1")
		JSON(w, http.StatusTooManyRequests, map[string]any{"ok": false, "error": "ratelimited"})
	case TooLarge:
		JSON(w, http.StatusRequestEntityTooLarge, map[string]any{"ok": false, "error": "request_too_large"})
	case NotFound:
		JSON(w, http.StatusNotFound, map[string]any{"ok": false, "error": "unknown_method", "req_method": strings.TrimPrefix(r.URL.Path, "/")})
	default:
		JSON(w, http.StatusServiceUnavailable, map[string]any{"ok": false, "error": "service_unavailable"})
	}
}

func (t *team) test(w http.ResponseWriter, _ *http.Request) {
	JSON(w, http.StatusOK, map[string]any{
		"ok": true, "url": "https://example.slack.com/", "team": "Example", "user": "exposync",
		"team_id": "T" + strconv.Itoa(t.s.Account()), "user_id": "U00000001", "bot_id": "B00000001",
	})
}

// slackFields reads a message: a JSON object, or a form.
func slackFields(r *http.Request) (Fields, error) {
	body, err := ReadBody(r, 1<<20)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		if _, ok := object(body); !ok {
			return nil, errors.New("invalid_json")
		}
		return ParseFields(body), nil
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errors.New("invalid_form_data")
	}
	fields := Fields{}
	for name := range form {
		fields.Set(name, form.Get(name))
	}
	return fields, nil
}

var slackChannel = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([CGD][A-Z0-9]{2,}|#[a-z0-9_.-]+)$`) })

// slackCheck finds why a message is not taken.
func slackCheck(m Fields) string {
	channel := m.Text("channel")
	blocks, files := gjson.ParseBytes(m["blocks"]), gjson.ParseBytes(m["attachments"])
	switch {
	case !slackChannel().MatchString(channel):
		return "channel_not_found"
	case channel == "#archived":
		return "is_archived"
	case channel == "#private":
		return "not_in_channel"
	case utf8.RuneCountInString(m.Text("text")) > slackText:
		return "msg_too_long"
	case len(blocks.Array()) > slackBlocks || m.Has("blocks") && !blocks.IsArray():
		return "invalid_blocks"
	case len(files.Array()) > slackFiles:
		return "too_many_attachments"
	case strings.TrimSpace(m.Text("text")) == "" && len(blocks.Array())+len(files.Array()) == 0:
		return "no_text"
	}
	return ""
}

// room reports whether a channel takes one more message now.
func (t *team) room(channel string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.s.Now()
	p, known := t.sent[channel]
	if !known {
		p = slackPace{left: slackBurst, at: now}
	}
	p.left = min(slackBurst, p.left+now.Sub(p.at).Seconds())
	p.at = now
	ok := p.left >= 1
	if ok {
		p.left--
	}
	t.sent[channel] = p
	return ok
}

func (t *team) post(w http.ResponseWriter, r *http.Request) {
	m, problem := t.message(r)
	switch {
	case problem != "":
		CallOf(r).Report("post", "rejected", 1)
		slackSay(w, problem)
		return
	case !t.room(m.Text("channel")):
		slackRefuse(w, r, Throttled)
		return
	}
	o, err := t.s.Object(m.Text("channel"))
	var rec Record
	if err == nil {
		err = o.Update(func(tx *Tx) error {
			rec, err = tx.Create(func(n int64) string { return slackTS(t.s.Now(), n) }, m)
			return err
		})
	}
	if err != nil {
		slackRefuse(w, r, Down)
		return
	}
	CallOf(r).Report("post", "created", 1)
	JSON(w, http.StatusOK, map[string]any{"ok": true, "channel": m.Text("channel"), "ts": rec.ID, "message": map[string]any{"type": "message", "text": m.Text("text"), "ts": rec.ID}})
}

// message reads and checks what is to be written.
func (t *team) message(r *http.Request) (m Fields, problem string) {
	m, err := slackFields(r)
	if errors.Is(err, ErrTooLarge) {
		return nil, "msg_too_long"
	}
	if err != nil {
		return nil, err.Error()
	}
	if problem = slackCheck(m); problem != "" {
		return m, problem
	}
	if p, refused := CallOf(r).Poisoned(m.Text("text"), m); refused {
		return m, cmp.Or(p.Code, "restricted_action")
	}
	return m, ""
}

// slackTS is the id of a message: a moment, counted on where there are several.
func slackTS(now time.Time, n int64) string {
	count := strconv.FormatInt(n, 10)
	return strconv.FormatInt(now.Unix(), 10) + "." + strings.Repeat("0", max(0, 6-len(count))) + count
}

// update changes a message that was posted.
func (t *team) update(w http.ResponseWriter, r *http.Request) {
	m, problem := t.message(r)
	if problem != "" {
		slackSay(w, problem)
		return
	}
	o, err := t.s.Object(m.Text("channel"))
	found := false
	if err == nil {
		err = o.Update(func(tx *Tx) error {
			old, there, err := tx.Get(m.Text("ts"))
			if found = there; err != nil || !there {
				return err
			}
			_, err = tx.Put(old.ID, old.Fields.Merge(m))
			return err
		})
	}
	switch {
	case err != nil:
		slackRefuse(w, r, Down)
	case !found:
		slackSay(w, "message_not_found")
	default:
		CallOf(r).Report("update", "updated", 1)
		JSON(w, http.StatusOK, map[string]any{"ok": true, "channel": m.Text("channel"), "ts": m.Text("ts"), "text": m.Text("text")})
	}
}
