// Package rest is the one HTTP client: it decides by the class of a request
// whether it may be sent again, waits as the server asks within limits, never
// follows a redirect with a body, and lets no secret into an error.
package rest

import (
	"context"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// Config is what a client needs from outside. Only Now and Jitter are
// required; every other zero value has a safe default.
type Config struct {
	UserAgent   string                                // "exposync/<version>"
	Concurrency int                                   // requests in flight; sizes the pool of idle connections (default 4)
	PerSecond   float64                               // attempts per second and host, 0 for no limit
	Burst       int                                   // attempts that may start at once under PerSecond (default 1)
	Pacer       Pacer                                 // a limit that is shared with others; nil: none
	Timeout     time.Duration                         // of one attempt, reply included (default 60 s)
	WaitMin     time.Duration                         // shortest wait between attempts (default 500 ms)
	WaitMax     time.Duration                         // longest wait of our own between attempts (default 30 s)
	Patience    time.Duration                         // longest wait that a server may ask for (default 15 min)
	MaxReply    int64                                 // bytes of one reply in memory (default 32 MiB)
	Breaker     Breaker                               // when to stop talking to a host
	Proxy       func(*http.Request) (*url.URL, error) // nil: none; cli passes the environment's
	Now         func() time.Time                      // the clock
	Jitter      func() float64                        // a random number in [0,1)
	Log         *slog.Logger                          // one debug line an attempt, hosts only; nil: none
	Transport   http.RoundTripper                     // replaces the network, for tests
}

// Pacer is a limit that several clients keep together. Its methods are called
// for every attempt, from several goroutines.
type Pacer interface {
	// Turn waits until an attempt may start. An *Error says why it may not.
	Turn(ctx context.Context) error
	// Saw is told of every answer, and how long it asks to wait.
	Saw(status int, h http.Header, after time.Duration)
}

// Breaker says after how many bad answers in a row a host gets no further
// request from this client.
type Breaker struct {
	Failures int // answers with a status of 500 and above (default 20)
	Denials  int // answers 401 or 403, all the same (default 5)
}

// Client sends requests. It is safe for use by several goroutines, and meant
// to be shared by everything that talks to one host with one credential.
type Client struct {
	cfg   Config
	inner *retryablehttp.Client
	pool  *http.Transport // nil when Config.Transport is set

	mu    sync.Mutex
	hosts map[string]*host
}

// New builds a client. It opens no connection.
func New(cfg Config) *Client {
	cfg = withDefaults(cfg)
	c := &Client{cfg: cfg, hosts: map[string]*host{}}
	base := cfg.Transport
	if base == nil {
		c.pool = transport(cfg)
		base = c.pool
	}
	c.inner = &retryablehttp.Client{
		HTTPClient: &http.Client{
			Transport:     &attempts{client: c, base: base},
			CheckRedirect: sameHostOnly,
		},
		RetryMax:       math.MaxInt, // CheckRetry counts, by class
		CheckRetry:     c.checkRetry,
		Backoff:        c.backoff,
		ErrorHandler:   retryablehttp.PassthroughErrorHandler,
		RequestLogHook: func(_ retryablehttp.Logger, r *http.Request, _ int) { startAttempt(r.Context()) },
	}
	return c
}

// Close drops idle connections.
func (c *Client) Close() {
	if c.pool != nil {
		c.pool.CloseIdleConnections()
	}
}

// Request is one request to send.
type Request struct {
	Class    Class
	Method   string
	URL      string      // may hold secrets: it never shows in an error
	Header   http.Header // without User-Agent; not changed
	Body     []byte      // may be read until the connection is done with it: never write to it again
	Attempts int         // at most so many; 0: as many as the class allows
	// Hide takes secrets out of what Watch shows of the exchange; nil leaves it.
	Hide func(string) string
	Into Sink  // takes the body of a success instead of Response.Body; nil: none
	Most int64 // bytes that Into takes; 0: Config.MaxReply
}

// Response is a server's answer, whatever its status, completely read.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	Host   string        // scheme and host that answered
	After  time.Duration // how long the server asks to wait; 0 if it does not say
	Until  time.Time     // the moment that After leads to; zero without After
}

// Do sends a request, as often as its class allows, and gives the last
// answer, whatever its status: the caller decides what a status means.
// Without an answer the error is an *Error that says whether the request may
// have arrived. A wait longer than what is left of ctx is not begun: the
// answer that asked for it is given at once.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	state := &call{class: r.Class, most: r.Attempts}
	resp, err := c.do(ctx, r, state)
	watched(ctx, r, state.attempts, resp, err)
	return resp, err
}

func (c *Client) do(ctx context.Context, r Request, state *call) (*Response, error) {
	ctx, cancel := state.within(ctx)
	defer cancel()
	req, err := c.build(ctx, r)
	if err != nil {
		return nil, err
	}
	var out *Response
	req.SetResponseHandler(func(resp *http.Response) (err error) {
		out, err = c.read(resp, r)
		return err
	})
	resp, err := c.inner.Do(req)
	if err == nil && out == nil && resp != nil {
		out, err = c.read(resp, r) // a last answer that nobody wanted to see again
	}
	if err != nil {
		drop(resp)
		return nil, state.failure(ctx, req.URL, err)
	}
	return out, nil
}

// build makes the library's request. The parser's own error would repeat the
// URL, so it is replaced.
func (c *Client) build(ctx context.Context, r Request) (*retryablehttp.Request, error) {
	var body any
	if r.Body != nil {
		body = r.Body
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, r.Method, r.URL, body)
	if err != nil || req.URL.Host == "" || (req.URL.Scheme != "http" && req.URL.Scheme != "https") {
		return nil, &Error{Fate: NeverReached, Method: r.Method, Code: CodeURL, Msg: "the address is not a valid http or https URL"}
	}
	for name, values := range r.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	if c.cfg.UserAgent != "" {
		req.Header.Set("User-Agent", c.cfg.UserAgent)
	}
	return req, nil
}

// read takes in the whole body, up to the cap, and closes it.
func (c *Client) read(resp *http.Response, r Request) (*Response, error) {
	defer drop(resp)
	body, err := c.body(resp, r)
	if err != nil {
		return nil, err
	}
	after := c.asked(resp)
	out := &Response{Status: resp.StatusCode, Header: resp.Header, Body: body, After: after}
	if resp.Request != nil {
		out.Host = hostOf(resp.Request.URL)
	}
	if after > 0 {
		out.Until = c.cfg.Now().Add(after)
	}
	return out, nil
}

func drop(resp *http.Response) {
	if resp != nil && resp.Body != nil {
		resp.Body.Close()
	}
}

func withDefaults(cfg Config) Config {
	cfg.Concurrency = orElse(cfg.Concurrency, 4)
	cfg.Burst = orElse(cfg.Burst, 1)
	cfg.Timeout = orElse(cfg.Timeout, time.Minute)
	cfg.WaitMin = orElse(cfg.WaitMin, 500*time.Millisecond)
	cfg.WaitMax = orElse(cfg.WaitMax, 30*time.Second)
	cfg.Patience = orElse(cfg.Patience, 15*time.Minute)
	cfg.MaxReply = orElse(cfg.MaxReply, 32<<20)
	cfg.Breaker.Failures = orElse(cfg.Breaker.Failures, 20)
	cfg.Breaker.Denials = orElse(cfg.Breaker.Denials, 5)
	return cfg
}

func orElse[T int | int64 | time.Duration](v, other T) T {
	if v <= 0 {
		return other
	}
	return v
}
