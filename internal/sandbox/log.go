package sandbox

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// keptRequests is how many requests the page can show, and keptBytes how much
// of each body: 32 MiB at most.
const (
	keptRequests = 2000
	keptBytes    = 8 << 10
)

// exchange is one request and its reply, for people.
type exchange struct {
	Number     int64          `json:"number"`
	At         time.Time      `json:"at"`
	TookMS     float64        `json:"took_ms"`
	Method     string         `json:"method"`
	Path       string         `json:"path"`           // of a vendor: its own, without the mount
	Kind       string         `json:"kind,omitempty"` // of the vendor that was spoken for
	Connection string         `json:"connection"`
	Status     int            `json:"status"` // 0: the connection was closed without a reply
	Mode       string         `json:"mode,omitempty"`
	Records    int            `json:"records"`
	Results    map[string]int `json:"results,omitempty"` // records by status
	Fault      string         `json:"fault,omitempty"`   // kinds of the rules that acted
	Bytes      int64          `json:"bytes"`
	// What follows is left out of lists. The bodies are cut at keptBytes.
	Request         string      `json:"request,omitempty"`
	RequestCut      bool        `json:"request_cut,omitempty"`
	RequestType     string      `json:"request_type,omitempty"`
	Response        string      `json:"response,omitempty"`
	ResponseCut     bool        `json:"response_cut,omitempty"`
	ResponseType    string      `json:"response_type,omitempty"`
	ResponseHeaders [][2]string `json:"response_headers,omitempty"` // what tells a client how to go on
}

// requestLog keeps the last requests in memory.
type requestLog struct {
	mu    sync.Mutex
	count int64
	ring  [keptRequests]exchange
}

func (l *requestLog) add(e exchange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	e.Number = l.count
	l.ring[l.count%keptRequests] = e
}

// filter says which requests are asked for; empty texts are all.
type filter struct {
	connection string
	status     string // a status, the first digit of one, or 0: closed
	fault      string // a kind; "any" for all that a rule acted on
	before     int64  // older than this one; 0 for the newest
	limit      int
}

func (f *filter) takes(e *exchange) bool {
	status := strconv.Itoa(e.Status)
	return (f.connection == "" || e.Connection == f.connection) &&
		(f.status == "" || status == f.status || len(f.status) == 1 && f.status != "0" && status[:1] == f.status) &&
		(f.fault == "" || f.fault == "any" && e.Fault != "" || slices.Contains(strings.Split(e.Fault, ", "), f.fault))
}

// requestList is a part of the requests that are kept, newest first, without
// bodies, and what all of them can be told apart by.
type requestList struct {
	Requests    []exchange `json:"requests"`
	Next        int64      `json:"next"`  // before of the next part; 0 at the end
	Count       int64      `json:"count"` // of all since the start
	Kept        int64      `json:"kept"`
	Connections []string   `json:"connections"`
	Statuses    []int      `json:"statuses"`
	Faults      []string   `json:"faults"`
}

func (l *requestLog) list(f filter) requestList {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := requestList{Requests: []exchange{}, Count: l.count, Kept: min(l.count, keptRequests)}
	connections, statuses, faults := map[string]bool{}, map[int]bool{}, map[string]bool{}
	for n := l.count; n > 0 && n > l.count-keptRequests; n-- {
		e := &l.ring[n%keptRequests]
		connections[e.Connection], statuses[e.Status] = true, true
		for kind := range strings.SplitSeq(e.Fault, ", ") {
			faults[kind] = true
		}
		if f.before > 0 && n >= f.before || !f.takes(e) {
			continue
		}
		if len(out.Requests) == f.limit {
			if out.Next == 0 {
				out.Next = n + 1
			}
			continue
		}
		short := *e
		short.Request, short.Response, short.ResponseHeaders = "", "", nil
		out.Requests = append(out.Requests, short)
	}
	delete(faults, "")
	delete(connections, "")
	out.Connections, out.Faults = slices.Sorted(maps.Keys(connections)), slices.Sorted(maps.Keys(faults))
	out.Statuses = slices.Sorted(maps.Keys(statuses))
	return out
}

func (l *requestLog) get(number int64) (exchange, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if number < 1 || number > l.count || number <= l.count-keptRequests {
		return exchange{}, false
	}
	return l.ring[number%keptRequests], true
}

// told are the headers of a reply that say how to go on: when to come again,
// how much is left, where to look. None of them holds a credential.
func told(h http.Header) (out [][2]string) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		lower := strings.ToLower(name)
		if lower == "retry-after" || lower == "location" || strings.Contains(lower, "limit") || strings.Contains(lower, "quota") {
			out = append(out, [2]string{name, hideText(strings.Join(h[name], ", "))})
		}
	}
	return out
}

// clip keeps the start of a body, on a character's boundary.
func clip(body []byte) (string, bool) {
	if len(body) <= keptBytes {
		return string(body), false
	}
	body = body[:keptBytes]
	for len(body) > 0 && !utf8.Valid(body[max(0, len(body)-utf8.UTFMax):]) {
		body = body[:len(body)-1]
	}
	return string(body), true
}

// recorder is a ResponseWriter that remembers what was answered.
type recorder struct {
	http.ResponseWriter

	status int
	head   []byte
	cut    bool
}

// WriteHeader notes the status and passes it on.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write notes the start of the body and passes all of it on.
func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	if room := keptBytes - len(r.head); room < len(b) {
		r.head, r.cut = append(r.head, b[:max(room, 0)]...), true
	} else {
		r.head = append(r.head, b...)
	}
	return r.ResponseWriter.Write(b)
}

// fail answers with an error of the API.
func fail(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	body := appendString([]byte(`{"code":`), code)
	body = appendString(append(body, `,"message":`...), message)
	_, _ = w.Write(append(body, '}')) //nolint:gosec // JSON by its type, and nosniff
}
