package rest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// transport is the pool of connections, sized so that every worker keeps its
// own alive.
func transport(cfg Config) *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                 cfg.Proxy,
		DialContext:           dialer.DialContext,
		ForceAttemptHTTP2:     true,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConns:          cfg.Concurrency * 4,
		MaxIdleConnsPerHost:   cfg.Concurrency,
		WriteBufferSize:       64 << 10,
		ReadBufferSize:        16 << 10,
	}
}

// attempts is the round tripper below the retries: whatever is counted per
// attempt happens here, redirects included. It has no CloseIdleConnections
// on purpose: the library calls that whenever one request gives up.
type attempts struct {
	client *Client
	base   http.RoundTripper
}

// RoundTrip waits for the host's turn, then sends one attempt with a time
// limit that holds until its body is closed.
func (a *attempts) RoundTrip(req *http.Request) (*http.Response, error) {
	h := a.client.host(req.URL.Host)
	if reason := h.circuit.stopped(); reason != "" {
		return nil, &Error{
			Fate: NeverReached, Code: CodeStopped, Method: req.Method, Host: hostOf(req.URL), Msg: reason, Denied: h.circuit.denied(),
		}
	}
	if err := h.turn(req.Context()); err != nil {
		return nil, err
	}
	pacer := a.client.cfg.Pacer
	if pacer != nil {
		if err := pacer.Turn(req.Context()); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeoutCause(req.Context(), a.client.cfg.Timeout, errAttemptTimeout)
	start := a.client.cfg.Now()
	resp, err := a.base.RoundTrip(req.WithContext(ctx))
	if err != nil {
		if context.Cause(ctx) == errAttemptTimeout { //nolint:errorlint // the cause is the sentinel itself
			err = errAttemptTimeout
		}
		cancel()
		a.log(req, 0, start)
		return nil, err
	}
	h.circuit.count(resp)
	if pacer != nil {
		pacer.Saw(resp.StatusCode, resp.Header, a.client.asked(resp))
	}
	resp.Body = &timedBody{ReadCloser: resp.Body, ctx: ctx, cancel: cancel}
	a.log(req, resp.StatusCode, start)
	return resp, nil
}

func (a *attempts) log(req *http.Request, status int, start time.Time) {
	if log := a.client.cfg.Log; log != nil {
		log.DebugContext(req.Context(), "request", "method", req.Method, "host", req.URL.Host,
			"status", status, "took", a.client.cfg.Now().Sub(start))
	}
}

// timedBody ends the attempt's time limit when the body is closed.
type timedBody struct {
	io.ReadCloser
	ctx    context.Context //nolint:containedctx // lives exactly as long as the body
	cancel context.CancelFunc
}

// Read tells a reply that came too slowly from a caller who gave up.
func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && context.Cause(b.ctx) == errAttemptTimeout { //nolint:errorlint // the cause is the sentinel itself
		err = errAttemptTimeout
	}
	return n, err
}

// Close closes the body and releases the attempt.
func (b *timedBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}

// host is what the client knows of one host.
type host struct {
	bucket  *rate.Limiter // nil: no limit
	circuit circuit
}

func (c *Client) host(name string) *host {
	c.mu.Lock()
	defer c.mu.Unlock()
	h, ok := c.hosts[name]
	if !ok {
		h = &host{circuit: circuit{limits: c.cfg.Breaker, name: name}}
		if c.cfg.PerSecond > 0 {
			h.bucket = rate.NewLimiter(rate.Limit(c.cfg.PerSecond), c.cfg.Burst)
		}
		c.hosts[name] = h
	}
	return h
}

// turn waits until the host's bucket has a token.
func (h *host) turn(ctx context.Context) error {
	if h.bucket == nil {
		return nil
	}
	if err := h.bucket.Wait(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &Error{Fate: NeverReached, Code: CodeLimited, Msg: "our own rate limit leaves no time for the request before the deadline"}
	}
	return nil
}

// circuit counts bad answers in a row. Once open it stays open: what is left
// is sent by the next run.
type circuit struct {
	limits Breaker
	name   string

	mu       sync.Mutex
	failures int
	denials  int
	denial   int // the status of denials
	open     string
}

// count takes note of an answer. A server that says when to come back is
// shedding load, not failing.
func (c *circuit) count(resp *http.Response) {
	c.mu.Lock()
	defer c.mu.Unlock()
	status := resp.StatusCode
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		if status != c.denial {
			c.denials, c.denial = 0, status
		}
		c.failures = 0
		c.denials++
	case status >= 500 && resp.Header.Get("Retry-After") == "":
		c.denials = 0
		c.failures++
	default:
		c.failures, c.denials = 0, 0
	}
	if c.open == "" && (c.failures >= c.limits.Failures || c.denials >= c.limits.Denials) {
		c.open = fmt.Sprintf("answered %d to %d requests in a row, so nothing more is sent to it in this run",
			status, max(c.failures, c.denials))
	}
}

func (c *circuit) stopped() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open
}

func (c *circuit) denied() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.denials >= c.limits.Denials
}
