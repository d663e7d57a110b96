package engine_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"

	"exposync/internal/record"
)

// service is an HTTP service on bad days: it keeps what it took in a chaos,
// whether or not its answers say so.
type service struct {
	*httptest.Server

	mu      sync.Mutex
	dest    *chaos
	fails   float64 // share of requests that meet an accident
	jobs    map[string]*serviceJob
	next    int
	workers int                 // that may be at it at once
	well    bool                // the bad days are over
	token   string              // the one that is good now
	good    int                 // requests that it is still good for
	process int                 // the one that runs now
	sent    []map[string]string // by it
	dead    bool                // it was killed
}

func newService() *service {
	s := &service{}
	s.Server = httptest.NewServer(s)
	return s
}

// begin empties the service.
func (s *service) begin(dest *chaos) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dest, s.fails, s.jobs, s.next, s.well, s.token, s.good = dest, 0, map[string]*serviceJob{}, 0, false, "", 0
}

// welcome gives the address for the next process. What one before it sent, and
// was not read by now, never arrives: it would be worked off after what the
// next one sends, and no order of the two is known to either.
func (s *service) welcome() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.process++
	s.sent, s.dead = nil, false
	return fmt.Sprintf("%s/%d", s.URL, s.process)
}

// hear works a request off, if who sent it is the process that runs now.
func (s *service) hear(r *http.Request, body []byte) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	process, path, _ := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
	if process != strconv.Itoa(s.process) {
		return answer{}
	}
	return s.serve(r, strings.Split(path, "/"), body)
}

// quietly is between two requests.
func (s *service) quietly(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dest.quietly(do)
}

// answer is what a request is told.
type answer struct {
	status int
	kind   string
	body   string
	header map[string]string
	cut    int // bytes of the body that are sent before the connection ends; -1: all
}

func ok(body string) answer {
	return answer{status: 200, kind: "application/json", body: body, cut: -1}
}

func refusal(status int) answer {
	return answer{status: status, kind: "application/json", body: `{"message":"no"}`, cut: -1}
}

// ServeHTTP takes one request at a time.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	a := s.hear(r, body)
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	if a.status == 0 {
		reset(w)
		return
	}
	if a.cut >= 0 {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.Header().Set("Content-Type", a.kind)
	w.WriteHeader(a.status)
	if a.cut < 0 {
		fmt.Fprint(w, a.body)
		return
	}
	fmt.Fprint(w, a.body[:a.cut])
	reset(w)
}

// reset ends a connection the hard way.
func reset(w http.ResponseWriter) {
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		return
	}
	conn, _, err := hijacker.Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func (s *service) serve(r *http.Request, path []string, body []byte) answer {
	s.dest.mu.Lock()
	defer s.dest.mu.Unlock()
	s.work()
	if path[0] == "token" {
		return s.admit()
	}
	if s.good--; s.good < 0 || r.Header.Get("Authorization") != "Bearer "+s.token {
		return refusal(http.StatusUnauthorized)
	}
	switch {
	case path[0] == "jobs":
		return s.job(r.Method, path[1:], body)
	case r.Method == http.MethodGet:
		return s.read(r.URL.Query().Get("keys"))
	}
	return s.batch(rowsOf(body))
}

// admit gives a token that is good for some requests. Several workers may use
// such a one up between a refusal and the next try, which is not what a
// service does that is well.
func (s *service) admit() answer {
	s.next++
	s.token, s.good = fmt.Sprintf("token-%d", s.next), 1+s.dest.rng.IntN(40)
	if s.well && s.workers > 1 {
		s.good = math.MaxInt
	}
	return ok(fmt.Sprintf(`{"access_token":%q,"token_type":"Bearer","expires_in":3600}`, s.token))
}

// rowsOf reads a batch as anybody would.
func rowsOf(body []byte) []map[string]string {
	var batch struct{ Records []map[string]string }
	if json.Unmarshal(body, &batch) != nil {
		return nil
	}
	return batch.Records
}

// changeOf is a row as a change: whatever is neither key nor operation is the
// one field, which has had several names.
func changeOf(row map[string]string) record.Change {
	ch := record.Change{Op: record.Update, KeyVals: record.Record{text(row["external_id"])}, Values: record.Record{text("")}}
	switch row["op"] {
	case "create":
		ch.Op = record.Create
	case "delete":
		ch.Op = record.Delete
	}
	for name, value := range row {
		if name != "external_id" && name != "op" {
			ch.Values[0] = text(value)
		}
	}
	return ch
}

func (s *service) put(row map[string]string) {
	w := chaosWriter{s.dest}
	w.put(changeOf(row))
}

// doubt notes that nobody will know about these rows by the answer.
func (s *service) doubt(rows []map[string]string) {
	for _, row := range rows {
		s.dest.unsure[row["external_id"]] = true
	}
}

func (s *service) read(keys string) answer {
	var out []string
	for key := range strings.SplitSeq(keys, ",") {
		if value, held := s.dest.records[key]; held {
			out = append(out, fmt.Sprintf(`{"external_id":%q,"any":%q}`, key, value))
		}
	}
	if s.dest.rng.Float64() < s.fails/4 {
		return refusal([]int{429, 500}[s.dest.rng.IntN(2)])
	}
	return ok(`{"records":[` + strings.Join(out, ",") + `]}`)
}

// sees notes which rows are on their way: whoever is killed may not hear of
// any of them.
func (s *service) sees(rows []map[string]string) {
	s.sent = append(s.sent, rows...)
	if s.dead {
		s.doubt(rows)
	}
}

// kill ends the process that talks to the service.
func (s *service) kill() {
	s.dead = true
	s.doubt(s.sent)
	s.dest.died = s.dest.died || s.workers > 1 // what other workers send may never be read
	s.dest.kill()
}

// batch takes rows at once.
func (s *service) batch(rows []map[string]string) answer {
	rng := s.dest.rng
	s.dest.calls++
	s.sees(rows)
	if slices.ContainsFunc(rows, func(row map[string]string) bool { return s.dest.poison[row["external_id"]] }) {
		s.doubt(rows)
		return refusal([]int{500, 422}[rng.IntN(2)])
	}
	if rng.Float64() >= s.fails {
		return s.take(rows, func() bool { return false })
	}
	if a, refused := s.refuse(); refused {
		return a
	}
	return s.accident(rows)
}

// take stores the rows but the bad ones, and says so for every one of them.
func (s *service) take(rows []map[string]string, bad func() bool) answer {
	var results []string
	for _, row := range rows {
		if bad() {
			code := []string{"BAD", "WRONG"}[s.dest.rng.IntN(2)]
			results = append(results, fmt.Sprintf(`{"ok":false,"code":%q,"message":"not %s"}`, code, row["external_id"]))
			continue
		}
		s.put(row)
		results = append(results, `{"ok":true}`)
	}
	return ok(`{"results":[` + strings.Join(results, ",") + `]}`)
}

// refuse answers clearly that nothing was done.
func (s *service) refuse() (answer, bool) {
	switch s.dest.rng.IntN(12) {
	case 0:
		return refusal(http.StatusTooManyRequests), true
	case 1:
		a := refusal(http.StatusTooManyRequests)
		if len(s.jobs) == 0 { // whoever polls a job would sit it out
			a.header = map[string]string{"Retry-After": "600"}
		}
		return a, true
	case 2:
		s.good = 0 // the token ends with this request
		return refusal(http.StatusUnauthorized), true
	case 3:
		return refusal([]int{403, 404, 413, 422}[s.dest.rng.IntN(4)]), true
	}
	return answer{}, false
}

// accident stores some of the rows, or all, or none, and says something else.
func (s *service) accident(rows []map[string]string) answer {
	rng := s.dest.rng
	if rng.IntN(4) == 0 { // one by one: some are refused, and that is what it says
		return s.take(rows, func() bool { return rng.IntN(3) == 0 })
	}
	s.doubt(rows)
	kind := rng.IntN(13)
	stored := rows[:[]int{0, rng.IntN(len(rows) + 1), len(rows), len(rows)}[rng.IntN(4)]]
	for n, row := range stored {
		if kind != 6 || n > 0 { // what is refused by its name was refused
			s.put(row)
		}
	}
	good := strings.TrimSuffix(strings.Repeat(`{"ok":true},`, len(stored)), ",")
	full := `{"results":[` + good + `]}`
	switch kind {
	case 0:
		return refusal([]int{500, 502, 503, 504, 408}[rng.IntN(5)])
	case 1:
		return answer{}
	case 2:
		return answer{status: 200, kind: "application/json", body: full, cut: rng.IntN(len(full))}
	case 3:
		return answer{status: 200, kind: "text/html", body: "<h1>please sign in</h1>", cut: -1}
	case 4:
		return ok(full[:rng.IntN(len(full))])
	case 5: // another number of results
		if len(stored) == len(rows) {
			return ok(`{"results":[` + strings.Repeat(`{"ok":true},`, len(rows)) + `{"ok":true}]}`)
		}
		return ok(full)
	case 6: // an error that names nobody, and one that names a row twice
		return ok(fmt.Sprintf(`{"accepted":%d,"errors":[{"index":0,"code":"X"},{"index":0,"code":"Y"},{"code":"Z"}]}`, len(rows)))
	case 7:
		return ok(fmt.Sprintf(`{"accepted":%d,"errors":[{"index":%d,"code":"X"}]}`, len(rows), len(rows)))
	case 8:
		return ok(fmt.Sprintf(`{"accepted":%d}`, len(rows)+1))
	case 9:
		return answer{status: 204, cut: -1}
	case 10: // the process dies while it waits
		s.kill()
		return ok(full)
	case 11: // it dies before it can write down anything more
		s.dest.died = true
		s.dest.ledger.mu.Lock()
		s.dest.ledger.dieAt = s.dest.ledger.appends + 1
		s.dest.ledger.mu.Unlock()
		return ok(full)
	default:
		s.dest.stop()
		return refusal(http.StatusBadGateway)
	}
}
