package declared

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/record"
)

// writer writes one job's records.
type writer struct {
	d       *Destination
	write   *sender // creates and updates: the way that was chosen
	delete  *sender // nil: not in this mode
	ways    []way   // of which write is one; the first is for few records
	deletes []way   // of which delete is one
	traits  destination.Traits
}

// way is one of several ways to write.
type way struct {
	most int64 // records; 0: any number
	s    *sender
}

// Open compiles the mode's operations for the target and, where the service
// tells its fields, holds the target's against them. It writes nothing. What
// the target asks for and the spec does not offer are faults with the codes
// mode_unsupported and target_unsupported; those about fields are the ones of
// every destination.
func (d *Destination) Open(ctx context.Context, t destination.Target) (destination.Writer, error) {
	d, err := d.of(t.Object)
	if err != nil {
		return nil, err
	}
	w := &writer{d: d}
	var problems fault.List
	for _, name := range opsOf(t.Mode) {
		for _, r := range d.spec.waysOf(name) {
			s, list := d.sender(r.op, t)
			problems = append(problems, list...)
			if name == "delete" {
				w.deletes = append(w.deletes, way{r.most, s})
			} else {
				w.ways = append(w.ways, way{r.most, s})
			}
		}
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	fields, err := d.checkFields(ctx, t)
	if err != nil {
		return nil, err
	}
	for _, x := range slices.Concat(w.ways, w.deletes) {
		x.s.learn(fields)
	}
	w.Route(0)
	return w, nil
}

// Route chooses the way for so many changes.
func (w *writer) Route(changes int64) {
	w.write = wayFor(w.ways, changes)
	if len(w.deletes) > 0 {
		w.delete = wayFor(w.deletes, changes)
	}
	if w.delete != nil && w.delete.job != nil && w.write.job == nil {
		w.delete = w.deletes[0].s // deletes are jobs only beside jobs
	}
	w.traits = w.limits()
}

// wayFor is the first of several ways that is for so many changes.
func wayFor(ways []way, changes int64) *sender {
	for _, x := range ways {
		if x.most == 0 || changes <= x.most {
			return x.s
		}
	}
	return ways[len(ways)-1].s
}

// waysOf are the operations that carry one of a mode out.
func (s *spec) waysOf(name string) []route {
	if routes := s.routes[name]; len(routes) > 0 {
		return routes
	}
	return []route{{op: name}}
}

var (
	_ destination.Router = (*writer)(nil)
	_ destination.Jobber = (*writer)(nil)
)

// Submit hands a batch over as a job.
func (w *writer) Submit(ctx context.Context, batch []record.Change, keep func(id string) error) (string, []destination.Outcome) {
	if len(batch) > 0 && batch[0].Op == record.Delete {
		return w.delete.job.submit(ctx, batch, keep)
	}
	return w.write.job.submit(ctx, batch, keep)
}

// Poll asks how far a job is.
func (w *writer) Poll(ctx context.Context, id string) (destination.Progress, error) {
	j, raw, err := w.jobOf(id)
	if err != nil {
		return destination.Progress{Ended: true, Lost: true}, nil //nolint:nilerr // a job of an operation that is no more
	}
	p, _, err := j.status(ctx, raw)
	return p, err
}

// Results gives the outcomes of an ended job.
func (w *writer) Results(ctx context.Context, id string, batch []record.Change) ([]destination.Outcome, error) {
	j, raw, err := w.jobOf(id)
	if err != nil {
		return nil, err
	}
	_, doc, err := j.status(ctx, raw)
	if err != nil {
		return nil, err
	}
	return j.outcomes(ctx, raw, batch, doc)
}

// Recall yields what an ended job says of its records.
func (w *writer) Recall(ctx context.Context, id string) iter.Seq2[destination.Recalled, error] {
	return func(yield func(destination.Recalled, error) bool) {
		j, raw, err := w.jobOf(id)
		if err != nil {
			return
		}
		_, doc, err := j.status(ctx, raw)
		if err != nil {
			yield(destination.Recalled{}, err)
			return
		}
		j.recall(ctx, raw, doc)(yield)
	}
}

// jobOf finds the operation that an id belongs to.
func (w *writer) jobOf(id string) (*jobSender, string, error) {
	name, raw, _ := strings.Cut(id, ":")
	for _, x := range slices.Concat(w.ways, w.deletes) {
		if x.s.op.name == name && x.s.job != nil {
			return x.s.job, raw, nil
		}
	}
	return nil, "", errors.New("declared: the job is of an operation that there is no more")
}

// limits are the tighter of both operations. The rate is not among them:
// the client's bucket holds for all jobs of the connection together.
func (w *writer) limits() destination.Traits {
	l := w.write.op.limits
	t := destination.Traits{
		Rows: l.rows, Bytes: l.bytes, Concurrency: l.concurrency, Idempotent: w.write.op.safe(), Jobs: w.write.job != nil,
	}
	if w.delete != nil && t.Jobs {
		t.Deletes, t.JobDeletes = true, w.delete.job != nil // as requests they are cut to their size
		t.Idempotent = t.Idempotent && w.delete.op.safe()
	} else if w.delete != nil {
		l := w.delete.op.limits
		t.Rows, t.Concurrency = min(t.Rows, l.rows), min(t.Concurrency, l.concurrency)
		if t.Bytes == 0 || (l.bytes > 0 && l.bytes < t.Bytes) {
			t.Bytes = l.bytes
		}
		t.Deletes = true
		t.Idempotent = t.Idempotent && w.delete.op.safe()
	}
	if t.Bytes > 0 {
		t.Size = w.write.size
	}
	return t
}

// Traits tell how to batch.
func (w *writer) Traits() destination.Traits { return w.traits }

// Close has nothing to do.
func (w *writer) Close() error { return nil }

// Write sends a batch: one request for what it creates and updates, one for
// what it deletes, more where a limit would be exceeded. After an answer that
// leaves no sense in going on, the rest is not sent.
func (w *writer) Write(ctx context.Context, batch []record.Change) []destination.Outcome {
	out := destination.All(len(batch), destination.Outcome{State: destination.NotSent})
	deletes := func(i int) bool { return batch[i].Op == record.Delete }
	if !w.write.deliver(ctx, batch, func(i int) bool { return !deletes(i) }, out) {
		return out
	}
	if w.delete == nil {
		for i := range batch {
			if deletes(i) {
				out[i] = destination.Outcome{
					State: destination.Rejected, Code: "delete_unsupported", Message: "deletes need mode: mirror",
				}
			}
		}
		return out
	}
	del := w.delete
	if del.job != nil {
		del = w.deletes[0].s
	}
	del.deliver(ctx, batch, deletes, out)
	return out
}
