package pgtest

import (
	"fmt"
	"os"
	"syscall"
)

// attributes keep a ^C on the console away from the server: the test binary
// stops it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// privateDir makes the server's folder.
func privateDir() (string, error) {
	dir, err := os.MkdirTemp("", "pgtest-")
	if err != nil {
		return "", fmt.Errorf("make a folder for the server: %w", err)
	}
	return dir, nil
}
