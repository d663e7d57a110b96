package destination

import "context"

// Spoken is something that an adapter told its destination, and what came
// back: a statement, or the lines of a file. Requests over HTTP are shown by
// rest.Watch.
type Spoken struct {
	Kind  string // sql, file
	Said  string
	Heard string
}

type watchKey struct{}

// Watch gives a context in which adapters show what they say. It is for a
// person who asked to look at one record: what is said holds its values.
func Watch(ctx context.Context, see func(Spoken)) context.Context {
	return context.WithValue(ctx, watchKey{}, see)
}

// Show is called by an adapter; it does nothing where nobody watches.
func Show(ctx context.Context, s func() Spoken) {
	if see, ok := ctx.Value(watchKey{}).(func(Spoken)); ok {
		see(s())
	}
}
