package local

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	dirMode  fs.FileMode = 0o700
	fileMode fs.FileMode = 0o600
)

// disk is every way in which the store changes files. Its errors are faults.
type disk struct {
	// before is told each step before it is taken, and may refuse it; only
	// tests set it.
	before func(op, path string) error
}

func (d disk) step(op, path string) error {
	if d.before == nil {
		return nil
	}
	return d.before(op, path)
}

// do takes one step and makes a fault of its error.
func (d disk) do(op, path string, step func() error) error {
	err := d.step(op, path)
	if err == nil {
		err = step()
	}
	if err != nil {
		return writeFault(op, path, err)
	}
	return nil
}

// file is a file that is being written.
type file struct {
	disk disk
	path string
	f    *os.File
}

// create makes or empties a file.
func (d disk) create(path string) (*file, error) {
	w := &file{disk: d, path: path}
	return w, d.do("create", path, func() (err error) {
		w.f, err = os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, fileMode)
		return err
	})
}

// Write appends to the file.
func (w *file) Write(b []byte) (n int, err error) {
	return n, w.disk.do("write", w.path, func() error {
		n, err = w.f.Write(b)
		return err
	})
}

// sync makes the file's content and size durable.
func (w *file) sync() error {
	return w.disk.do("sync", w.path, func() error { return syncData(w.f) })
}

func (w *file) close() error {
	return w.disk.do("close", w.path, w.f.Close)
}

// abandon closes a file that will not be finished, and takes it away.
func (w *file) abandon() error {
	_ = w.f.Close() // it may be closed already, and is worth nothing
	return w.disk.remove(w.path)
}

// rename gives a synced file its name, durably.
func (d disk) rename(from, to string) error {
	err := d.do("rename", to, func() error { return patiently(busy, sleep, func() error { return os.Rename(from, to) }) })
	if err != nil {
		return err
	}
	return d.syncDir(filepath.Dir(to))
}

func (d disk) syncDir(dir string) error {
	return d.do("syncdir", dir, func() error { return syncDirectory(dir) })
}

// remove takes files away; one that is not there is fine.
func (d disk) remove(path string) error {
	return d.do("remove", path, func() error {
		err := patiently(busy, sleep, func() error { return os.Remove(path) })
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}

// ensureDir makes a directory and its parents, durably.
func (d disk) ensureDir(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := d.ensureDir(parent); err != nil {
			return err
		}
	}
	err := d.do("mkdir", dir, func() error {
		if err := os.Mkdir(dir, dirMode); !errors.Is(err, fs.ErrExist) {
			return err
		}
		return nil
	})
	if err != nil {
		return err
	}
	return d.syncDir(parent)
}

// replace puts a small file in place of another one, atomically. The caller
// holds a lock: the temporary file has a fixed name, so a crash leaves at
// most one behind, and the next replacement takes it away.
func (d disk) replace(path string, content []byte) error {
	w, err := d.create(path + tempSuffix)
	if err != nil {
		return err
	}
	if _, err := w.Write(content); err != nil {
		return errors.Join(err, w.close())
	}
	if err := w.sync(); err != nil {
		return errors.Join(err, w.close())
	}
	if err := w.close(); err != nil {
		return err
	}
	return d.rename(path+tempSuffix, path)
}

const tempSuffix = ".tmp"
