package sandbox

import (
	"net/http"
	"sync"
	"time"
	"unicode/utf8"
)

// keptRequests is how many requests the page can show, and keptBytes how much
// of each body.
const (
	keptRequests = 200
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
	// The bodies are cut at keptBytes and left out of lists.
	Request      string `json:"request,omitempty"`
	RequestCut   bool   `json:"request_cut,omitempty"`
	Response     string `json:"response,omitempty"`
	ResponseCut  bool   `json:"response_cut,omitempty"`
	ResponseType string `json:"response_type,omitempty"`
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

// list gives the last requests, newest first, without bodies.
func (l *requestLog) list(limit int) (out []exchange, count int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for n := l.count; n > 0 && n > l.count-keptRequests && len(out) < limit; n-- {
		e := l.ring[n%keptRequests]
		e.Request, e.Response = "", ""
		out = append(out, e)
	}
	return out, l.count
}

func (l *requestLog) get(number int64) (exchange, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if number < 1 || number > l.count || number <= l.count-keptRequests {
		return exchange{}, false
	}
	return l.ring[number%keptRequests], true
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
