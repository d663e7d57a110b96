package rest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"exposync/internal/fault"
	"exposync/internal/rest"
)

func TestSendsBodyAndHeadersOnEveryAttempt(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) != `{"a":1}` || r.Header.Get("X-Thing") != "yes" || r.UserAgent() != "exposync/test" {
			t.Errorf("attempt %d: body %q, header %q, agent %q", n.Load(), body, r.Header.Get("X-Thing"), r.UserAgent())
		}
		if n.Add(1) < 3 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		fmt.Fprint(w, "done")
	})
	resp, err := rest.New(config()).Do(t.Context(), rest.Request{
		Class: rest.Upsert, Method: http.MethodPost, URL: s.URL, Body: []byte(`{"a":1}`),
		Header: http.Header{"x-thing": {"yes"}},
	})
	if err != nil || string(resp.Body) != "done" || n.Load() != 3 {
		t.Errorf("Do() = %v, %v after %d attempts", resp, err, n.Load())
	}
}

// The last answer is kept, with the vendor's own words.
func TestLastAnswerIsGiven(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(w, strings.Repeat("why ", 5000))
	})
	resp, err := send(t.Context(), t, rest.New(config()), rest.Read, s.URL)
	if err != nil || resp.Status != 500 || len(resp.Body) != 20000 {
		t.Errorf("Do() = %v, %v, want the whole last answer", resp, err)
	}
}

// Half a reply is no reply: read again where that is allowed, in doubt where
// it is not.
func TestHalfAReply(t *testing.T) {
	t.Parallel()
	for class, want := range map[rest.Class]int32{rest.Read: 2, rest.Upsert: 2, rest.Insert: 1, rest.Trigger: 1} {
		var n atomic.Int32
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if n.Add(1) == 1 {
				w.Header().Set("Content-Length", "100")
				fmt.Fprint(w, `{"results":[`)
				w.(http.Flusher).Flush()
				hangUp(t, w)
				return
			}
			fmt.Fprint(w, `{}`)
		})
		resp, err := send(t.Context(), t, rest.New(config()), class, s.URL)
		var failure *rest.Error
		switch {
		case want == 2 && (err != nil || string(resp.Body) != `{}`):
			t.Errorf("class %d: Do() = %v, %v", class, resp, err)
		case want == 1 && (!errors.As(err, &failure) || failure.Fate != rest.MaybeArrived):
			t.Errorf("class %d: Do() error = %#v, want one that may have arrived", class, err)
		}
		if n.Load() != want {
			t.Errorf("class %d: sent %d times, want %d", class, n.Load(), want)
		}
	}
}

func TestReplyIsCapped(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		n.Add(1)
		fmt.Fprint(w, strings.Repeat("x", 1001))
	})
	cfg := config()
	cfg.MaxReply = 1000
	_, err := send(t.Context(), t, rest.New(cfg), rest.Read, s.URL)
	var failure *rest.Error
	if !errors.As(err, &failure) || failure.Code != rest.CodeReply || n.Load() != 1 {
		t.Errorf("Do() error = %v after %d attempts, want http_reply after one", err, n.Load())
	}
	cfg.MaxReply = 1001
	if _, err := send(t.Context(), t, rest.New(cfg), rest.Read, s.URL); err != nil {
		t.Errorf("a reply of exactly the cap: %v", err)
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	var leaked atomic.Int32
	other := serve(t, func(http.ResponseWriter, *http.Request) { leaked.Add(1) })
	var arrived atomic.Pointer[string]
	var home *httptest.Server
	home = serve(t, func(w http.ResponseWriter, r *http.Request) {
		status := 0
		switch {
		case r.URL.Path == "/final":
			body, _ := io.ReadAll(r.Body)
			got := r.Method + " " + string(body)
			arrived.Store(&got)
			return
		case strings.HasPrefix(r.URL.Path, "/away/"):
			_, _ = fmt.Sscanf(r.URL.Path, "/away/%d", &status)
			http.Redirect(w, r, other.URL+"/steal?token=canary", status)
		default:
			_, _ = fmt.Sscanf(r.URL.Path, "/here/%d", &status)
			http.Redirect(w, r, home.URL+"/final", status)
		}
	})
	tests := []struct {
		class   rest.Class
		path    string
		status  int
		arrived string
	}{
		{rest.Read, "/here/302", 200, "GET "},
		{rest.Read, "/away/302", 302, ""},
		{rest.Upsert, "/here/301", 301, ""},
		{rest.Upsert, "/here/302", 302, ""},
		{rest.Upsert, "/here/303", 303, ""},
		{rest.Upsert, "/here/307", 200, "POST {}"},
		{rest.Upsert, "/here/308", 200, "POST {}"},
		{rest.Upsert, "/away/307", 307, ""},
		{rest.Insert, "/here/307", 307, ""},
		{rest.Trigger, "/here/308", 308, ""},
		{rest.Alert, "/here/307", 307, ""},
	}
	for _, tt := range tests {
		none := ""
		arrived.Store(&none)
		resp, err := send(t.Context(), t, rest.New(config()), tt.class, home.URL+tt.path)
		if err != nil || resp.Status != tt.status || *arrived.Load() != tt.arrived {
			t.Errorf("class %d %s: Do() = %v, %v, arrived %q", tt.class, tt.path, resp, err, *arrived.Load())
			continue
		}
		if f := resp.Fault("x"); tt.status >= 300 && (f.Code != rest.CodeRedirect || strings.Contains(f.Msg, "canary")) {
			t.Errorf("%s: Fault() = %v", tt.path, f)
		}
	}
	if leaked.Load() != 0 {
		t.Errorf("%d requests followed a redirect to another host", leaked.Load())
	}
}

// A secret may stand in the URL, a header or the body, and a server may echo
// it: no error and no log line may repeat it.
func TestNoSecretEverShows(t *testing.T) {
	t.Parallel()
	const canary = "s3cr3t-canary"
	garbage := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Fprintf(conn, "HTTP/1.1 %s nonsense\r\n\r\n", canary)
		_ = conn.Close()
	})
	echo := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "http://elsewhere.test/"+canary)
		w.WriteHeader(http.StatusFound)
		fmt.Fprint(w, r.URL, r.Header)
	})
	reset := serve(t, func(w http.ResponseWriter, _ *http.Request) { hangUp(t, w) })
	addresses := []string{
		garbage.URL, echo.URL, reset.URL, "http://127.0.0.1:1", "http://no-such-host.invalid",
		"http://bad host", "ftp://x", "http://[::1", "https" + strings.TrimPrefix(echo.URL, "http"), "%zz",
	}
	for _, address := range addresses {
		for _, class := range []rest.Class{rest.Read, rest.Upsert, rest.Insert, rest.Trigger, rest.Alert} {
			var log bytes.Buffer
			cfg := config()
			cfg.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			text := ask(t.Context(), rest.New(cfg), class, address, canary)
			if strings.Contains(text+log.String(), canary) {
				t.Errorf("%s: the secret shows:\n%s\n%s", address, text, log.String())
			}
		}
	}
}

// ask gives everything that could be printed about one request.
func ask(ctx context.Context, c *rest.Client, class rest.Class, address, canary string) string {
	withUser := strings.Replace(address, "://", "://user:"+canary+"@", 1)
	resp, err := c.Do(ctx, rest.Request{
		Class: class, Method: http.MethodPost, URL: withUser + "/hooks/" + canary + "?token=" + canary,
		Header: http.Header{"Authorization": {"Bearer " + canary}, "X-Bad": {canary + "\n"}},
		Body:   []byte(canary),
	})
	if resp != nil {
		return fmt.Sprint(resp.Fault("crm"))
	}
	var failure *rest.Error
	if !errors.As(err, &failure) {
		return fmt.Sprintf("not an *Error: %T", err)
	}
	return fmt.Sprintf("%v\n%+v\n%v", err, err, failure.Fault("crm"))
}

func TestErrorsSayWhatHappened(t *testing.T) {
	t.Parallel()
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	tls := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(tls.Close)
	tests := map[string]struct{ url, code, msg string }{
		"refused":           {"http://127.0.0.1:1/x", rest.CodeUnreachable, "connection refused"},
		"unknown host":      {"http://no-such-host.invalid/x", rest.CodeUnreachable, "the host name is not known"},
		"untrusted":         {tls.URL, rest.CodeCertificate, "certificate is not trusted"},
		"no TLS there":      {"https" + strings.TrimPrefix(plain.URL, "http"), rest.CodeCertificate, "may not speak https"},
		"no scheme":         {"crm.test/x", rest.CodeURL, "not a valid http or https URL"},
		"a scheme we don't": {"file:///etc/passwd", rest.CodeURL, "not a valid http or https URL"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := send(t.Context(), t, rest.New(config()), rest.Insert, tt.url)
			var failure *rest.Error
			if !errors.As(err, &failure) || failure.Code != tt.code || failure.Fate != rest.NeverReached {
				t.Fatalf("Do() error = %#v, want %s, never reached", err, tt.code)
			}
			if !strings.Contains(err.Error(), tt.msg) {
				t.Errorf("Do() error = %q, want %q in it", err, tt.msg)
			}
			f := failure.Fault("prod.connections.crm")
			if _, ok := fault.Explain(f.Code); !ok || f.Where != "prod.connections.crm" || f.Hint == "" {
				t.Errorf("Fault() = %+v: no page, place or hint", f)
			}
		})
	}
}

func TestEndedContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	inside := make(chan struct{})
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(inside)
		<-r.Context().Done()
	})
	go func() {
		<-inside
		cancel()
	}()
	_, err := send(ctx, t, rest.New(config()), rest.Upsert, s.URL)
	var failure *rest.Error
	if !errors.As(err, &failure) || failure.Fate != rest.MaybeArrived || !errors.Is(err, context.Canceled) {
		t.Errorf("Do() error = %#v, want cancelled and maybe arrived", err)
	}
	_, err = send(ctx, t, rest.New(config()), rest.Upsert, s.URL)
	if !errors.As(err, &failure) || failure.Fate != rest.NeverReached || failure.Code != rest.CodeInterrupted {
		t.Errorf("Do() after the end = %#v, want never reached", err)
	}
}

func TestEveryStatusHasAFault(t *testing.T) {
	t.Parallel()
	for status := 300; status < 600; status++ {
		f := (&rest.Response{Status: status, Header: http.Header{}, Host: "http://x"}).Fault("here")
		if _, ok := fault.Explain(f.Code); !ok || f.Msg == "" || f.Hint == "" {
			t.Errorf("status %d: Fault() = %+v", status, f)
		}
	}
	if f := (&rest.Response{Status: 204}).Fault("here"); f != nil {
		t.Errorf("204: Fault() = %v, want none", f)
	}
}

func TestJSONReplies(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]bool{
		"application/json; charset=utf-8": true, "application/problem+json": true, "": true, "text/plain; charset=utf-8": true,
		"text/html": false, "application/xml": false, "image/png": false, ";;": false,
	} {
		r := &rest.Response{Header: http.Header{"Content-Type": {kind}}}
		if got := r.JSON(); got != want {
			t.Errorf("%q: JSON() = %v, want %v", kind, got, want)
		}
	}
}

func TestProxyIsAsked(t *testing.T) {
	t.Parallel()
	var got atomic.Pointer[string]
	proxy := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		u := r.RequestURI
		got.Store(&u)
	})
	cfg := config()
	cfg.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(proxy.URL) }
	if _, err := send(t.Context(), t, rest.New(cfg), rest.Read, "http://crm.invalid/x"); err != nil {
		t.Fatal(err)
	}
	if *got.Load() != "http://crm.invalid/x" {
		t.Errorf("the proxy saw %q", *got.Load())
	}
}

// Every worker keeps its own connection: a new one for each batch is what
// makes peers slow.
func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	var conns atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/bad" {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, strings.Repeat("x", 100_000))
		}
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	cfg := config()
	cfg.Concurrency = 8
	c := rest.New(cfg)
	done := make(chan error, 8)
	for worker := range 8 {
		go func() {
			var err error
			for i := range 50 {
				path := "/good"
				if (worker+i)%5 == 0 {
					path = "/bad" // giving up must not empty the pool
				}
				_, e := send(t.Context(), t, c, rest.Upsert, s.URL+path)
				err = errors.Join(err, e)
			}
			done <- err
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	c.Close()
	if n := conns.Load(); n > 12 {
		t.Errorf("%d connections for 8 workers", n)
	}
}
