package rest_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/fault"
	"exposync/internal/rest"
)

// The table of http-client.md: how often each class sends a request that
// meets the same answer for ever, and what is known about it in the end.
func TestAttemptsByClass(t *testing.T) {
	t.Parallel()
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	unknown := &net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}
	reset := &net.OpError{Op: "read", Err: syscall.ECONNRESET}
	type calls [5]int // Read, Upsert, Trigger, Insert, Alert
	tests := map[string]struct {
		answer answer
		want   calls
		fate   rest.Fate
	}{
		"refused before a connection": {answer{err: refused, unread: true}, calls{5, 5, 3, 3, 3}, rest.NeverReached},
		"host not known":              {answer{err: unknown, unread: true}, calls{1, 1, 1, 1, 1}, rest.NeverReached},
		"reset after a connection":    {answer{err: reset}, calls{5, 5, 1, 1, 3}, rest.MaybeArrived},
		"no answer in time":           {answer{took: time.Hour, status: 200}, calls{5, 5, 1, 1, 1}, rest.MaybeArrived},
		"408":                         {answer: answer{status: 408}, want: calls{5, 5, 1, 1, 1}},
		"429":                         {answer: answer{status: 429}, want: calls{5, 5, 3, 3, 3}},
		"500":                         {answer: answer{status: 500}, want: calls{5, 5, 1, 1, 3}},
		"501":                         {answer: answer{status: 501}, want: calls{1, 1, 1, 1, 1}},
		"503":                         {answer: answer{status: 503}, want: calls{5, 5, 1, 1, 3}},
		"401":                         {answer: answer{status: 401}, want: calls{1, 1, 1, 1, 1}},
		"404":                         {answer: answer{status: 404}, want: calls{1, 1, 1, 1, 1}},
		"200":                         {answer: answer{status: 200}, want: calls{1, 1, 1, 1, 1}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got calls
			for class := range got {
				synctest.Test(t, func(t *testing.T) {
					n := &network{answers: []answer{tt.answer}}
					cfg := config()
					cfg.Transport, cfg.Timeout = n, time.Minute
					resp, err := send(t.Context(), t, rest.New(cfg), rest.Class(class), "http://crm.test/x")
					got[class] = n.calls()
					var failure *rest.Error
					switch {
					case tt.answer.status != 0 && tt.answer.took == 0:
						if err != nil || resp.Status != tt.answer.status {
							t.Errorf("class %d: Do() = %v, %v, want status %d", class, resp, err, tt.answer.status)
						}
					case !errors.As(err, &failure) || failure.Fate != tt.fate:
						t.Errorf("class %d: Do() error = %#v, want fate %d", class, err, tt.fate)
					}
				})
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("attempts mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

// One attempt may have arrived, the next found nobody: it still may have.
func TestFateRemembersEarlierAttempts(t *testing.T) {
	t.Parallel()
	n := &network{answers: []answer{{status: 500}, {err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, unread: true}}}
	cfg := config()
	cfg.Transport = n
	_, err := send(t.Context(), t, rest.New(cfg), rest.Upsert, "http://crm.test/x")
	var failure *rest.Error
	if !errors.As(err, &failure) || failure.Fate != rest.MaybeArrived {
		t.Errorf("Do() error = %#v, want one that may have arrived", err)
	}
}

func TestWaitsAsLongAsTheServerAsks(t *testing.T) {
	t.Parallel()
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // where synctest's clock begins
	tests := map[string]struct {
		status int
		header http.Header
		want   time.Duration
	}{
		"seconds":             {429, http.Header{"Retry-After": {"7"}}, 7 * time.Second},
		"a fraction":          {429, http.Header{"Retry-After": {"1.5"}}, 1500 * time.Millisecond},
		"zero is no hot loop": {429, http.Header{"Retry-After": {"0"}}, time.Second},
		"RFC 1123 date":       {503, http.Header{"Retry-After": {start.Add(9 * time.Second).Format(http.TimeFormat)}}, 9 * time.Second},
		"RFC 850 date":        {429, http.Header{"Retry-After": {"Saturday, 01-Jan-00 00:00:30 GMT"}}, 30 * time.Second},
		"a date gone by":      {429, http.Header{"Retry-After": {"Fri, 31 Dec 1999 23:59:00 GMT"}}, time.Second},
		"reset in seconds":    {429, http.Header{"X-Ratelimit-Reset": {"12"}}, 12 * time.Second},
		"reset at unix time":  {429, http.Header{"X-Ratelimit-Reset": {"946684820"}}, 20 * time.Second},
		"reset at unix milli": {429, http.Header{"X-Ratelimit-Reset": {"946684825000"}}, 25 * time.Second},
		"nonsense":            {429, http.Header{"Retry-After": {"soon"}}, time.Second},
		"reset means nothing": {500, http.Header{"X-Ratelimit-Reset": {"900"}}, time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := &network{answers: []answer{{status: tt.status, header: tt.header}, {status: 200}}}
				cfg := config()
				cfg.Transport, cfg.WaitMin, cfg.WaitMax = n, time.Second, 30*time.Second
				cfg.Jitter = func() float64 { return 0.5 }
				resp, err := send(t.Context(), t, rest.New(cfg), rest.Read, "http://crm.test/x")
				if err != nil || resp.Status != 200 {
					t.Fatalf("Do() = %v, %v", resp, err)
				}
				if got := n.seen[1].Sub(n.seen[0]); got != tt.want {
					t.Errorf("waited %v, want %v", got, tt.want)
				}
			})
		})
	}
}

// Waiting for a day would only hide the answer.
func TestLongWaitsFailAtOnce(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		deadline time.Duration
		after    string
		want     string
	}{
		"beyond the deadline": {time.Minute, "120", "http://crm.test: rate limited until 00:02"},
		"beyond our patience": {0, "86400", "http://crm.test: rate limited until 2000-01-02 00:00"},
		"absurd":              {0, "1e300", "http://crm.test: rate limited until 2000-12-31 00:00"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := &network{answers: []answer{{status: 429, header: http.Header{"Retry-After": {tt.after}}}}}
				cfg := config()
				cfg.Transport = n
				cfg.Now = func() time.Time { return time.Now().UTC() }
				ctx := t.Context()
				if tt.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.deadline)
					defer cancel()
				}
				start := time.Now()
				resp, err := send(ctx, t, rest.New(cfg), rest.Read, "http://crm.test/x")
				if err != nil {
					t.Fatal(err)
				}
				f := resp.Fault("prod.connections.crm")
				if f.Msg != tt.want || f.Code != rest.CodeLimited || f.Kind != fault.Unavailable {
					t.Errorf("Fault() = %+v, want message %q", f, tt.want)
				}
				if waited := time.Since(start); waited != 0 || n.calls() != 1 {
					t.Errorf("waited %v and sent %d times, want one attempt and no wait", waited, n.calls())
				}
			})
		})
	}
}

// Full jitter: any wait from the floor up to the doubled step, never above
// the cap.
func TestBackoffStaysWithinBounds(t *testing.T) {
	t.Parallel()
	for _, jitter := range []float64{0, 0.25, 0.999} {
		synctest.Test(t, func(t *testing.T) {
			n := &network{answers: []answer{{status: 500}}}
			cfg := config()
			cfg.Transport, cfg.WaitMin, cfg.WaitMax = n, time.Second, 5*time.Second
			cfg.Jitter = func() float64 { return jitter }
			if _, err := send(t.Context(), t, rest.New(cfg), rest.Read, "http://crm.test/x"); err != nil {
				t.Fatal(err)
			}
			steps := []time.Duration{2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second}
			for i, top := range steps {
				want := max(time.Duration(jitter*float64(top)), 500*time.Millisecond)
				if got := n.seen[i+1].Sub(n.seen[i]); got != want {
					t.Errorf("jitter %v: wait %d = %v, want %v", jitter, i, got, want)
				}
			}
		})
	}
}

func TestReadsGoOnUntilTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &network{answers: []answer{{status: 503}}}
		cfg := config()
		cfg.Transport, cfg.WaitMin, cfg.WaitMax, cfg.Jitter = n, 10*time.Second, 10*time.Second, func() float64 { return 1 }
		cfg.Breaker.Failures = 1000
		ctx, cancel := context.WithTimeout(t.Context(), 125*time.Second)
		defer cancel()
		_, err := send(ctx, t, rest.New(cfg), rest.Read, "http://crm.test/x")
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Do() error = %v, want the deadline", err)
		}
		if n.calls() != 13 {
			t.Errorf("sent %d times, want one every 10 s until the deadline", n.calls())
		}
	})
}

func TestAlertsGiveUpAfterHalfAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &network{answers: []answer{{took: time.Hour, status: 200}}}
		cfg := config()
		cfg.Transport, cfg.Timeout = n, time.Hour
		start := time.Now()
		_, err := send(t.Context(), t, rest.New(cfg), rest.Alert, "http://chat.test/x")
		if err == nil || time.Since(start) != 30*time.Second {
			t.Errorf("Do() = %v after %v, want an error after 30 s", err, time.Since(start))
		}
	})
}

func TestOneBucketForAllAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &network{answers: []answer{{status: 500}, {status: 500}, {status: 200}}}
		cfg := config()
		cfg.Transport, cfg.PerSecond = n, 0.1
		c := rest.New(cfg)
		for range 2 {
			if _, err := send(t.Context(), t, c, rest.Read, "http://crm.test/x"); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 3 {
			if got := n.seen[i+1].Sub(n.seen[i]).Round(time.Millisecond); got != 10*time.Second {
				t.Errorf("attempt %d came %v after the one before, want 10 s", i+1, got)
			}
		}
		if _, err := send(t.Context(), t, c, rest.Read, "http://other.test/x"); err != nil {
			t.Fatal(err)
		}
		if got := n.seen[4].Sub(n.seen[3]); got > time.Millisecond {
			t.Errorf("another host waited %v for this one's bucket", got)
		}
	})
}

func TestBucketNeverOutlivesTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Transport, cfg.PerSecond = &network{answers: []answer{{status: 200}}}, 0.01
		c := rest.New(cfg)
		if _, err := send(t.Context(), t, c, rest.Insert, "http://crm.test/x"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := send(ctx, t, c, rest.Insert, "http://crm.test/x")
		var failure *rest.Error
		if !errors.As(err, &failure) || failure.Fate != rest.NeverReached || failure.Code != rest.CodeLimited {
			t.Errorf("Do() error = %#v, want rate_limited, never reached", err)
		}
	})
}

func TestCircuitOpens(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answers []answer
		sent    int // of 10 requests
		denied  bool
		want    string
	}{
		"after failures": {
			[]answer{{status: 500}},
			3, false,
			"POST http://crm.test: answered 500 to 3 requests in a row, so nothing more is sent to it in this run",
		},
		"after denials": {
			[]answer{{status: 401}},
			2, true,
			"POST http://crm.test: answered 401 to 2 requests in a row, so nothing more is sent to it in this run",
		},
		"not after mixed denials":    {[]answer{{status: 401}, {status: 403}, {status: 401}, {status: 403}, {status: 200}}, 10, false, ""},
		"not with a success between": {[]answer{{status: 500}, {status: 500}, {status: 200}, {status: 500}, {status: 500}, {status: 200}}, 10, false, ""},
		"not when it says when": {
			[]answer{{status: 503, header: http.Header{"Retry-After": {"1"}}}}, 10, false, "",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := &network{answers: tt.answers}
			cfg := config()
			cfg.Transport, cfg.Breaker = n, rest.Breaker{Failures: 3, Denials: 2}
			c := rest.New(cfg)
			var err error
			for range 10 {
				_, err = send(t.Context(), t, c, rest.Insert, "http://crm.test/x")
			}
			if n.calls() != tt.sent {
				t.Errorf("sent %d of 10, want %d", n.calls(), tt.sent)
			}
			var failure *rest.Error
			if tt.want == "" {
				if err != nil {
					t.Errorf("Do() error = %v", err)
				}
			} else if !errors.As(err, &failure) || failure.Fate != rest.NeverReached || failure.Denied != tt.denied || err.Error() != tt.want {
				t.Errorf("Do() error = %#v", err)
			}
		})
	}
}
