package destinationtest

import (
	"context"

	"exposync/internal/destination"
	"exposync/internal/record"
)

// maxTries is how often deliver sends one batch. It does not wait: the
// failures that the suite arranges pass by themselves.
const maxTries = 4

// deliver sends changes in batches within the traits and follows the states
// the way the engine does: Retry is sent again, InDoubt too where that does
// no harm, and what is left of a Bisect is sent in halves.
func deliver(ctx context.Context, w destination.Writer, changes []record.Change) []destination.Outcome {
	out := make([]destination.Outcome, 0, len(changes))
	traits := w.Traits()
	for len(changes) > 0 {
		n := batchSize(traits, changes)
		out = append(out, send(ctx, w, changes[:n], maxTries)...)
		changes = changes[n:]
	}
	return out
}

// batchSize is how many of the changes fit into one batch.
func batchSize(traits destination.Traits, changes []record.Change) int {
	bytes := 0
	for n, ch := range changes {
		if traits.Bytes > 0 {
			bytes += traits.Size(ch)
		}
		if n > 0 && (n >= traits.Rows || traits.Bytes > 0 && bytes > traits.Bytes) {
			return n
		}
	}
	return len(changes)
}

func send(ctx context.Context, w destination.Writer, changes []record.Change, tries int) []destination.Outcome {
	out := w.Write(ctx, changes)
	if len(out) != len(changes) {
		return destination.All(len(changes), destination.Outcome{State: destination.InDoubt, Code: "outcomes_missing"})
	}
	var again, halves []int
	for i, o := range out {
		switch o.State {
		case destination.Retry:
			again = append(again, i)
		case destination.InDoubt:
			if w.Traits().Idempotent {
				again = append(again, i)
			}
		case destination.Bisect:
			halves = append(halves, i)
		default:
		}
	}
	if tries > 1 && ctx.Err() == nil {
		resend(ctx, w, changes, again, out, tries-1)
	}
	switch {
	case len(halves) == 1 && len(changes) == 1:
		out[0].State = destination.Rejected
	case len(halves) < len(changes):
		resend(ctx, w, changes, halves, out, tries)
	default:
		resend(ctx, w, changes, halves[:len(halves)/2], out, tries)
		resend(ctx, w, changes, halves[len(halves)/2:], out, tries)
	}
	return out
}

func resend(ctx context.Context, w destination.Writer, changes []record.Change, at []int, out []destination.Outcome, tries int) {
	if len(at) == 0 {
		return
	}
	part := make([]record.Change, len(at))
	for k, i := range at {
		part[k] = changes[i]
	}
	for k, o := range send(ctx, w, part, tries) {
		out[at[k]] = o
	}
}
