package local

import (
	"os"
	"syscall"
)

// syncData makes a file's content and size durable.
func syncData(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); err != syscall.EINTR {
			return err
		}
	}
}
