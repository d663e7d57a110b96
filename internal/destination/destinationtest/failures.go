package destinationtest

import (
	"context"
	"strings"
	"testing"
	"time"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/record"
)

// testOneBad is the scenario that peers lose rows in: one bad record must
// cost exactly itself.
func testOneBad(t *testing.T, s *Subject) {
	t.Helper()
	w := s.open(t, destination.Upsert)
	n := min(max(w.Traits().Rows, 10), 200)
	settle(t, w, nil)
	changes := creates("k", n)
	bad := n / 3
	s.Spoil(&changes[bad])
	out := s.write(t, destination.Upsert, changes...)
	s.leakless(t, out)
	good := make([]record.Change, 0, n-1)
	for i, o := range out {
		switch {
		case i == bad:
			if o.State != destination.Rejected || o.Code == "" {
				t.Errorf("the bad record: outcome %+v, want rejected with a code", o)
			}
		case o.State != destination.OK:
			t.Errorf("good record %d: outcome %+v", i, o)
		default:
			good = append(good, changes[i])
		}
	}
	s.holds(t, good)
}

func testOnlyBad(t *testing.T, s *Subject) {
	t.Helper()
	changes := creates("k", 3)
	for i := range changes {
		s.Spoil(&changes[i])
	}
	wantAll(t, s.write(t, destination.Upsert, changes...), 3, destination.Rejected)
	s.holds(t, nil)
}

// testLimits writes full batches and looks at what arrived.
func testLimits(t *testing.T, s *Subject) {
	t.Helper()
	w := s.open(t, destination.Upsert)
	traits := w.Traits()
	n := min(2*traits.Rows+1, 5001)
	changes := creates("k", n)
	if traits.Bytes > 0 { // some records that are large by escapes, which an estimate may not see
		size := min(traits.Bytes/8, 20_000)
		if s.LongestText > 0 {
			size = min(size, s.LongestText)
		}
		big := strings.Repeat("\x01\"\n", size/3)
		for i := range 12 {
			changes[i] = renamed(record.Create, string(changes[i].KeyVals[0].Data), big)
		}
	}
	out := deliver(t.Context(), w, changes)
	settle(t, w, out)
	wantAll(t, out, n, destination.OK)
	s.holds(t, changes, "name")
	seen := s.Seen()
	if len(seen) == 0 {
		t.Fatal("the harness saw no batch")
	}
	rows := 0
	for _, size := range seen {
		rows += size.Rows
		if size.Rows > traits.Rows || (traits.Bytes > 0 && size.Bytes > traits.Bytes) {
			t.Errorf("a batch of %+v arrived, the traits allow %d rows and %d bytes", size, traits.Rows, traits.Bytes)
		}
	}
	if rows != n {
		t.Errorf("%d records arrived, %d were sent", rows, n)
	}
}

func testShed(t *testing.T, s *Subject) {
	t.Helper()
	w := s.open(t, destination.Upsert)
	s.Fail(t, Shed)
	changes := creates("k", 5)
	first := w.Write(t.Context(), changes)
	for i, o := range first {
		temporary := o.State == destination.Retry || (o.State == destination.InDoubt && w.Traits().Idempotent)
		if !temporary {
			t.Errorf("outcome %d of a temporary failure = %+v, want one that is tried again", i, o)
		}
	}
	s.leakless(t, first)
	out := deliver(t.Context(), w, changes)
	settle(t, w, out)
	wantAll(t, out, 5, destination.OK)
	s.holds(t, changes)
}

func testLoseAnswer(t *testing.T, s *Subject) {
	t.Helper()
	w := s.open(t, destination.Upsert)
	s.Fail(t, LoseAnswer)
	changes := creates("k", 5)
	first := w.Write(t.Context(), changes)
	for i, o := range first {
		if o.State != destination.InDoubt && (o.State != destination.Retry || !w.Traits().Idempotent) {
			t.Errorf("outcome %d of a lost answer = %+v, want in doubt", i, o)
		}
	}
	s.leakless(t, first)
	out := deliver(t.Context(), w, changes)
	settle(t, w, out)
	wantAll(t, out, 5, destination.OK)
	s.holds(t, changes)
}

func testLoseAppend(t *testing.T, s *Subject) {
	t.Helper()
	w := s.open(t, destination.Append)
	s.Fail(t, LoseAnswer)
	changes := creates("k", 5)
	out := deliver(t.Context(), w, changes)
	traits := w.Traits()
	settle(t, w, out)
	if !traits.Idempotent {
		lost := min(traits.Rows, 5) // the answer to one batch
		wantAll(t, out[:lost], lost, destination.InDoubt)
		wantAll(t, out[lost:], 5-lost, destination.OK)
	}
	s.holds(t, changes) // once, not twice
}

func testHang(t *testing.T, s *Subject) {
	t.Helper()
	w := s.open(t, destination.Upsert)
	s.Fail(t, Hang)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan []destination.Outcome, 1)
	go func() { done <- w.Write(ctx, creates("k", 5)) }()
	select {
	case out := <-done:
		t.Errorf("a write that nobody answers ended: %+v", out)
	case <-time.After(200 * time.Millisecond):
	}
	cancel()
	select {
	case out := <-done:
		if len(out) != 5 {
			t.Fatalf("%d outcomes for 5 changes", len(out))
		}
		for i, o := range out {
			if o.State != destination.InDoubt && o.State != destination.NotSent {
				t.Errorf("outcome %d = %+v, want in doubt or not sent", i, o)
			}
		}
	case <-time.After(20 * time.Second):
		t.Fatal("Write goes on 20 s after its context ended")
	}
	if err := w.Close(); err != nil {
		t.Errorf("Close(): %v", err)
	}
}

// testDeny takes the credentials away: somebody must say so, whether it is
// the account, Open or the write, and nothing may be confirmed.
func testDeny(t *testing.T, s *Subject) {
	t.Helper()
	s.Fail(t, Deny)
	_, err := s.Destination.Account(t.Context())
	if err != nil && !configFault(err) {
		t.Errorf("Account() error = %v, want a fault of the configuration", err)
	}
	said := []string{textOfError(err)}
	w, openErr := s.Destination.Open(t.Context(), s.Target(destination.Upsert))
	if openErr != nil {
		if !configFault(openErr) {
			t.Errorf("Open() error = %v, want a fault of the configuration", openErr)
		}
		s.leaks(t, append(said, openErr.Error())...)
		return
	}
	out := w.Write(t.Context(), creates("k", 3))
	wantAll(t, out, 3, destination.Auth)
	s.leaks(t, said...)
	s.leakless(t, out)
	if err := w.Close(); err != nil {
		t.Errorf("Close(): %v", err)
	}
}

func configFault(err error) bool {
	for _, f := range fault.All(err) {
		if f.Kind != fault.Config || f.Hint == "" {
			return false
		}
	}
	return true
}

func testDie(t *testing.T, s *Subject) {
	t.Helper()
	w := s.open(t, destination.Upsert)
	s.Fail(t, Die)
	out := w.Write(t.Context(), creates("k", 3))
	for i, o := range out {
		if o.State != destination.Retry && o.State != destination.InDoubt && o.State != destination.NotSent {
			t.Errorf("outcome %d of a dead destination = %+v", i, o)
		}
	}
	s.leakless(t, out)
	if err := w.Close(); err != nil {
		t.Errorf("Close(): %v", err)
	}
	_, err := s.Destination.Account(t.Context())
	s.leaks(t, textOfError(err))
}

func textOfError(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
