package declared

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"exposync/internal/destination"
	"exposync/internal/rest"
)

// steps is a clock that stands still until it is moved.
type steps struct{ at atomic.Int64 }

func (s *steps) now() time.Time { return time.UnixMilli(1_764_000_000_000 + s.at.Load()) }

func (s *steps) move(d time.Duration) { s.at.Add(d.Milliseconds()) }

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

// What answers tell of the limits, and what becomes of the next request.
func TestPaceLearns(t *testing.T) {
	t.Parallel()
	spec := rateLimit{
		requests: 100, per: 10, remaining: "X-Left", interval: "X-Interval", limit: "X-Max", reset: "X-Reset",
		daily: dailyQuota{remaining: "X-Day-Left", limit: "X-Day", usage: "X-Usage", reserve: 0.1},
	}
	tests := map[string]struct {
		status int
		header http.Header
		after  time.Duration
		code   string
		wait   time.Duration
	}{
		"nothing":                 {200, header(), 0, "", 0},
		"some are left":           {200, header("X-Left", "3"), 0, "", 0},
		"none left":               {200, header("X-Left", "0"), 0, rest.CodeLimited, 10 * time.Second},
		"none left, own window":   {200, header("X-Left", "0", "X-Interval", "5000"), 0, rest.CodeLimited, 5 * time.Second},
		"none left until a reset": {200, header("X-Left", "0", "X-Reset", "30"), 0, rest.CodeLimited, 30 * time.Second},
		"nonsense":                {200, header("X-Left", "many", "X-Interval", "-", "X-Day-Left", "?", "X-Usage", "x/y"), 0, "", 0},
		"429 asks to wait":        {429, header(), time.Minute, rest.CodeLimited, time.Minute},
		"503 asks to wait":        {503, header(), time.Minute, rest.CodeLimited, time.Minute},
		"asks for a day":          {429, header(), 24 * time.Hour, rest.CodeQuota, 0},
		"the day is used up":      {200, header("X-Day-Left", "0"), 0, rest.CodeQuota, 0},
		"the day's reserve":       {200, header("X-Day-Left", "99", "X-Day", "1000"), 0, rest.CodeQuota, 0},
		"the day has room":        {200, header("X-Day-Left", "101", "X-Day", "1000"), 0, "", 0},
		"usage":                   {200, header("X-Usage", "api-usage=91/100"), 0, rest.CodeQuota, 0},
		"usage with room":         {200, header("X-Usage", "api-usage=18/15000"), 0, "", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := &steps{}
			p := newPacer(spec, 4, clock.now)
			p.Saw(tt.status, tt.header, tt.after)
			err := p.Turn(t.Context())
			failure := &rest.Error{}
			if errors.As(err, &failure); failure.Code != tt.code || failure.After != tt.wait {
				t.Fatalf("Turn() = %v (code %q, after %s), want %q, %s", err, failure.Code, failure.After, tt.code, tt.wait)
			}
			clock.move(tt.wait)
			if err := p.Turn(t.Context()); tt.code == rest.CodeLimited && err != nil {
				t.Errorf("Turn() after the wait = %v", err)
			}
		})
	}
}

func TestPaceAdapts(t *testing.T) {
	t.Parallel()
	p := newPacer(rateLimit{requests: 100, per: 10, limit: "X-Max"}, 4, time.Now)
	p.Saw(200, header("X-Max", "190"), 0)
	if got := p.pace.Load().bucket.Limit(); got != 19 {
		t.Errorf("limit = %v, want 19 a second", got)
	}
}

// Two connections of one account wait for each other; another account's does
// not.
func TestAccountsShareTheirPace(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/me" {
			fmt.Fprintf(w, `{"id":%q}`, r.Header.Get("Authorization")[len("Bearer "):len("Bearer acc")])
			return
		}
		calls.Add(1)
		w.Header().Set("X-Left", "0")
		fmt.Fprint(w, `{"accepted":1}`)
	}))
	defer server.Close()
	rates := &Rates{}
	connect := func(token string) *Destination {
		cfg := connection(t, server.URL, `{check: {request: {path: /me}, identity: id}, rate: {requests: 1000, per: 1m, headers: {remaining: X-Left}}}`)
		cfg.Params["token"], cfg.Rates = token, rates
		d, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Account(t.Context()); err != nil {
			t.Fatal(err)
		}
		return d
	}
	a, twin, other := connect("acc-one"), connect("acc-two"), connect("zzz-one")
	if o := one(t, a); o.State != destination.OK {
		t.Fatalf("outcome = %+v", o)
	}
	if o := one(t, twin); o.State != destination.Retry || o.After < 50*time.Second || calls.Load() != 1 {
		t.Errorf("the same account: %+v after %d calls", o, calls.Load())
	}
	if o := one(t, other); o.State != destination.OK {
		t.Errorf("another account: %+v", o)
	}
}

// A spent quota ends the run with what is left still due, and says why.
func TestDailyQuota(t *testing.T) {
	t.Parallel()
	d := service(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Sforce-Limit-Info", "api-usage=14000/15000")
		fmt.Fprint(w, `{"accepted":1}`)
	}, `{limits: {rows: 1}, rate: {daily: {usage: Sforce-Limit-Info, reserve: 10%}}}`)
	out := open1(t, d, destination.Upsert).Write(t.Context(), persons(3))
	if got := brief(out); got != "ok stop/quota_spent not_sent" {
		t.Errorf("outcomes = %s", got)
	}
	if !strings.Contains(out[1].Message, "1000 of 15000 requests of the day are left") {
		t.Errorf("message = %s", out[1].Message)
	}
}

func TestRatesAreSafe(t *testing.T) {
	t.Parallel()
	p := newPacer(rateLimit{limit: "X-Max", per: 1}, 4, time.Now)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				p.Saw(200, header("X-Max", "100000"), 0)
				_ = p.Turn(t.Context())
			}
		})
	}
	group.Wait()
}
