package rest_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"exposync/internal/rest"
)

// config is a client's surroundings for tests: real time, no jitter, waits
// of a millisecond.
func config() rest.Config {
	return rest.Config{
		UserAgent: "exposync/test", Now: time.Now, Jitter: func() float64 { return 0 },
		WaitMin: time.Millisecond, WaitMax: time.Millisecond, Timeout: 10 * time.Second,
	}
}

// answer is one scripted answer of the network: a status, or an error.
type answer struct {
	status int
	header http.Header
	body   string
	err    error
	took   time.Duration // before it answers
	unread bool          // the connection was never had
}

// network answers in turn and repeats its last answer; it counts what it saw.
type network struct {
	answers []answer

	mu    sync.Mutex
	seen  []time.Time
	hosts []string
}

func (n *network) calls() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.seen)
}

// RoundTrip gives the next answer.
func (n *network) RoundTrip(req *http.Request) (*http.Response, error) {
	n.mu.Lock()
	n.seen, n.hosts = append(n.seen, time.Now()), append(n.hosts, req.URL.Host)
	a := n.answers[min(len(n.seen), len(n.answers))-1]
	n.mu.Unlock()
	if !a.unread {
		rest.Reach(req.Context())
	}
	if a.took > 0 {
		timer := time.NewTimer(a.took)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	if a.err != nil {
		return nil, a.err
	}
	header := a.header.Clone()
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{
		StatusCode: a.status, Header: header, Request: req, ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(strings.NewReader(a.body)), ContentLength: int64(len(a.body)),
	}, nil
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// hangUp ends the request's connection without another byte.
func hangUp(t *testing.T, w http.ResponseWriter) {
	t.Helper()
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Errorf("hijack: %v", err)
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func send(ctx context.Context, t *testing.T, c *rest.Client, class rest.Class, url string) (*rest.Response, error) {
	t.Helper()
	method, body := http.MethodPost, []byte(`{}`)
	if class == rest.Read {
		method, body = http.MethodGet, nil
	}
	return c.Do(ctx, rest.Request{Class: class, Method: method, URL: url, Body: body})
}
