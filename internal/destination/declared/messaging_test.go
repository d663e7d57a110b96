package declared_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"exposync/internal/destination"
	"exposync/internal/destination/declared"
	"exposync/internal/destination/destinationtest"
	"exposync/internal/record"
	"exposync/internal/sandbox"
	"exposync/internal/sandbox/facade"
)

// speaker tells how the suite's target is written to one vendor, and read back
// from its stand-in.
type speaker struct {
	kind    string
	params  map[string]string
	objects map[destination.Mode]string // by mode; upsert stands for those that are not there
	stores  []string                    // objects of the stand-in that hold records
	key     string                      // the key's field
	batch   string                      // path of a batch's records in a request
	// shape changes target and change to what the vendor takes beside the name
	// of the key; nil for nothing.
	shape func(mode destination.Mode, t *destination.Target)
	value func(mode destination.Mode, ch *record.Change)
	row   func(s *speech, store string, fields facade.Fields) destinationtest.Row

	spoil   func(ch *record.Change)
	shed    string // the fault that passes; empty: too many requests
	reject  string // a field of the stand-in that is refused with the value "spoilt value"
	keeps   []string
	longest int
	refuses func(ch record.Change) bool
	missing map[destinationtest.Ability]string
}

// speech is one stand-in with a connection to it.
type speech struct {
	*httptest.Server
	speaker *speaker
	box     *sandbox.Sandbox

	mu     sync.Mutex
	sizes  []destinationtest.Size
	hangs  bool
	quit   chan struct{}
	hashes map[string]string // what was sent for a key
}

const connection = "out"

func (sp *speaker) open(t *testing.T) *speech {
	t.Helper()
	box, err := sandbox.Open(sandbox.Config{Dir: t.TempDir(), Now: time.Now, Rules: sp.rules()})
	if err != nil {
		t.Fatal(err)
	}
	s := &speech{speaker: sp, box: box, quit: make(chan struct{}), hashes: map[string]string{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() {
		close(s.quit)
		s.Close()
		if err := box.Close(); err != nil {
			t.Errorf("close the sandbox: %v", err)
		}
	})
	return s
}

func (sp *speaker) rules() []sandbox.Rule {
	if sp.reject == "" {
		return nil
	}
	return []sandbox.Rule{{Kind: "reject", Field: sp.reject, Value: json.RawMessage(`"spoilt value"`)}}
}

// ServeHTTP looks at batches on their way.
func (s *speech) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && strings.HasPrefix(r.URL.Path, "/as/") && !strings.HasSuffix(r.URL.Path, "/auth.test") {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		list := gjson.GetBytes(body, s.speaker.batch)
		s.mu.Lock()
		s.sizes = append(s.sizes, destinationtest.Size{Rows: max(1, len(list.Array())), Bytes: len(body)})
		hangs := s.hangs
		s.mu.Unlock()
		if hangs {
			select {
			case <-r.Context().Done():
			case <-s.quit:
			}
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	s.box.ServeHTTP(w, r)
}

func (s *speech) fail(t *testing.T, f destinationtest.Failure) {
	t.Helper()
	rules := s.speaker.rules()
	switch f {
	case destinationtest.Die:
		s.Close()
		return
	case destinationtest.Hang:
		s.mu.Lock()
		s.hangs = true
		s.mu.Unlock()
	case destinationtest.Shed:
		rules = append(rules, sandbox.Rule{Kind: cmp.Or(s.speaker.shed, sandbox.TooMany), Times: 1})
	case destinationtest.LoseAnswer:
		rules = append(rules, sandbox.Rule{Kind: "reset_after_commit", Times: 1})
	case destinationtest.Deny:
		rules = append(rules, sandbox.Rule{Kind: sandbox.TokenExpiry})
	}
	body, err := json.Marshal(map[string]any{"rules": rules})
	if err != nil {
		t.Fatal(err)
	}
	s.ask(t, http.MethodPost, "/v1/_faults", body)
}

func (s *speech) ask(t *testing.T, method, path string, body []byte) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	reply, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %d %s, %v", method, path, resp.StatusCode, reply, err)
	}
	return reply
}

// rows are the records of the stand-in as the suite names them.
func (s *speech) rows(t *testing.T) []destinationtest.Row {
	t.Helper()
	var out []destinationtest.Row
	for _, store := range s.speaker.stores {
		base := "/_/data/" + url.PathEscape("_"+s.speaker.kind+":"+connection) + "/" + url.PathEscape(store) + "/records?limit=1000&after="
		for after := ""; ; {
			var page struct {
				Records []struct{ Fields json.RawMessage }
				Next    string
			}
			if store != "" && !s.has(t, store) {
				break
			}
			if err := json.Unmarshal(s.ask(t, http.MethodGet, base+after, nil), &page); err != nil {
				t.Fatal(err)
			}
			for _, r := range page.Records {
				out = append(out, s.speaker.row(s, store, facade.ParseFields(r.Fields)))
			}
			if after = page.Next; after == "" {
				break
			}
		}
	}
	return out
}

func (s *speech) has(t *testing.T, store string) bool {
	t.Helper()
	overview := s.ask(t, http.MethodGet, "/_/overview", nil)
	return bytes.Contains(overview, []byte(`"`+store+`"`))
}

// connect opens a connection that writes what the suite wants under the
// vendor's names.
func (s *speech) connect(t *testing.T) destination.Destination {
	t.Helper()
	base := s.URL + facade.Mount(s.speaker.kind, connection)
	params, err := (*declared.Catalog)(nil).Harmless(s.speaker.kind, base, s.speaker.params)
	if err != nil {
		t.Fatal(err)
	}
	d, err := declared.Connect(declared.Config{Kind: s.speaker.kind, Name: connection, Where: "exposync.yml:9", Params: params, Rest: restConfig()})
	if err != nil {
		t.Fatal(err)
	}
	return &interpreter{d, s}
}

// interpreter is a destination under the suite's names.
type interpreter struct {
	destination.Destination

	s *speech
}

// Open opens the target under the vendor's names.
func (d *interpreter) Open(ctx context.Context, t destination.Target) (destination.Writer, error) {
	sp := d.s.speaker
	t.Key, t.Fields = slices.Clone(t.Key), slices.Clone(t.Fields)
	if object, ok := sp.objects[t.Mode]; ok {
		t.Object = object
	}
	t.Key[0].Name = sp.key
	if sp.shape != nil {
		sp.shape(t.Mode, &t)
	}
	w, err := d.Destination.Open(ctx, t)
	if err != nil {
		return nil, err
	}
	return &interpreting{w, d.s, t.Mode}, nil
}

type interpreting struct {
	destination.Writer

	s    *speech
	mode destination.Mode
}

func (w *interpreting) change(ch record.Change) record.Change {
	ch.KeyVals, ch.Values = slices.Clone(ch.KeyVals), slices.Clone(ch.Values)
	if w.s.speaker.value != nil {
		id := string(ch.KeyVals[0].Data)
		w.s.speaker.value(w.mode, &ch)
		w.s.mu.Lock()
		w.s.hashes[string(ch.KeyVals[0].Data)] = id
		w.s.mu.Unlock()
	}
	return ch
}

// Traits are the writer's, for changes of the suite.
func (w *interpreting) Traits() destination.Traits {
	t := w.Writer.Traits()
	if size := t.Size; size != nil {
		t.Size = func(ch record.Change) int { return size(w.change(ch)) }
	}
	return t
}

// Write writes under the vendor's names.
func (w *interpreting) Write(ctx context.Context, batch []record.Change) []destination.Outcome {
	out := make([]record.Change, len(batch))
	for i, ch := range batch {
		out[i] = w.change(ch)
	}
	return w.Writer.Write(ctx, out)
}

// hashedKey sends a hash in the place of the key, and no other field.
func hashedKey(_ destination.Mode, ch *record.Change) {
	sum := sha256.Sum256(ch.KeyVals[0].Data)
	ch.KeyVals[0].Data = []byte(hex.EncodeToString(sum[:]))
	ch.Key = record.AppendKey(nil, ch.KeyVals...)
	ch.Values = nil
}

func text(s string) record.Value { return record.Value{Kind: record.Text, Data: []byte(s)} }

// readFields turns fields into a row: the key's name is the suite's, and what
// is not there is null.
func readFields(key string, fields facade.Fields, others ...string) destinationtest.Row {
	out := destinationtest.Row{}
	for _, f := range destinationtest.Fields() {
		out[f.Name] = nil
	}
	for name, raw := range readRow(row(fields)) {
		if name == key {
			name = "id"
		}
		if !slices.Contains(others, name) {
			out[name] = raw
		}
	}
	return out
}
