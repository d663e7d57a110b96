package cli_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// bulk is a service that takes records as jobs: create, upload, close, poll,
// results. Nothing is applied before a job is closed.
type bulk struct {
	*httptest.Server
	mu      sync.Mutex
	jobs    []*bulkJob
	uploads int
	applied map[string]int     // how often a record was applied
	records map[string]string  // key -> name
	refuse  string             // a key that is refused
	polls   int                // questions that a job answers with "working"
	at      func(phase string) // called when a phase has taken effect
}

type bulkJob struct {
	state string
	lines [][]string
	polls int
}

func newBulk(t *testing.T) *bulk {
	t.Helper()
	b := &bulk{applied: map[string]int{}, records: map[string]string{}, polls: 1, at: func(string) {}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /jobs", b.create)
	mux.HandleFunc("PUT /jobs/{id}/data", b.upload)
	mux.HandleFunc("PATCH /jobs/{id}", b.close)
	mux.HandleFunc("GET /jobs/{id}", b.poll)
	mux.HandleFunc("GET /jobs/{id}/{kind}", b.results)
	b.Server = httptest.NewServer(mux)
	t.Cleanup(b.Server.Close) //nolint:staticcheck // close is a handler of its own
	return b
}

// set changes what the service does; its handlers hold the lock.
func (b *bulk) set(change func(b *bulk)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(b)
}

func (b *bulk) job(r *http.Request) *bulkJob {
	var n int
	_, _ = fmt.Sscanf(r.PathValue("id"), "J%d", &n)
	return b.jobs[n]
}

func (b *bulk) create(w http.ResponseWriter, _ *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.jobs = append(b.jobs, &bulkJob{state: "open", polls: b.polls})
	b.answer(w, "create", fmt.Sprintf(`{"id":"J%d"}`, len(b.jobs)-1))
}

func (b *bulk) upload(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	lines, err := csv.NewReader(r.Body).ReadAll()
	if err != nil || b.job(r).state != "open" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	b.uploads++
	b.job(r).lines = lines
	b.answer(w, "upload", `{}`)
}

func (b *bulk) close(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	j := b.job(r)
	if j.state == "open" {
		j.state = "working"
		for _, line := range j.lines[min(1, len(j.lines)):] {
			if line[0] != b.refuse {
				b.applied[line[0]]++
				b.records[line[0]] = line[1]
			}
		}
	}
	b.answer(w, "close", `{}`)
}

func (b *bulk) poll(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	j := b.job(r)
	if j.state == "working" {
		if j.polls--; j.polls < 0 {
			j.state = "done"
		}
	}
	b.answer(w, "poll", fmt.Sprintf(`{"state":%q}`, j.state))
}

func (b *bulk) results(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out strings.Builder
	out.WriteString("ext,why\n")
	for _, line := range b.job(r).lines[min(1, len(b.job(r).lines)):] {
		if refused := line[0] == b.refuse; refused == (r.PathValue("kind") == "failed") {
			fmt.Fprintf(&out, "%s,%s\n", line[0], map[bool]string{true: "TOO_LONG:name"}[refused])
		}
	}
	w.Header().Set("Content-Type", "text/csv")
	_, _ = io.WriteString(w, out.String())
	b.at("results " + r.PathValue("kind"))
}

func (b *bulk) answer(w http.ResponseWriter, phase, body string) {
	b.at(phase)
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, body)
}

// bulkSpec describes it, over the contract of type http.
const bulkSpec = `crm: {type: http, url: "{{ env_var('CRM_URL') }}", ops: {upsert: {
        limits: {rows: 1000}, envelope: null, encode: {format: csv}, job: {
          create: {request: {path: /jobs}, id: id},
          upload: {request: {method: PUT, path: "/jobs/${job_id}/data"}},
          close: {request: {method: PATCH, path: "/jobs/${job_id}"}, body: {state: closed}},
          poll: {request: {path: "/jobs/${job_id}"}, state: state, open: [open], running: [working], done: [done], every: 1ms},
          results: [
            {request: {path: "/jobs/${job_id}/ok"}, format: csv, key: "${key_field}", state: ok},
            {request: {path: "/jobs/${job_id}/failed"}, format: csv, key: "${key_field}", state: fail, code: why, code_match: "^([A-Z_]+):"}]}}}}`

func newBulkProject(t *testing.T, b *bulk) *mini {
	t.Helper()
	m := newMini(t, `create table main.export_t (id int primary key, name text)`,
		`{"to": "crm.contacts", "key": {"ext": "id"}, "fields": {"name": "name"}, "first": "send", `+quietGuards+`}`, bulkSpec)
	m.env = []string{"CRM_URL=" + b.URL}
	m.exec(`insert into main.export_t select i, 'name ' || i from generate_series(1, 300) i`)
	m.build()
	return m
}

// A run that is killed at any step of a job leaves its id behind: the next one
// asks that job, uploads nothing twice, and every record is applied once.
func TestKillDuringAJob(t *testing.T) {
	t.Parallel()
	for _, phase := range []string{"create", "upload", "close", "poll", "results ok", "results failed"} {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			b := newBulk(t)
			m := newBulkProject(t, b)
			started, once := make(chan *process, 1), sync.Once{}
			b.set(func(b *bulk) {
				b.refuse = "7"
				b.at = func(now string) {
					if now == phase {
						once.Do(func() { _ = (<-started).cmd.Process.Signal(syscall.SIGKILL) })
					}
				}
			})
			p := m.start("run")
			started <- p
			<-p.end //nolint:errcheck // killed
			m.want(4, "run")
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.uploads != 1 {
				t.Errorf("%d uploads, want 1", b.uploads)
			}
			if len(b.records) != 299 || b.records["8"] != "name 8" {
				t.Errorf("%d records arrived, want 299", len(b.records))
			}
			for key, n := range b.applied {
				if n != 1 {
					t.Fatalf("record %s was applied %d times", key, n)
				}
			}
			if n := m.confirmed(); n != 299 {
				t.Errorf("the ledger confirms %d", n)
			}
			if _, said := m.run("rejects"); !strings.Contains(said, "TOO_LONG") {
				t.Errorf("rejects say:\n%s", said)
			}
		})
	}
}

// Jobs that are still open when the user stops are asked by the next run.
func TestStopDuringAJob(t *testing.T) {
	t.Parallel()
	b := newBulk(t)
	m := newBulkProject(t, b)
	polled, once := make(chan struct{}), sync.Once{}
	b.set(func(b *bulk) {
		b.polls = 1 << 30
		b.at = func(now string) {
			if now == "poll" {
				once.Do(func() { close(polled) })
			}
		}
	})
	p := m.start("run")
	select {
	case <-polled:
	case <-p.end: //nolint:errcheck // it says why
		t.Fatal(p.said.text())
	}
	p.interrupt()
	if said := p.wantExit(130); !strings.Contains(said, "still runs") {
		t.Errorf("it said:\n%s", said)
	}
	b.mu.Lock()
	for _, j := range b.jobs {
		j.polls = 0
	}
	b.mu.Unlock()
	if _, said := m.run("plan"); !strings.Contains(said, "of an earlier run are open") {
		t.Errorf("plan says:\n%s", said)
	}
	m.want(0, "run")
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.uploads != 1 || len(b.records) != 300 || m.confirmed() != 300 {
		t.Errorf("%d uploads, %d records, %d confirmed", b.uploads, len(b.records), m.confirmed())
	}
}

// A record that changed while its job was open is sent with its new values.
func TestChangeDuringAJob(t *testing.T) {
	t.Parallel()
	b := newBulk(t)
	m := newBulkProject(t, b)
	m.want(0, "run")
	m.exec(`update main.export_t set name = 'new' where id = 5`)
	m.build()
	m.want(0, "run")
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.uploads != 2 || b.records["5"] != "new" || b.applied["5"] != 2 || b.applied["6"] != 1 {
		t.Errorf("%d uploads, record 5 is %q after %d", b.uploads, b.records["5"], b.applied["5"])
	}
	names, _ := json.Marshal(slices.Sorted(func(yield func(string) bool) {
		for _, j := range b.jobs {
			yield(j.state)
		}
	}))
	if string(names) != `["done","done"]` {
		t.Errorf("jobs are %s", names)
	}
}
