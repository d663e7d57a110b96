package rest

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

// Exchange is one request with its answer, as a person may look at it: no
// credentials stand in its headers.
type Exchange struct {
	Method   string
	URL      string
	Header   http.Header
	Body     []byte
	Attempts int
	Status   int // 0: no answer
	Answer   http.Header
	Reply    []byte
	Problem  string // why there is no answer
}

type watchKey struct{}

// Watch gives a context whose requests are shown to see, when they have
// ended. It is for a person who asked to look; nothing else may turn it on.
func Watch(ctx context.Context, see func(Exchange)) context.Context {
	return context.WithValue(ctx, watchKey{}, see)
}

// watched shows an exchange to whoever watches ctx.
func watched(ctx context.Context, r Request, attempts int, resp *Response, err error) {
	see, ok := ctx.Value(watchKey{}).(func(Exchange))
	if !ok {
		return
	}
	x := Exchange{Method: r.Method, URL: r.URL, Header: harmless(r.Header), Body: slices.Clone(r.Body), Attempts: attempts}
	if resp != nil {
		x.Status, x.Answer, x.Reply = resp.Status, harmless(resp.Header), slices.Clone(resp.Body)
	}
	if err != nil {
		x.Problem = err.Error()
	}
	if r.Hide != nil {
		x.URL, x.Problem = r.Hide(x.URL), r.Hide(x.Problem)
		x.Body, x.Reply = []byte(r.Hide(string(x.Body))), []byte(r.Hide(string(x.Reply)))
	}
	see(x)
}

// harmless keeps the values of headers that are known to hold no secret: which
// header a service takes its credentials in is the service's own choice.
func harmless(h http.Header) http.Header {
	out := make(http.Header, len(h))
	for name, values := range h {
		out[name] = []string{"***"}
		if slices.Contains(shownHeaders(), strings.ToLower(name)) {
			out[name] = slices.Clone(values)
		}
	}
	return out
}

func shownHeaders() []string {
	return []string{
		"accept", "content-encoding", "content-length", "content-type", "idempotency-key", "retry-after",
		"server", "user-agent", "x-request-id", "x-correlation-id",
	}
}
