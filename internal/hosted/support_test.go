package hosted

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"exposync/internal/fault"
	"exposync/internal/rest"
)

// service answers as vendors' documentation says, in a table: what stands for
// a request is taken in order, the last one again and again.
type service struct {
	*httptest.Server
	tb    testing.TB
	mu    sync.Mutex
	table map[string][]answer
	seen  []asked
}

type answer struct {
	status int
	body   string
	kind   string // "" for application/json
	cut    bool   // the connection breaks after the request was read
	header map[string]string
}

type asked struct {
	what   string // "POST /syncs/42/trigger?x=1"
	header http.Header
	body   string
}

// newService serves a table from "METHOD /path" (without query) to answers.
func newService(tb testing.TB, table map[string][]answer) *service {
	tb.Helper()
	s := &service{tb: tb, table: table}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	tb.Cleanup(s.Close)
	return s
}

func (s *service) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	key := r.Method + " " + r.URL.Path
	what := key
	if r.URL.RawQuery != "" {
		what += "?" + r.URL.RawQuery
	}
	s.seen = append(s.seen, asked{what, r.Header.Clone(), string(body)})
	list, known := s.table[key]
	var a answer
	if known {
		a = list[0]
		if len(list) > 1 {
			s.table[key] = list[1:]
		}
	}
	s.mu.Unlock()
	if !known {
		s.tb.Errorf("unexpected request: %s", what)
		w.WriteHeader(http.StatusTeapot)
		return
	}
	if a.cut {
		panic(http.ErrAbortHandler)
	}
	for k, v := range a.header {
		w.Header().Set(k, v)
	}
	kind := a.kind
	if kind == "" {
		kind = "application/json"
	}
	w.Header().Set("Content-Type", kind)
	if a.status == 0 {
		a.status = http.StatusOK
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

// asked gives the requests so far.
func (s *service) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, a := range s.seen {
		out = append(out, a.what)
	}
	return out
}

func (s *service) last() asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.seen) == 0 {
		s.tb.Fatal("nothing was asked")
	}
	return s.seen[len(s.seen)-1]
}

// testNow is the clock of the tests.
func testNow() time.Time { return time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC) }

func testRest() rest.Config {
	return rest.Config{
		UserAgent: "exposync/test", Now: testNow, Jitter: func() float64 { return 0 }, WaitMin: time.Millisecond, WaitMax: time.Millisecond,
		Timeout: 10 * time.Second, PerSecond: 100000, Burst: 1000,
	}
}

// opened opens a kind at a service.
func opened(tb testing.TB, kind, base string, more map[string]string, notes *[]string) Tool {
	tb.Helper()
	k, ok := KindOf(kind)
	if !ok {
		tb.Fatalf("no kind %s", kind)
	}
	params := map[string]string{"base_url": base}
	for _, p := range k.Params {
		if p.Required && !p.Tree {
			params[p.Name] = "canary-" + p.Name
		}
	}
	maps.Copy(params, more)
	tool, err := k.Open(Config{
		Kind: kind, Name: "crm", Where: "exposync.yml:4", Params: params, Rest: testRest(), Now: testNow, Note: func(s string) {
			if notes != nil {
				*notes = append(*notes, s)
			}
		},
	})
	if err != nil {
		tb.Fatalf("Open(%s): %v", kind, err)
	}
	return tool
}

// one is the only fault in an error.
func one(tb testing.TB, err error) *fault.Fault {
	tb.Helper()
	f := (*fault.Fault)(nil)
	if !errors.As(err, &f) {
		tb.Fatalf("the error is no fault: %v", err)
	}
	return f
}

// fateOf is the fate in a trigger's error.
func fateOf(tb testing.TB, err error) *TriggerError {
	tb.Helper()
	t := (*TriggerError)(nil)
	if !errors.As(err, &t) {
		tb.Fatalf("the error tells no fate: %v", err)
	}
	return t
}

// line writes a run as one line, for tables.
func line(r Run) string {
	parts := []string{r.ID, string(r.State), r.Status}
	n := func(name string, c *int64) {
		if c != nil {
			parts = append(parts, fmt.Sprintf("%s=%d", name, *c))
		}
	}
	n("added", r.Rows.Added)
	n("changed", r.Rows.Changed)
	n("removed", r.Rows.Removed)
	n("total", r.Rows.Total)
	n("ok", r.Rows.OK)
	n("failed", r.Rows.Failed)
	if r.Continued {
		parts = append(parts, "continued")
	}
	if r.Error != "" {
		parts = append(parts, fmt.Sprintf("%q", r.Error))
	}
	for _, p := range r.Parts {
		parts = append(parts, "("+line(p)+")")
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
}

func lines(runs []Run) string {
	var out []string
	for _, r := range runs {
		out = append(out, line(r))
	}
	return strings.Join(out, "; ")
}

// replace puts a value in the place of a word.
func replace(text, word, value string) string { return strings.ReplaceAll(text, word, value) }
