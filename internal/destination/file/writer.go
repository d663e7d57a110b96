package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/record"
)

// batchRows is how many lines are written at once.
const batchRows = 5000

// partial ends the names of files that are not complete.
const partial = ".partial"

// writer writes one file. Nothing of it is seen before Settle.
type writer struct {
	folder *Folder
	object string
	layout layout
	mode   destination.Mode

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
	out := destination.All(len(batch), destination.Outcome{State: destination.Pending})
	w.buf = w.buf[:0]
	for i, ch := range batch {
		start := len(w.buf)
		var reason string
		if w.buf, reason = w.layout.line(w.buf, ch); reason != "" {
			w.buf = w.buf[:start]
			out[i] = destination.Outcome{State: destination.Rejected, Code: "invalid_value", Message: reason}
			continue
		}
		w.digest.add(w.buf[start:])
		destination.Show(ctx, func() destination.Spoken {
			return destination.Spoken{Kind: "file", Said: string(w.layout.header()) + string(w.buf[start:])}
		})
	}
	if err := w.append(w.buf); err != nil {
		w.failure = err
		return destination.All(len(batch), destination.Outcome{State: destination.Stop, Code: "file_write", Message: err.Error()})
	}
	return out
}

func (w *writer) append(lines []byte) error {
	if w.failure != nil {
		return w.failure
	}
	if len(lines) == 0 {
		return nil
	}
	if w.temp == nil {
		if err := w.create(); err != nil {
			return err
		}
	}
	_, err := w.temp.Write(lines)
	return err
}

// create makes the partial file. It is locked as long as this run lives, so
// that another run can tell it from one that a killed run left behind.
func (w *writer) create() error {
	if err := os.MkdirAll(w.folder.config.Dir, 0o700); err != nil {
		return err
	}
	for {
		temp, err := os.CreateTemp(w.folder.config.Dir, "."+w.object+"-*"+partial)
		if err != nil {
			return err
		}
		if err := lock(temp); err != nil {
			return errors.Join(err, temp.Close())
		}
		if stands(temp) {
			w.temp = temp
			break
		}
		_ = temp.Close() // swept by another run before it was locked
	}
	header := w.layout.header()
	w.digest.add(header)
	_, err := w.temp.Write(header)
	return err
}

// stands reports whether the file still has its name.
func stands(f *os.File) bool {
	here, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(f.Name())
	return err == nil && os.SameFile(here, there)
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
		f := w.folder.fault("file_write", "the file of "+w.object+" could not be completed", "make room or correct the permissions, then run again")
		f.Kind, f.Whose, f.Err = fault.Unavailable, fault.Destination, err
		return f
	}
	return nil
}

func (w *writer) settle(ctx context.Context) error {
	if w.failure != nil {
		return w.failure
	}
	if err := w.temp.Sync(); err != nil {
		return err
	}
	name, err := w.final(w.digest.String())
	if err != nil {
		return err
	}
	if err := publish(w.temp, filepath.Join(w.folder.config.Dir, name)); err != nil {
		return err
	}
	destination.Show(ctx, func() destination.Spoken { return destination.Spoken{Kind: "file", Heard: "complete: " + name} })
	w.temp, w.digest = nil, digest{}
	return syncDir(w.folder.config.Dir)
}

// Close removes a file that was not settled.
func (w *writer) Close() error {
	if w.temp == nil {
		return nil
	}
	err := discard(w.temp)
	w.temp = nil
	return err
}

// sweep removes partial files of the same object whose run is dead. A folder
// that cannot be read or a file that stays is no reason to stop: the next
// write will tell.
func (w *writer) sweep() {
	entries, err := os.ReadDir(w.folder.config.Dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		rest, ours := strings.CutPrefix(e.Name(), "."+w.object+"-")
		digits, ours2 := strings.CutSuffix(rest, partial)
		if !ours || !ours2 || strings.Trim(digits, "0123456789") != "" {
			continue
		}
		path := filepath.Join(w.folder.config.Dir, e.Name())
		if abandoned(path, w.folder.config.Now()) {
			_ = os.Remove(path)
		}
	}
}
