package pgtest

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// attributes make a program run as user postgres when the tests run as root,
// which initdb refuses, and end with the test binary.
func attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGQUIT}
	if os.Geteuid() != 0 {
		return attr
	}
	if uid, gid, err := postgresUser(); err == nil {
		attr.Credential = &syscall.Credential{Uid: uid, Gid: gid}
	}
	return attr
}

// privateDir makes the server's folder, owned by the user that runs it. It is
// not the test's own temporary folder, which that user may not enter.
func privateDir() (string, error) {
	dir, err := os.MkdirTemp("", "pgtest-")
	if err != nil {
		return "", fmt.Errorf("make a folder for the server: %w", err)
	}
	if os.Geteuid() != 0 {
		return dir, nil
	}
	uid, gid, err := postgresUser()
	if err == nil {
		err = os.Chown(dir, int(uid), int(gid))
	}
	if err != nil {
		_ = os.RemoveAll(dir)
		return "", fmt.Errorf("root may not run PostgreSQL, and there is no user postgres to run it as: %w", err)
	}
	return dir, nil
}

func postgresUser() (uid, gid uint32, err error) {
	u, err := user.Lookup("postgres")
	if err != nil {
		return 0, 0, err
	}
	id, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return 0, 0, err
	}
	group, err := strconv.ParseUint(u.Gid, 10, 32)
	return uint32(id), uint32(group), err
}
