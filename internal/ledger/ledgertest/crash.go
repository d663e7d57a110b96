package ledgertest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/ledger"
	"exposync/internal/record"
)

// crashes: at every instant of a run's writing, a later process finds what
// was acknowledged, and of what was under way each entry or nothing.
func crashes(t *testing.T, factory Factory) {
	store, ok := factory(t).(Crasher)
	if !ok {
		t.Skip("the store cannot show its instants")
	}
	r := &crashRun{t: t, acked: memory{}, pending: memory{}, headers: []ledger.Header{{}}}
	store.Crashes(t, r.do, r.check)
	if r.found < 20 {
		t.Errorf("only %d instants were looked at", r.found)
	}
}

// crashRun is a run that knows, at every instant, what has to be found.
type crashRun struct {
	t       *testing.T
	acked   memory
	pending memory          // acked, and the entries that are being written
	headers []ledger.Header // one of them has to be found: Mapping and Rows count
	found   int
}

// do is two runs: the first ends with a fold, the second without one, and a
// third finds its journal.
func (r *crashRun) do(l ledger.Ledger) {
	s := open(r.t, l, SyncID("job"))
	r.append(s, Entry(ledger.Confirmed, 1, Row(1)), Entry(ledger.Sending, 2, Row(2)))
	r.append(s, Entry(ledger.Confirmed, 2, Row(2)), Entry(ledger.Confirmed, 3, Row(3)))
	r.fold(s, ledger.Header{Encoding: 1, Mapping: "first", Rows: 3})
	r.append(s, Entry(ledger.Deleted, 1, record.Hash{}))
	closeAll(r.t, s)

	s = open(r.t, l, SyncID("job"))
	r.acked.settle()
	r.pending = r.acked.clone()
	r.append(s, Entry(ledger.Sending, 4, Row(4)), Entry(ledger.Confirmed, 3, Row(33)))
	r.fold(s, ledger.Header{Encoding: 1, Mapping: "second", Rows: 4})
	r.fold(s, ledger.Header{Encoding: 1, Mapping: "third", Rows: 5})
	closeAll(r.t, s)
}

func (r *crashRun) append(s ledger.Sync, list ...ledger.Entry) {
	for _, e := range list {
		r.pending.add(e)
	}
	appendAll(r.t, s, list...)
	r.acked = r.pending.clone()
}

func (r *crashRun) fold(s ledger.Sync, h ledger.Header) {
	r.headers = append(r.headers, h)

	fold(r.t, s, h)
	r.headers = r.headers[len(r.headers)-1:]
	r.acked.settle()
	r.pending = r.acked.clone()
}

// check looks at one instant twice, with and without a lease, and then works
// on: what was found must not only be readable.
func (r *crashRun) check(step string, l ledger.Ledger) {
	r.found++
	v := look(r.t, l, SyncID("job"))
	seen := Marks(r.t, v)
	r.judge(step+", viewed", v, seen)
	s := open(r.t, l, SyncID("job"))
	got := Marks(r.t, s)
	r.judge(step, s, got)
	if d := cmp.Diff(seen, got); d != "" {
		r.t.Errorf("%s: a view and a run differ (-view +run):\n%s", step, d)
	}
	if d := cmp.Diff(v.Header(), s.Header()); d != "" {
		r.t.Errorf("%s: headers of a view and a run differ (-view +run):\n%s", step, d)
	}
	appendAll(r.t, s, Entry(ledger.Confirmed, 99, Row(99)))
	fold(r.t, s, s.Header())
	closeAll(r.t, v, s)
	s = open(r.t, l, SyncID("job"))
	want, after := mark(99, Row(99)), Marks(r.t, s)
	if d := cmp.Diff(want, after[want.KeyHash]); d != "" {
		r.t.Errorf("%s: the run after it (-want +got):\n%s", step, d)
	}
	if len(after) != len(got)+1 {
		r.t.Errorf("%s: the run after it has %d marks, want %d", step, len(after), len(got)+1)
	}
	closeAll(r.t, s)
}

// judge accepts, for each key, what was acknowledged or what was under way.
func (r *crashRun) judge(step string, s ledger.Sync, got map[record.Hash]record.Mark) {
	before, after := r.acked.marks(), r.pending.marks()
	for n := range 6 {
		hash := Key(n).Hash()
		old, fresh, found := before[hash], after[hash], got[hash]
		if !cmp.Equal(found, old) && !cmp.Equal(found, fresh) {
			r.t.Errorf("%s: key %d is %+v, want %+v or %+v", step, n, found, old, fresh)
		}
	}
	h := s.Header()
	for _, want := range r.headers {
		if h.Mapping == want.Mapping && h.Rows == want.Rows {
			return
		}
	}
	r.t.Errorf("%s: header %+v is none of %+v", step, h, r.headers)
}

// crashingReset: a reset that was cut short forgot everything or nothing.
func crashingReset(t *testing.T, factory Factory) {
	store, ok := factory(t).(Crasher)
	if !ok {
		t.Skip("the store cannot show its instants")
	}
	var resetting, done bool
	kept, forgot := 0, 0
	store.Crashes(t, func(l ledger.Ledger) {
		s := open(t, l, SyncID("job"))
		appendAll(t, s, Entry(ledger.Confirmed, 1, Row(1)))
		fold(t, s, ledger.Header{Mapping: "m"})
		appendAll(t, s, Entry(ledger.Confirmed, 2, Row(2)))
		closeAll(t, s)
		resetting = true
		if err := l.Reset(t.Context(), SyncID("job")); err != nil {
			t.Errorf("Reset(): %v", err)
		}
		done = true
	}, func(step string, l ledger.Ledger) {
		if !resetting {
			return
		}
		s := open(t, l, SyncID("job"))
		switch got := len(Marks(t, s)); {
		case got == 0:
			forgot++
		case got == 2 && !done:
			kept++
		default:
			t.Errorf("%s: %d marks are left, want both or none", step, got)
		}
		closeAll(t, s)
	})
	if kept == 0 || forgot == 0 {
		t.Errorf("of the instants %d show the marks and %d do not, want some of both", kept, forgot)
	}
}
