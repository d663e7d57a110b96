package tools_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"exposync/internal/sandbox"
	"exposync/internal/sandbox/facade"
	"exposync/internal/sandbox/tools"
)

const secret = "secret-token:s3cr3t-0001"

// client speaks with one connection to a stand-in, as its vendor documents it.
type client struct {
	t      testing.TB
	kind   string
	config sandbox.Config
	clock  time.Time
	box    *sandbox.Sandbox
	server *httptest.Server
	ws     *tools.Workspace
	header http.Header // of every request
}

// open starts a sandbox with nothing in it.
func open(tb testing.TB, kind string, rules ...sandbox.Rule) *client {
	tb.Helper()
	c := &client{t: tb, kind: kind, clock: time.Date(2026, 11, 24, 10, 15, 0, 0, time.UTC), header: http.Header{"Authorization": {"Bearer " + secret}}}
	c.config = sandbox.Config{Dir: tb.TempDir(), Now: func() time.Time { return c.clock }, Rules: rules}
	c.start()
	tb.Cleanup(c.stop)
	return c
}

func (c *client) start() {
	c.t.Helper()
	var err error
	if c.box, err = sandbox.Open(c.config); err != nil {
		c.t.Fatal(err)
	}
	c.server = httptest.NewServer(c.box)
	ws, ok := c.box.Hosted(c.kind, "tool")
	if !ok {
		c.t.Fatalf("there is no stand-in of %s", c.kind)
	}
	c.ws = ws
}

func (c *client) stop() {
	c.server.CloseClientConnections()
	c.server.Close()
	_ = c.box.Close()
}

// restart stops the sandbox and starts it again over the same folder.
func (c *client) restart() { c.t.Helper(); c.stop(); c.start() }

// reply is an answer: status 0 is a connection that was closed.
type reply struct {
	status int
	header http.Header
	body   string
}

// get gives a value of the answer.
func (r reply) get(path string) gjson.Result { return gjson.Get(r.body, path) }

// do makes a request below the connection's mount. Redirects are followed.
func (c *client) do(method, path, body string, header ...string) reply {
	c.t.Helper()
	return c.send(c.request(method, path, body, header...))
}

func (c *client) request(method, path, body string, header ...string) *http.Request {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.server.URL+facade.Mount(c.kind, "tool")+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header = c.header.Clone()
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
		if header[i+1] == "" {
			r.Header.Del(header[i])
		}
	}
	return r
}

func (c *client) send(r *http.Request) reply {
	c.t.Helper()
	r.Close = true // a request on a connection of its own is not sent again behind the test's back
	resp, err := c.server.Client().Do(r)
	if err != nil {
		return reply{body: err.Error()}
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{body: err.Error()}
	}
	return reply{resp.StatusCode, resp.Header, string(data)}
}

// control makes a request of the sandbox itself.
func (c *client) control(method, path, body string) reply {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.server.URL+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	return c.send(r)
}

func (c *client) script(sync string, scripts ...tools.Script) {
	c.t.Helper()
	if err := c.ws.Script(sync, scripts...); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) declare(s tools.Sync) {
	c.t.Helper()
	if err := c.ws.Declare(s); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) counts(sync string) tools.Counts {
	c.t.Helper()
	counts, err := c.ws.Counts(sync)
	if err != nil {
		c.t.Fatal(err)
	}
	return counts
}

// wants checks status and body; want is JSON whose spaces do not count.
func wants(tb testing.TB, r reply, status int, want string) {
	tb.Helper()
	if r.status != status {
		tb.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
	if diff := cmp.Diff(decoded(tb, want), decoded(tb, r.body)); diff != "" {
		tb.Errorf("body (-want +got):\n%s", diff)
	}
}

func decoded(tb testing.TB, text string) any {
	tb.Helper()
	var v any
	in := json.NewDecoder(strings.NewReader(text))
	in.UseNumber()
	if err := in.Decode(&v); err != nil {
		tb.Fatalf("%v in %s", err, text)
	}
	return v
}

func equal[T any](tb testing.TB, what string, want, got T) {
	tb.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
