package file

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// folder is a folder of this machine. Files are made in it under a partial
// name, and appear by a rename.
type folder struct{ config Config }

func (f *folder) account(context.Context) (string, error) { return "file:" + f.config.Dir, nil }

// ready checks that files can be created in the folder, or that it can be
// created itself.
func (f *folder) ready(_ context.Context, object string) error {
	for dir := f.config.Dir; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir):
			continue
		case err != nil:
			problem := f.config.fault("file_dir", "the folder for files cannot be used", "check the permissions of "+dir)
			problem.Err = err
			return problem
		case !info.IsDir():
			return f.config.fault("file_dir", dir+" is a file, not a folder", "correct dir: of the connection")
		case !writable(dir):
			return f.config.fault("file_dir", "this user may not create files in "+dir, "correct dir: of the connection, or the permissions of the folder")
		}
		f.sweep(object)
		return nil
	}
}

// stage makes the partial file. It is locked as long as this run lives, so
// that another run can tell it from one that a killed run left behind.
func (f *folder) stage(object string) (*os.File, error) {
	if err := os.MkdirAll(f.config.Dir, 0o700); err != nil {
		return nil, err
	}
	for {
		temp, err := os.CreateTemp(f.config.Dir, "."+object+"-*"+partial)
		if err != nil {
			return nil, err
		}
		if err := lock(temp); err != nil {
			return nil, errors.Join(err, temp.Close())
		}
		if stands(temp) {
			return temp, nil
		}
		_ = temp.Close() // swept by another run before it was locked
	}
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

func (f *folder) names(_ context.Context, prefix string, fn func(name string)) error {
	entries, err := os.ReadDir(f.config.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			fn(e.Name())
		}
	}
	return nil
}

func (f *folder) publish(_ context.Context, temp *os.File, name string) error {
	return publish(temp, filepath.Join(f.config.Dir, name))
}

// holds is for answers that get lost; a rename's does not.
func (f *folder) holds(context.Context, string, int64) (bool, error) { return false, nil }

// done makes the rename survive a loss of power; publish closed the file.
func (f *folder) done(*os.File) error { return syncDir(f.config.Dir) }

func (f *folder) discard(temp *os.File) error { return discard(temp) }

// sweep removes partial files of the same object whose run is dead. A folder
// that cannot be read or a file that stays is no reason to stop: the next
// write will tell.
func (f *folder) sweep(object string) {
	entries, err := os.ReadDir(f.config.Dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !isPartial(object, e.Name()) {
			continue
		}
		path := filepath.Join(f.config.Dir, e.Name())
		if abandoned(path, f.config.Now()) {
			_ = os.Remove(path)
		}
	}
}
