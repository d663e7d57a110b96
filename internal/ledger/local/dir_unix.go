//go:build !windows

package local

import (
	"errors"
	"os"
)

// renameOverOpen: an open file may be replaced, and stays readable to those
// who have it open.
const renameOverOpen = true

// busy reports whether an error says that somebody has the file open: that
// stops nobody here.
func busy(error) bool { return false }

// syncDirectory makes the names in a directory durable.
func syncDirectory(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
