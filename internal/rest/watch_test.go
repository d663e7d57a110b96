package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"exposync/internal/rest"
)

// Whoever watches sees a request with its answer, without credentials in
// whatever header they travel; the request itself is the same.
func TestWatch(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer hush" || r.Header.Get("X-Api-Key") != "hush" {
			t.Errorf("the credentials did not arrive: %v", r.Header)
		}
		if n.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Set-Cookie", "session=hush")
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"ok":true}`)
	})
	var seen []rest.Exchange
	request := rest.Request{
		Class: rest.Upsert, Method: http.MethodPost, URL: s.URL, Body: []byte(`{"a":1}`),
		Header: http.Header{"Authorization": {"Bearer hush"}, "x-api-key": {"hush"}, "Content-Type": {"application/json"}},
	}
	ctx := rest.Watch(t.Context(), func(x rest.Exchange) { seen = append(seen, x) })
	if _, err := rest.New(config()).Do(ctx, request); err != nil || len(seen) != 1 {
		t.Fatalf("%v, %d exchanges", err, len(seen))
	}
	x := seen[0]
	if x.Status != 200 || x.Attempts != 2 || string(x.Body) != `{"a":1}` || string(x.Reply) != `{"ok":true}` || x.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%+v", x)
	}
	if text := fmt.Sprint(x.Header, x.Answer); strings.Contains(text, "hush") || !strings.Contains(text, "***") {
		t.Errorf("headers %s", text)
	}
	if request.Header.Get("Authorization") != "Bearer hush" {
		t.Error("the request was changed")
	}
	// nobody watches
	if _, err := rest.New(config()).Do(t.Context(), request); err != nil || len(seen) != 1 {
		t.Errorf("%v, %d exchanges", err, len(seen))
	}
}

func TestWatchAFailure(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { hangUp(t, w) })
	var seen []rest.Exchange
	ctx := rest.Watch(t.Context(), func(x rest.Exchange) { seen = append(seen, x) })
	if _, err := send(ctx, t, rest.New(config()), rest.Insert, s.URL+"?token=hush"); err == nil || len(seen) != 1 {
		t.Fatalf("%v, %d exchanges", err, len(seen))
	}
	if x := seen[0]; x.Status != 0 || x.Problem == "" || strings.Contains(x.Problem, "hush") {
		t.Errorf("%+v", x)
	}
}
