//go:build !linux && !windows

package servicetest

import "syscall"

// attributes keep a ^C on the terminal away from the server: the test binary
// stops it.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
