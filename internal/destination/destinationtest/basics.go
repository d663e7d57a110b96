package destinationtest

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"exposync/internal/destination"
	"exposync/internal/record"
)

func testAccount(t *testing.T, s *Subject) {
	t.Helper()
	first, err := s.Destination.Account(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Destination.Account(t.Context())
	if err != nil || first == "" || first != second {
		t.Errorf("Account() = %q, then %q, %v", first, second, err)
	}
	s.leaks(t, first)
	s.holds(t, nil)
}

func testTraits(t *testing.T, s *Subject) {
	t.Helper()
	w := s.open(t, destination.Upsert)
	traits := w.Traits()
	if traits.Rows < 1 || traits.Concurrency < 1 || traits.Bytes < 0 || traits.PerSecond < 0 {
		t.Errorf("Traits() = %+v", traits)
	}
	if traits.Bytes > 0 && traits.Size == nil {
		t.Error("Traits() limits bytes and cannot say the size of a change")
	}
	if _, settles := w.(destination.Settler); traits.Settles && !settles {
		t.Error("Traits().Settles, but the writer is no Settler")
	}
	settle(t, w, nil)
	s.holds(t, nil)
}

func testEmptyBatch(t *testing.T, s *Subject) {
	t.Helper()
	w := s.open(t, destination.Upsert)
	if out := w.Write(t.Context(), nil); len(out) != 0 {
		t.Errorf("Write(nothing) = %+v", out)
	}
	settle(t, w, nil)
	s.holds(t, nil)
}

func testUpsert(t *testing.T, s *Subject) {
	t.Helper()
	wantAll(t, s.write(t, destination.Upsert, create("a"), create("b")), 2, destination.OK)
	updated := renamed(record.Update, "b", "Grace")
	wantAll(t, s.write(t, destination.Upsert, updated), 1, destination.OK)
	s.holds(t, []record.Change{create("a"), updated})
}

// testValues sends values at the edges. One that cannot be kept may be
// refused, but what is confirmed must read back letter by letter.
func testValues(t *testing.T, s *Subject) {
	t.Helper()
	kinds := map[string]record.Kind{}
	for _, f := range Fields() {
		kinds[f.Name] = f.Kind
	}
	edges := map[string][]string{
		"name": {
			"", " ", "  two  spaces  ", "null", "NULL", "\\N", "'", `"`, `\`, "`", ",", ";", "\t", "\n", "\r\n", "a\nb\r\nc",
			"\x01\x1f\x7f", "\x00", "nul\x00inside", "ümläut ß", "日本語", "😀 family 👩‍👩‍👧", "\u202eright to left", "e\u0301", "\u2028\u2029", "\ufeffbom",
			"{{ env_var('X') }}", "${x}", "$1", "%s%n", "<script>&amp;", "=1+1", "-1", "true", "0012", "1e5",
			"'; drop table x; --", strings.Repeat("é", 20_000),
		},
		"score":  {"0", "-1", "2147483647", "9223372036854775807", "-9223372036854775808"},
		"amount": {"0", "-0.000000001", "99999999999999999999999999999.999999999", "0.1", "1234567890123456789"},
		"active": {"false", "true"},
		"day":    {"0001-01-01", "1582-10-10", "9999-12-31"},
		"at":     {"1970-01-01T00:00:00Z", "2024-03-31T01:30:00.000001Z", "9999-12-31T23:59:59.999999Z"},
		"local":  {"1970-01-01T00:00:00", "2024-03-31T02:30:00", "9999-12-31T23:59:59.999999"},
		"doc":    {"[]", "{}", `"text"`, "1.50", `{"deep":{"er":[[],{},"\u0001"]}}`, `{"id":12345678901234567890}`},
	}
	var changes []record.Change
	for _, f := range Fields() {
		for i, edge := range edges[f.Name] {
			v := record.Value{Kind: kinds[f.Name], Data: []byte(edge)}
			changes = append(changes, Change(record.Create, f.Name+strconv.Itoa(i), map[string]record.Value{f.Name: v}))
		}
	}
	for i, key := range []string{" ", "Ünïcode", "a/b?c#d%20", "\"quoted\"", "'", "UPPER", "upper", "😀", strings.Repeat("k", 500)} {
		changes = append(changes, renamed(record.Create, key, "key "+strconv.Itoa(i)))
	}
	out := s.write(t, destination.Upsert, changes...)
	kept := make([]record.Change, 0, len(changes))
	for i, o := range out {
		switch {
		case o.State == destination.OK:
			kept = append(kept, changes[i])
		case o.State != destination.Rejected || !mayRefuse(changes[i]) && (s.Refuses == nil || !s.Refuses(changes[i])):
			t.Errorf("change %s: outcome %+v", changes[i].KeyVals[0].Data, o)
		}
	}
	s.holds(t, kept)
}

// mayRefuse reports whether a destination may be unable to keep a change: few
// databases take NUL in text.
func mayRefuse(ch record.Change) bool {
	return slices.ContainsFunc(ch.Values, func(v record.Value) bool { return strings.Contains(string(v.Data), "\x00") })
}

func testNull(t *testing.T, s *Subject) {
	t.Helper()
	nulls := map[string]record.Value{}
	for _, f := range Fields() {
		nulls[f.Name] = null()
	}
	cleared := Change(record.Update, "a", nulls)
	wantAll(t, s.write(t, destination.Upsert, create("a"), Change(record.Create, "b", nulls)), 2, destination.OK)
	wantAll(t, s.write(t, destination.Upsert, cleared), 1, destination.OK)
	empty := renamed(record.Create, "c", "")
	wantAll(t, s.write(t, destination.Upsert, empty), 1, destination.OK)
	s.holds(t, []record.Change{cleared, Change(record.Create, "b", nulls), empty})
}

// testJSONNull tells the JSON document null from no document.
func testJSONNull(t *testing.T, s *Subject) {
	t.Helper()
	changes := []record.Change{
		Change(record.Create, "document", map[string]record.Value{"doc": {Kind: record.JSON, Data: []byte("null")}}),
		Change(record.Create, "nothing", map[string]record.Value{"doc": null()}),
	}
	wantAll(t, s.write(t, destination.Upsert, changes...), 2, destination.OK)
	s.holds(t, changes)
}

func testAbsent(t *testing.T, s *Subject) {
	t.Helper()
	wantAll(t, s.write(t, destination.Upsert, create("a"), create("b")), 2, destination.OK)
	only := map[string]record.Value{"score": {Kind: record.Int, Data: []byte("7")}}
	for _, f := range Fields() {
		if f.Name != "score" {
			only[f.Name] = record.Value{}
		}
	}
	// In one batch with a change that sets everything: presence is per record.
	wantAll(t, s.write(t, destination.Upsert, Change(record.Update, "a", only), renamed(record.Update, "b", "Grace")), 2, destination.OK)
	s.holds(t, []record.Change{
		Change(record.Update, "a", map[string]record.Value{"score": {Kind: record.Int, Data: []byte("7")}}),
		renamed(record.Update, "b", "Grace"),
	})
}

func testBatches(t *testing.T, s *Subject) {
	t.Helper()
	w := s.open(t, destination.Upsert)
	var all []record.Change
	var out []destination.Outcome
	for _, prefix := range []string{"first", "second", "third"} {
		batch := creates(prefix, min(w.Traits().Rows, 7))
		all = append(all, batch...)
		out = append(out, deliver(t.Context(), w, batch)...)
	}
	settle(t, w, out)
	wantAll(t, out, len(all), destination.OK)
	s.holds(t, all)
}

func testConcurrent(t *testing.T, s *Subject) {
	t.Helper()
	w := s.open(t, destination.Upsert)
	workers := min(w.Traits().Concurrency, 8)
	all := make([][]record.Change, workers)
	out := make([][]destination.Outcome, workers)
	var group sync.WaitGroup
	for i := range workers {
		all[i] = creates("w"+strconv.Itoa(i), 50)
		group.Go(func() { out[i] = deliver(t.Context(), w, all[i]) })
	}
	group.Wait()
	flat := slices.Concat(out...)
	settle(t, w, flat)
	wantAll(t, flat, workers*50, destination.OK)
	s.holds(t, slices.Concat(all...), "id")
}

func testWriters(t *testing.T, s *Subject) {
	t.Helper()
	var all []record.Change
	for _, prefix := range []string{"a", "b", "c"} {
		batch := creates(prefix, 3)
		wantAll(t, s.write(t, destination.Upsert, batch...), 3, destination.OK)
		all = append(all, batch...)
	}
	s.holds(t, all)
}

func testOrder(t *testing.T, s *Subject) {
	t.Helper()
	changes := creates("k", 30)
	slices.Reverse(changes)
	changes[7], changes[19] = renamed(record.Create, "zz", "last"), renamed(record.Create, "aa", "first")
	wantAll(t, s.write(t, destination.Upsert, changes...), 30, destination.OK)
	s.holds(t, changes)
}

func testCancelled(t *testing.T, s *Subject) {
	t.Helper()
	w := s.open(t, destination.Upsert)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	out := w.Write(ctx, creates("k", 3))
	if len(out) != 3 {
		t.Fatalf("%d outcomes for 3 changes", len(out))
	}
	for _, o := range out {
		if o.State != destination.NotSent && o.State != destination.InDoubt && o.State != destination.Retry {
			t.Errorf("outcome after the end = %+v", o)
		}
	}
	if err := w.Close(); err != nil {
		t.Errorf("Close(): %v", err)
	}
}

func testAgain(t *testing.T, s *Subject) {
	t.Helper()
	w := s.open(t, destination.Upsert)
	if !w.Traits().Idempotent {
		t.Error("an upsert by key that is not idempotent")
	}
	changes := creates("k", 5)
	out := slices.Concat(deliver(t.Context(), w, changes), deliver(t.Context(), w, changes))
	settle(t, w, out)
	wantAll(t, out, 10, destination.OK)
	wantAll(t, s.write(t, destination.Upsert, changes...), 5, destination.OK)
	s.holds(t, changes)
}
