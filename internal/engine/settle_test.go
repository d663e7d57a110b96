package engine_test

import (
	"context"
	"testing"

	"exposync/internal/destination"
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

type stagingCRM struct {
	*crm
	fails  bool
	staged []record.Change
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
	if w.s.fails {
		return &fault.Fault{Code: "file_write", Kind: fault.Unavailable, Msg: "the disk is full"}
	}
	w.store(w.s.staged)
	return nil
}
