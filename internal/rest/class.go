package rest

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// Class says how often a request may be sent. It travels in the request's
// context, since the library's retry check sees nothing else.
type Class uint8

// The classes.
const (
	Read    Class = iota // GET and polling
	Upsert               // PUT, or a POST that carries its rows' keys
	Trigger              // starts something: never sent again once it may have arrived
	Insert               // POST of rows without a key: never sent again once it may have arrived
	Alert                // a message to people: better twice than never, but soon or not at all
)

// sentOnce reports whether a request of the class must not be repeated once
// it may have arrived.
func (c Class) sentOnce() bool { return c == Trigger || c == Insert }

// attempts is the most that a class allows. Reads and upserts go on until
// the caller's deadline; without one they end after a few attempts.
func (c Class) attempts(deadline bool) int {
	switch {
	case c == Trigger || c == Alert || c == Insert:
		return 3
	case deadline:
		return 100
	}
	return 5
}

// alertTime is how long an alert may take in total, waits included.
const alertTime = 30 * time.Second

// call is the state of one Do across its attempts.
type call struct {
	class    Class
	most     int
	attempts int
	reached  atomic.Bool // the server may have seen the current attempt
	earlier  bool        // it may have seen one of the attempts before
}

type callKey struct{}

// within puts the call into ctx and sets its limits there.
func (k *call) within(ctx context.Context) (context.Context, context.CancelFunc) {
	cancel := context.CancelFunc(func() {})
	if k.class == Alert {
		ctx, cancel = context.WithTimeout(ctx, alertTime)
	}
	_, deadline := ctx.Deadline()
	if most := k.class.attempts(deadline); k.most <= 0 || k.most > most {
		k.most = most
	}
	ctx = context.WithValue(ctx, callKey{}, k)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { k.reached.Store(true) },
	}), cancel
}

func callOf(ctx context.Context) *call {
	k, _ := ctx.Value(callKey{}).(*call)
	return k
}

func startAttempt(ctx context.Context) {
	if k := callOf(ctx); k != nil {
		k.attempts++
		k.earlier = k.reached.Swap(false) || k.earlier
	}
}

// sameHostOnly follows a redirect only where neither the body nor a
// credential can get lost or astray: to the same scheme and host, for a GET,
// or for a 307 or 308 that repeats an upsert as it was.
func sameHostOnly(req *http.Request, via []*http.Request) error {
	first := via[0]
	same := req.URL.Scheme == first.URL.Scheme && req.URL.Host == first.URL.Host
	if !same || len(via) >= 5 || req.Method != first.Method {
		return http.ErrUseLastResponse
	}
	if first.Method == http.MethodGet || first.Method == http.MethodHead {
		return nil
	}
	if k := callOf(req.Context()); k == nil || k.class != Upsert {
		return http.ErrUseLastResponse
	}
	return nil // the method survived, so it was a 307 or 308
}

// hostOf is what of a URL may be shown: no user, path or query.
func hostOf(u *url.URL) string {
	if u == nil {
		return "?"
	}
	return u.Scheme + "://" + u.Host
}
