//go:build unix

package sandbox

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"exposync/internal/fault"
)

// takeLock locks a file for as long as the process lives.
func takeLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, dirFault(path, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(&fault.Fault{
			Code: "sandbox_busy", Kind: fault.Config, Whose: fault.Setup, Where: path,
			Msg: "another sandbox uses this folder", Hint: "stop the other sandbox, or use it", Err: err,
		}, f.Close())
	}
	return f, nil
}

// dropLock unlocks before it closes: a process that is just being started may
// hold the file a moment longer.
func dropLock(f *os.File) error {
	return errors.Join(unix.Flock(int(f.Fd()), unix.LOCK_UN), f.Close())
}

// syncDirs makes new and removed names survive a loss of power.
func syncDirs(dirs ...string) error {
	for _, dir := range dirs {
		d, err := os.Open(dir)
		if err != nil {
			return err
		}
		err = d.Sync()
		if closed := d.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return err
		}
	}
	return nil
}
