package engine

import (
	"context"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// delivery sends changes in batches and gives every one of them an outcome.
type delivery struct {
	e       *Engine
	job     plan.Job
	sync    ledger.Sync
	writer  destination.Writer
	settler destination.Settler // nil: a pending outcome is nobody's promise
	jobber  destination.Jobber  // nil: an answer is the last word
	traits  destination.Traits
	kinds   []record.Kind // of the key's columns
	limiter *rate.Limiter
	stop    <-chan struct{} // closed by the user
	ended   chan struct{}   // closed when nothing more may start
	total   int64
	next    int64        // ordinal of the next change to be batched
	extra   atomic.Int64 // calls to find bad records
	divided atomic.Int64 // calls to find a record that breaks the destination

	mu       sync.Mutex
	counts   plan.Counts
	rejects  groups
	pending  bits
	doubtful map[int64]destination.Outcome // of pending: those that an earlier try may have stored
	halt     *fault.Fault                  // why nothing more is sent
	failed   bool                          // the ledger or the spool gave up
	entries  int64
	streak   refusals
	strikes  int          // lots given up since something was accepted
	deferred []deferred   // lots given up for now
	weak     *fault.Fault // why something was not sent, though the delivery went on
	cutShort bool         // the user stopped it before all of the ledger's entries were written
}

func newDelivery(e *Engine, p *Prepared, stop <-chan struct{}) *delivery {
	if r, ok := p.writer.(destination.Router); ok {
		r.Route(p.Plan.Counts.Changes())
	}
	d := &delivery{
		e: e, job: p.req.Job, sync: p.sync, writer: p.writer, traits: p.writer.Traits(),
		stop: stop, ended: make(chan struct{}), total: p.Plan.Counts.Changes(), rejects: p.standing,
		doubtful: map[int64]destination.Outcome{},
	}
	d.settler, _ = p.writer.(destination.Settler)
	if d.traits.Jobs {
		d.jobber, _ = p.writer.(destination.Jobber)
	}
	for _, k := range p.bound.Key {
		d.kinds = append(d.kinds, k.Kind)
	}
	d.traits.Rows = max(d.traits.Rows, 1)
	d.traits.Concurrency = max(d.traits.Concurrency, 1)
	if d.traits.PerSecond > 0 {
		d.limiter = rate.NewLimiter(rate.Limit(d.traits.PerSecond), 1)
	}
	return d
}

// run batches one list of changes and delivers it with as many workers as the
// writer takes. Its error is of the ledger or the spool: what the destination
// answers is an outcome. One worker's trouble does not tear the requests of
// the others: nothing more starts, and they end as they end.
func (d *delivery) run(ctx context.Context, list *changes) error {
	batches := make(chan *batch)
	var group errgroup.Group
	for range d.traits.Concurrency {
		group.Go(func() error {
			for b := range batches {
				if err := d.deliver(ctx, b); err != nil {
					d.fail()
					return err
				}
			}
			return nil
		})
	}
	group.Go(func() error {
		defer close(batches)
		if err := d.batch(ctx, list, batches); err != nil {
			d.fail()
			return err
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return d.abandon(err)
	}
	if err := d.secondChances(ctx); err != nil {
		d.fail()
		return err
	}
	return nil
}

func (d *delivery) deliver(ctx context.Context, b *batch) error {
	if d.halted() {
		return nil
	}
	l, err := b.decode(d.kinds)
	if err != nil {
		return err
	}
	return d.send(ctx, l)
}

// batch cuts the list into batches until it ends or the delivery halts. What
// is not batched by then is not sent: close counts it.
func (d *delivery) batch(ctx context.Context, list *changes, out chan<- *batch) error {
	b := newBatch(0)
	emit := func() bool {
		select {
		case out <- b:
			b = newBatch(len(b.buf))
			return !d.halted()
		case <-d.ended:
		case <-d.stop:
		case <-ctx.Done():
		}
		return false
	}
	for frame, err := range list.frames() {
		if err != nil {
			return err
		}
		size := d.size(frame)
		full := len(b.ends) >= d.traits.Rows || d.traits.Bytes > 0 && b.bytes+size > d.traits.Bytes
		if full && len(b.ends) > 0 && !emit() {
			return nil
		}
		b.add(frame, d.next, size)
		d.next++
	}
	if len(b.ends) > 0 {
		emit()
	}
	return nil
}

// size is what a change counts towards the bytes of a batch.
func (d *delivery) size(frame []byte) int {
	if d.traits.Bytes <= 0 {
		return 0
	}
	if d.traits.Size == nil {
		return len(frame)
	}
	ch, _, _, err := decode(frame, nil)
	if err != nil {
		return len(frame) // the worker meets the same error
	}
	exactKinds(ch.KeyVals, d.kinds)
	return d.traits.Size(ch)
}

// halted reports whether no further batch may start.
func (d *delivery) halted() bool {
	select {
	case <-d.ended:
		return true
	default:
		return d.interrupted()
	}
}

// interrupted reports whether the user asked to stop.
func (d *delivery) interrupted() bool {
	select {
	case <-d.stop:
		return true
	default:
		return false
	}
}

// haltFor stops the delivery; the first reason is the one that is told.
func (d *delivery) haltFor(f *fault.Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.halt == nil {
		d.halt = f
		d.end()
	}
}

// fail stops the delivery without a reason of its own: the error says it.
func (d *delivery) fail() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failed = true
	d.end()
}

// end closes ended, once; d.mu is held.
func (d *delivery) end() {
	select {
	case <-d.ended:
	default:
		close(d.ended)
	}
}

// append writes entries to the journal; nothing is counted before it is
// durable.
func (d *delivery) append(ctx context.Context, entries ...ledger.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	if err := d.sync.Append(ctx, entries...); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries += int64(len(entries))
	return nil
}

// close gives the counts and reasons to the result. Whatever has no outcome
// by now was not sent.
func (d *delivery) close(res *plan.Result) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := &res.Counts
	c.OK, c.Rejected, c.InDoubt, c.Calls = d.counts.OK, d.counts.Rejected, d.counts.InDoubt, d.counts.Calls
	c.NotSent = c.Changes() - c.OK - c.Rejected - c.InDoubt
	res.Rejects = d.rejects.list()
	if f := d.problem(); f != nil {
		res.Problems = append(res.Problems, f)
	}
}
