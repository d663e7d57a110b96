package engine_test

import (
	"context"
	"testing"

	"exposync/internal/destination"
	"exposync/internal/engine"
	"exposync/internal/fault"
	"exposync/internal/plan"
	"exposync/internal/record"
)

func TestPendingIsSettledAtTheEnd(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]bool{"all of it": false, "none of it": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupMemory(t)
			b.job.Mode = plan.Mirror
			b.table.set(contacts(30)...)
			b.run()
			rows := contacts(30)[2:]
			rows[0][1] = "changed"
			b.table.set(rows...)
			s := &stagingCRM{crm: b.crm, fails: fails}
			req := b.request()
			req.Destination = s
			e, done := b.engine()
			p, err := e.Prepare(t.Context(), req, false)
			if err != nil {
				t.Fatal(err)
			}
			res := e.Apply(t.Context(), b.stop, p)
			_ = p.Close()
			done()
			want := plan.Counts{OK: 3}
			if fails {
				want = plan.Counts{NotSent: 3}
			}
			if res.Counts.OK != want.OK || res.Counts.NotSent != want.NotSent || fails != (len(res.Problems) > 0) {
				t.Errorf("%+v %v", res.Counts, res.Problems)
			}
			if next := b.plan(); next.Counts.Changes() != want.NotSent || next.Counts.Standing != 0 {
				t.Errorf("the next run has %+v", next.Counts)
			}
		})
	}
}

// Where nobody knows whether what was written was kept, it is in doubt: sent
// again where that does no harm, else only by a person's word.
func TestPendingThatNobodyKnowsOf(t *testing.T) {
	t.Parallel()
	for _, idempotent := range []bool{true, false} {
		b := setupMemory(t)
		b.crm.traits.Idempotent = idempotent
		b.table.set(contacts(3)...)
		s := &stagingCRM{crm: b.crm, fails: true, unknown: true}
		run := func() plan.Result {
			req := b.request()
			req.Destination = s
			e, done := b.engine()
			defer done()
			p, err := e.Prepare(t.Context(), req, false)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = p.Close() }()
			return e.Apply(t.Context(), b.stop, p)
		}
		if res := run(); res.Counts.InDoubt != 3 || res.Counts.NotSent != 0 || engine.Handled(res) || len(res.Problems) == 0 {
			t.Errorf("idempotent %t: %+v %v", idempotent, res.Counts, res.Problems)
		}
		s.fails, s.staged = false, nil
		if res := run(); idempotent && res.Counts.OK != 3 || !idempotent && (res.Counts.HeldBack != 3 || len(s.staged) > 0) {
			t.Errorf("idempotent %t, then: %+v", idempotent, res.Counts)
		}
	}
}

type stagingCRM struct {
	*crm
	fails   bool
	unknown bool
	staged  []record.Change
}

func (s *stagingCRM) Open(context.Context, destination.Target) (destination.Writer, error) {
	return &stagingWriter{crmWriter: &crmWriter{s.crm}, s: s}, nil
}

type stagingWriter struct {
	*crmWriter
	s *stagingCRM
}

func (w *stagingWriter) Write(_ context.Context, batch []record.Change) []destination.Outcome {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.s.staged = append(w.s.staged, batch...)
	return destination.All(len(batch), destination.Outcome{State: destination.Pending})
}

func (w *stagingWriter) Settle(context.Context) error {
	if w.s.fails && w.s.unknown {
		return &fault.Fault{Code: "file_write", Kind: fault.Unavailable, Msg: "the answer was lost", Err: destination.ErrUnknown}
	}
	if w.s.fails {
		return &fault.Fault{Code: "file_write", Kind: fault.Unavailable, Msg: "the disk is full"}
	}
	w.store(w.s.staged)
	return nil
}
