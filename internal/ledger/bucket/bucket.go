// Package bucket keeps the ledger in an object store with compare-and-swap:
// Google Cloud Storage, or one that speaks S3 with conditional writes. Any
// number of machines may share it.
//
// Objects below the prefix:
//
//	ledger.json                     the format, and that this store was seen to compare and swap
//	heads/<name>.json               one sync: whose, lease, which marks and which journal count
//	syncs/<name>/marks/<unique>     a snapshot of marks, as the local ledger writes it
//	syncs/<name>/journal/<token>-<n> one commit of the journal
//	evidence/<name>.json            newest result of every dbt node of a project
//	runs/<name>.json                the newest runs of a job
//
// A head is changed by compare-and-swap only, and everything about a sync
// hangs on it: a fold uploads marks under a new name, swaps the head, and
// then deletes what the head no longer names. A crash at any instant leaves
// the old marks with the journal, or the new marks.
//
// Fencing does not depend on clocks. Every lease has a token, one higher than
// the last. Commits are numbered, immutable objects that are written only
// where there is none yet. Whoever takes over from a holder that did not end
// cleanly writes a seal at the first free number of that holder's journal: a
// holder that wakes up later finds the seal where its next commit belongs,
// and the swap of the head refuses its fold. Time decides only when somebody
// may take over at all: after the store's own clock says that the head was
// not renewed for as long as the lease lasts, or at once if the holder was a
// process of this machine that is certainly gone.
//
// An unclear end of a conditional write is cleared up by reading back: what
// is swapped holds a random id, so a writer knows its own writing.
package bucket

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"exposync/internal/ledger"
	"exposync/internal/ledger/format"
)

// Options are what the store takes from its surroundings.
type Options struct {
	// Now tells the time for messages and standings, and how long this
	// process was not running; without it there are none.
	Now func() time.Time
	// Host is this machine's name, for the message of a lease that is taken.
	Host string
	// Temp is the folder for the working copies of marks and journals, made
	// when it is needed; empty for the system's directory of temporary files.
	Temp string
}

const (
	// leaseTime is how long a holder may be silent.
	leaseTime = 60 * time.Second
	// beatTime is how often it says something.
	beatTime = leaseTime / 3
)

// store is a ledger.Ledger.
type store struct {
	objects  objects
	opts     Options
	runBytes int // memory for sorting a journal
	beat     time.Duration
	wait     func(ctx context.Context, d time.Duration) error
	prepared once
}

var _ ledger.Ledger = (*store)(nil)

func newStore(o objects, opts Options) *store {
	return &store{objects: o, opts: opts, runBytes: format.DefaultRunBytes, beat: beatTime, wait: pause, prepared: newOnce()}
}

// Close has nothing to release: every open sync holds its own.
func (s *store) Close() error { return nil }

// unix is the present in unix seconds, 0 without a clock.
func (s *store) unix() int64 { return s.now().Unix() * flag(s.opts.Now != nil) }

func flag(on bool) int64 {
	if on {
		return 1
	}
	return 0
}

// now is the present, the zero time without a clock.
func (s *store) now() time.Time {
	if s.opts.Now == nil {
		return time.Time{}
	}
	return s.opts.Now()
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// once is a step that is repeated until it succeeded.
type once struct{ slot chan bool }

func newOnce() once {
	o := once{slot: make(chan bool, 1)}
	o.slot <- false
	return o
}

func (o once) do(ctx context.Context, step func() error) error {
	select {
	case done := <-o.slot:
		var err error
		if !done {
			err = step()
		}
		o.slot <- err == nil
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

const formatVersion = 1

// root is ledger.json.
type root struct {
	Version  int    `json:"version"`
	Verified string `json:"verified"` // the site that was seen to compare and swap
	Write    string `json:"write"`
}

const rootKey = "ledger.json"

// check refuses a ledger of a later version. It writes nothing.
func (s *store) check(ctx context.Context) (r root, version string, err error) {
	o, err := s.objects.get(ctx, rootKey)
	if errors.Is(err, errAbsent) {
		return root{}, "", nil
	}
	if err != nil {
		return root{}, "", err
	}
	where := s.objects.where(rootKey)
	if err := json.Unmarshal(o.body, &r); err != nil || r.Version < 1 {
		return root{}, "", damagedAlone(where, "it is not the JSON that was written", "the next run writes it again")
	}
	if r.Version > formatVersion {
		return root{}, "", newer(where, r.Version)
	}
	return r, o.version, nil
}

// prepare makes sure, once for each place, that the store compares and swaps:
// without that two runs of one sync could overlap.
func (s *store) prepare(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.prepared.do(ctx, func() error {
		r, version, err := s.check(ctx)
		if err != nil || r.Verified == s.objects.site() {
			return err
		}
		if err := probe(ctx, s.objects); err != nil {
			return err
		}
		b, err := json.Marshal(root{Version: formatVersion, Verified: s.objects.site(), Write: newID()})
		if err != nil {
			return err
		}
		// Whoever was faster found out the same.
		if _, err := swap(ctx, s.objects, rootKey, b, version); err != nil && !errors.Is(err, errConflict) {
			return err
		}
		return nil
	})
}

// probe tries writes that have to be refused.
func probe(ctx context.Context, b objects) (err error) {
	key := "probe/" + newID()
	defer func() { err = errors.Join(err, b.remove(context.WithoutCancel(ctx), key)) }()
	first, err := swap(ctx, b, key, []byte("first "+key), "")
	if err != nil {
		return err
	}
	if _, err := b.put(ctx, key, []byte("over it"), ""); !turnedDown(err) {
		return refused(b, err, "overwrites an object that was to be written only if there is none")
	}
	second, err := swap(ctx, b, key, []byte("second "+key), first)
	if err != nil {
		return err
	}
	if _, err := b.put(ctx, key, []byte("over that"), first); !turnedDown(err) {
		return refused(b, err, "overwrites an object that was to be written only if it had not changed")
	}
	if o, err := b.get(ctx, key); err != nil || o.version != second {
		return refused(b, err, "does not give what was just written")
	}
	return nil
}

func turnedDown(err error) bool { return errors.Is(err, errConflict) || errors.Is(err, errBusy) }

func refused(b objects, err error, what string) error {
	if err != nil {
		return err
	}
	return careless(b.where(""), what)
}
