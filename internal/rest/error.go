package rest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"exposync/internal/fault"
)

// Fate says what may have become of a request that got no usable answer.
// The zero Fate is the careful one.
type Fate uint8

// The fates.
const (
	MaybeArrived Fate = iota // the server may have seen it and acted on it
	NeverReached             // it surely caused nothing: no connection, or refused with 429
)

// The codes of an Error and of Response.Fault. Each has a page.
const (
	CodeURL         = "http_url"         // the address is no URL
	CodeUnreachable = "http_unreachable" // no connection, or it broke
	CodeTimeout     = "http_timeout"     // no answer in time
	CodeCertificate = "http_certificate" // the server's certificate is not trusted
	CodeReply       = "http_reply"       // an answer that is not what was asked for
	CodeUnkept      = "http_unkept"      // a Sink failed
	CodeStopped     = "http_stopped"     // too many bad answers in a row
	CodeLimited     = "rate_limited"     // the server, or our own limit, asks for a longer wait than there is time
	CodeQuota       = "quota_spent"      // the server's quota leaves no room for more in this run
	CodeAuth        = "http_auth"        // 401, 403
	CodeRedirect    = "http_redirect"    // 3xx
	CodeUnavailable = "http_unavailable" // 5xx, 408
	CodeRefused     = "http_refused"     // any other 4xx
	CodeInterrupted = "interrupted"      // the caller gave up
)

var (
	errAttemptTimeout = errors.New("rest: attempt took too long")
	errReplyTooLarge  = errors.New("rest: reply too large")
)

// Error says that a request got no usable answer. Its text holds the scheme
// and host of the address and never its path, query, headers or body.
type Error struct {
	Fate   Fate
	Code   string // one of the codes above
	Method string
	Host   string        // scheme://host
	Msg    string        // why
	Denied bool          // with CodeStopped: the credentials were not accepted
	After  time.Duration // with CodeLimited: there is room again then
	Err    error         // cause, without the URL; for errors.Is
}

// Error gives the failure on one line.
func (e *Error) Error() string {
	from := strings.TrimSpace(e.Method + " " + e.Host)
	if from == "" {
		return e.Msg
	}
	return from + ": " + e.Msg
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Fault makes the error one for people; where is the connection.
func (e *Error) Fault(where string) *fault.Fault {
	f := &fault.Fault{Code: e.Code, Kind: fault.Unavailable, Whose: fault.Network, Where: where, Msg: e.Error()}
	switch e.Code {
	case CodeURL:
		f.Kind, f.Whose, f.Hint = fault.Config, fault.Setup, "correct the url of this connection in exposync.yml"
	case CodeCertificate:
		f.Whose, f.Hint = fault.Setup, "check the host name in the url, and that this machine knows the certificate's issuer"
	case CodeStopped:
		f.Whose, f.Hint = fault.Destination, "what was not sent is due again: exposync run"
		if e.Denied {
			f.Kind, f.Whose, f.Hint = fault.Config, fault.Setup, "renew the credentials of this connection"
		}
	case CodeQuota:
		f.Whose, f.Hint = fault.Destination, "run again when the quota is renewed: what was not sent is still due"
	case CodeAuth:
		f.Kind, f.Whose, f.Hint = fault.Config, fault.Setup, "renew the credentials of this connection"
	case CodeInterrupted:
		f.Kind, f.Whose = fault.Interrupted, fault.User
	case CodeReply:
		f.Whose = fault.Destination
	case CodeUnkept:
		f.Kind, f.Whose, f.Hint = fault.Config, fault.Setup, "make room on the disk, or correct the permissions of the folder, then run again"
	default:
		f.Hint = "check that the address is right and can be reached from here, then run again"
	}
	return f
}

// failure turns what the library returned into an Error without secrets.
func (k *call) failure(ctx context.Context, u *url.URL, err error) *Error {
	out := &Error{}
	if !errors.As(err, &out) {
		code, msg := describe(ctx, err)
		out = &Error{Code: code, Msg: msg, Err: withoutURL(err)}
		if !k.reached.Load() && !k.earlier {
			out.Fate = NeverReached
		}
	}
	failed := *out
	if k.earlier {
		failed.Fate = MaybeArrived
	}
	failed.Host = hostOf(u)
	if k.attempts > 1 {
		failed.Msg += fmt.Sprintf(" (%d attempts)", k.attempts)
	}
	return &failed
}

// describe names the cause in words of our own: texts of the network stack
// may quote what the server sent, and servers echo secrets.
func describe(ctx context.Context, err error) (code, msg string) {
	dns, cert := (*net.DNSError)(nil), (*tls.CertificateVerificationError)(nil)
	record, alert := tls.RecordHeaderError{}, tls.AlertError(0)
	timeout := net.Error(nil)
	switch {
	case errors.Is(err, errReplyTooLarge):
		return CodeReply, "the answer is larger than Exposync reads"
	case errors.Is(err, errAttemptTimeout), errors.Is(ctx.Err(), context.DeadlineExceeded):
		return CodeTimeout, "no complete answer in time"
	case ctx.Err() != nil:
		return CodeInterrupted, "interrupted"
	case errors.As(err, &dns):
		return CodeUnreachable, "the host name is not known"
	case errors.As(err, &cert):
		return CodeCertificate, "the server's certificate is not trusted"
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &record), errors.As(err, &alert):
		return CodeCertificate, "no TLS connection: the server may not speak https on this port"
	case errors.Is(err, syscall.ECONNREFUSED):
		return CodeUnreachable, "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return CodeUnreachable, "the connection was reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return CodeUnreachable, "the connection was closed before the answer was complete"
	case errors.As(err, &timeout) && timeout.Timeout():
		return CodeTimeout, "no connection in time"
	}
	return CodeUnreachable, "the request failed"
}

// withoutURL strips the part of an error that repeats the address.
func withoutURL(err error) error {
	if with := (*url.Error)(nil); errors.As(err, &with) {
		return with.Err
	}
	return err
}

// OK reports whether the status is one of success.
func (r *Response) OK() bool { return r.Status >= 200 && r.Status < 300 }

// JSON reports whether the answer calls itself JSON. A missing type and
// text/plain count, since servers that never set one are many; whoever reads
// the body still checks that it is JSON.
func (r *Response) JSON() bool {
	header := r.Header.Get("Content-Type")
	if header == "" {
		return true
	}
	kind, _, err := mime.ParseMediaType(header)
	if err != nil {
		return false
	}
	return kind == "application/json" || kind == "text/json" || kind == "text/plain" || strings.HasSuffix(kind, "+json")
}

// Fault makes a fault of a status that is no success; where is the
// connection. It is nil for a success.
func (r *Response) Fault(where string) *fault.Fault {
	f := &fault.Fault{
		Kind: fault.Unavailable, Whose: fault.Destination, Where: where,
		Msg: fmt.Sprintf("%s answered %d %s", r.Host, r.Status, http.StatusText(r.Status)),
	}
	switch {
	case r.OK():
		return nil
	case r.Status == http.StatusUnauthorized || r.Status == http.StatusForbidden:
		f.Code, f.Kind, f.Whose = CodeAuth, fault.Config, fault.Setup
		f.Hint = "check the credentials of this connection and what they may do"
	case r.Status == http.StatusTooManyRequests:
		f.Code = CodeLimited
		if !r.Until.IsZero() {
			f.Msg = fmt.Sprintf("%s: rate limited until %s", r.Host, r.Until.Format(untilFormat(r.After)))
		}
		f.Hint = "run again later: what was not sent is still due"
	case r.Status >= 300 && r.Status < 400:
		f.Code, f.Kind, f.Whose = CodeRedirect, fault.Config, fault.Setup
		f.Msg = fmt.Sprintf("%s redirects to %s, which is not followed", r.Host, r.target())
		f.Hint = "write the final address into the url of this connection"
	case r.Status == http.StatusRequestTimeout || r.Status >= 500:
		f.Code, f.Hint = CodeUnavailable, "run again later: what was not sent is still due"
	default:
		f.Code, f.Kind, f.Whose = CodeRefused, fault.Config, fault.Setup
		f.Hint = "check the url of this connection"
	}
	return f
}

// target is the host that a redirect points to.
func (r *Response) target() string {
	u, err := url.Parse(r.Header.Get("Location"))
	if err != nil || u.Host == "" {
		return "another path of the same host"
	}
	return hostOf(u)
}

// untilFormat shows the day only where the hour alone would mislead.
func untilFormat(wait time.Duration) string {
	if wait >= 12*time.Hour {
		return "2006-01-02 15:04"
	}
	return "15:04"
}
