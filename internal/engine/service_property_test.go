package engine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"exposync/internal/destination"
	"exposync/internal/destination/declared"
	"exposync/internal/engine"
	"exposync/internal/fault"
	"exposync/internal/plan"
	"exposync/internal/record"
	"exposync/internal/rest"
	"exposync/internal/yamlx"
)

// serviceSpec is the connection: rows say what they are, so that the service
// can be held against the ledger.
const serviceSpec = `
auth: {type: oauth2_client_credentials, token_url: "${url}/token", client_id: me, client_secret: canary-secret}
limits: {rows: %[1]d, concurrency: %[2]d}
read: {rows: 3, request: {method: GET, path: "/${object}", query: {keys: "${keys}"}}, at: records, key: external_id}
ops:
  upsert: {row: {op: $op, "...": [$key, $fields]}%[3]s}
  insert: {row: {op: $op, "...": [$key, $fields]}, atomic: %[4]t}
  append: {row: {op: $op, "...": [$key, $fields]}, atomic: %[4]t}
  delete: {row: {op: $op, "...": $key}}
`

// The two ways in which a job tells what became of its records.
const (
	jobSteps = `, job: {
    create: {request: {path: /jobs}, body: {object: "${object}"}, id: id}
    , upload: {request: {method: PUT, path: "/jobs/${job_id}/rows"}}
    , close: {request: {method: PATCH, path: "/jobs/${job_id}"}, body: {state: closed}}
    , abort: {request: {method: DELETE, path: "/jobs/${job_id}"}}
    , poll: {request: {path: "/jobs/${job_id}"}, state: state, open: [open], running: [running], done: [done], dead: [dead, aborted]
             , every: 1s, timeout: 20s, counts: {processed: processed, failed: failed}}
    , results: [%s{request: {path: "/jobs/${job_id}/failed"}, format: csv, key: external_id, code: code}
               , {request: {path: "/jobs/${job_id}/missed"}, format: csv, key: external_id, state: retry}]
    , missing_rows: %s}`
	jobGood = `{request: {path: "/jobs/${job_id}/good"}, format: csv, key: external_id, state: ok}, `
)

// connected is a world behind a service.
type connected struct {
	*world
	service *service
	spec    string
	closing []destination.Destination
}

func newConnected(t *rapid.T, s *service, spool string, idempotent bool) *connected {
	w := &connected{world: newWorld(t, spool, idempotent), service: s}
	s.begin(w.dest)
	job := ""
	if idempotent {
		job = rapid.SampledFrom([]string{"", fmt.Sprintf(jobSteps, jobGood, "in_doubt"), fmt.Sprintf(jobSteps, "", "ok")}).Draw(t, "job")
	}
	s.workers = rapid.SampledFrom([]int{1, 1, 3}).Draw(t, "workers")
	w.spec = fmt.Sprintf(serviceSpec, rapid.IntRange(1, 4).Draw(t, "batch"), s.workers, job, rapid.Bool().Draw(t, "atomic"))
	w.through = w.connect
	return w
}

// connect is what every process does first.
func (w *connected) connect() destination.Destination {
	url := w.service.welcome()
	root, err := yamlx.Parse("exposync.yml", []byte(strings.ReplaceAll(w.spec, "${url}", url)))
	if err != nil {
		w.Fatal(err)
	}
	blocks := map[string]*yamlx.Node{}
	for _, p := range root.Pairs {
		blocks[p.Key] = p.Value
	}
	d, err := declared.Connect(declared.Config{
		Kind: "http", Name: "crm", Where: "exposync.yml:1", File: "exposync.yml", Blocks: blocks,
		Params: map[string]string{"url": url},
		Rest: rest.Config{
			Now: time.Now, Jitter: func() float64 { return 0 }, WaitMin: time.Nanosecond, WaitMax: time.Microsecond, Timeout: 10 * time.Second,
		},
	})
	if err != nil {
		w.Fatal(err)
	}
	w.closing = append(w.closing, d)
	return d
}

// process is a run that may find a job still going on, or its service away.
func (w *connected) process(req engine.Request) (plan.Result, bool) {
	defer func() {
		for _, d := range w.closing {
			_ = d.Close()
		}
		w.closing = nil
	}()
	res, err := w.attempt(req)
	if err != nil && !fault.Is(err, "job_open") && !slices.ContainsFunc(fault.All(err), func(f *fault.Fault) bool { return f.Kind != fault.Config }) && !errors.Is(err, errDisk) && !errors.Is(err, context.Canceled) {
		w.Fatal(err)
	}
	return res, err == nil
}

// checks is how many histories a property is tried with: the short ones count
// in every run, the many at night.
func checks(short int) int {
	if os.Getenv("EXPOSYNC_NIGHTLY") != "" {
		return short * 40
	}
	return short
}

// histories runs a property as often as the budget says.
func histories(t *testing.T, n int, property func(*rapid.T, *service, string)) {
	t.Helper()
	s := newService()
	t.Cleanup(s.Close)
	spool := t.TempDir()
	for range checks(n) {
		rapid.Check(t, func(t *rapid.T) { property(t, s, spool) })
		if t.Failed() {
			return
		}
	}
}

// Whatever a service, its jobs and our own end do, nothing is lost or deleted
// by mistake, what the ledger says is confirmed is what the service holds, and
// once it is well again one run sends exactly the rest.
func TestNothingIsLostOverHTTP(t *testing.T) {
	t.Parallel()
	histories(t, 1, func(t *rapid.T, s *service, spool string) {
		w := newConnected(t, s, spool, true)
		w.job.Mode = rapid.SampledFrom([]plan.Mode{plan.Upsert, plan.Mirror}).Draw(t, "mode")
		for range rapid.IntRange(1, 5).Draw(t, "runs") {
			w.change()
			fails := rapid.SampledFrom([]float64{0, 0.3, 0.7}).Draw(t, "fails")
			poison := map[string]bool{rapid.StringMatching("[a-z]").Draw(t, "poison"): true}
			s.quietly(func() { s.fails, w.dest.poison = fails, poison })
			if rapid.IntRange(0, 6).Draw(t, "remap") == 0 {
				w.job.Fields[0].Name += "_"
				w.names = append(w.names, w.job.Fields[0].Name)
			}
			res, planned := w.process(engine.Request{
				First: plan.FirstSend, Retry: rapid.Bool().Draw(t, "retry"),
			})
			if planned && engine.Handled(res) && (res.Counts.InDoubt > 0 || res.Counts.NotSent > 0) {
				t.Fatalf("handled, with %+v", res.Counts)
			}
		}
		s.quietly(func() { s.fails, s.well, w.dest.poison = 0, true, nil })
		w.extra = nil
		well := func() plan.Result {
			res, planned := w.process(engine.Request{First: plan.FirstSend, Retry: true, Quarantined: true})
			if !planned {
				t.Fatal("a service that is well gets no plan")
			}
			return res
		}
		well() // asks jobs that were left behind, and takes a changed mapping
		w.dest.sent = nil
		want := w.rest(w.known())
		well()
		slices.Sort(w.dest.sent)
		if d := cmp.Diff(want, w.dest.sent); d != "" {
			t.Fatalf("the last run sent something else than the rest (-want +got):\n%s", d)
		}
		w.compare()
		calls := w.dest.calls
		if res := well(); w.dest.calls != calls || res.Counts.Changes() != 0 {
			t.Fatalf("an unchanged run sent something: %+v", res.Counts)
		}
	})
}

// Where sending twice does harm a service gets no record twice, and what is in
// doubt is said every time.
func TestNothingIsDoubledOverHTTP(t *testing.T) {
	t.Parallel()
	histories(t, 1, func(t *rapid.T, s *service, spool string) {
		w := newConnected(t, s, spool, false)
		w.job.Mode = rapid.SampledFrom([]plan.Mode{plan.Append, plan.Insert}).Draw(t, "mode")
		for range rapid.IntRange(1, 5).Draw(t, "runs") {
			w.change()
			fails := rapid.SampledFrom([]float64{0, 0.3, 0.7}).Draw(t, "fails")
			s.quietly(func() { s.fails = fails })
			w.process(engine.Request{First: plan.FirstSend, Retry: rapid.Bool().Draw(t, "retry")})
		}
		s.quietly(func() { s.fails, s.well = 0, true })
		w.extra = nil
		w.process(engine.Request{First: plan.FirstSend, Retry: true, Quarantined: true})
		doubts := int64(0)
		for _, m := range w.known() {
			if m.Standing != nil && m.Standing.State == record.InDoubt {
				doubts++
			}
		}
		calls := w.dest.calls
		res, _ := w.process(engine.Request{First: plan.FirstSend})
		if w.dest.calls != calls || res.Counts.Standing < doubts {
			t.Fatalf("%d in doubt, but the run says %+v", doubts, res.Counts)
		}
	})
}
