package bucket_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/ledger/bucket"
	"exposync/internal/ledger/ledgertest"
)

// work opens, appends and folds until there are 20 marks, and adds a run.
func work(tb testing.TB, l ledger.Ledger) error {
	tb.Helper()
	y, err := l.Open(tb.Context(), ledgertest.SyncID("job"), "prod")
	if err != nil {
		return err
	}
	for n := range 20 {
		err = errors.Join(err, y.Append(tb.Context(), ledgertest.Entry(ledger.Confirmed, n, ledgertest.Row(n))))
	}
	err = errors.Join(err, y.Fold(tb.Context(), ledger.Header{Mapping: "m"}), y.Close())
	return errors.Join(err, l.AddRun(tb.Context(), "shop", "job", ledger.Run{ID: "1"}))
}

// wantWork looks for what work did.
func wantWork(tb testing.TB, l ledger.Ledger) {
	tb.Helper()
	v, err := l.View(tb.Context(), ledgertest.SyncID("job"), "prod")
	must(tb, err)
	if n := len(ledgertest.Marks(tb, v)); n != 20 || v.Header().Mapping != "m" || v.Header().Leftover {
		tb.Errorf("%d marks, header %+v", n, v.Header())
	}
	must(tb, v.Close())
	runs, err := l.Runs(tb.Context(), "shop", "job")
	if err != nil || len(runs) != 1 {
		tb.Errorf("runs %v, %v, want one", runs, err)
	}
}

// everyKind runs a test on both kinds of stores.
func everyKind(t *testing.T, run func(t *testing.T, s *testStore)) {
	t.Helper()
	for _, kind := range []string{"s3", "gcs"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			run(t, newStore(t, kind))
		})
	}
}

// TestWithoutCompareAndSwap: a store that ignores what it does not know would
// let two runs overlap, so it is refused before anything is written.
func TestWithoutCompareAndSwap(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ kind, ignores string }{
		"s3 without both":          {"s3", "If-None-Match If-Match"},
		"s3 without If-None-Match": {"s3", "If-None-Match"},
		"s3 without If-Match":      {"s3", "If-Match"},
		"gcs":                      {"gcs", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t, tt.kind)
			s.faults(func(_ http.ResponseWriter, r *http.Request) bool {
				for header := range strings.FieldsSeq(tt.ignores) {
					r.Header.Del(header)
				}
				if q := r.URL.Query(); tt.kind == "gcs" {
					q.Del("ifGenerationMatch")
					r.URL.RawQuery = q.Encode()
				}
				return false
			}, nil)
			l := s.Open(t)
			for _, err := range []error{work(t, l), l.Reset(t.Context(), ledgertest.SyncID("job"))} {
				if !fault.Is(err, "ledger_no_cas") {
					t.Errorf("%v, want a fault ledger_no_cas", err)
				}
			}
			keys, err := bucket.List(t.Context(), bucket.Of(l), "")
			if err != nil || len(keys) > 0 {
				t.Errorf("left behind: %v, %v", keys, err)
			}
		})
	}
}

// TestProbedOnce: a store is tried once, and a copy of it elsewhere again.
func TestProbedOnce(t *testing.T) {
	t.Parallel()
	everyKind(t, func(t *testing.T, s *testStore) {
		t.Helper()
		probes := func(s *testStore) (n int) {
			t.Helper()
			l := bucket.Over(bucket.Interposed{Objects: bucket.Of(s.Open(t)), Before: func(op, key string) error {
				if op == "put" && strings.HasPrefix(key, "probe/") {
					n++
				}
				return nil
			}}, options(t))
			must(t, l.AddRun(t.Context(), "shop", "job", ledger.Run{ID: "1"}))
			return n
		}
		if probes(s) == 0 || probes(s) != 0 {
			t.Error("the store is not tried, or tried twice")
		}
		elsewhere := newStore(t, s.kind)
		s.copyTo(t, elsewhere.cloud)
		if probes(elsewhere) == 0 {
			t.Error("a copy elsewhere is not tried")
		}
	})
}

// TestLookingCreatesNothing: commands that only look leave an empty bucket.
func TestLookingCreatesNothing(t *testing.T) {
	t.Parallel()
	everyKind(t, func(t *testing.T, s *testStore) {
		t.Helper()
		l := s.Open(t)
		v, err := l.View(t.Context(), ledgertest.SyncID("job"), "prod")
		must(t, err)
		ledgertest.Marks(t, v)
		_, err1 := l.Evidence(t.Context(), "shop")
		_, err2 := l.Runs(t.Context(), "shop", "job")
		_, err3 := l.Siblings(t.Context(), "shop", "job", "prod")
		_, err4 := l.Contents(t.Context())
		must(t, errors.Join(err1, err2, err3, err4, v.Close()))
		for _, method := range s.requests() {
			if method != http.MethodGet {
				t.Errorf("a request %s", method)
			}
		}
	})
}

// TestSlowDown: a store that sheds load is asked again.
func TestSlowDown(t *testing.T) {
	t.Parallel()
	everyKind(t, func(t *testing.T, s *testStore) {
		t.Helper()
		var mu sync.Mutex
		n := 0
		s.faults(func(w http.ResponseWriter, _ *http.Request) bool {
			mu.Lock()
			defer mu.Unlock()
			if n++; n%3 == 0 {
				return false
			}
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte("<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"))
			return true
		}, nil)
		must(t, work(t, s.Open(t)))
		s.faults(nil, nil)
		wantWork(t, s.Open(t))
	})
}

// TestLostAnswers: the connection breaks after a write was done. The writer
// finds out that it was its own.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	everyKind(t, func(t *testing.T, s *testStore) {
		t.Helper()
		var mu sync.Mutex
		lost := map[string]int{}
		s.faults(nil, func(r *http.Request) bool {
			mu.Lock()
			defer mu.Unlock()
			if r.Method == http.MethodGet {
				return false
			}
			name := r.URL.Path + r.URL.Query().Get("name")
			lost[name]++
			return lost[name]%2 == 1
		})
		must(t, work(t, s.Open(t)))
		s.faults(nil, nil)
		if len(lost) < 20 {
			t.Errorf("only %d answers were lost", len(lost))
		}
		wantWork(t, s.Open(t))
	})
}

// TestLostAnswerWithoutAnotherTry: the same when the client gives up.
func TestLostAnswerWithoutAnotherTry(t *testing.T) {
	t.Parallel()
	s := newStore(t, "s3")
	gaveUp := errors.New("the connection broke")
	lost := 0
	l := bucket.Over(bucket.Interposed{Objects: bucket.Of(s.Open(t)), After: func(op, _ string) error {
		if op == "put" {
			lost++
			return gaveUp
		}
		return nil
	}}, options(t))
	must(t, work(t, l))
	if lost < 20 {
		t.Errorf("only %d answers were lost", lost)
	}
	wantWork(t, s.Open(t))
}

// TestUnknownEnd: a write of which nobody knows ends the session: nothing may
// follow it, and the next run finds what was acknowledged.
func TestUnknownEnd(t *testing.T) {
	t.Parallel()
	everyKind(t, func(t *testing.T, s *testStore) {
		t.Helper()
		var broken bool
		l := bucket.Over(bucket.Interposed{Objects: bucket.Of(s.Open(t)), Before: func(_, key string) error {
			if broken && strings.HasPrefix(key, bucket.SyncPrefix(ledgertest.SyncID("job"))) {
				return errors.New("the network is gone")
			}
			return nil
		}}, options(t))
		y := mustOpen(t, l)
		must(t, y.Append(t.Context(), ledgertest.Entry(ledger.Confirmed, 1, ledgertest.Row(1))))
		broken = true
		first := y.Append(t.Context(), ledgertest.Entry(ledger.Confirmed, 2, ledgertest.Row(2)))
		broken = false
		for _, err := range []error{first, y.Append(t.Context(), ledgertest.Entry(ledger.Confirmed, 3, ledgertest.Row(3))), y.Fold(t.Context(), ledger.Header{})} {
			if err == nil || fault.Is(err, "lease_lost") {
				t.Errorf("%v, want the first failure again", err)
			}
		}
		must(t, y.Close())
		y = mustOpen(t, s.Open(t)) // at once: the lease was given back
		if got := ledgertest.Marks(t, y); len(got) != 1 || !y.Header().Leftover {
			t.Errorf("found %d marks, header %+v", len(got), y.Header())
		}
		must(t, y.Close())
	})
}

// TestBeats: a lease is renewed while its holder lives, and its end is told by
// the store's clock.
func TestBeats(t *testing.T) {
	t.Parallel()
	everyKind(t, func(t *testing.T, s *testStore) {
		t.Helper()
		beat := make(chan struct{})
		l := s.Open(t)
		bucket.Beat(l, func(ctx context.Context, _ time.Duration) error {
			select {
			case <-beat:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		y := mustOpen(t, l)
		s.clock.advance(50 * time.Second)
		beat <- struct{}{} // begins the renewal
		beat <- struct{}{} // it has ended
		s.clock.advance(50 * time.Second)
		_, err := s.Open(t).Open(t.Context(), ledgertest.SyncID("job"), "prod")
		if !fault.Is(err, "locked") {
			t.Fatalf("Open() of a renewed lease = %v, want a fault locked", err)
		}
		f := fault.All(err)[0]
		for _, want := range []string{"testhost", "since 2026-03-01"} {
			if !strings.Contains(f.Msg, want) {
				t.Errorf("%q does not say %q", f.Msg, want)
			}
		}
		if !strings.Contains(f.Hint, "ends in") {
			t.Errorf("%q does not say when", f.Hint)
		}
		must(t, y.Close())
		must(t, mustOpen(t, s.Open(t)).Close())
	})
}

// TestStoreWithoutTime: if the store does not tell the time, the holder has to
// be silent for as long as we can see.
func TestStoreWithoutTime(t *testing.T) {
	t.Parallel()
	s := newStore(t, "s3")
	undated := func() ledger.Ledger {
		return bucket.Over(bucket.Interposed{Objects: bucket.Of(s.Open(t)), Undated: true}, options(t))
	}
	y := mustOpen(t, undated())
	must(t, y.Append(t.Context(), ledgertest.Entry(ledger.Confirmed, 1, ledgertest.Row(1))))
	other := undated()
	var waited time.Duration
	bucket.Beat(other, func(ctx context.Context, d time.Duration) error {
		if waited > 0 {
			<-ctx.Done() // the beats of its own lease
			return ctx.Err()
		}
		waited = d
		return y.Fold(ctx, ledger.Header{}) // the holder lives
	})
	if _, err := other.Open(t.Context(), ledgertest.SyncID("job"), "prod"); !fault.Is(err, "locked") {
		t.Fatalf("Open() while the holder works = %v", err)
	}
	var calls int
	bucket.Beat(other, func(ctx context.Context, _ time.Duration) error {
		if calls++; calls > 1 {
			<-ctx.Done()
		}
		return ctx.Err()
	})
	must(t, mustOpen(t, other).Close())
	if waited < time.Minute {
		t.Errorf("waited for %s only", waited)
	}
}

// TestGone: only a process that certainly ended is taken for dead.
func TestGone(t *testing.T) {
	t.Parallel()
	own := bucket.ThisProcess()
	if own == "" {
		t.Skip("this system does not tell about processes")
	}
	parts := strings.Split(own, "/")
	with := func(i int, what string) string {
		p := slices.Clone(parts)
		p[i] = what
		return strings.Join(p, "/")
	}
	tests := map[string]struct {
		process string
		want    bool
	}{
		"this one":                 {own, false},
		"nothing known":            {"", false},
		"another boot":             {with(0, "another"), false},
		"another pid namespace":    {with(1, "pid:[1]"), false},
		"a pid that is not there":  {with(2, "4194305"), true},
		"a pid that was used anew": {with(3, "1"), true},
	}
	for name, tt := range tests {
		if got := bucket.Gone(tt.process); got != tt.want {
			t.Errorf("%s: %t, want %t", name, got, tt.want)
		}
	}
}

// TestLitter: what a killed run left behind is swept by the next one, and
// listings have more than one page.
func TestLitter(t *testing.T) {
	t.Parallel()
	everyKind(t, func(t *testing.T, s *testStore) {
		t.Helper()
		o := bucket.Of(s.Open(t))
		id := ledgertest.SyncID("job")
		y := mustOpen(t, s.Open(t))
		must(t, y.Append(t.Context(), ledgertest.Entry(ledger.Confirmed, 1, ledgertest.Row(1))))
		must(t, y.Fold(t.Context(), ledger.Header{}))
		must(t, y.Append(t.Context(), ledgertest.Entry(ledger.Confirmed, 2, ledgertest.Row(2))))
		const litter = 1203
		for n := range litter {
			_, err := bucket.Put(t.Context(), o, fmt.Sprintf("%smarks/0000000000-%010d-x", bucket.SyncPrefix(id), n), []byte("x"), "")
			must(t, err)
		}
		keys, err := bucket.List(t.Context(), o, bucket.SyncPrefix(id))
		must(t, err)
		if len(keys) != litter+2 || !slices.IsSorted(keys) {
			t.Fatalf("%d keys are listed", len(keys))
		}
		s.clock.advance(2 * time.Minute)
		y = mustOpen(t, s.Open(t))
		if n := len(ledgertest.Marks(t, y)); n != 2 {
			t.Errorf("%d marks", n)
		}
		must(t, y.Close())
		keys, err = bucket.List(t.Context(), o, bucket.SyncPrefix(id))
		if err != nil || len(keys) != 2 { // marks, and the seal of the killed run
			t.Errorf("left: %v, %v", keys, err)
		}
	})
}

// TestLargeObjects: marks go up and down in pieces.
func TestLargeObjects(t *testing.T) {
	t.Parallel()
	everyKind(t, func(t *testing.T, s *testStore) {
		t.Helper()
		l := s.Open(t)
		if s.kind == "gcs" {
			bucket.InPieces(l, 512<<10)
		}
		random := rand.New(rand.NewPCG(1, 2))
		for _, size := range []int{1, 512 << 10, 1<<20 + 77, 3 << 20} {
			want := make([]byte, size)
			for i := range want {
				want[i] = byte(random.Uint32())
			}
			key := fmt.Sprintf("syncs/x/%d", size)
			must(t, bucket.Upload(t.Context(), bucket.Of(l), key, bytes.NewReader(want), int64(size)))
			var got bytes.Buffer
			if err := bucket.Download(t.Context(), bucket.Of(l), key, &got); err != nil {
				t.Errorf("%d bytes: %v", size, err)
			}
			if !bytes.Equal(want, got.Bytes()) {
				t.Errorf("%d bytes come back as %d others", size, got.Len())
			}
		}
		if err := bucket.Download(t.Context(), bucket.Of(l), "nowhere", &bytes.Buffer{}); !errors.Is(err, bucket.ErrAbsent) {
			t.Errorf("an object that is not there: %v", err)
		}
	})
}

// damage changes one object of a sync with marks and a journal, and says what
// reading gives then.
func TestDamage(t *testing.T) {
	t.Parallel()
	flip := func(b []byte) []byte { b[len(b)/2] ^= 1; return b }
	cut := func(b []byte) []byte { return b[:len(b)-1] }
	later := func(b []byte) []byte { b[8]++; return b }
	text := func(was, is string) func([]byte) []byte {
		return func(b []byte) []byte { return bytes.Replace(b, []byte(was), []byte(is), 1) }
	}
	tests := map[string]struct {
		object string // part of its key
		change func([]byte) []byte
		want   string
	}{
		"marks flipped":   {"/marks/", flip, "ledger_corrupt"},
		"marks cut":       {"/marks/", cut, "ledger_corrupt"},
		"marks gone":      {"/marks/", nil, "ledger_corrupt"},
		"commit flipped":  {"-0000000002", flip, "ledger_corrupt"},
		"commit cut":      {"-0000000002", cut, "ledger_corrupt"},
		"commit gone":     {"-0000000002", nil, "ledger_corrupt"},
		"commit newer":    {"-0000000002", later, "ledger_newer"},
		"head garbage":    {"heads/", func([]byte) []byte { return []byte("{") }, "ledger_corrupt"},
		"head newer":      {"heads/", text(`"version":1`, `"version":2`), "ledger_newer"},
		"head of another": {"heads/", text(`"object":"contacts"`, `"object":"others"`), "ledger_corrupt"},
		"wrong count":     {"heads/", text(`"marks":1,`, `"marks":2,`), "ledger_corrupt"},
		"wrong base":      {"heads/", text(`"generation":1,`, `"generation":2,`), "ledger_corrupt"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t, "s3")
			y := mustOpen(t, s.Open(t))
			must(t, y.Append(t.Context(), ledgertest.Entry(ledger.Confirmed, 0, ledgertest.Row(0))))
			must(t, y.Fold(t.Context(), ledger.Header{Mapping: "m"}))
			for n := range 4 {
				must(t, y.Append(t.Context(), ledgertest.Entry(ledger.Confirmed, n, ledgertest.Row(n))))
			}
			must(t, y.Close())
			change(t, s, tt.object, tt.change)
			l := s.Open(t)
			_, err := l.View(t.Context(), ledgertest.SyncID("job"), "prod")
			_, err2 := l.Open(t.Context(), ledgertest.SyncID("job"), "prod")
			for _, err := range []error{err, err2} {
				if !fault.Is(err, tt.want) || fault.All(err)[0].Hint == "" {
					t.Errorf("%v, want a fault %s with a hint", err, tt.want)
				}
			}
			must(t, l.Reset(t.Context(), ledgertest.SyncID("job")))
			must(t, work(t, l))
			wantWork(t, l)
		})
	}
}

func change(tb testing.TB, s *testStore, part string, fn func([]byte) []byte) {
	tb.Helper()
	o := bucket.Of(s.Open(tb))
	keys, err := bucket.List(tb.Context(), o, "")
	must(tb, err)
	i := slices.IndexFunc(keys, func(key string) bool { return strings.Contains(key, part) })
	if i < 0 {
		tb.Fatalf("no %s among %v", part, keys)
	}
	b, version, err := bucket.Get(tb.Context(), o, keys[i])
	must(tb, err)
	if fn == nil {
		must(tb, bucket.Remove(tb.Context(), o, keys[i]))
		return
	}
	was := bytes.Clone(b)
	if b = fn(b); bytes.Equal(was, b) {
		tb.Fatalf("%s did not change: %s", keys[i], b)
	}
	_, err = bucket.Put(tb.Context(), o, keys[i], b, version)
	must(tb, err)
}

// TestRequests: what a run costs that finds nothing to do.
func TestRequests(t *testing.T) {
	t.Parallel()
	everyKind(t, func(t *testing.T, s *testStore) {
		t.Helper()
		must(t, work(t, s.Open(t)))
		s.requests()
		l := s.Open(t)
		_, err := l.Evidence(t.Context(), "shop")
		must(t, err)
		y := mustOpen(t, l)
		ledgertest.Marks(t, y)
		_, err = l.Siblings(t.Context(), "shop", "job", "prod")
		must(t, err)
		must(t, y.Close())
		must(t, l.AddRun(t.Context(), "shop", "job", ledger.Run{ID: "2"}))
		count := map[string]int{}
		for _, method := range s.requests() {
			if method == http.MethodPost {
				method = http.MethodPut
			}
			count[method]++
		}
		if d := cmp.Diff(map[string]int{"GET": 7, "PUT": 3}, count); d != "" {
			t.Errorf("requests (-want +got):\n%s", d)
		}
	})
}

// TestLongPaused: even where nothing in the journal tells a holder that it
// was taken over, its own clock makes it ask before and after it writes.
func TestLongPaused(t *testing.T) {
	t.Parallel()
	everyKind(t, func(t *testing.T, s *testStore) {
		t.Helper()
		opts := options(t)
		now := opts.Now()
		opts.Now = func() time.Time { return now }
		var pausing bool
		l := bucket.Over(bucket.Interposed{Objects: bucket.Of(s.Open(t)), After: func(op, key string) error {
			if pausing && op == "put" && strings.Contains(key, "/journal/") {
				now = now.Add(2 * time.Minute) // the write was long on its way
			}
			return nil
		}}, opts)
		takeOver := func() {
			t.Helper()
			s.Expire(t, ledgertest.SyncID("job"))
			must(t, mustOpen(t, s.Open(t)).Close())
			o := bucket.Of(s.Open(t))
			keys, err := bucket.List(t.Context(), o, bucket.SyncPrefix(ledgertest.SyncID("job"))+"journal/")
			must(t, err)
			for _, key := range keys { // the seal
				must(t, bucket.Remove(t.Context(), o, key))
			}
		}
		for name, pause := range map[string]func(){
			"before": func() { now = now.Add(2 * time.Minute) }, "within": func() { pausing = true },
		} {
			y := mustOpen(t, l)
			must(t, y.Append(t.Context(), ledgertest.Entry(ledger.Confirmed, 1, ledgertest.Row(1))))
			takeOver()
			pause()
			if err := y.Append(t.Context(), ledgertest.Entry(ledger.Confirmed, 2, ledgertest.Row(2))); !fault.Is(err, "lease_lost") {
				t.Errorf("paused %s a write: Append() = %v, want a fault lease_lost", name, err)
			}
			pausing = false
			must(t, y.Close())
		}
	})
}

// Commits are read some at a time. A writer that lives may write two of them
// in between: the first was asked for too early then, and is not missing.
func TestCommitsWrittenWhileTheyAreRead(t *testing.T) {
	t.Parallel()
	store := newStore(t, "s3")
	id := ledgertest.SyncID("job")
	writing := mustOpen(t, store.Open(t))
	for n := range 3 {
		must(t, writing.Append(t.Context(), ledgertest.Entry(ledger.Confirmed, n, ledgertest.Row(n))))
	}
	plain := bucket.Of(store.Open(t))
	keys, err := bucket.List(t.Context(), plain, bucket.SyncPrefix(id)+"journal/")
	must(t, err)
	for _, early := range keys {
		var asked sync.Map
		l := bucket.Over(bucket.Interposed{Objects: plain, Before: func(op, key string) error {
			if _, before := asked.LoadOrStore(key, true); op == "get" && key == early && !before && key != keys[len(keys)-1] {
				return bucket.ErrAbsent
			}
			return nil
		}}, options(t))
		view, err := l.View(t.Context(), id, "prod")
		must(t, err)
		if got := len(ledgertest.Marks(t, view)); got != 3 {
			t.Errorf("%s was asked for too early: %d marks, want 3", early, got)
		}
		must(t, errors.Join(view.Close(), l.Close()))
	}
	must(t, writing.Close())
}
