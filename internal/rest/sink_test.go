package rest_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"exposync/internal/rest"
)

// basin is a sink in memory that counts how often a reply began.
type basin struct {
	bytes.Buffer
	resets int
	full   error // what Write fails with
}

func (b *basin) Reset() error {
	b.resets++
	b.Buffer.Reset()
	return nil
}

func (b *basin) Write(p []byte) (int, error) {
	if b.full != nil {
		return 0, b.full
	}
	return b.Buffer.Write(p)
}

func fill(t *testing.T, cfg rest.Config, url string, into rest.Sink, most int64) (*rest.Response, error) {
	t.Helper()
	return rest.New(cfg).Do(t.Context(), rest.Request{Class: rest.Read, Method: http.MethodGet, URL: url, Into: into, Most: most})
}

// A reply above the cap of memory goes into the sink as it comes.
func TestSinkTakesALargeReply(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("0123456789abcdef", 1<<14)
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, large) })
	cfg := config()
	cfg.MaxReply = 1 << 10
	b := &basin{}
	resp, err := fill(t, cfg, s.URL, b, 1<<20)
	if err != nil || resp.Status != 200 || len(resp.Body) != 0 || b.String() != large {
		t.Errorf("Do() = %+v, %v, and %d bytes in the sink", resp, err, b.Len())
	}
	for most, want := range map[int64]string{1 << 10: "larger", 0: "larger"} {
		if _, err := fill(t, cfg, s.URL, &basin{}, most); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("most %d: error %v", most, err)
		}
	}
}

// What a reply that broke left behind is forgotten before the next one.
func TestSinkBeginsAnew(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1) == 1 {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, `{"half":`)
			w.(http.Flusher).Flush()
			hangUp(t, w)
			return
		}
		fmt.Fprint(w, `{"whole":1}`)
	})
	b := &basin{}
	if _, err := fill(t, config(), s.URL, b, 1<<20); err != nil || b.String() != `{"whole":1}` || b.resets != 2 {
		t.Errorf("sink %q after %d beginnings, %v", b.String(), b.resets, err)
	}
}

// What is no success is for whoever asked, and not for the sink.
func TestSinkTakesNoRefusal(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, "not here")
	})
	b := &basin{}
	resp, err := fill(t, config(), s.URL, b, 1<<20)
	if err != nil || string(resp.Body) != "not here" || b.Len() != 0 || b.resets != 0 {
		t.Errorf("Do() = %+v, %v, sink %q", resp, err, b.String())
	}
}

// A full disk is not the network's fault: the reply is not asked for again.
func TestSinkThatFailsIsNotRetried(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		n.Add(1)
		fmt.Fprint(w, "anything")
	})
	full := errors.New("no space left")
	_, err := fill(t, config(), s.URL, &basin{full: full}, 1<<20)
	failure := (*rest.Error)(nil)
	if !errors.As(err, &failure) || failure.Code != rest.CodeUnkept || !errors.Is(err, full) || n.Load() != 1 {
		t.Errorf("Do() error = %v after %d requests", err, n.Load())
	}
}
