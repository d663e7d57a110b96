package bucket_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"exposync/internal/ledger"
	"exposync/internal/ledger/bucket"
	"exposync/internal/rest"
)

// cloud is an object store in this process, with a clock of its own.
type cloud struct {
	url   string
	clock *clock
	kind  string // "s3" or "gcs"
	net   *http.Transport

	mu     sync.Mutex
	before func(w http.ResponseWriter, r *http.Request) bool // answers instead of the store
	after  func(r *http.Request) bool                        // true: the answer gets lost
	seen   []string                                          // methods
}

// clock is the store's.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// Now is a while away from this machine's clock: nothing may compare the two.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead - 37*time.Hour)
}

// Since is the other half of what gofakes3 asks for.
func (c *clock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

const bucketName = "ledgers"

// newCloud starts a store: gofakes3 for S3, which honours If-Match and
// If-None-Match, and our own stand-in for Google's.
func newCloud(tb testing.TB, kind string) *cloud {
	tb.Helper()
	c := &cloud{kind: kind, clock: &clock{}, net: transport()}
	var inner http.Handler
	if kind == "s3" {
		backend := s3mem.New(s3mem.WithTimeSource(c.clock))
		if err := backend.CreateBucket(bucketName); err != nil {
			tb.Fatal(err)
		}
		inner = gofakes3.New(backend, gofakes3.WithTimeSource(c.clock), gofakes3.WithTimeSkewLimit(0)).Server()
	} else {
		inner = &fakeGCS{clock: c.clock, objects: map[string]gcsObject{}, uploads: map[string]*gcsUpload{}}
	}
	srv := httptest.NewServer(c.handler(inner))
	tb.Cleanup(func() { c.net.CloseIdleConnections(); srv.Close() })
	c.url = srv.URL
	return c
}

func (c *cloud) handler(inner http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		before, after := c.before, c.after
		c.seen = append(c.seen, r.Method)
		c.mu.Unlock()
		w.Header().Set("Date", c.clock.Now().UTC().Format(http.TimeFormat))
		if before != nil && before(w, r) {
			return
		}
		if after == nil {
			inner.ServeHTTP(w, r)
			return
		}
		kept := httptest.NewRecorder()
		inner.ServeHTTP(kept, r)
		if after(r) {
			panic(http.ErrAbortHandler) // the connection breaks without an answer
		}
		maps.Copy(w.Header(), kept.Header())
		w.WriteHeader(kept.Code)
		_, _ = w.Write(kept.Body.Bytes())
	})
}

func transport() *http.Transport {
	return &http.Transport{MaxIdleConnsPerHost: 32, DisableCompression: true}
}

// faults sets what goes wrong from now on.
func (c *cloud) faults(before func(w http.ResponseWriter, r *http.Request) bool, after func(r *http.Request) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.before, c.after = before, after
}

// requests gives the methods since it was last asked.
func (c *cloud) requests() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.seen
	c.seen = nil
	return out
}

func (c *cloud) s3() bucket.S3 {
	return bucket.S3{
		Bucket: bucketName, Prefix: "some/prefix", Endpoint: c.url, PathStyle: true, AccessKey: "id", SecretKey: "not a secret",
		Transport: c.net,
	}
}

func (c *cloud) ledger(tb testing.TB, opts bucket.Options) ledger.Ledger {
	tb.Helper()
	var l ledger.Ledger
	var err error
	if c.kind == "s3" {
		l, err = bucket.OpenS3(c.s3(), opts)
	} else {
		l, err = bucket.OpenGCS(bucket.GCS{
			Bucket: bucketName, Prefix: "some/prefix", Endpoint: c.url, Anonymous: true,
			Rest: rest.Config{Now: time.Now, Jitter: func() float64 { return 0 }, WaitMin: time.Millisecond, Transport: c.net},
		}, opts)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// copyTo copies every object into another store.
func (c *cloud) copyTo(tb testing.TB, to *cloud) {
	tb.Helper()
	from, into := bucket.Of(c.ledger(tb, options(tb))), bucket.Of(to.ledger(tb, options(tb)))
	keys, err := bucket.List(tb.Context(), from, "")
	must(tb, err)
	for _, key := range keys {
		b, _, err := bucket.Get(tb.Context(), from, key)
		if errors.Is(err, bucket.ErrAbsent) {
			continue // several are removed at a time
		}
		must(tb, err)
		_, err = bucket.Put(tb.Context(), into, key, b, "")
		must(tb, err)
	}
}

// fakeGCS is the few calls of Google Cloud Storage's JSON API that a ledger
// needs, after its documentation (Objects: get, insert, list, delete;
// request preconditions; resumable uploads).
type fakeGCS struct {
	clock *clock

	mu         sync.Mutex
	objects    map[string]gcsObject
	uploads    map[string]*gcsUpload
	generation int64
}

type gcsObject struct {
	body       []byte
	generation int64
	updated    time.Time
}

type gcsUpload struct {
	name string
	body []byte
}

func (g *fakeGCS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	const objects, uploads = "/storage/v1/b/" + bucketName + "/o", "/upload/storage/v1/b/" + bucketName + "/o"
	path := r.URL.EscapedPath()
	switch name, isObject := strings.CutPrefix(path, objects+"/"); {
	case isObject:
		name, _ = url.PathUnescape(name)
		g.object(w, r, name)
	case path == objects && r.Method == http.MethodGet:
		g.list(w, r.URL.Query())
	case path == uploads:
		g.upload(w, r)
	default:
		gcsError(w, http.StatusNotFound, "The specified bucket does not exist.")
	}
}

func gcsError(w http.ResponseWriter, code int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": code, "message": message}})
}

func (g *fakeGCS) object(w http.ResponseWriter, r *http.Request, name string) {
	o, ok := g.objects[name]
	switch {
	case !ok:
		gcsError(w, http.StatusNotFound, "No such object: "+bucketName+"/"+name)
	case r.Method == http.MethodDelete:
		delete(g.objects, name)
		w.WriteHeader(http.StatusNoContent)
	case r.URL.Query().Get("alt") != "media":
		gcsError(w, http.StatusBadRequest, "only media here")
	default:
		w.Header().Set("X-Goog-Generation", strconv.FormatInt(o.generation, 10))
		http.ServeContent(w, r, "", o.updated, strings.NewReader(string(o.body)))
	}
}

// list gives pages of 1000, as Google does.
func (g *fakeGCS) list(w http.ResponseWriter, q url.Values) {
	var names []string
	for name := range g.objects {
		if strings.HasPrefix(name, q.Get("prefix")) && name > q.Get("pageToken") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	page := map[string]any{}
	if len(names) > 1000 {
		names = names[:1000]
		page["nextPageToken"] = names[999]
	}
	items := []map[string]string{}
	for _, name := range names {
		items = append(items, map[string]string{"name": name})
	}
	page["items"] = items
	_ = json.NewEncoder(w).Encode(page)
}

func (g *fakeGCS) upload(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	body, _ := io.ReadAll(r.Body)
	switch {
	case q.Get("upload_id") != "":
		g.piece(w, r, q.Get("upload_id"), body)
	case q.Get("uploadType") == "resumable":
		id := strconv.Itoa(len(g.uploads) + 1)
		g.uploads[id] = &gcsUpload{name: q.Get("name")}
		w.Header().Set("Location", "http://"+r.Host+r.URL.Path+"?uploadType=resumable&upload_id="+id)
	default:
		if want := q.Get("ifGenerationMatch"); want != "" && want != strconv.FormatInt(g.objects[q.Get("name")].generation, 10) {
			gcsError(w, http.StatusPreconditionFailed, "At least one of the pre-conditions you specified did not hold.")
			return
		}
		g.write(w, q.Get("name"), body)
	}
}

// piece takes at most 256 KB less than it is given, once, to see that the
// client goes on from there.
func (g *fakeGCS) piece(w http.ResponseWriter, r *http.Request, id string, body []byte) {
	u := g.uploads[id]
	var from, to, total int
	if _, err := fmt.Sscanf(r.Header.Get("Content-Range"), "bytes %d-%d/%d", &from, &to, &total); err != nil || u == nil || from > len(u.body) {
		gcsError(w, http.StatusBadRequest, "Invalid range")
		return
	}
	if from == 0 && len(body) > 256<<10 {
		body = body[:len(body)-256<<10]
	}
	u.body = append(u.body[:from], body...)
	if len(u.body) < total {
		w.Header().Set("Range", fmt.Sprintf("bytes=0-%d", len(u.body)-1))
		w.WriteHeader(http.StatusPermanentRedirect)
		return
	}
	g.write(w, u.name, u.body)
}

func (g *fakeGCS) write(w http.ResponseWriter, name string, body []byte) {
	g.generation++
	g.objects[name] = gcsObject{body: body, generation: g.generation, updated: g.clock.Now()}
	_ = json.NewEncoder(w).Encode(map[string]string{"generation": strconv.FormatInt(g.generation, 10)})
}
