package sandbox

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"

	"exposync/internal/fault"
)

// takeLock locks a file for as long as the process lives.
func takeLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, dirFault(path, err)
	}
	err = windows.LockFileEx(windows.Handle(f.Fd()),
		windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{})
	if err != nil {
		return nil, errors.Join(&fault.Fault{
			Code: "sandbox_busy", Kind: fault.Config, Whose: fault.Setup, Where: path,
			Msg: "another sandbox uses this folder", Hint: "stop the other sandbox, or use it", Err: err,
		}, f.Close())
	}
	return f, nil
}

// dropLock closes the file, which unlocks it.
func dropLock(f *os.File) error { return f.Close() }

// syncDirs has nothing to do: NTFS journals names by itself.
func syncDirs(...string) error { return nil }
