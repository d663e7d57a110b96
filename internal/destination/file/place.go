package file

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// place is where complete files appear. Its errors are for people: they hold
// no secret.
type place interface {
	// account names the place, the same between runs.
	account(ctx context.Context) (string, error)
	// ready finds, as faults, what would keep a file of the object from
	// appearing, and removes what dead runs left. It creates nothing.
	ready(ctx context.Context, object string) error
	// stage makes a file of this machine, which nobody takes for a complete one.
	stage(object string) (*os.File, error)
	// names calls fn with names of the place that begin with prefix; with none
	// where this user may not look.
	names(ctx context.Context, prefix string, fn func(name string)) error
	// publish makes the content of a staged file appear under a name, as a
	// whole or not at all, in the place of what has that name.
	publish(ctx context.Context, f *os.File, name string) error
	// holds reports whether there is a file of that name and size: for answers
	// that were lost, since a name tells the content, and no place shows a file
	// that is not complete. An error says that nobody knows.
	holds(ctx context.Context, name string, size int64) (bool, error)
	// done ends a file that was published; discard one that was not.
	done(f *os.File) error
	discard(f *os.File) error
}

// refusal is an error of publish after which it is certain that no file
// appeared. After any other one somebody has to look.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// partial ends the names of files that are not complete.
const partial = ".partial"

// isPartial reports whether a name is that of a partial file of the object.
func isPartial(object, name string) bool {
	rest, ours := strings.CutPrefix(name, "."+object+"-")
	digits, ours2 := strings.CutSuffix(rest, partial)
	return ours && ours2 && strings.Trim(digits, "0123456789") == ""
}

// scratch is where files are made that go to another machine.
type scratch struct{ dir string }

// stage makes a file that only this run sees. Where an open file may lose its
// name, it has none, and no kill leaves it behind.
func (s scratch) stage(object string) (*os.File, error) {
	if !filepath.IsAbs(s.dir) {
		return nil, errors.New("the folder for temporary files must be an absolute path")
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(s.dir, "."+object+"-*"+partial)
	if err != nil {
		return nil, err
	}
	_ = os.Remove(f.Name())
	return f, nil
}

func (s scratch) done(f *os.File) error { return s.discard(f) }

func (s scratch) discard(f *os.File) error {
	err := f.Close()
	_ = os.Remove(f.Name()) // where open files cannot be removed
	return err
}

// content reads a staged file from its beginning.
func content(f *os.File) (*io.SectionReader, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return io.NewSectionReader(f, 0, info.Size()), nil
}
