package servicetest

import "syscall"

// attributes asks for nothing: a server started on Windows is stopped by the
// test binary.
func attributes() *syscall.SysProcAttr { return nil }
