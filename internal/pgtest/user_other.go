//go:build !linux && !windows

package pgtest

import (
	"fmt"
	"os"
	"syscall"
)

// attributes keep a ^C on the terminal away from the server: the test binary
// stops it.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// privateDir makes the server's folder; its path is short, because it holds a
// Unix socket.
func privateDir() (string, error) {
	dir, err := os.MkdirTemp("/tmp", "pgtest-")
	if err != nil {
		return "", fmt.Errorf("make a folder for the server: %w", err)
	}
	return dir, nil
}
