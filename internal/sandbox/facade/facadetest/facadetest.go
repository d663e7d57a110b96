// Package facadetest is the suite that every facade of a vendor passes: what
// the seam promises, seen through HTTP as a client of the vendor sees it.
package facadetest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"exposync/internal/sandbox"
	"exposync/internal/sandbox/facade"
)

// Secret stands in every credential that Authorize adds. It is never shown.
const Secret = "s3cr3t-credential-0001"

// Harness tells the suite how to speak with one vendor.
type Harness struct {
	Kind   string
	Object string // that Write writes to, as the vendor names it
	// Authorize adds a well-formed credential that holds Secret.
	Authorize func(r *http.Request)
	// Method and Path are a request that reads and needs a credential.
	Method, Path string
	// Write writes the record with this key so that its history holds value,
	// by as many requests as the vendor takes. Refused is the vendor's reason
	// when it refuses the record; anything else that is wrong fails the test.
	// With the fault "partial" it is called with that in effect.
	Write func(c *Client, key, value string) (refused string)
	// Answers are how the vendor words each trouble: Unauthorized, Expired,
	// Throttled, Exhausted and Down.
	Answers map[facade.Trouble]Answer
}

// Answer is what stands in the answer to a trouble.
type Answer struct {
	Status int
	Says   string            // in the body
	Header map[string]string // with exactly these values
}

// Client speaks with one connection of a sandbox.
type Client struct {
	T   testing.TB
	URL string // of the sandbox
	// Base is the address that the vendor's paths are added to: the `url`
	// parameter of a connection.
	Base string
	Box  *sandbox.Sandbox
	// Now is the sandbox's clock.
	Now func() time.Time

	harness *Harness
	clock   *time.Time
	server  *httptest.Server
	config  sandbox.Config
}

// Connection is the name of the connection that the suite uses.
const Connection = "crm"

// New starts a sandbox in a folder of its own.
func New(tb testing.TB, h Harness) *Client {
	tb.Helper()
	return open(tb, &h, sandbox.Config{Dir: tb.TempDir()})
}

// NewStrict starts one in which only declared fields exist.
func NewStrict(tb testing.TB, h Harness) *Client {
	tb.Helper()
	return open(tb, &h, sandbox.Config{Dir: tb.TempDir(), Strict: true})
}

func open(tb testing.TB, h *Harness, config sandbox.Config) *Client {
	tb.Helper()
	at := time.Date(2026, 11, 24, 10, 15, 0, 0, time.UTC)
	c := &Client{T: tb, harness: h, clock: &at, Now: func() time.Time { return at }}
	config.Now = func() time.Time { return *c.clock }
	c.config = config
	c.start()
	tb.Cleanup(c.stop)
	return c
}

func (c *Client) start() {
	c.T.Helper()
	var err error
	if c.Box, err = sandbox.Open(c.config); err != nil {
		c.T.Fatal(err)
	}
	c.server = httptest.NewServer(c.Box)
	c.URL = c.server.URL
	c.Base = c.URL + facade.Mount(c.harness.Kind, Connection)
}

func (c *Client) stop() {
	c.server.CloseClientConnections()
	c.server.Close()
	_ = c.Box.Close()
}

// Restart stops the sandbox and starts it again over the same folder.
func (c *Client) Restart() { c.T.Helper(); c.stop(); c.start() }

// Pass lets time pass.
func (c *Client) Pass(d time.Duration) { *c.clock = c.clock.Add(d) }

// Do makes a request of the vendor with a credential, and gives status,
// headers and body. A body has the type application/json unless header, names
// and values in turn, says otherwise.
func (c *Client) Do(method, path, body string, header ...string) (int, http.Header, string) {
	c.T.Helper()
	r := c.Request(method, path, body, header...)
	c.harness.Authorize(r)
	return c.Send(r)
}

// Request makes a request of the vendor without a credential.
func (c *Client) Request(method, path, body string, header ...string) *http.Request {
	c.T.Helper()
	r, err := http.NewRequestWithContext(c.T.Context(), method, c.Base+path, strings.NewReader(body))
	if err != nil {
		c.T.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// Send sends a request; status 0 is a connection that was closed.
func (c *Client) Send(r *http.Request) (int, http.Header, string) {
	c.T.Helper()
	r.Close = true // a request on a connection of its own is not sent again behind the test's back
	resp, err := c.server.Client().Do(r)
	if err != nil {
		return 0, nil, err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil, err.Error()
	}
	return resp.StatusCode, resp.Header, string(data)
}

// Faults sets the rules of the sandbox; none clears them.
func (c *Client) Faults(rules ...sandbox.Rule) {
	c.T.Helper()
	if rules == nil {
		rules = []sandbox.Rule{}
	}
	c.control("/v1/_faults", map[string]any{"rules": rules})
}

// Learn declares fields of an object, as the command line does before a run.
func (c *Client) Learn(object string, fields ...facade.Field) {
	c.T.Helper()
	c.control("/v1/_schema", map[string]any{"kind": c.harness.Kind, "connection": Connection, "object": object, "fields": fields})
}

func (c *Client) control(path string, v any) {
	c.T.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		c.T.Fatal(err)
	}
	r, err := http.NewRequestWithContext(c.T.Context(), http.MethodPost, c.URL+path, strings.NewReader(string(body)))
	if err != nil {
		c.T.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if status, _, answer := c.Send(r); status != http.StatusOK {
		c.T.Fatalf("%s: status %d, %s", path, status, answer)
	}
}

// Kept is one record as the page shows it.
type Kept struct {
	ID      string // on the page
	Key     struct{ ID string }
	Fields  map[string]any
	Version int
	Deleted bool
}

// Records are all records of an object, those that are deleted too.
func (c *Client) Records(object string) []Kept {
	c.T.Helper()
	var page struct{ Records []Kept }
	c.page("/records?deleted=true&limit=1000", object, &page)
	return page.Records
}

// History is a record's versions as JSON, newest first.
func (c *Client) History(object, id string) []string {
	c.T.Helper()
	var story struct{ Versions []json.RawMessage }
	c.page("/records/"+id, object, &story)
	out := make([]string, len(story.Versions))
	for i, v := range story.Versions {
		out[i] = string(v)
	}
	return out
}

func (c *Client) page(path, object string, v any) {
	c.T.Helper()
	body := c.get("/_/data/" + url.PathEscape("_"+c.harness.Kind+":"+Connection) + "/" + url.PathEscape(object) + path)
	in := json.NewDecoder(strings.NewReader(body))
	in.UseNumber() // a number stays as it was written
	if err := in.Decode(v); err != nil {
		c.T.Fatalf("%v in %s", err, body)
	}
}

func (c *Client) get(path string) string {
	c.T.Helper()
	r, err := http.NewRequestWithContext(c.T.Context(), http.MethodGet, c.URL+path, nil)
	if err != nil {
		c.T.Fatal(err)
	}
	status, _, body := c.Send(r)
	if status != http.StatusOK {
		c.T.Fatalf("%s: status %d, %s", path, status, body)
	}
	return body
}

// Seen is everything that the page shows of requests.
func (c *Client) Seen() string {
	c.T.Helper()
	all := c.get("/_/requests?limit=2000")
	var overview struct{ Requests []struct{ Number int } }
	if err := json.Unmarshal([]byte(all), &overview); err != nil {
		c.T.Fatal(err)
	}
	for _, r := range overview.Requests {
		all += c.get(fmt.Sprintf("/_/requests/%d", r.Number))
	}
	return all
}
