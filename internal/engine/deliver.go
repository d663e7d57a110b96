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
	traits  destination.Traits
	limiter *rate.Limiter
	stop    <-chan struct{}
	total   int64
	next    int64 // ordinal of the next change to be batched
	extra   atomic.Int64

	mu      sync.Mutex
	counts  plan.Counts
	rejects groups
	pending bits
	halt    *fault.Fault // why nothing more is sent
	entries int64
	streak  refusals
}

func newDelivery(e *Engine, p *Prepared, stop <-chan struct{}) *delivery {
	d := &delivery{
		e: e, job: p.req.Job, sync: p.sync, writer: p.writer, traits: p.writer.Traits(),
		stop: stop, total: p.Plan.Counts.Changes(), rejects: p.standing,
	}
	d.traits.Rows = max(d.traits.Rows, 1)
	d.traits.Concurrency = max(d.traits.Concurrency, 1)
	if d.traits.PerSecond > 0 {
		d.limiter = rate.NewLimiter(rate.Limit(d.traits.PerSecond), 1)
	}
	return d
}

// run batches one list of changes and delivers it with as many workers as the
// writer takes. A worker's error is of the ledger or the spool: what the
// destination answers is an outcome.
func (d *delivery) run(ctx context.Context, list *changes) error {
	batches := make(chan *batch)
	group, ctx := errgroup.WithContext(ctx)
	for range d.traits.Concurrency {
		group.Go(func() error {
			for b := range batches {
				if err := b.decode(); err != nil {
					return err
				}
				if err := d.send(ctx, b.changes, b.ordinals); err != nil {
					return err
				}
			}
			return nil
		})
	}
	group.Go(func() error {
		defer close(batches)
		return d.batch(ctx, list, batches)
	})
	return group.Wait()
}

// batch cuts the list into batches until it ends or the delivery halts.
func (d *delivery) batch(ctx context.Context, list *changes, out chan<- *batch) error {
	b := &batch{}
	emit := func() error {
		if len(b.ends) == 0 {
			return nil
		}
		select {
		case out <- b:
			b = &batch{}
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for frame, err := range list.frames() {
		if err != nil {
			return err
		}
		if d.halted() {
			return nil // the rest is not sent: close counts it
		}
		if len(b.ends) >= d.traits.Rows || (d.traits.Bytes > 0 && len(b.ends) > 0 && b.bytes+d.size(frame) > d.traits.Bytes) {
			if err := emit(); err != nil {
				return err
			}
		}
		if d.traits.Bytes > 0 {
			b.bytes += d.size(frame)
		}
		b.add(frame, d.next)
		d.next++
	}
	return emit()
}

func (d *delivery) size(frame []byte) int {
	if d.traits.Size == nil {
		return len(frame)
	}
	ch, err := decode(frame)
	if err != nil {
		return len(frame)
	}
	return d.traits.Size(ch)
}

// halted reports whether no further batch may start.
func (d *delivery) halted() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.halt != nil || d.interrupted()
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

func (d *delivery) haltFor(f *fault.Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.halt == nil {
		d.halt = f
	}
}

func (d *delivery) journaled() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.entries > 0
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
	if d.halt != nil {
		res.Problems = append(res.Problems, d.halt)
	}
}

// batch is a run of consecutive changes, copied once.
type batch struct {
	buf      []byte
	ends     []int
	ordinals []int64
	bytes    int
	changes  []record.Change
}

func (b *batch) add(frame []byte, ordinal int64) {
	b.buf = append(b.buf, frame...)
	b.ends = append(b.ends, len(b.buf))
	b.ordinals = append(b.ordinals, ordinal)
}

func (b *batch) decode() error {
	b.changes = make([]record.Change, len(b.ends))
	start := 0
	for i, end := range b.ends {
		ch, err := decode(b.buf[start:end])
		if err != nil {
			return err
		}
		b.changes[i], start = ch, end
	}
	return nil
}

// bits is a set of ordinals.
type bits struct {
	words []uint64
	count int64
}

func (s *bits) add(n int64) {
	for int64(len(s.words)) <= n/64 {
		s.words = append(s.words, 0)
	}
	s.words[n/64] |= 1 << (n % 64)
	s.count++
}

func (s *bits) has(n int64) bool {
	return n/64 < int64(len(s.words)) && s.words[n/64]&(1<<(n%64)) != 0
}
