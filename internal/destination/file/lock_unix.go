//go:build unix

package file

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// lock marks a file as in use until it is closed, also by a kill.
func lock(f *os.File) error {
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
}

// abandoned reports whether no living run holds the file.
func abandoned(path string, _ time.Time) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	return lock(f) == nil
}

// writable reports whether this user may create files in a folder.
func writable(dir string) bool { return unix.Access(dir, unix.W_OK|unix.X_OK) == nil }

// publish gives the file its name, and closes it only then: the lock keeps
// other runs from sweeping it.
func publish(f *os.File, name string) error {
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	return f.Close()
}

// discard removes the file, and closes it only then: nobody else sweeps it.
func discard(f *os.File) error { return errors.Join(os.Remove(f.Name()), f.Close()) }

// syncDir makes a rename survive a loss of power.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}
