package bucket

import (
	"fmt"
	"strings"
	"time"

	"exposync/internal/fault"
)

// denied recognises what credentials and settings cause.
func denied(text string) bool {
	for _, word := range []string{"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "Access Denied", "401", "403", "credentials"} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

func hintOf(err error, otherwise string) string {
	switch text := err.Error(); {
	case strings.Contains(text, "NoSuchBucket") || strings.Contains(text, "bucket does not exist"):
		return "create the bucket, or correct its name and endpoint under `ledger:` in exposync.yml"
	case denied(text):
		return "check the credentials: they need to get, put, list and delete objects below that prefix"
	}
	return otherwise
}

// unwritten is a write that did not happen, or of which nobody knows. Nothing
// that failed to get there may count as confirmed, so it always surfaces.
func unwritten(where string, err error) error {
	return &fault.Fault{
		Code: "ledger_write", Kind: fault.Unavailable, Whose: fault.Setup, Where: where,
		Msg:  "the ledger could not be written",
		Hint: hintOf(err, "look at the object store, then run again: what was confirmed before is saved"), Err: err,
	}
}

// unreadable is an object that the store does not give.
func unreadable(where string, err error) error {
	return &fault.Fault{
		Code: "ledger_unreadable", Kind: fault.Unavailable, Whose: fault.Setup, Where: where,
		Msg:  "the ledger could not be read",
		Hint: hintOf(err, "look at the object store and the network, then type the command again"), Err: err,
	}
}

// scratch is the working copy on this machine's disk that failed.
func scratch(path string, err error) error {
	return &fault.Fault{
		Code: "ledger_write", Kind: fault.Unavailable, Whose: fault.Setup, Where: path,
		Msg:  "the working copy of the ledger could not be written",
		Hint: "make room on that disk (df -h), then run again: what was confirmed before is saved", Err: err,
	}
}

// damaged is an object of a sync that is not what was written.
func damaged(where, job, what string) error {
	return &fault.Fault{
		Code: "ledger_corrupt", Kind: fault.Config, Whose: fault.Setup, Where: where,
		Msg:  "the ledger's object is damaged: " + what,
		Hint: "restore it if the bucket keeps versions, or forget what was confirmed: exposync ledger reset " + job,
	}
}

// damagedAlone is an object that says nothing more and can be taken away.
func damagedAlone(where, what, after string) error {
	return &fault.Fault{
		Code: "ledger_corrupt", Kind: fault.Config, Whose: fault.Setup, Where: where,
		Msg:  "the ledger's object is damaged: " + what,
		Hint: "restore it if the bucket keeps versions, or delete it: " + after,
	}
}

// newer is an object of a later Exposync.
func newer(where string, version int) error {
	return &fault.Fault{
		Code: "ledger_newer", Kind: fault.Config, Whose: fault.Setup, Where: where,
		Msg:  fmt.Sprintf("the ledger was written by a newer Exposync (format %d)", version),
		Hint: "update exposync here, as the others who run it did: exposync version",
	}
}

// taken is a lease that somebody else holds.
func taken(where, job string, l lease, left time.Duration, now time.Time) error {
	msg := "the sync of job " + job + " is in use by " + l.Holder.String()
	until := fmt.Sprintf("if it has died, its lease ends in %d s", int(left.Round(time.Second)/time.Second))
	if !now.IsZero() {
		until += now.Add(left).Local().Format(", at 15:04:05")
	}
	return &fault.Fault{
		Code: "locked", Kind: fault.Blocked, Whose: fault.User, Where: where,
		Msg: msg, Hint: "wait until it has ended, then run again; " + until,
	}
}

// lost is a lease that ended while its holder still worked.
func lost(where, job string) error {
	return &fault.Fault{
		Code: "lease_lost", Kind: fault.Blocked, Whose: fault.Setup, Where: where,
		Msg:  "the lease of job " + job + " ran out while this process was paused or cut off, and another run took it over",
		Hint: "nothing more was written; type the command again when the other run has ended: exposync status",
	}
}

// careless is a store without compare-and-swap.
func careless(where, what string) error {
	return &fault.Fault{
		Code: "ledger_no_cas", Kind: fault.Config, Whose: fault.Setup, Where: where,
		Msg:  "this object store cannot hold a ledger: it " + what,
		Hint: "use a store with conditional writes (AWS S3, Google Cloud Storage, MinIO, R2, Ceph), or `ledger: {dir: PATH}`",
	}
}

func isLost(err error) bool { return fault.Is(err, "lease_lost") }

// badSetting is a setting that cannot be used.
func badSetting(name, what string) error {
	return &fault.Fault{
		Code: "setting_invalid", Kind: fault.Config, Whose: fault.Setup, Where: "ledger." + name,
		Msg: what, Hint: "correct it under `ledger:` in exposync.yml",
	}
}
