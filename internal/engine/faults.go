package engine

import (
	"context"
	"fmt"

	"exposync/internal/fault"
)

func faultOfSpool(err error) *fault.Fault {
	return &fault.Fault{
		Code: "spool_failed", Kind: fault.Unavailable, Whose: fault.Setup,
		Msg:  "rows could not be kept on the local disk",
		Hint: "make room beside exposync.yml (folder .exposync), then run again; nothing is lost", Err: err,
	}
}

// orInterrupted says that the user ended it, where that is why it ended.
func orInterrupted(ctx context.Context, job string, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	return &fault.Fault{
		Code: "interrupted", Kind: fault.Interrupted, Whose: fault.User, Where: "job " + job,
		Msg: "stopped while the plan was made; nothing was sent", Hint: "run again",
	}
}

func newerLedger(job string) *fault.Fault {
	return &fault.Fault{
		Code: "ledger_newer", Kind: fault.Config, Whose: fault.Setup, Where: "job " + job,
		Msg:  "the hashes in the ledger are of a newer exposync, and would all look changed to this one; nothing was sent",
		Hint: "update exposync here: exposync version",
	}
}

func unavailable(job, code, message string) *fault.Fault {
	return &fault.Fault{
		Code: "destination_unavailable", Kind: fault.Unavailable, Whose: fault.Destination,
		Where: "job " + job,
		Msg:   fmt.Sprintf("the destination did not take a batch after several attempts: %s", answer(code, message)),
		Hint:  "run again when it is up: exactly what is left will be sent",
	}
}

func refusedAll(job, code, message string) *fault.Fault {
	return &fault.Fault{
		Code: "mapping_error", Kind: fault.Config, Whose: fault.Mapping,
		Where: "job " + job,
		Msg:   fmt.Sprintf("the destination refuses every record for the same reason: %s", answer(code, message)),
		Hint:  "correct the fields in the exposure's metadata, run dbt parse or dbt build, then run again",
	}
}

func authRefused(job, code, message string) *fault.Fault {
	return &fault.Fault{
		Code: "destination_auth", Kind: fault.Config, Whose: fault.Setup,
		Where: "job " + job,
		Msg:   fmt.Sprintf("the destination does not accept the credentials: %s", answer(code, message)),
		Hint:  "correct the connection's credentials in exposync.yml or the environment",
	}
}

func stopped(job, code, message string) *fault.Fault {
	return &fault.Fault{
		Code: "destination_stopped", Kind: fault.Unavailable, Whose: fault.Destination,
		Where: "job " + job,
		Msg:   fmt.Sprintf("the destination takes no more in this run: %s", answer(code, message)),
		Hint:  "run again later: exactly what is left will be sent",
	}
}

func answer(code, message string) string {
	switch {
	case message == "":
		return code
	case code == "":
		return message
	}
	return code + ": " + message
}
