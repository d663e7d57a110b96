package declared

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidwall/gjson"
	"golang.org/x/time/rate"

	"exposync/internal/rest"
)

// rateLimit is what a service takes, and how its answers tell what is left.
type rateLimit struct {
	requests  int
	per       float64 // seconds
	remaining string  // header: requests left in the window
	limit     string  // header: requests of a window
	interval  string  // header: length of the window in milliseconds
	reset     string  // header: when the window ends
	daily     dailyQuota
	refused   []refusal // answers that speak of limits without status 429
}

// refusal is an answer that says that a limit is reached.
type refusal struct{ status, when string }

// limited reports whether an answer says that a limit is reached.
func (r rateLimit) limited(resp *rest.Response) bool {
	return slices.ContainsFunc(r.refused, func(f refusal) bool {
		return matchesStatus(f.status, resp.Status) && gjson.ValidBytes(resp.Body) && truth(gjson.ParseBytes(resp.Body), f.when)
	})
}

// dailyQuota says which headers tell of the day's requests.
type dailyQuota struct {
	remaining, limit string
	usage            string  // header that holds used/limit
	reserve          float64 // share of the limit that is left to others
}

// perSecond is 0 for no limit.
func (r rateLimit) perSecond() float64 {
	if r.requests == 0 {
		return 0
	}
	return float64(r.requests) / max(r.per, 0.001)
}

// Rates are the limits of accounts: connections of one process that turn out
// to be the same account share one.
type Rates struct {
	mu    sync.Mutex
	known map[string]*pace
}

// of gives the account's pace; mine, if it is the first.
func (r *Rates) of(account string, mine *pace) *pace {
	if r == nil {
		return mine
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if p, ok := r.known[account]; ok {
		return p
	}
	if r.known == nil {
		r.known = map[string]*pace{}
	}
	r.known[account] = mine
	return mine
}

// A run sits out waits up to patience. Those above shortWait are the engine's
// to wait for: it knows when the user wants to stop.
const (
	patience  = 15 * time.Minute
	shortWait = 2 * time.Second
)

// pacer is one connection's place at the pace of its account.
type pacer struct {
	spec rateLimit
	pace atomic.Pointer[pace]
}

func newPacer(spec rateLimit, concurrency int, now func() time.Time) *pacer {
	p := &pacer{spec: spec}
	own := &pace{now: now}
	if s := spec.perSecond(); s > 0 {
		own.bucket = rate.NewLimiter(rate.Limit(s), max(1, min(spec.requests, concurrency)))
	}
	p.pace.Store(own)
	return p
}

// share makes the connection go at the pace of the account's others.
func (p *pacer) share(rates *Rates, account string) {
	p.pace.Store(rates.of(account, p.pace.Load()))
}

// Turn waits until a request may start.
func (p *pacer) Turn(ctx context.Context) error { return p.pace.Load().turn(ctx) }

// Saw learns from an answer.
func (p *pacer) Saw(status int, h http.Header, after time.Duration) {
	p.pace.Load().learn(p.spec, status, h, after)
}

// pace is what is known of the limits of one account.
type pace struct {
	now func() time.Time

	mu     sync.Mutex
	bucket *rate.Limiter // nil: no limit known
	until  time.Time     // nothing starts before
	spent  string        // why nothing more may be sent today
}

func (p *pace) turn(ctx context.Context) error {
	for {
		p.mu.Lock()
		bucket, wait, spent := p.bucket, p.until.Sub(p.now()), p.spent
		p.mu.Unlock()
		switch {
		case spent != "":
			return &rest.Error{Fate: rest.NeverReached, Code: rest.CodeQuota, Msg: spent}
		case wait > patience:
			return &rest.Error{
				Fate: rest.NeverReached, Code: rest.CodeQuota,
				Msg: "it asks to wait until " + p.now().Add(wait).Format("2006-01-02 15:04"),
			}
		case wait > shortWait:
			return &rest.Error{Fate: rest.NeverReached, Code: rest.CodeLimited, After: wait, Msg: "the limit of the account leaves no room now"}
		case wait > 0:
			if err := rest.Pause(ctx, wait); err != nil {
				return err
			}
			continue
		case bucket == nil:
			return nil
		}
		if err := bucket.Wait(ctx); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return &rest.Error{Fate: rest.NeverReached, Code: rest.CodeLimited, Msg: "our own rate limit leaves no time for the request before the deadline"}
		}
		return nil
	}
}

// learn takes what an answer's headers tell. What it cannot read it ignores.
func (p *pace) learn(spec rateLimit, status int, h http.Header, after time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if after > 0 && (status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable) {
		p.hold(after)
	}
	window := time.Duration(spec.per * float64(time.Second))
	if ms, ok := number(h, spec.interval); ok && ms > 0 {
		window = time.Duration(ms * float64(time.Millisecond))
	}
	if most, ok := number(h, spec.limit); ok && most >= 1 && window > 0 {
		p.adapt(most / window.Seconds())
	}
	if left, ok := number(h, spec.remaining); ok && left < 1 {
		if wait := rest.UntilReset(h.Get(spec.reset), p.now()); wait > 0 {
			window = wait
		}
		p.hold(window)
	}
	p.day(spec.daily, h)
}

// hold lets nothing start for a while.
func (p *pace) hold(wait time.Duration) {
	if until := p.now().Add(wait); until.After(p.until) {
		p.until = until
	}
}

// adapt takes the service's own word for its limit.
func (p *pace) adapt(perSecond float64) {
	switch {
	case p.bucket == nil:
		p.bucket = rate.NewLimiter(rate.Limit(perSecond), 1)
	case p.bucket.Limit() != rate.Limit(perSecond):
		p.bucket.SetLimit(rate.Limit(perSecond))
	}
}

var usageText = regexp.MustCompile(`(\d+)/(\d+)`)

// day ends the sending when the day's quota is used up, but for what is left
// to others.
func (p *pace) day(q dailyQuota, h http.Header) {
	left, known := number(h, q.remaining)
	most, limited := number(h, q.limit)
	if m := usageText.FindStringSubmatch(h.Get(q.usage)); q.usage != "" && m != nil {
		used, _ := strconv.ParseFloat(m[1], 64)
		most, _ = strconv.ParseFloat(m[2], 64)
		left, known, limited = most-used, true, true
	}
	switch {
	case !known:
	case limited && q.reserve > 0 && left < most*q.reserve:
		p.spent = fmt.Sprintf("%.0f of %.0f requests of the day are left, and %.0f%% of them are reserved for others", max(left, 0), most, q.reserve*100)
	case left < 1:
		p.spent = "the requests of the day are used up"
	}
}

// number reads a header; ok is false if it is not there or not a number.
func number(h http.Header, name string) (n float64, ok bool) {
	if name == "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(h.Get(name)), 64)
	return n, err == nil
}
