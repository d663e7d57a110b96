package file_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"exposync/internal/destination"
	"exposync/internal/destination/destinationtest"
	"exposync/internal/destination/file"
	"exposync/internal/fault"
	"exposync/internal/record"
)

const canary = "wJalrXUtnFEMI-not-a-real-secret"

// store is an S3 server in this process, over TLS because it does not undo
// the signatures that stand between parts without, with one bucket, and what it does to
// the next requests.
type store struct {
	t       *testing.T
	url     string
	network http.RoundTripper
	backend *s3mem.Backend
	wrong   atomic.Pointer[func(w http.ResponseWriter, r *http.Request, inner http.Handler) bool] // true: answered
	sse     atomic.Pointer[string]
}

func newStore(t *testing.T) *store {
	t.Helper()
	s := &store{t: t, backend: s3mem.New()}
	if err := s.backend.CreateBucket("exports"); err != nil {
		t.Fatal(err)
	}
	inner := gofakes3.New(s.backend).Server()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			sse := r.Header.Get("X-Amz-Server-Side-Encryption")
			s.sse.Store(&sse)
		}
		if wrong := s.wrong.Load(); wrong != nil && (*wrong)(w, r, inner) {
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.url, s.network = server.URL, server.Client().Transport
	return s
}

func (s *store) config() file.S3 {
	return file.S3{
		Bucket: "exports", Prefix: "team/out", Endpoint: s.url, PathStyle: true, AccessKey: "someone", SecretKey: canary, Attempts: 1,
		UserAgent: "exposync/test", Transport: s.network,
	}
}

func (s *store) files() map[string][]byte {
	s.t.Helper()
	list, err := s.backend.ListBucket("exports", nil, gofakes3.ListBucketPage{})
	if err != nil {
		s.t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, c := range list.Contents {
		o, err := s.backend.GetObject("exports", c.Key, nil)
		if err != nil {
			s.t.Fatal(err)
		}
		if out[c.Key], err = io.ReadAll(o.Contents); err != nil {
			s.t.Fatal(err)
		}
	}
	return out
}

// away is a configuration for places on other machines.
func away(t *testing.T, b *bundle, format file.Format) file.Config {
	t.Helper()
	b.config.Format, b.config.Dir, b.config.Temp = format, "", filepath.Join(t.TempDir(), "tmp")
	return b.config
}

func TestConformanceS3(t *testing.T) {
	t.Parallel()
	for _, format := range []file.Format{file.NDJSON, file.Parquet} {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			destinationtest.Run(t, harness(format, func(t *testing.T) (*file.Files, func() map[string][]byte, error) {
				t.Helper()
				s := newStore(t)
				files, err := file.NewS3(away(t, setup(t), format), s.config())
				return files, s.files, err
			}))
		})
	}
}

// send writes one record and settles, as a run does.
func send(t *testing.T, files *file.Files, batch ...record.Change) error {
	t.Helper()
	w, err := files.Open(t.Context(), target(destination.Upsert))
	if err != nil {
		return err
	}
	for _, o := range w.Write(t.Context(), batch) {
		if o.State != destination.Pending {
			t.Errorf("outcome before the end: %+v", o)
		}
	}
	err = w.(destination.Settler).Settle(t.Context())
	if end := w.Close(); end != nil {
		t.Error(end)
	}
	return err
}

func TestS3Accidents(t *testing.T) {
	t.Parallel()
	put := put(text("1"), text("a"), null())
	deny := func(code string, status int) func(http.ResponseWriter, *http.Request, http.Handler) bool {
		return func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
			if code == "AccessDenied" && r.Method == http.MethodPut {
				return false
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "<Error><Code>"+code+"</Code><Message>"+canary+"</Message></Error>")
			return true
		}
	}
	for name, tt := range map[string]struct {
		wrong func(http.ResponseWriter, *http.Request, http.Handler) bool
		code  string // of the fault; empty: the file is there
		exit  int
	}{
		"unknown key":         {deny("InvalidAccessKeyId", 403), "destination_auth", 2},
		"wrong secret":        {deny("SignatureDoesNotMatch", 403), "destination_auth", 2},
		"no such bucket":      {deny("NoSuchBucket", 404), "file_dir", 2},
		"down":                {deny("InternalError", 500), "destination_unreachable", 5},
		"may put, never list": {deny("AccessDenied", 403), "", 0},
		"may not put": {func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
			return r.Method != http.MethodGet && deny("AccessForbidden", 403)(w, r, nil)
		}, "file_write", 5},
		"cut in the middle": {func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
			if r.Method != http.MethodPut {
				return false
			}
			_, _ = io.CopyN(io.Discard, r.Body, 10)
			panic(http.ErrAbortHandler)
		}, "file_write", 5},
		"full": {func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
			return r.Method == http.MethodPut && deny("XMinioStorageFull", 507)(w, r, nil)
		}, "file_write", 5},
		"answer lost": {func(w http.ResponseWriter, r *http.Request, inner http.Handler) bool {
			if r.Method != http.MethodPut {
				return false
			}
			inner.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, b := newStore(t), setup(t)
			files, err := file.NewS3(away(t, b, file.CSV), s.config())
			if err != nil {
				t.Fatal(err)
			}
			s.wrong.Store(&tt.wrong)
			err = send(t, files, put)
			if tt.code == "" && err != nil || tt.code != "" && (!fault.Is(err, tt.code) || fault.ExitCode(err) != tt.exit) {
				t.Errorf("%v, want %s", err, tt.code)
			}
			if err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("the error says too much: %v", err)
			}
			if n := len(s.files()); (n == 1) != (tt.code == "") {
				t.Errorf("%d objects", n)
			}
			s.wrong.Store(nil)
			b.now = b.now.Add(time.Minute)
			if err := send(t, files, put); err != nil {
				t.Errorf("afterwards: %v", err)
			}
			if n := len(s.files()); n != 1 { // a repeated run replaces its file
				t.Errorf("%d objects after another run", n)
			}
			if left, _ := os.ReadDir(b.config.Temp); len(left) > 0 {
				t.Errorf("left in the temporary folder: %v", left)
			}
		})
	}
}

// Where an answer is lost and nobody can look whether the object is there, the
// records are in doubt: in mode append a second object would double them. What
// the store refused, or never heard of, was not kept.
func TestS3WhenNobodyKnows(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		put     func(w http.ResponseWriter, r *http.Request, inner http.Handler)
		head    int
		unknown bool
	}{
		"lost, and nobody can look": {func(_ http.ResponseWriter, r *http.Request, inner http.Handler) {
			inner.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}, 500, true},
		"failed, and nobody may look": {func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.WriteHeader(http.StatusInternalServerError)
		}, 403, true},
		"failed, and it is not there": {func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.WriteHeader(http.StatusInternalServerError)
		}, 404, false},
		"refused, and nobody may look": {func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(http.StatusForbidden) }, 403, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			files, err := file.NewS3(away(t, setup(t), file.CSV), s.config())
			if err != nil {
				t.Fatal(err)
			}
			wrong := func(w http.ResponseWriter, r *http.Request, inner http.Handler) bool {
				switch r.Method {
				case http.MethodPut:
					tt.put(w, r, inner)
				case http.MethodHead:
					w.WriteHeader(tt.head)
				default:
					return false
				}
				return true
			}
			s.wrong.Store(&wrong)
			if err := send(t, files, put(text("1"), text("a"), null())); err == nil || errors.Is(err, destination.ErrUnknown) != tt.unknown {
				t.Errorf("%v, unknown must be %t", err, tt.unknown)
			}
		})
	}
}

// An object in parts appears with the last one.
func TestS3InParts(t *testing.T) {
	t.Parallel()
	s, b := newStore(t), setup(t)
	cfg := s.config()
	cfg.Encryption = "AES256"
	files, err := file.NewS3(away(t, b, file.NDJSON), cfg)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("0123456789abcdef", 1<<16)
	var batch []record.Change
	for i := range 40 {
		batch = append(batch, put(text(string(rune('A'+i))), text(long), null()))
	}
	if err := send(t, files, batch...); err != nil {
		t.Fatal(err)
	}
	for name, content := range s.files() {
		if !strings.HasPrefix(name, "team/out/contacts-2026") || len(content) < 40<<20 {
			t.Errorf("%s has %d bytes", name, len(content))
		}
	}
	if rows := consume(t, s.files()); len(rows) != 40 {
		t.Errorf("%d records", len(rows))
	}
	if err := send(t, files, put(text("1"), text("a"), null())); err != nil || *s.sse.Load() != "AES256" {
		t.Errorf("encryption %q, %v", *s.sse.Load(), err)
	}
}

func TestS3Settings(t *testing.T) {
	t.Parallel()
	for _, change := range []func(*file.S3){
		func(s *file.S3) { s.Endpoint = "localhost:9000" },
		func(s *file.S3) { s.Endpoint = "https://a:" + canary + "@b" },
		func(s *file.S3) { s.Encryption = "rot13" },
		func(s *file.S3) { s.KMSKey = "k" },
	} {
		cfg := (&store{url: "http://127.0.0.1:1"}).config()
		change(&cfg)
		if _, err := file.NewS3(file.Config{Name: "lake", Now: time.Now}, cfg); !fault.Is(err, "setting_invalid") || strings.Contains(err.Error(), canary) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
	cfg := file.S3{Bucket: "exports", Prefix: "/a/b/"}
	files, err := file.NewS3(file.Config{Name: "lake", Now: time.Now}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if account, err := files.Account(t.Context()); err != nil || account != "s3://exports/a/b/" {
		t.Errorf("Account() = %q, %v", account, err)
	}
}
