package sandbox

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"exposync/internal/record"
)

// handler builds the routes. The page reads through /_/, which is not logged.
func (s *Sandbox) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.health)
	mux.Handle("GET /v1/_faults", http.HandlerFunc(s.listFaults))
	mux.Handle("POST /v1/_faults", http.HandlerFunc(s.setFaults))
	mux.Handle("DELETE /v1/_faults", http.HandlerFunc(s.clearFaults))
	mux.Handle("GET /v1/{connection}", s.logged(s.account))
	mux.Handle("POST /v1/{connection}/{object}/batch", s.logged(s.write))
	mux.Handle("GET /v1/{connection}/{object}/records", s.logged(s.records))
	mux.Handle("GET /v1/{connection}/{object}/records/{id}", s.logged(s.history))
	mux.Handle("DELETE /v1/{connection}/{object}", s.logged(s.drop))
	mux.Handle("/v1/", s.logged(func(w http.ResponseWriter, _ *http.Request, _ *call) {
		fail(w, http.StatusNotFound, "no_such_path", "the sandbox has no such path or method")
	}))
	mux.HandleFunc("POST /v1/_schema", s.learn)
	mux.HandleFunc("GET /v1/_hosted", s.hostedSyncs)
	mux.HandleFunc("POST /v1/_hosted", s.changeHosted)
	mux.HandleFunc("/as/{kind}/{connection}/{path...}", s.asVendor)
	s.pageRoutes(mux)
	return guard(mux)
}

// guard keeps web pages of others away: the Host must be this machine's (a
// name that was rebound to 127.0.0.1 is not), and a browser must not send
// requests for another site. There is no CORS, so nothing can be read either.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if !loopback(r.Host) {
			fail(w, http.StatusForbidden, "wrong_host", "the sandbox answers to 127.0.0.1 and localhost only")
			return
		}
		if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
			fail(w, http.StatusForbidden, "wrong_site", "the sandbox answers no requests of other sites")
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" && origin != "http://"+r.Host {
			fail(w, http.StatusForbidden, "wrong_site", "the sandbox answers no requests of other sites")
			return
		}
		if strings.HasPrefix(r.URL.Path, "/as/") { // bodies of every type occur
			next.ServeHTTP(w, r)
			return
		}
		if writes := r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch; writes {
			if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
				fail(w, http.StatusUnsupportedMediaType, "not_json", "the Content-Type of a write is application/json")
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func loopback(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.Trim(name, "[]")
	if strings.EqualFold(name, "localhost") {
		return true
	}
	ip := net.ParseIP(name)
	return ip != nil && ip.IsLoopback()
}

// call is one request of the API while it is answered.
type call struct {
	exchange

	rules []Rule          // that act on it
	hit   map[string]bool // kinds of rules about single records or batches that refused one
	body  []byte
	err   error // of reading the body
}

type handle func(http.ResponseWriter, *http.Request, *call)

// logged is a request of the API: rules act on it and the page shows it. The
// body is read first, because a client that hangs up is noticed only then.
func (s *Sandbox) logged(next handle) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := address{r.PathValue("connection"), r.PathValue("object")}
		start := s.config.Now()
		c := &call{exchange: exchange{At: start, Method: r.Method, Path: r.URL.RequestURI(), Connection: a.connection}, rules: s.faults.acting(&request{r.Method, a.connection, []string{a.object}, false, false}), hit: map[string]bool{}}
		rec := &recorder{ResponseWriter: w}
		c.body, c.err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxBytes))
		c.Bytes = int64(len(c.body))
		c.Request, c.RequestCut = clip(c.body)
		defer func() { // also when a rule closes the connection
			c.TookMS = float64(s.config.Now().Sub(start).Microseconds()) / 1000
			c.Fault = c.acted()
			c.Status, c.ResponseType = rec.status, rec.Header().Get("Content-Type")
			c.RequestType, c.ResponseHeaders = r.Header.Get("Content-Type"), told(rec.Header())
			c.Response, c.ResponseCut = string(rec.head), rec.cut
			s.log.add(c.exchange)
		}()
		if s.faults.before(rec, r, c.rules) {
			return
		}
		if trouble, acts := troubleOf(c.rules, false); acts {
			refuse(rec, trouble)
			return
		}
		if !named(a) {
			fail(rec, http.StatusBadRequest, "bad_name", "names of connections and objects have 1 to 80 bytes of UTF-8; a connection's does not begin with _")
			return
		}
		next(rec, r, c)
	})
}

// acted names the rules that did something to the request.
func (c *call) acted() string {
	var names []string
	for _, r := range c.rules {
		quiet := r.Kind == Partial || r.Kind == DuplicateID || r.Kind == "reject" || strings.HasPrefix(r.Kind, hosted)
		if !quiet || c.hit[r.Kind] {
			names = append(names, r.Kind)
		}
	}
	return strings.Join(names, ", ")
}

func named(a address) bool {
	valid := func(s string) bool { return len(s) <= maxName && utf8.ValidString(s) }
	return valid(a.connection) && valid(a.object) && !strings.HasPrefix(a.connection, "_")
}

func (s *Sandbox) health(w http.ResponseWriter, _ *http.Request) {
	answer(w, map[string]any{"sandbox": true, "token": s.token})
}

func (s *Sandbox) account(w http.ResponseWriter, r *http.Request, c *call) {
	reply(w, map[string]any{"account": "sandbox/" + r.PathValue("connection"), "sandbox": true}, c.rules)
}

// write takes a batch.
func (s *Sandbox) write(w http.ResponseWriter, r *http.Request, c *call) {
	if c.err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](c.err); large {
			c.err = errTooMany
		}
		failWith(w, c.err)
		return
	}
	b, err := readBatch(c.body)
	if err != nil {
		failWith(w, err)
		return
	}
	c.Mode, c.Records = b.mode, len(b.records)
	o, err := s.store.make(address{r.PathValue("connection"), r.PathValue("object")})
	if err != nil {
		failWith(w, err)
		return
	}
	if acts(c.rules, DuplicateID) && len(b.records) > 1 {
		c.hit[DuplicateID] = true
		fail(w, http.StatusBadRequest, "duplicate_key", "a key stands twice in the batch")
		return
	}
	poison := s.faults.poison(c.rules, c.hit)
	results, err := o.apply(b, s.config.Now(), func(it *item) (string, string) { return reject(poison, it) })
	if err != nil {
		failWith(w, err)
		return
	}
	c.Results = map[string]int{}
	for _, result := range results {
		c.Results[result.status]++
	}
	send(w, appendResults(results, len(results)-c.Results[rejected]), c.rules)
}

func appendResults(results []result, accepted int) []byte {
	out := append(make([]byte, 0, 64*len(results)+64), `{"accepted":`...)
	out = append(strconv.AppendInt(out, int64(accepted), 10), `,"results":[`...)
	for i, r := range results {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, `{"status":"`...), r.status...), `","id":"`...)
		out = append(append(out, r.id.String()...), '"')
		if r.code != "" {
			out = appendString(append(out, `,"code":`...), r.code)
			out = appendString(append(out, `,"message":`...), r.message)
		}
		out = append(out, '}')
	}
	return append(out, "]}"...)
}

func appendString(dst []byte, text string) []byte {
	dst, _ = record.AppendJSONText(dst, strings.ToValidUTF8(text, "?")) // so it cannot fail
	return dst
}

func (s *Sandbox) drop(w http.ResponseWriter, r *http.Request, c *call) {
	dropped, err := s.store.drop(address{r.PathValue("connection"), r.PathValue("object")})
	if err != nil {
		failWith(w, err)
		return
	}
	reply(w, map[string]any{"dropped": dropped}, c.rules)
}

func (s *Sandbox) listFaults(w http.ResponseWriter, _ *http.Request) {
	answer(w, map[string]any{"rules": s.faults.list()})
}

func (s *Sandbox) clearFaults(w http.ResponseWriter, r *http.Request) {
	_ = s.faults.set(nil)
	s.listFaults(w, r)
}

func (s *Sandbox) setFaults(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Rules []Rule `json:"rules"`
	}
	err := decodeStrictly(w, r, &body)
	if err != nil {
		err = problem("bad_rule", "the body is not a list of rules: "+err.Error())
	} else {
		err = s.faults.set(body.Rules)
	}
	if err != nil {
		failWith(w, err)
		return
	}
	s.listFaults(w, r)
}

func decodeStrictly(w http.ResponseWriter, r *http.Request, into any) error {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBytes))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

func failWith(w http.ResponseWriter, err error) {
	if e, ok := errors.AsType[*apiError](err); ok {
		fail(w, http.StatusBadRequest, e.code, e.message)
		return
	}
	switch {
	case errors.Is(err, errTooMany):
		fail(w, http.StatusRequestEntityTooLarge, "too_large", err.Error())
	case errors.Is(err, errDropped):
		fail(w, http.StatusConflict, "dropped", err.Error())
	default:
		fail(w, http.StatusInternalServerError, "store", err.Error())
	}
}

// answer sends a value as JSON.
func answer(w http.ResponseWriter, v any) { reply(w, v, nil) }

func reply(w http.ResponseWriter, v any, rules []Rule) {
	data, err := json.Marshal(v)
	if err != nil {
		fail(w, http.StatusInternalServerError, "store", "the answer cannot be written")
		return
	}
	send(w, data, rules)
}

// send gives the whole length before the body, so that half a reply is seen
// as half.
func send(w http.ResponseWriter, data []byte, rules []Rule) {
	sent := after(rules, data)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	_, _ = w.Write(sent)
}
