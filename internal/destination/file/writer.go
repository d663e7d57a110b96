package file

import (
	"context"
	"errors"
	"fmt"
	"os"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/record"
)

// batchRows is how many lines are written at once.
const batchRows = 5000

// writer writes one file. Nothing of it is seen before Settle.
type writer struct {
	files    *Files
	object   string
	encoding encoding
	mode     destination.Mode

	temp    *os.File // nil before the first write and after Settle
	digest  digest
	buf     []byte
	failure error // of a write: the file cannot become complete
}

var _ destination.Settler = (*writer)(nil)

// Traits: one batch at a time, decided when the file is complete. In mode
// append a change that stands in two files does harm.
func (w *writer) Traits() destination.Traits {
	return destination.Traits{
		Rows: batchRows, Concurrency: 1, Settles: true,
		Idempotent: w.mode != destination.Append,
		Deletes:    w.mode == destination.Mirror,
	}
}

// Write adds lines to the file that Settle will show.
func (w *writer) Write(ctx context.Context, batch []record.Change) []destination.Outcome {
	if ctx.Err() != nil {
		return destination.All(len(batch), destination.Outcome{State: destination.NotSent})
	}
	if w.failure != nil {
		return destination.All(len(batch), destination.Outcome{State: destination.Stop, Code: "file_write", Message: w.failure.Error()})
	}
	out := destination.All(len(batch), destination.Outcome{State: destination.Pending})
	w.buf = w.buf[:0]
	for i, ch := range batch {
		start := len(w.buf)
		var reason string
		if w.buf, reason = w.encoding.add(w.buf, ch); reason != "" {
			w.buf = w.buf[:start]
			out[i] = destination.Outcome{State: destination.Rejected, Code: "invalid_value", Message: reason}
			continue
		}
		w.digest.add(w.buf[start:])
		destination.Show(ctx, func() destination.Spoken {
			return destination.Spoken{Kind: "file", Said: string(w.encoding.header()) + string(w.buf[start:])}
		})
	}
	if len(w.buf) == 0 {
		return out
	}
	if err := w.append(w.buf); err != nil {
		w.failure = err
		return destination.All(len(batch), destination.Outcome{State: destination.Stop, Code: "file_write", Message: err.Error()})
	}
	return out
}

func (w *writer) append(lines []byte) error {
	if w.temp == nil {
		if err := w.create(); err != nil {
			return err
		}
	}
	return w.encoding.write(lines)
}

// create starts the file.
func (w *writer) create() (err error) {
	if w.temp, err = w.files.place.stage(w.object); err != nil {
		return err
	}
	w.digest.add(w.encoding.header())
	return w.encoding.begin(w.temp)
}

// Settle puts the file on disk and gives it its name.
func (w *writer) Settle(ctx context.Context) error {
	if ctx.Err() != nil {
		return fmt.Errorf("complete the file of %s: %w", w.object, ctx.Err())
	}
	if w.failure == nil && w.temp == nil {
		return nil
	}
	if err := w.settle(ctx); err != nil {
		w.failure = err
		f := w.files.config.fault("file_write", "the file of "+w.object+" could not be completed", "make room or correct the permissions, then run again")
		f.Kind, f.Whose, f.Err = fault.Unavailable, fault.Destination, err
		return f
	}
	return nil
}

func (w *writer) settle(ctx context.Context) error {
	if w.failure != nil {
		return w.failure
	}
	if err := w.encoding.end(); err != nil {
		return err
	}
	if err := w.temp.Sync(); err != nil {
		return err
	}
	info, err := w.temp.Stat()
	if err != nil {
		return err
	}
	name, err := w.final(ctx, w.digest.String())
	if err != nil {
		return err
	}
	if err := w.files.place.publish(ctx, w.temp, name); err != nil {
		if _, certain := errors.AsType[refusal](err); certain {
			return err
		}
		there, unknown := w.files.place.holds(ctx, name, info.Size())
		switch {
		case there: // the answer was lost
		case unknown != nil:
			return fmt.Errorf("%w (%w)", err, destination.ErrUnknown)
		default:
			return err
		}
	}
	destination.Show(ctx, func() destination.Spoken { return destination.Spoken{Kind: "file", Heard: "complete: " + name} })
	temp := w.temp
	w.temp, w.digest = nil, digest{}
	if err := w.files.place.done(temp); err != nil {
		return fmt.Errorf("%w (%w)", err, destination.ErrUnknown) // it is there, but may not be when the power is back
	}
	return nil
}

// Close removes a file that was not settled.
func (w *writer) Close() error {
	if w.temp == nil {
		return nil
	}
	err := w.files.place.discard(w.temp)
	w.temp = nil
	return err
}
