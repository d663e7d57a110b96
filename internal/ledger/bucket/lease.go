package bucket

import (
	"context"
	"errors"
	"os"
	"strconv"
	"sync"
	"time"

	"exposync/internal/plan"
)

// lease says who may write, until when.
type lease struct {
	Holder  holder    `json:"holder"`
	Since   time.Time `json:"since,omitzero"` // by the holder's clock, for messages
	Seconds int64     `json:"seconds"`        // how long it holds after the head was last written
}

// holder is a process.
type holder struct {
	PID     int    `json:"pid"`
	Host    string `json:"host,omitempty"`
	Process string `json:"process,omitempty"` // see thisProcess; empty where the system does not tell
	since   time.Time
}

// String names the holder for a message.
func (h holder) String() string {
	who := "process " + strconv.Itoa(h.PID)
	if h.Host != "" {
		who += " on " + h.Host
	}
	if !h.since.IsZero() {
		who += " since " + h.since.Local().Format("2006-01-02 15:04:05 MST")
	}
	return who
}

// mine is the lease of this process.
func (s *store) mine() *lease {
	l := &lease{Holder: holder{PID: os.Getpid(), Host: s.opts.Host, Process: thisProcess()}, Seconds: int64(leaseTime / time.Second)}
	if s.opts.Now != nil {
		l.Since = s.opts.Now().UTC().Truncate(time.Second)
	}
	return l
}

func (l *lease) lasts() time.Duration { return time.Duration(l.Seconds) * time.Second }

// free reports whether the lease of a head may be taken, or how long it lasts.
func (s *store) free(ctx context.Context, h headObject) (ok bool, left time.Duration, err error) {
	if h.Lease == nil || h.Lease.Holder.Host == s.opts.Host && gone(h.Lease.Holder.Process) {
		return true, 0, nil
	}
	if h.object.dated {
		// Both ends are rounded down to whole seconds.
		left = h.Lease.lasts() + time.Second - h.object.age
		return left <= 0, left, nil
	}
	// A store that does not tell the time: see for ourselves that the holder is
	// silent for as long.
	if err := s.wait(ctx, h.Lease.lasts()); err != nil {
		return false, 0, err
	}
	now, err := s.readSync(ctx, h.Sync)
	return err == nil && now.version == h.version, h.Lease.lasts(), err
}

// acquire takes the lease of a sync; with damagedToo also where the head
// cannot be read.
func (s *store) acquire(ctx context.Context, id plan.SyncID, damagedToo bool) (*tenure, error) {
	for range casTries {
		h, err := s.readSync(ctx, id)
		if err != nil && (!damagedToo || h.version == "") {
			return nil, err
		}
		if err != nil {
			h.head = head{Sync: id, Litter: true}
		}
		ok, left, err := s.free(ctx, h)
		if err != nil {
			return nil, err
		}
		if !ok {
			l := *h.Lease
			l.Holder.since = l.Since
			return nil, taken(s.objects.where(headKey(id)), id.Job, l, left, s.now())
		}
		t, err := s.take(ctx, h, id)
		if !errors.Is(err, errConflict) {
			return t, err
		}
	}
	return nil, unwritten(s.objects.where(headKey(id)), errors.New("others change it all the time"))
}

// take writes the lease into a head. A journal that is closed and empty is
// replaced by one of our own at once.
func (s *store) take(ctx context.Context, was headObject, id plan.SyncID) (*tenure, error) {
	h := was.head
	if h.Token == 0 { // a head that is gone may have left objects with tokens
		token, err := s.highest(ctx, id)
		if err != nil {
			return nil, err
		}
		h.Token, h.Journal = token, journalRef{Closed: true}
		if token > 0 {
			h.Litter = true
			seals, err := s.stop(ctx, id, token, 0)
			if err != nil {
				return nil, err
			}
			h.keepSeals(seals...)
		}
	}
	h.Litter = h.Litter || h.Lease != nil
	h.Sync, h.Lease = id, s.mine()
	h.Token++
	if h.Journal.Closed && h.Journal.End <= h.Journal.Start {
		h.Journal = journalRef{Token: h.Token}
	}
	version, err := s.writeHead(ctx, was.version, &h)
	if err != nil {
		return nil, err
	}
	return &tenure{store: s, head: h, version: version, renewed: s.now()}, nil
}

// highest is the highest token that any object of a sync has.
func (s *store) highest(ctx context.Context, id plan.SyncID) (token int64, err error) {
	err = s.objects.list(ctx, syncPrefix(id), func(key string) error {
		token = max(token, tokenOf(key))
		return nil
	})
	return token, err
}

// tenure is the time in which this process holds a lease. It changes the head
// one step after the other.
type tenure struct {
	store *store

	mu      sync.Mutex
	head    head
	version string
	renewed time.Time // when the head was last known to be ours
	err     error     // why nothing can be written any more

	stop context.CancelFunc
	done chan struct{}
}

// change swaps the head. After an error nobody knows what the head is, so
// nothing more may follow.
func (t *tenure) change(ctx context.Context, change func(h *head)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.swap(ctx, change)
}

func (t *tenure) swap(ctx context.Context, change func(h *head)) error {
	if t.err != nil {
		return t.err
	}
	if err := ctx.Err(); err != nil {
		return err // nothing was tried
	}
	next, start := t.head, t.store.now()
	change(&next)
	version, err := t.store.writeHead(ctx, t.version, &next)
	if errors.Is(err, errConflict) && t.found(ctx) {
		version, err = t.store.writeHead(ctx, t.version, &next)
	}
	switch {
	case errors.Is(err, errConflict):
		t.err = t.lost()
	case err != nil:
		t.err = err
	default:
		t.head, t.version, t.renewed = next, version, start
	}
	return t.err
}

// found reports whether a head that seems to be changed is our own all the
// same: a beat whose end was unclear arrived after all.
func (t *tenure) found(ctx context.Context) bool {
	h, err := t.store.readSync(ctx, t.head.Sync)
	if err != nil || h.Token != t.head.Token || h.Lease == nil || !sameRefs(&h.head, &t.head) {
		return false
	}
	t.version = h.version
	return true
}

func (t *tenure) lost() error {
	return lost(t.store.objects.where(headKey(t.head.Sync)), t.head.Sync.Job)
}

// failed is why nothing can be written any more.
func (t *tenure) failed() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

// fail keeps the first reason.
func (t *tenure) fail(err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.err = err
	}
	return t.err
}

// now gives the head as it was last written.
func (t *tenure) now() head {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.head
}

// assert renews a lease that was not renewed for so long that somebody else
// may have taken it: the process was paused, or cut off from the store.
func (t *tenure) assert(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err != nil || !t.stale() {
		return t.err
	}
	return t.swap(ctx, func(*head) {})
}

// stale looks at both clocks: one may stand still while the machine sleeps,
// the other may be set.
func (t *tenure) stale() bool {
	if t.renewed.IsZero() {
		return false
	}
	now := t.store.now()
	return max(now.Sub(t.renewed), now.Round(0).Sub(t.renewed.Round(0))) > leaseTime-leaseTime/6
}

// keep renews the lease until release. A store that cannot be reached for a
// moment is asked again at the next beat.
func (t *tenure) keep(ctx context.Context) {
	ctx, t.stop = context.WithCancel(context.WithoutCancel(ctx))
	t.done = make(chan struct{})
	go func() {
		defer close(t.done)
		for t.store.wait(ctx, t.store.beat) == nil {
			if t.renew(ctx) != nil {
				return
			}
		}
	}()
}

// renew is one beat. Only a head that somebody else changed ends the tenure.
func (t *tenure) renew(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err != nil {
		return t.err
	}
	next, start := t.head, t.store.now()
	version, err := t.store.writeHead(ctx, t.version, &next)
	switch {
	case errors.Is(err, errConflict) && !t.found(ctx):
		t.err = t.lost()
		return t.err
	case err == nil:
		t.head, t.version, t.renewed = next, version, start
	}
	return nil
}

// releaseTime is how long giving the lease back may take; it ends by itself.
const releaseTime = 30 * time.Second

// release gives the lease back. last changes the head with it.
func (t *tenure) release(last func(h *head)) error {
	if t.stop != nil {
		t.stop()
		<-t.done
	}
	ctx, cancel := context.WithTimeout(context.Background(), releaseTime)
	defer cancel()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err != nil {
		return t.yield(ctx)
	}
	err := t.swap(ctx, func(h *head) {
		h.Lease = nil
		last(h)
	})
	t.err = errClosed
	return err
}

// yield ends a tenure after an error. What became of the last write is not
// known, so the journal stays open: whoever comes next seals it.
func (t *tenure) yield(ctx context.Context) error {
	h, err := t.store.readSync(ctx, t.head.Sync)
	if err != nil || h.Token != t.head.Token || h.Lease == nil {
		return nil //nolint:nilerr // the lease ends by itself
	}
	h.Lease = nil
	h.Litter = true
	_, _ = t.store.writeHead(ctx, h.version, &h.head)
	return nil
}
