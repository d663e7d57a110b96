//go:build !windows

package local

import (
	"errors"
	"os"
)

// renameOverOpen: an open file may be replaced, and stays readable to those
// who have it open.
const renameOverOpen = true

// syncDirectory makes the names in a directory durable.
func syncDirectory(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
