package rest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// checkRetry decides after every attempt whether there is another one.
func (c *Client) checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	k := callOf(ctx)
	if k == nil {
		return false, errors.New("rest: request without a class")
	}
	again := k.mayRepeat(ctx, resp, err)
	if err == nil && resp.StatusCode == http.StatusTooManyRequests {
		k.reached.Store(false) // it was refused: nothing happened
	}
	if err != nil && ctx.Err() != nil {
		return false, ctx.Err()
	}
	again = again && ctx.Err() == nil && k.attempts < k.most
	if asked := c.asked(resp); asked > 0 && !c.canWait(ctx, asked) {
		again = false
	}
	return again, nil
}

// mayRepeat is the table of classes and answers; it knows no limits.
func (k *call) mayRepeat(ctx context.Context, resp *http.Response, err error) bool {
	final, dns := (*Error)(nil), (*net.DNSError)(nil)
	switch {
	case errors.As(err, &final), errors.Is(err, errReplyTooLarge):
		return false
	case errors.As(err, &dns) && dns.IsNotFound, errors.Is(err, http.ErrSchemeMismatch): // a misspelt address
		return false
	case err != nil && !k.reached.Load(): // keeps a bad certificate or header permanent
		again, _ := retryablehttp.DefaultRetryPolicy(ctx, nil, err)
		return again
	case err != nil:
		return !k.class.sentOnce()
	case resp.StatusCode == http.StatusTooManyRequests:
		return true
	case k.class.sentOnce():
		return false
	case resp.StatusCode == http.StatusRequestTimeout:
		return k.class != Alert
	}
	return resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented
}

// canWait reports whether a wait that the server asked for fits into what is
// left of the deadline and into our patience.
func (c *Client) canWait(ctx context.Context, wait time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && wait >= deadline.Sub(c.cfg.Now()) {
		return false
	}
	return wait <= c.cfg.Patience
}

// backoff is the wait before the next attempt: what the server asked for,
// else exponential with full jitter, so that workers do not come back at once.
func (c *Client) backoff(_, _ time.Duration, attempt int, resp *http.Response) time.Duration {
	if asked := c.asked(resp); asked > 0 {
		return max(min(asked, c.cfg.Patience), c.cfg.WaitMin)
	}
	top := min(c.cfg.WaitMax, c.cfg.WaitMin<<min(attempt+1, 16))
	return max(time.Duration(c.cfg.Jitter()*float64(top)), c.cfg.WaitMin/2)
}

// asked reads how long the server wants to be left alone: Retry-After as
// seconds, also with a fraction, or as any HTTP date; else the reset of a
// used-up quota. 0 means that it does not say.
func (c *Client) asked(resp *http.Response) time.Duration {
	if resp == nil || (resp.StatusCode < 500 && resp.StatusCode != http.StatusTooManyRequests) {
		return 0
	}
	now := c.cfg.Now()
	if after := strings.TrimSpace(resp.Header.Get("Retry-After")); after != "" {
		if s, err := strconv.ParseFloat(after, 64); err == nil && s >= 0 {
			return max(seconds(s), time.Millisecond)
		}
		if t, err := http.ParseTime(after); err == nil {
			return max(t.Sub(now), time.Millisecond)
		}
	}
	if resp.StatusCode != http.StatusTooManyRequests {
		return 0
	}
	for _, name := range []string{"X-Ratelimit-Reset", "Ratelimit-Reset"} {
		if wait := UntilReset(resp.Header.Get(name), now); wait > 0 {
			return wait
		}
	}
	return 0
}

// UntilReset reads the header in which a server tells when its limit is
// renewed; 0 if it does not tell, or that is past.
func UntilReset(header string, now time.Time) time.Duration {
	s, err := strconv.ParseFloat(strings.TrimSpace(header), 64)
	if err != nil || s <= 0 {
		return 0
	}
	return max(untilReset(s, now), 0)
}

// Pause waits, or gives the context's error.
func Pause(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// untilReset reads a reset the three ways in which servers write it: unix
// milliseconds, unix seconds, or seconds from now.
func untilReset(n float64, now time.Time) time.Duration {
	switch {
	case n > 1e11:
		return time.UnixMilli(int64(n)).Sub(now)
	case n > 1e8:
		return time.Unix(int64(n), 0).Sub(now)
	}
	return seconds(n)
}

// seconds saturates: a server may write any number.
func seconds(s float64) time.Duration {
	const most = 365 * 24 * time.Hour
	if s >= most.Seconds() {
		return most
	}
	return time.Duration(s * float64(time.Second))
}
