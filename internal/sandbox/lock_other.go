//go:build !unix && !windows

package sandbox

import "os"

// takeLock opens the file. Where files have no locks of this kind, two
// sandboxes on one folder are the user's to avoid.
func takeLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, dirFault(path, err)
	}
	return f, nil
}

func dropLock(f *os.File) error { return f.Close() }

// syncDirs does nothing where folders cannot be synced.
func syncDirs(...string) error { return nil }
