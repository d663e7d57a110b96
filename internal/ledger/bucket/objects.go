package bucket

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"time"
)

// objects is a bucket below a prefix, with compare-and-swap. Keys are
// relative to the prefix. Errors are the three below, or faults.
type objects interface {
	// get gives a small object whole, errAbsent if there is none.
	get(ctx context.Context, key string) (object, error)
	// download copies an object of any size, errAbsent if there is none.
	download(ctx context.Context, key string, to io.Writer) error
	// put writes an object only if it is still as expected: version is what
	// get or put gave, "" for an object that must not exist. Else the error is
	// errConflict. After any other error nobody knows whether it was written.
	put(ctx context.Context, key string, body []byte, version string) (string, error)
	// upload writes an object of any size under a key that nobody else uses.
	upload(ctx context.Context, key string, from io.ReaderAt, size int64) error
	// list calls fn with every key below a prefix, sorted.
	list(ctx context.Context, prefix string, fn func(key string) error) error
	// remove deletes an object; one that is not there is fine.
	remove(ctx context.Context, key string) error
	// where names the bucket, or an object in it, for people.
	where(key string) string
	// site is the place in full: a copy of the bucket elsewhere has another.
	site() string
}

// object is one version of an object.
type object struct {
	body    []byte
	version string
	// age is the time since it was written, by the store's own clock; dated is
	// false if the store does not tell.
	age   time.Duration
	dated bool
}

var (
	errAbsent   = errors.New("there is no such object")
	errConflict = errors.New("the object was changed by somebody else")
	errBusy     = errors.New("the store refused to decide between two writers")
)

// ageOf is the time between two headers of one reply, both of the store's
// clock.
func ageOf(date, modified string) (age time.Duration, ok bool) {
	now, err := time.Parse(time.RFC1123, date)
	then, err2 := time.Parse(time.RFC1123, modified)
	if err != nil || err2 != nil {
		return 0, false
	}
	return now.Sub(then), true
}

// casTries is how often a change of a shared object is tried again after
// somebody else changed it.
const casTries = 50

// swap is put for a body that no other writer can have written. An unclear
// end is cleared up by reading back: what stands there tells who won.
func swap(ctx context.Context, b objects, key string, body []byte, version string) (string, error) {
	for range casTries {
		next, err := b.put(ctx, key, body, version)
		if err == nil || ctx.Err() != nil {
			return next, err
		}
		o, readErr := b.get(ctx, key)
		switch {
		case readErr == nil && string(o.body) == string(body):
			return o.version, nil
		case errors.Is(err, errBusy):
			continue
		case errors.Is(err, errConflict) && (readErr == nil || errors.Is(readErr, errAbsent)):
			return "", errConflict
		}
		return "", errors.Join(err, readable(readErr))
	}
	return "", errConflict
}

// readable leaves out that nothing was found.
func readable(err error) error {
	if errors.Is(err, errAbsent) {
		return nil
	}
	return err
}

// newID makes one writing differ from all others.
func newID() string {
	var b [12]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
