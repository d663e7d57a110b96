package hosted

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"exposync/internal/fault"
)

// secretHook has a secret wherever a webhook may have one.
const secretHook = `
token: canary-token
headers: {X-Key: canary-header}
trigger: {url: "https://hooks.example.com/canary-path/${sync}?sig=canary-query", body: {secret: "canary-body"}, id: id}
poll: {url: "https://hooks.example.com/canary-path/${run}?sig=canary-query", status: status, success: success}
list: {url: "https://hooks.example.com/canary-path/list", items: data, id: id, created: created}
check: {url: "https://hooks.example.com/canary-path/${sync}"}
cancel: {url: "https://hooks.example.com/canary-path/${run}/cancel"}
`

// ids are a sync and a run of every kind.
func ids(kind string) (sync, run string) {
	switch kind {
	case "polytomic":
		return aSync, aRun
	case "airbyte":
		return aSync, "1234"
	case "segment":
		return "s1/m1/sub1", "r1"
	case "rudderstack":
		return "2abc", "s1"
	}
	return "42", "43"
}

// echo answers everything, logins aside, with one status, and repeats in the
// answer all that it was told.
func echo(status int, kind string, failLogin bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !failLogin && (strings.HasSuffix(r.URL.Path, "/applications/token") || strings.HasSuffix(r.URL.Path, "/login")) {
			_, _ = io.WriteString(w, `{"access_token":"canary-session","data":{"attributes":{"token":"canary-session"}}}`)
			return
		}
		if status == 0 {
			panic(http.ErrAbortHandler)
		}
		said := fmt.Sprintf("%s %v %s\ncustomer ada@example.com https://files.example.com/x?X-Signature=canary-signed", r.URL.String(), r.Header, body)
		text, _ := json.Marshal(map[string]any{
			"message": said, "error": said, "errors": []any{map[string]string{"detail": said, "message": said}}, "detail": said, "status": "failed", "id": "43",
		})
		w.Header().Set("Location", "https://elsewhere.example.com/login?next=canary-query&t=canary-token")
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = w.Write(text)
	})
}

// calls makes every call of a tool.
func calls(ctx context.Context, tool Tool, sync, run string) map[string]error {
	out := map[string]error{}
	_, out["Inspect"] = tool.Inspect(ctx, sync)
	_, out["Trigger"] = tool.Trigger(ctx, sync, TriggerOptions{Key: aKey})
	_, out["Run"] = tool.Run(ctx, sync, run)
	_, out["Recent"] = tool.Recent(ctx, sync, testNow())
	if l, can := tool.(Lister); can {
		_, out["List"] = l.List(ctx)
	}
	if c, can := tool.(Canceler); can {
		out["Cancel"] = c.Cancel(ctx, sync, run)
	}
	return out
}

// canaries opens a kind, and collects what it tells and logs.
func canaries(t *testing.T, kind, base string, told *[]string, log *bytes.Buffer) Tool {
	t.Helper()
	rc := testRest()
	rc.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if kind == "webhook" {
		return mustHook(t, &service{Server: &httptest.Server{URL: base}}, secretHook, told)
	}
	k, _ := KindOf(kind)
	params := map[string]string{"base_url": base}
	for _, p := range k.Params {
		if p.Required && p.Secret {
			params[p.Name] = "canary-" + p.Name
		} else if p.Required {
			params[p.Name] = "plain-" + p.Name
		}
	}
	tool, err := k.Open(Config{Kind: kind, Name: "crm", Where: "exposync.yml:4", Params: params, Rest: rc, Now: testNow, Note: func(s string) { *told = append(*told, s) }})
	if err != nil {
		t.Fatal(err)
	}
	return tool
}

// No token, password or signed address shows in an error, a note or a log,
// whatever is answered, and no address of a customer.
func TestNoSecretShows(t *testing.T) {
	t.Parallel()
	statuses := []int{0, 200, 201, 204, 301, 302, 303, 307, 400, 401, 403, 404, 405, 408, 409, 410, 415, 422, 424, 429, 500, 501, 502, 503}
	for _, k := range Kinds() {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			for _, status := range statuses {
				for _, kind := range []string{"application/json", "text/html"} {
					for _, failLogin := range []bool{false, true} {
						if login := slices.Contains([]string{"airbyte", "multiwoven"}, k.Name); failLogin && !login {
							continue
						}
						s := httptest.NewServer(echo(status, kind, failLogin))
						var told []string
						var log bytes.Buffer
						sync, run := ids(k.Name)
						for name, err := range calls(t.Context(), canaries(t, k.Name, s.URL, &told, &log), sync, run) {
							if err != nil {
								told = append(told, err.Error(), one(t, err).Hint)
							} else if status >= 300 {
								t.Errorf("%s: no error from %d %s", name, status, kind)
							}
						}
						s.Close()
						for _, text := range append(told, log.String()) {
							for _, secret := range []string{"canary-", "ada@", "X-Signature"} {
								if strings.Contains(text, secret) {
									t.Fatalf("%d %s: %q shows in %s", status, kind, secret, text)
								}
							}
							if text != log.String() && (len([]rune(text)) > 700 || strings.ContainsAny(text, "\n\r\t")) {
								t.Errorf("%d %s: not one line of bounded length: %q", status, kind, text)
							}
						}
					}
				}
			}
		})
	}
}

// What an answer to a trigger says about whether it started something is the
// same for all tools.
func TestFates(t *testing.T) {
	t.Parallel()
	fates := map[int]Fate{
		0: MayHaveStarted, 301: NotStarted, 302: MayHaveStarted, 303: MayHaveStarted, 307: NotStarted, 308: NotStarted, 400: NotStarted, 401: NotStarted,
		403: NotStarted, 404: NotStarted, 405: NotStarted, 408: MayHaveStarted, 410: NotStarted, 422: NotStarted, 429: NotStarted,
		500: MayHaveStarted, 501: NotStarted, 502: MayHaveStarted, 503: MayHaveStarted, 504: MayHaveStarted,
	}
	kinds := map[int]fault.Kind{401: fault.Config, 403: fault.Config, 404: fault.Config, 422: fault.Config, 429: fault.Unavailable, 500: fault.Unavailable, 0: fault.Unavailable}
	for _, k := range Kinds() {
		for status, want := range fates {
			var posts atomic.Int32
			handler := echo(status, "application/json", false)
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost && !strings.Contains(r.URL.Path, "login") && !strings.Contains(r.URL.Path, "applications") {
					posts.Add(1)
				}
				handler.ServeHTTP(w, r)
			}))
			sync, _ := ids(k.Name)
			_, err := canaries(t, k.Name, s.URL, &[]string{}, &bytes.Buffer{}).Trigger(t.Context(), sync, TriggerOptions{})
			s.Close()
			got := fateOf(t, err)
			if got.Fate != want {
				t.Errorf("%s: %d has fate %d, want %d: %v", k.Name, status, got.Fate, want, err)
			}
			if f := one(t, err); f.Code == "" || f.Msg == "" || kinds[status] != 0 && f.Kind != kinds[status] {
				t.Errorf("%s: %d is %+v", k.Name, status, f)
			}
			if _, ok := fault.Explain(one(t, err).Code); !ok {
				t.Errorf("%s: %d: the code %s has no page", k.Name, status, one(t, err).Code)
			}
			most := 1
			if status == 429 {
				most = 3
			} else if login := slices.Contains([]string{"airbyte", "multiwoven"}, k.Name); status == 401 && login {
				most = 2
			}
			if int(posts.Load()) > most {
				t.Errorf("%s: %d was sent %d times", k.Name, status, posts.Load())
			}
		}
	}
}

// A server that nobody reaches was not triggered.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	for _, k := range Kinds() {
		sync, run := ids(k.Name)
		for name, err := range calls(t.Context(), canaries(t, k.Name, s.URL, &[]string{}, &bytes.Buffer{}), sync, run) {
			if f := one(t, err); f.Code != "hosted_unavailable" || f.Kind != fault.Unavailable {
				t.Errorf("%s %s: %v", k.Name, name, err)
			}
			if name == "Trigger" && fateOf(t, err).Fate != NotStarted {
				t.Errorf("%s: %v", k.Name, err)
			}
		}
	}
}

// Whoever gives up is told so, at once.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	reached := make(chan struct{}, 100)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body) // only then the server sees that the caller is gone
		reached <- struct{}{}
		<-r.Context().Done()
	}))
	t.Cleanup(s.Close)
	for _, k := range Kinds() {
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-reached; cancel() }()
		sync, _ := ids(k.Name)
		_, err := canaries(t, k.Name, s.URL, &[]string{}, &bytes.Buffer{}).Trigger(ctx, sync, TriggerOptions{})
		f := one(t, err)
		want := MayHaveStarted
		if k.Name == "airbyte" || k.Name == "multiwoven" { // it got no further than the login
			want = NotStarted
		}
		if f.Kind != fault.Interrupted || f.Code != "interrupted" || fateOf(t, err).Fate != want {
			t.Errorf("%s: %v with fate %d", k.Name, f, fateOf(t, err).Fate)
		}
		cancel()
	}
}

// A trigger that takes too long was maybe taken; it is not sent again.
func TestTriggerTimesOut(t *testing.T) {
	t.Parallel()
	var posts atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		posts.Add(1)
		<-r.Context().Done()
	}))
	t.Cleanup(s.Close)
	rc := testRest()
	rc.Timeout = 500 * time.Millisecond
	k, _ := KindOf("hightouch")
	tool, err := k.Open(Config{Kind: "hightouch", Params: map[string]string{"token": "t", "base_url": s.URL}, Rest: rc, Now: testNow})
	if err != nil {
		t.Fatal(err)
	}
	_, err = tool.Trigger(t.Context(), "42", TriggerOptions{})
	if got := fateOf(t, err); got.Fate != MayHaveStarted || one(t, err).Code != "hosted_unavailable" || posts.Load() > 1 ||
		!strings.Contains(err.Error(), s.URL+": no complete answer in time") {
		t.Errorf("fate %d after %d requests: %v", got.Fate, posts.Load(), err)
	}
}

// What a tool says is shown as far as it holds nothing that others must not see.
func TestHide(t *testing.T) {
	t.Parallel()
	a := newAPI(hightouchKind(), Config{Rest: testRest()}, "https://api.example.com", "", "s3cr3t/token=1", "ab")
	for said, want := range map[string]string{
		"plain words, 12 rows":                                   "plain words, 12 rows",
		"GET https://x.example:8443: no answer":                  "GET https://x.example:8443: no answer",
		"see https://u:p@x.example/a/b?sig=1#f.":                 "see https://x.example/….",
		"(postgres://user:pw@db.internal:5432/x)":                "(postgres://db.internal:5432/…)",
		"s3cr3t/token=1 s3cr3t%2Ftoken%3D1 czNjcjN0L3Rva2VuPTE=": "*** *** ***",
		"Authorization: Bearer eyJhbGciOi.x-y_z":                 "Authorization: Bearer ***",
		"customer ada.l@example.co.uk is not valid":              "customer *** is not valid",
		"two\nlines\tand \x00 more":                              "two lines and more",
		"ab is too short to be hidden":                           "ab is too short to be hidden",
	} {
		if got := a.show(said); got != want {
			t.Errorf("show(%q) = %q, want %q", said, got, want)
		}
	}
	if got := a.show(strings.Repeat("a ", 5000) + "s3cr3t/token=1"); len(got) > 2*longestText || strings.Contains(got, "s3cr3t") {
		t.Errorf("a long text: %d letters", len(got))
	}
	if got := a.show(strings.Repeat("a", 4090) + "s3cr3t/token=1"); strings.Contains(got, "s3c") {
		t.Errorf("a secret that was cut: %q", got[len(got)-20:])
	}
}
