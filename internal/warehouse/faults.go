package warehouse

import (
	"context"
	"errors"
	"fmt"

	"exposync/internal/fault"
)

// Missing is the fault of a relation that is not in the warehouse.
func Missing(relation string) *fault.Fault {
	return &fault.Fault{
		Code: "relation_missing", Kind: fault.Config, Whose: fault.DBT, Where: relation,
		Msg:  "the table or view is not in the warehouse",
		Hint: "build the model for the same target: dbt build --select MODEL",
	}
}

// Denied is the fault of a relation that may not be read.
func Denied(relation string, err error) *fault.Fault {
	return &fault.Fault{
		Code: "relation_denied", Kind: fault.Config, Whose: fault.Warehouse, Where: relation,
		Msg: "the profile's user may not read it", Err: err,
		Hint: "grant select on " + relation + " to that user",
	}
}

// Broken is the fault of a read that did not reach its end. Its cause must
// not hold a value of a record. When ctx is done that is the reason, and what
// the adapter saw of it is not worth telling.
func Broken(ctx context.Context, relation string, err error) error {
	if stopped := ctx.Err(); stopped != nil {
		return fmt.Errorf("read %s: %w", relation, stopped)
	}
	if _, told := errors.AsType[*fault.Fault](err); told {
		return err
	}
	return &fault.Fault{
		Code: "warehouse_read", Kind: fault.Unavailable, Whose: fault.Warehouse, Where: relation,
		Msg: "reading broke off before the last row", Err: err,
		Hint: "run it again; if it stays, look at the model: dbt show --select MODEL",
	}
}
