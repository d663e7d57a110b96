package cli_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
)

// relay stands between exposync and a real service: it counts the requests that
// write, and can keep an answer back.
type relay struct {
	*httptest.Server
	mu     sync.Mutex
	writes int
	look   func(method, path string, header map[string][]string)
	after  func(n int) // the service answered the n-th writing request; the answer waits for the return
}

// newRelay forwards everything to the service at address; it ends with the test.
func newRelay(tb testing.TB, address string) *relay {
	tb.Helper()
	to, err := url.Parse(address)
	if err != nil {
		tb.Fatal(err)
	}
	r := &relay{}
	proxy := &httputil.ReverseProxy{
		Rewrite:        func(p *httputil.ProxyRequest) { p.SetURL(to) },
		ModifyResponse: func(resp *http.Response) error { r.seen(resp.Request); return nil },
		ErrorHandler:   func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	r.Server = httptest.NewServer(proxy)
	tb.Cleanup(r.Close)
	return r
}

func (r *relay) seen(req *http.Request) {
	if req.Method == http.MethodGet {
		return
	}
	r.mu.Lock()
	r.writes++
	n, after := r.writes, r.after
	if r.look != nil {
		r.look(req.Method, req.URL.Path, req.Header)
	}
	r.mu.Unlock()
	if after != nil {
		after(n)
	}
}

// then sets what happens after an answer.
func (r *relay) then(after func(n int)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.after = after
}

// each sets what looks at every writing request, one after the other.
func (r *relay) each(look func(method, path string, header map[string][]string)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.look = look
}

// count gives the writing requests since the last call.
func (r *relay) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.writes
	r.writes = 0
	return n
}
