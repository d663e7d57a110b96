//go:build !unix

package file

import (
	"errors"
	"os"
	"time"
)

// lock does nothing: abandoned goes by age.
func lock(*os.File) error { return nil }

// abandoned reports whether nobody has written the file for a day.
func abandoned(path string, now time.Time) bool {
	info, err := os.Stat(path)
	return err == nil && now.Sub(info.ModTime()) > 24*time.Hour
}

// writable leaves the answer to the first write.
func writable(string) bool { return true }

// publish gives the file its name. Open files cannot be renamed everywhere.
func publish(f *os.File, name string) error {
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// discard removes the file. Open files cannot be removed everywhere.
func discard(f *os.File) error { return errors.Join(f.Close(), os.Remove(f.Name())) }

// syncDir does nothing where folders cannot be synced.
func syncDir(string) error { return nil }
