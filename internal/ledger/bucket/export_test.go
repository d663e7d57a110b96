package bucket

import (
	"context"
	"io"
	"time"

	"exposync/internal/ledger"
	"exposync/internal/plan"
)

// Gone reports whether a process is certainly dead; ThisProcess names this one.
var (
	Gone        = gone
	ThisProcess = thisProcess
)

// Objects is the seam inside the package.
type Objects = objects

// The outcomes of the seam.
var (
	ErrAbsent   = errAbsent
	ErrConflict = errConflict
)

// Keys of a sync's objects.
var (
	HeadKey    = headKey
	SyncPrefix = syncPrefix
	CommitKey  = commitKey
	Swap       = swap
)

// Over gives a ledger over any objects.
func Over(o Objects, opts Options) ledger.Ledger { return newStore(o, opts) }

// Of gives the objects of a ledger.
func Of(l ledger.Ledger) Objects { return l.(*store).objects }

// SortIn makes the store sort journals in pieces of so many bytes.
func SortIn(l ledger.Ledger, bytes int) { l.(*store).runBytes = bytes }

// Beat sets how often a lease is renewed, and what waiting is.
func Beat(l ledger.Ledger, wait func(ctx context.Context, d time.Duration) error) {
	l.(*store).wait = wait
}

// InPieces makes Google's client send and read pieces of so many bytes.
func InPieces(l ledger.Ledger, bytes int64) { l.(*store).objects.(*gcs).chunk = bytes }

// Head tells what a head names.
func Head(ctx context.Context, l ledger.Ledger, id plan.SyncID) (token int64, marks string, err error) {
	h, err := l.(*store).readSync(ctx, id)
	if h.Marks != nil {
		marks = h.Marks.Key
	}
	return h.Token, marks, err
}

// Interposed is told each step before it is taken, and each change after it;
// either may make it fail.
type Interposed struct {
	Objects
	Before func(op, key string) error
	After  func(op, key string) error
	// Undated is a store that does not tell the time.
	Undated bool
}

func (i Interposed) step(op, key string, step func() error) error {
	if i.Before != nil {
		if err := i.Before(op, key); err != nil {
			return err
		}
	}
	err := step()
	if err == nil && i.After != nil {
		err = i.After(op, key)
	}
	return err
}

func (i Interposed) get(ctx context.Context, key string) (o object, err error) {
	err = i.step("get", key, func() error { o, err = i.Objects.get(ctx, key); return err })
	o.dated = o.dated && !i.Undated
	return o, err
}

func (i Interposed) download(ctx context.Context, key string, to io.Writer) error {
	return i.step("download", key, func() error { return i.Objects.download(ctx, key, to) })
}

func (i Interposed) put(ctx context.Context, key string, body []byte, version string) (v string, err error) {
	err = i.step("put", key, func() error { v, err = i.Objects.put(ctx, key, body, version); return err })
	return v, err
}

func (i Interposed) upload(ctx context.Context, key string, from io.ReaderAt, size int64) error {
	return i.step("upload", key, func() error { return i.Objects.upload(ctx, key, from, size) })
}

func (i Interposed) list(ctx context.Context, prefix string, fn func(key string) error) error {
	return i.step("list", prefix, func() error { return i.Objects.list(ctx, prefix, fn) })
}

func (i Interposed) remove(ctx context.Context, key string) error {
	return i.step("remove", key, func() error { return i.Objects.remove(ctx, key) })
}

// Put, Get, List, Remove and Upload are the seam's, for tests.
func Put(ctx context.Context, o Objects, key string, body []byte, version string) (string, error) {
	return o.put(ctx, key, body, version)
}

// Get reads an object.
func Get(ctx context.Context, o Objects, key string) (body []byte, version string, err error) {
	got, err := o.get(ctx, key)
	return got.body, got.version, err
}

// List lists all keys below a prefix.
func List(ctx context.Context, o Objects, prefix string) (keys []string, err error) {
	err = o.list(ctx, prefix, func(key string) error { keys = append(keys, key); return nil })
	return keys, err
}

// Remove deletes an object.
func Remove(ctx context.Context, o Objects, key string) error { return o.remove(ctx, key) }

// Upload writes an object of any size.
func Upload(ctx context.Context, o Objects, key string, from io.ReaderAt, size int64) error {
	return o.upload(ctx, key, from, size)
}

// Download reads one.
func Download(ctx context.Context, o Objects, key string, to io.Writer) error {
	return o.download(ctx, key, to)
}
