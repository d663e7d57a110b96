package local

import (
	"errors"

	"golang.org/x/sys/windows"
)

// renameOverOpen: an open file cannot be replaced on Windows.
const renameOverOpen = false

// busy reports whether an error says that somebody has the file open.
func busy(err error) bool {
	return errors.Is(err, windows.ERROR_ACCESS_DENIED) || errors.Is(err, windows.ERROR_SHARING_VIOLATION) ||
		errors.Is(err, windows.ERROR_LOCK_VIOLATION)
}

// syncDirectory has nothing to do: NTFS journals names by itself, and a
// directory cannot be flushed.
func syncDirectory(string) error { return nil }
