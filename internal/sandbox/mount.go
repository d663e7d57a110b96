package sandbox

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"

	"exposync/internal/sandbox/facade"
	"exposync/internal/sandbox/tools"
)

// mounts are the facades of the connections that were asked for so far.
type mounts struct {
	mu    sync.Mutex
	ready map[address]*mounted // by kind and connection
}

// mounted is the facade of one connection.
type mounted struct {
	vendor  facade.Vendor
	service *facade.Service
	handler http.Handler
}

// vendorOf gives what the sandbox speaks for under a connection's type.
func vendorOf(kind string) (facade.Vendor, bool) {
	if v, ok := facade.Of(kind); ok {
		return v, true
	}
	return tools.Of(kind)
}

// facade gives the facade of a connection; false if there is none of its kind.
func (s *Sandbox) facade(kind, connection string) (*mounted, bool) {
	vendor, ok := vendorOf(kind)
	if !ok || !named(address{connection: vendorConnection(kind, connection)[1:]}) {
		return nil, false
	}
	s.mounts.mu.Lock()
	defer s.mounts.mu.Unlock()
	if m := s.mounts.ready[address{kind, connection}]; m != nil {
		return m, true
	}
	service := facade.NewService(facade.Config{
		Kind: kind, Connection: connection, Now: s.config.Now, Strict: s.config.Strict, SyncDirs: syncDirs,
		Dir: filepath.Join(s.config.Dir, "vendors", escape(kind), escape(connection)),
		Log: func(object string) (facade.Log, error) {
			if object == "" || len(object) > maxName {
				return nil, problem("bad_name", "names of objects have 1 to 80 bytes")
			}
			o, err := s.store.make(address{vendorConnection(kind, connection), object})
			if err != nil {
				return nil, err
			}
			return vendorLog{o, s.config.Now}, nil
		},
	})
	m := &mounted{vendor, service, vendor.Routes(service)}
	if s.mounts.ready == nil {
		s.mounts.ready = map[address]*mounted{}
	}
	s.mounts.ready[address{kind, connection}] = m
	return m, true
}

// asVendor answers a request below /as/KIND/CONNECTION in the vendor's words.
func (s *Sandbox) asVendor(w http.ResponseWriter, r *http.Request) {
	kind, connection := r.PathValue("kind"), r.PathValue("connection")
	m, ok := s.facade(kind, connection)
	if !ok {
		fail(w, http.StatusNotFound, "no_such_facade", "the sandbox speaks for no service of this type")
		return
	}
	r = inner(r)
	start := s.config.Now()
	c := &call{
		exchange: exchange{At: start, Method: r.Method, Path: hidePath(r.URL), Kind: kind, Connection: connection},
		hit:      map[string]bool{},
	}
	public := m.vendor.Public != nil && m.vendor.Public(r)
	c.rules = s.faults.acting(&request{r.Method, connection, strings.Split(r.URL.Path, "/"), public, tools.WorkspaceOf(m.handler) != nil})
	rec := &recorder{ResponseWriter: w}
	seen := &tee{}
	said := &facade.Call{Poison: s.faults.poison(c.rules, c.hit), Duplicate: acts(c.rules, DuplicateID), Scenarios: scenarios(c.rules)}
	defer func() { // also when a rule closes the connection
		c.TookMS = float64(s.config.Now().Sub(start).Microseconds()) / 1000
		c.Bytes, c.Request, c.RequestCut = seen.n, hideText(seen.text(r)), seen.n > int64(len(seen.head))
		c.Status, c.ResponseType = rec.status, rec.Header().Get("Content-Type")
		c.RequestType, c.ResponseHeaders = r.Header.Get("Content-Type"), told(rec.Header())
		c.Response, c.ResponseCut = hideText(string(rec.head)), rec.cut
		c.hit[DuplicateID] = said.Asked
		for _, name := range said.Acted {
			c.hit[hosted+name] = true
		}
		c.Fault = c.acted()
		c.Mode, c.Results = said.Mode, said.Results
		for _, n := range said.Results {
			c.Records += n
		}
		s.log.add(c.exchange)
	}()
	r.Body = seen.read(http.MaxBytesReader(rec, r.Body, facade.MaxBody), r.ContentLength)
	s.vendorAnswer(m, rec, r.WithContext(facade.WithCall(r.Context(), said)), c, public)
}

// vendorAnswer acts out what is the same for all vendors, and lets the vendor
// do the rest.
func (s *Sandbox) vendorAnswer(m *mounted, w http.ResponseWriter, r *http.Request, c *call, public bool) {
	token, known := "", true
	if !public {
		token, known = m.vendor.Credential(r)
	}
	refuse := func(t facade.Trouble) { m.vendor.Refuse(w, r, t) }
	switch {
	case !known:
		refuse(facade.Unauthorized)
		return
	case r.ContentLength > facade.MaxBody:
		refuse(facade.TooLarge)
		return
	}
	if s.faults.before(w, r, c.rules) {
		return
	}
	if trouble, wanted := troubleOf(c.rules, public); wanted {
		if trouble == facade.Expired {
			m.service.Tokens.Revoke(token)
		}
		refuse(trouble)
		return
	}
	if m.service.Tokens.Expired(token) {
		refuse(facade.Expired)
		return
	}
	if !acts(c.rules, "half", "reset_after_commit", TimeoutAfterCommit) {
		m.handler.ServeHTTP(w, r)
		return
	}
	held := &heldReply{header: w.Header()}
	m.handler.ServeHTTP(held, r)
	if held.status == 0 {
		held.status = http.StatusOK
	}
	w.Header().Set("Content-Length", lengthOf(held.body.Len()))
	sent := after(c.rules, held.body.Bytes())
	w.WriteHeader(held.status)
	_, _ = w.Write(sent)
}

// inner is the request as the vendor gets it: without the mount.
func inner(r *http.Request) *http.Request {
	parts := strings.SplitN(r.URL.EscapedPath(), "/", 5) // "", as, KIND, CONNECTION, rest
	raw := "/"
	if len(parts) == 5 {
		raw += parts[4]
	}
	out := r.Clone(r.Context())
	path, err := url.PathUnescape(raw)
	if err != nil {
		path = raw
	}
	out.URL.Path, out.URL.RawPath = path, raw
	return out
}

// learn takes the fields that a run is about to send to a vendor's object.
func (s *Sandbox) learn(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Kind       string         `json:"kind"`
		Connection string         `json:"connection"`
		Object     string         `json:"object"`
		Fields     []facade.Field `json:"fields"`
	}
	if err := decodeStrictly(w, r, &body); err != nil {
		failWith(w, problem("bad_schema", "the body is not a kind, a connection, an object and its fields"))
		return
	}
	m, ok := s.facade(body.Kind, body.Connection)
	if !ok {
		fail(w, http.StatusNotFound, "no_such_facade", "the sandbox speaks for no service of this type")
		return
	}
	learned := m.vendor.Learn != nil && !s.config.Strict
	if learned {
		if err := m.vendor.Learn(m.service, body.Object, body.Fields); err != nil {
			failWith(w, err)
			return
		}
	}
	answer(w, map[string]any{"learned": learned})
}

// heldReply keeps an answer until it is decided how much of it is sent.
type heldReply struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (h *heldReply) Header() http.Header         { return h.header }
func (h *heldReply) Write(b []byte) (int, error) { return h.body.Write(b) }
func (h *heldReply) WriteHeader(status int) {
	if h.status == 0 {
		h.status = status
	}
}

// smallBody is up to which length a body is read before it is answered: a
// client that hangs up is noticed only then.
const smallBody = 8 << 20

// tee keeps the start of a body that someone else reads.
type tee struct {
	from io.Reader
	head []byte
	n    int64
}

// read gives the body to the handler.
func (t *tee) read(body io.ReadCloser, length int64) io.ReadCloser {
	t.from = body
	if length < 0 || length > smallBody {
		return struct {
			io.Reader
			io.Closer
		}{t, body}
	}
	data, err := io.ReadAll(t)
	if err != nil { // the handler sees it at the same place
		return io.NopCloser(io.MultiReader(bytes.NewReader(data), failing{err}))
	}
	return io.NopCloser(bytes.NewReader(data))
}

// Read passes on and notes.
func (t *tee) Read(b []byte) (int, error) {
	n, err := t.from.Read(b)
	t.n += int64(n)
	if room := keptBytes - len(t.head); room > 0 {
		t.head = append(t.head, b[:min(n, room)]...)
	}
	return n, err
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err == nil {
		return 0, errors.New("the body broke off")
	}
	return 0, f.err
}
