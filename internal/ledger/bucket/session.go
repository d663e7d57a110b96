package bucket

import (
	"context"
	"crypto/sha256"
	"errors"
	"iter"
	"slices"
	"sync"

	"exposync/internal/ledger"
	"exposync/internal/ledger/format"
	"exposync/internal/plan"
	"exposync/internal/record"
)

var errClosed = errors.New("the ledger of this sync is closed")

// session is one open sync.
type session struct {
	store    *store
	tenure   *tenure
	id       plan.SyncID
	target   string
	leftover bool
	litter   bool // something could not be deleted

	mu          sync.RWMutex // held alone to fold and close
	closed      bool
	shown, base *copyOf // as the sync was opened, and as of the last fold
	shownHeader ledger.Header
	header      ledger.Header // of base
	own         *scratchFile  // entries since the last fold; nil before the first

	start   sync.Mutex
	journal *journal // nil until the first entry
}

// Header gives what was known when the sync was opened.
func (y *session) Header() ledger.Header {
	h := y.shownHeader
	h.Leftover = y.leftover
	h.Jobs = slices.Clone(h.Jobs)
	return h
}

// Marks yields a partition as it was when the sync was opened.
func (y *session) Marks(ctx context.Context, part int) iter.Seq2[record.Mark, error] {
	return y.shown.snapshot().Marks(ctx, part)
}

// Append writes entries as the next object of the journal.
func (y *session) Append(ctx context.Context, entries ...ledger.Entry) error {
	if err := format.Check(entries); err != nil {
		return err
	}
	y.mu.RLock()
	defer y.mu.RUnlock()
	if err := y.usable(ctx); err != nil || len(entries) == 0 {
		return err
	}
	j, err := y.writing(ctx)
	if err != nil {
		return err
	}
	return j.append(ctx, entries)
}

func (y *session) usable(ctx context.Context) error {
	if y.closed {
		return errClosed
	}
	if err := y.tenure.failed(); err != nil {
		return err
	}
	return ctx.Err()
}

// writing gives the journal, which the first entry starts.
func (y *session) writing(ctx context.Context) (*journal, error) {
	y.start.Lock()
	defer y.start.Unlock()
	if y.journal != nil {
		return y.journal, nil
	}
	h := y.tenure.now()
	if !h.wrote(y.target) {
		if err := y.tenure.change(ctx, func(h *head) { h.claim(y.target) }); err != nil {
			return nil, err
		}
	}
	if y.own == nil {
		var err error
		if y.own, err = y.store.newScratch(); err != nil {
			return nil, err
		}
	}
	y.journal = &journal{tenure: y.tenure, own: y.own, next: h.Journal.Start, info: commitInfo{
		Generation: y.header.Generation, Encoding: record.Encoding, Started: y.store.unix(),
		PID: h.Lease.Holder.PID, Host: h.Lease.Holder.Host,
	}}
	return y.journal, nil
}

// Fold merges the journal into the marks. Without entries the marks stay
// where they are.
func (y *session) Fold(ctx context.Context, h ledger.Header) error {
	y.mu.Lock()
	defer y.mu.Unlock()
	if err := y.usable(ctx); err != nil {
		return err
	}
	past := retired{ref: y.tenure.now().Journal}
	past.end = past.ref.Start
	if y.journal == nil {
		return y.rewrite(ctx, h, &format.Overlay{}, past)
	}
	past.end = y.journal.next
	o, err := y.store.sort(y.journal.info.Started, y.own)
	if err != nil {
		return err
	}
	return errors.Join(y.rewrite(ctx, h, o, past), o.Close())
}

// rewrite puts the next generation of marks in place. The swap of the head is
// the one step that counts; what it replaced is deleted after it.
func (y *session) rewrite(ctx context.Context, told ledger.Header, o *format.Overlay, past retired) error {
	h := y.tenure.now()
	next := o.Fold(y.header, told)
	old, marks, base := past.commits(y.id), h.Marks, y.base
	if o.Entries > 0 {
		var err error
		if base, marks, next, err = y.upload(ctx, h, next, o); err != nil {
			return err
		}
	} else {
		next.Marks, next.Standing = y.header.Marks, y.header.Standing
	}
	err := y.tenure.change(ctx, func(h *head) {
		h.claim(y.target)
		h.Header, h.Marks = next, marks
		past.begin(h)
	})
	if err != nil {
		return errors.Join(err, y.discard(base))
	}
	if base != y.base {
		if h.Marks != nil {
			old = append(old, h.Marks.Key)
		}
		if y.base != y.shown {
			err = y.base.close()
		}
	}
	y.base, y.header, y.journal = base, next, nil
	if y.own != nil {
		y.own.empty()
	}
	y.drop(ctx, old)
	return err
}

// upload writes marks with a journal over them under a new name. A journal
// that leaves no mark needs no object.
func (y *session) upload(ctx context.Context, h head, next ledger.Header, o *format.Overlay) (*copyOf, *marksObject, ledger.Header, error) {
	f, drop, err := y.store.tempFile()
	if err != nil {
		return nil, nil, next, err
	}
	sum := &summed{to: f, sum: sha256.New()}
	next, err = format.Write(ctx, sum, next, y.base.snapshot(), o)
	if sum.err != nil {
		err = scratch(f.Name(), err)
	}
	marks := &marksObject{Key: marksKey(y.id, h.Token, next.Generation), Size: sum.size, SHA256: sum.hex()}
	if err == nil {
		err = y.tenure.assert(ctx)
	}
	if err == nil {
		err = y.store.objects.upload(ctx, marks.Key, f, sum.size)
	}
	if err != nil {
		return nil, nil, next, errors.Join(err, f.Close(), drop())
	}
	h.Header, h.Marks = next, marks
	base, err := y.store.open(f, drop, &h)
	return base, marks, next, err
}

// discard closes marks whose head could not be swapped. The object stays: the
// swap may have counted, and somebody else may build on it.
func (y *session) discard(base *copyOf) error {
	if base == y.base {
		return nil
	}
	return base.close()
}

// drop deletes what does not count any more. What cannot be deleted does no
// harm: the next run sweeps.
func (y *session) drop(ctx context.Context, keys []string) {
	if y.store.removeAll(ctx, keys) != nil {
		y.litter = true
	}
}

// Close gives the lease back.
func (y *session) Close() error {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.closed {
		return nil
	}
	y.closed = true
	err := y.tenure.release(func(h *head) {
		h.Litter = y.litter
		if h.Journal.Token == h.Token { // of our own, so its end is known
			h.Journal.Closed, h.Journal.End = true, h.Journal.Start
			if y.journal != nil {
				h.Journal.End = y.journal.next
			}
		}
	})
	if isLost(err) {
		err = nil // there is nothing to give back
	}
	return errors.Join(err, y.base.close(), y.shown.close(), y.own.close())
}
