package declared

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/tidwall/gjson"

	"exposync/internal/destination"
)

// bulkOps describes a service that takes records as jobs and lists failures
// only.
const bulkOps = `
limits: {rows: 100}
ops:
  upsert:
    job:
      create: {request: {path: /jobs}, body: {object: "${object}"}, id: id}
      upload: {request: {method: PUT, path: "/jobs/${job_id}/records"}}
      close: {request: {method: PATCH, path: "/jobs/${job_id}"}, body: {state: closed}}
      abort: {request: {method: DELETE, path: "/jobs/${job_id}"}}
      poll:
        request: {path: "/jobs/${job_id}"}
        state: state
        open: [open]
        running: [running]
        done: [done]
        dead: [dead]
        every: 1s
        counts: {processed: processed, failed: failed}
      results:
        - {request: {path: "/jobs/${job_id}/failures"}, at: failures, key: key, index: index, code: code, class: {LOCKED: retry}}
      missing_rows: ok
`

// bulkService runs one job, and does what the test says at every step.
type bulkService struct {
	mu      sync.Mutex
	calls   []string
	records []string // uploaded, by key
	closed  bool
	deleted bool
	// say answers a step in place of the service; false: it does what it should
	say func(step string, w http.ResponseWriter, do func()) bool

	processed *int // of the answer to poll; nil: as many as there are
	failures  string
	failed    int
}

func (s *bulkService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	step, do := s.step(r, body)
	s.calls = append(s.calls, step)
	if s.say != nil && s.say(step, w, do) {
		return
	}
	do()
	switch step {
	case "create":
		fmt.Fprint(w, `{"id":"j1"}`)
	case "poll":
		fmt.Fprint(w, s.state())
	case "failures":
		fmt.Fprintf(w, `{"failures":[%s]}`, s.failures)
	default:
		fmt.Fprint(w, `{}`)
	}
}

func (s *bulkService) step(r *http.Request, body []byte) (step string, do func()) {
	switch {
	case r.Method == http.MethodPost:
		return "create", func() {}
	case r.Method == http.MethodPut:
		return "upload", func() {
			s.records = nil
			for _, row := range gjson.GetBytes(body, "records").Array() {
				s.records = append(s.records, row.Get("email").Str)
			}
		}
	case r.Method == http.MethodPatch:
		return "close", func() { s.closed = true }
	case r.Method == http.MethodDelete:
		return "abort", func() { s.deleted = true }
	case strings.HasSuffix(r.URL.Path, "/failures"):
		return "failures", func() {}
	}
	return "poll", func() {}
}

func (s *bulkService) state() string {
	if !s.closed {
		return `{"state":"open"}`
	}
	n := len(s.records)
	if s.processed != nil {
		n = *s.processed
	}
	return fmt.Sprintf(`{"state":"done","processed":%d,"failed":%d}`, n, s.failed)
}

// submit hands three people over and asks until the job has ended.
func (s *bulkService) submit(t *testing.T) []destination.Outcome {
	t.Helper()
	w, ok := open1(t, service(t, s.ServeHTTP, bulkOps), destination.Upsert).(destination.Jobber)
	if !ok {
		t.Fatal("no jobs")
	}
	batch := persons(3)
	id, out := w.Submit(t.Context(), batch, func(string) error { return nil })
	if out[0].State != destination.Pending {
		return out
	}
	for range 5 {
		p, err := w.Poll(t.Context(), id)
		if err != nil {
			t.Fatalf("Poll(): %v", err)
		}
		if p.Lost {
			return destination.All(len(batch), destination.Outcome{State: destination.InDoubt, Code: "job_lost"})
		}
		if p.Ended {
			out, err := w.Results(t.Context(), id, batch)
			if err != nil {
				t.Fatalf("Results(): %v", err)
			}
			return out
		}
	}
	return out
}

// Where only failures are listed a record is ok if all records were processed
// and all failures are named: nothing else proves that it arrived.
func TestJobsThatListFailuresOnly(t *testing.T) {
	t.Parallel()
	three := func(s string) string { return strings.Join([]string{s, s, s}, " ") }
	const unsure = "in_doubt/" + codeOKCount
	some := func(n int) *int { return &n }
	tests := map[string]struct {
		s    *bulkService
		want string
	}{
		"all is well":       {&bulkService{}, three("ok")},
		"one failed":        {&bulkService{failures: `{"key":"k1","code":"BAD"}`, failed: 1}, "ok fail/BAD ok"},
		"one is locked":     {&bulkService{failures: `{"key":"k1","code":"LOCKED"}`, failed: 1}, "ok retry/LOCKED ok"},
		"by its index":      {&bulkService{failures: `{"index":"1","code":"BAD"}`, failed: 1}, "ok fail/BAD ok"},
		"not all processed": {&bulkService{processed: some(2)}, three(unsure)},
		"none processed":    {&bulkService{processed: some(0)}, three(unsure)},
		"one not named":     {&bulkService{failed: 1}, three(unsure)},
		"one too many": {
			&bulkService{failures: `{"key":"k1","code":"BAD"},{"key":"k2","code":"BAD"}`, failed: 1}, unsure + " fail/BAD fail/BAD",
		},
		"a key of nobody":       {&bulkService{failures: `{"key":"k7","code":"BAD"}`, failed: 1}, three(unsure)},
		"a key and another row": {&bulkService{failures: `{"key":"k7","index":"1","code":"BAD"}`, failed: 1}, three(unsure)},
		"a failure of nobody":   {&bulkService{failures: `{"code":"BAD"}`, failed: 1}, three(unsure)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := brief(tt.s.submit(t)); got != tt.want {
				t.Errorf("outcomes = %s, want %s (%v)", got, tt.want, tt.s.calls)
			}
		})
	}
}

// Whatever goes wrong on the way, a record is ok only if the job had it, and a
// job that may have begun is asked, not given up.
func TestJobsOnBadDays(t *testing.T) {
	t.Parallel()
	once := func(at string, answer func(w http.ResponseWriter, do func())) func(string, http.ResponseWriter, func()) bool {
		used := false
		return func(step string, w http.ResponseWriter, do func()) bool {
			if step != at || used {
				return false
			}
			used = true
			answer(w, do)
			return true
		}
	}
	after := func(status int) func(http.ResponseWriter, func()) {
		return func(w http.ResponseWriter, do func()) { do(); w.WriteHeader(status) }
	}
	before := func(status int) func(http.ResponseWriter, func()) {
		return func(w http.ResponseWriter, _ func()) { w.WriteHeader(status) }
	}
	limited := func(w http.ResponseWriter, _ func()) { // the engine waits, and knows when somebody wants to stop
		w.Header().Set("Retry-After", "900")
		w.WriteHeader(http.StatusTooManyRequests)
	}
	tests := map[string]struct {
		s       *bulkService
		want    string
		aborted bool
	}{
		"closed, and then the gateway broke":     {&bulkService{say: once("close", after(502))}, "ok ok ok", false},
		"not closed, because the gateway broke":  {&bulkService{say: once("close", before(502))}, "ok ok ok", false},
		"uploaded, and then the gateway broke":   {&bulkService{say: once("upload", after(502))}, "ok ok ok", false},
		"not uploaded, but the answer says so":   {&bulkService{say: once("upload", before(200))}, "in_doubt/" + codeOKCount, false},
		"the upload is refused":                  {&bulkService{say: once("upload", before(413))}, "bisect/413", true},
		"the credentials end before the close":   {&bulkService{say: once("close", before(401))}, "auth/401", true},
		"the close is refused":                   {&bulkService{say: once("close", before(409))}, "bisect/409", true},
		"the close is refused, but it was done":  {&bulkService{say: once("close", after(409))}, "bisect/409", true},
		"no job for now":                         {&bulkService{say: once("create", limited)}, "retry/429", false},
		"no job, nobody knows":                   {&bulkService{say: once("create", after(502))}, "retry/502", false},
		"the results are gone":                   {&bulkService{say: once("failures", before(404)), failed: 1}, "in_doubt/" + codeOKCount, false},
		"the results are gone, but none failed":  {&bulkService{say: once("failures", before(404))}, "ok ok ok", false},
		"a poll is limited, and then it goes on": {&bulkService{say: once("poll", before(429))}, "ok ok ok", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := brief(tt.s.submit(t))
			if !strings.HasPrefix(got, tt.want) || tt.s.deleted != tt.aborted {
				t.Errorf("outcomes = %s, want %s; aborted %t (%v)", got, tt.want, tt.s.deleted, tt.s.calls)
			}
			if strings.Contains(got, "ok ") && (len(tt.s.records) != 3 || !tt.s.closed) {
				t.Errorf("outcomes = %s, but the job has %v", got, tt.s.records)
			}
		})
	}
}

// Where the upload begins the job, one whose answer was lost is not sent
// again: the service would refuse it, and a job that goes on would be given up.
func TestAnUploadThatBeginsTheJob(t *testing.T) {
	t.Parallel()
	ops := strings.ReplaceAll(bulkOps, "      close: {request: {method: PATCH, path: \"/jobs/${job_id}\"}, body: {state: closed}}\n", "")
	ops = strings.ReplaceAll(ops, "        open: [open]\n", "")
	s := &bulkService{closed: true}
	s.say = func(step string, w http.ResponseWriter, do func()) bool {
		switch {
		case step != "upload":
			return false
		case len(s.records) > 0:
			w.WriteHeader(http.StatusConflict)
		default:
			do()
			w.WriteHeader(http.StatusGatewayTimeout)
		}
		return true
	}
	w := open1(t, service(t, s.ServeHTTP, ops), destination.Upsert).(destination.Jobber) //nolint:forcetypeassert // seen above
	id, out := w.Submit(t.Context(), persons(3), func(string) error { return nil })
	if brief(out) != "pending pending pending" || s.deleted {
		t.Fatalf("outcomes = %s; aborted %t (%v)", brief(out), s.deleted, s.calls)
	}
	if out, err := w.Results(t.Context(), id, persons(3)); err != nil || brief(out) != "ok ok ok" {
		t.Errorf("%v, %s", err, brief(out))
	}
}

// A job that was left open is closed by whoever asks it; an answer that it
// cannot be closed now does not make it one that never begins.
func TestAJobLeftOpen(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		200: "running", 503: "running", 429: "running", 401: "running", 409: "lost",
	} {
		s := &bulkService{records: []string{"k0"}}
		s.say = func(step string, w http.ResponseWriter, _ func()) bool {
			if step == "close" {
				w.WriteHeader(status)
			}
			return step == "close"
		}
		w := open1(t, service(t, s.ServeHTTP, bulkOps), destination.Upsert).(destination.Jobber) //nolint:forcetypeassert // seen above
		p, err := w.Poll(t.Context(), "upsert:j1")
		if err != nil || p.Ended != (want == "lost") || p.Lost != p.Ended {
			t.Errorf("%d: %+v, %v, want %s", status, p, err, want)
		}
	}
	s := &bulkService{records: []string{"k0"}}
	s.say = func(step string, w http.ResponseWriter, do func()) bool {
		if step == "close" { // somebody else was faster
			do()
			w.WriteHeader(http.StatusConflict)
		}
		return step == "close"
	}
	w := open1(t, service(t, s.ServeHTTP, bulkOps), destination.Upsert).(destination.Jobber) //nolint:forcetypeassert // seen above
	if p, err := w.Poll(t.Context(), "upsert:j1"); err != nil || !p.Ended || p.Lost {
		t.Errorf("%+v, %v, want one that ended", p, err)
	}
}

// Results repeat what a job was given: they are read whole, however long the
// answers are that other requests may have.
func TestResultsAreReadWhole(t *testing.T) {
	t.Parallel()
	s := &bulkService{failures: strings.Repeat(" ", 33<<20)}
	ops := strings.Replace(bulkOps, "{rows: 100}", "{rows: 100, bytes: 20000000}", 1)
	w := open1(t, service(t, s.ServeHTTP, ops), destination.Upsert).(destination.Jobber) //nolint:forcetypeassert // seen above
	id, _ := w.Submit(t.Context(), persons(3), func(string) error { return nil })
	out, err := w.Results(t.Context(), id, persons(3))
	if err != nil || brief(out) != "ok ok ok" {
		t.Errorf("%v, %s", err, brief(out))
	}
}

// A file of results that was cut off names no record by half of its key.
func TestAFileOfResultsThatWasCutOff(t *testing.T) {
	t.Parallel()
	r := &results{format: "csv", state: destination.OK}
	whole := "\"id\",\"key\"\n\"1\",\"k10\"\n\"2\",\"k11\"\n"
	for n := range len(whole) {
		for one, err := range r.lines([]byte(whole[:n]), "key") {
			if err == nil && one.key != "" && one.key != "k10" && one.key != "k11" {
				t.Errorf("%q: a record %q", whole[:n], one.key)
			}
		}
	}
}
