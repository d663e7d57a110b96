package engine_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
)

// wellService is a service without accidents.
func wellService(t *testing.T) *service {
	t.Helper()
	s := newService()
	t.Cleanup(s.Close)
	s.begin(&chaos{crm: newCRM(), rng: rand.New(rand.NewPCG(1, 1)), log: map[string][]string{}, unsure: map[string]bool{}})
	s.workers = 1
	s.token, s.good = "known", 1000
	return s
}

// request is one request of a process that was welcomed at an address.
func request(t *testing.T, url, method, path, body string) (string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer known")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s", method, path, resp.Status)
	}
	return string(text), err
}

const twoRows = `{"records":[{"op":"create","external_id":"a","name":"1"},{"op":"create","external_id":"b","name":"2"}]}`

// The properties take the service's word for what it stored: it calls good
// what it holds, however a job ended, and nothing else.
func TestTheServiceCallsGoodOnlyWhatItHolds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		close, abort bool
		good, missed int // as far as they are certain; -1: whatever it came to
	}{
		"worked off":                {close: true, good: 2},
		"aborted before it began":   {abort: true, missed: 2},
		"aborted while it went on":  {close: true, abort: true, good: -1, missed: -1},
		"neither closed nor begun ": {missed: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := wellService(t)
			url := s.welcome()
			do := func(method, path, body string) string {
				text, err := request(t, url, method, path, body)
				if err != nil {
					t.Fatal(err)
				}
				return text
			}
			do("POST", "/jobs", `{}`)
			s.quietly(func() { s.jobs["j1"].steps = 3 })
			do("PUT", "/jobs/j1/rows", twoRows)
			if tt.close {
				do("PATCH", "/jobs/j1", `{}`)
			}
			if tt.abort {
				do("DELETE", "/jobs/j1", "")
			}
			for range 5 {
				do("GET", "/jobs/j1", "")
			}
			good, missed := do("GET", "/jobs/j1/good", ""), do("GET", "/jobs/j1/missed", "")
			for _, key := range []string{"a", "b"} {
				_, held := s.dest.records[key]
				called, left := strings.Contains(good, `"`+key+`"`), strings.Contains(missed, `"`+key+`"`)
				if called != held || left == held {
					t.Errorf("%s is held: %t; good: %t, missed: %t", key, held, called, left)
				}
			}
			if n := strings.Count(good, `"`) / 2; tt.good >= 0 && n != tt.good {
				t.Errorf("%d good, want %d", n, tt.good)
			}
			if n := strings.Count(missed, `"`) / 2; tt.missed >= 0 && n != tt.missed {
				t.Errorf("%d missed, want %d", n, tt.missed)
			}
		})
	}
}

// What a process sent that is gone does not come between the requests of the
// next one.
func TestTheServiceHearsOneProcessOnly(t *testing.T) {
	t.Parallel()
	s := wellService(t)
	old := s.welcome()
	url := s.welcome()
	if text, err := request(t, old, "POST", "/contacts", twoRows); err == nil || len(s.dest.records) > 0 {
		t.Errorf("the process that is gone heard %q, and left %v", text, s.dest.records)
	}
	if _, err := request(t, url, "POST", "/contacts", twoRows); err != nil || len(s.dest.records) != 2 {
		t.Errorf("%v, with %v", err, s.dest.records)
	}
}
