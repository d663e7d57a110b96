package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"exposync/internal/fault"
)

// writeFault is a change of a file that did not happen. Nothing that failed
// to reach the disk may count as confirmed, so it always surfaces.
func writeFault(op, path string, err error) error {
	if _, known := errors.AsType[*fault.Fault](err); known {
		return err
	}
	hint := "look at the disk that holds it, then run again: what was confirmed before is saved"
	switch {
	case errors.Is(err, syscall.ENOSPC):
		hint = "make room on that disk (df -h), then run again: what was confirmed before is saved"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		hint = "give the user who runs exposync write access, or name another directory in exposync.yml: `ledger: {dir: PATH}`"
	}
	return &fault.Fault{
		Code: "ledger_write", Kind: fault.Unavailable, Whose: fault.Setup, Where: path,
		Msg: "the ledger could not be written (" + op + ")", Hint: hint, Err: bare(err),
	}
}

// unreadable is a file that is there and cannot be read.
func unreadable(path string, err error) error {
	return &fault.Fault{
		Code: "ledger_unreadable", Kind: fault.Unavailable, Whose: fault.Setup, Where: path,
		Msg:  "the ledger could not be read",
		Hint: "check the owner and the permissions of the file, and the disk that holds it", Err: bare(err),
	}
}

// damaged is a file of a sync that is not what was written.
func damaged(path, job, what string) error {
	if job == "" {
		job = "JOB (its directory is named after it)"
	}
	return &fault.Fault{
		Code: "ledger_corrupt", Kind: fault.Config, Whose: fault.Setup, Where: path,
		Msg:  "the ledger's file is damaged: " + what,
		Hint: "restore the directory from a backup, or forget what was confirmed: exposync ledger reset " + job,
	}
}

// damagedHistory is a file of history that is not what was written.
func damagedHistory(path, what string) error {
	return &fault.Fault{
		Code: "ledger_corrupt", Kind: fault.Config, Whose: fault.Setup, Where: path,
		Msg:  "the ledger's file is damaged: " + what,
		Hint: "restore it from a backup, or move it away and run exposync build: marks are kept elsewhere and are not touched",
	}
}

// newer is a file of a later Exposync.
func newer(path string, version int) error {
	return &fault.Fault{
		Code: "ledger_newer", Kind: fault.Config, Whose: fault.Setup, Where: path,
		Msg:  fmt.Sprintf("the ledger was written by a newer Exposync (format %d)", version),
		Hint: "update exposync here, as the others who run it did: exposync version",
	}
}

// taken is a lease that somebody else holds.
func taken(path, what string, h holder) error {
	return &fault.Fault{
		Code: "locked", Kind: fault.Blocked, Whose: fault.User, Where: path,
		Msg:  what + " is in use by " + h.String(),
		Hint: "wait until it has ended, then run again; if it hangs, stop that process: the lock ends with it",
	}
}

// bare takes the operation and the path from a system error: the fault names
// both already.
func bare(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	if link, ok := errors.AsType[*os.LinkError](err); ok {
		return link.Err
	}
	return err
}
