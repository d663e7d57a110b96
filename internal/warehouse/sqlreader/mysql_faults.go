package sqlreader

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"

	"github.com/go-sql-driver/mysql"

	"exposync/internal/fault"
	"exposync/internal/warehouse"
)

// connectFault says why no snapshot came about. No row was read until then.
func (c MySQL) connectFault(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("connect to %s: %w", c.place(), ctx.Err())
	}
	f := &fault.Fault{
		Code: "warehouse_unreachable", Kind: fault.Unavailable, Whose: fault.Network, Where: c.Where,
		Msg:  "no connection to MySQL or MariaDB (" + c.place() + ")",
		Hint: "try the same settings with: dbt debug", Err: err,
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		f.Err = op
	}
	refused, ok := errors.AsType[*mysql.MySQLError](err)
	if !ok {
		return f
	}
	f.Whose, f.Err = fault.Warehouse, plainError(refused)
	switch refused.Number {
	case 1044, 1045, 1698, 1820, 1862, 4151: // denied, or the password is no longer good
		f.Code, f.Kind, f.Whose = "warehouse_auth", fault.Config, fault.Setup
		f.Msg = "MySQL or MariaDB does not accept the credentials (" + c.place() + ")"
	case 1049:
		f.Code, f.Kind, f.Whose = "warehouse_settings", fault.Config, fault.Setup
		f.Msg = "the schema of the profile does not exist (" + c.place() + ")"
	}
	return f
}

func mysqlDescribeFault(ctx context.Context, relation string, err error) error {
	refused, ok := errors.AsType[*mysql.MySQLError](err)
	if ctx.Err() != nil || !ok {
		return mysqlReadFault(ctx, relation, err)
	}
	switch refused.Number {
	case 1049, 1051, 1146: // no such database, table
		f := warehouse.Missing(relation)
		f.Err = plainError(refused)
		return f
	case 1044, 1142, 1143:
		return warehouse.Denied(relation, plainError(refused))
	}
	return warehouse.Broken(ctx, relation, plainError(refused))
}

func mysqlReadFault(ctx context.Context, relation string, err error) error {
	refused, ok := errors.AsType[*mysql.MySQLError](err)
	switch {
	case ok && slices.Contains([]uint16{1044, 1142, 1143}, refused.Number) && ctx.Err() == nil:
		return warehouse.Denied(relation, plainError(refused))
	case ok:
		err = discreetError(refused)
	case errors.Is(err, mysql.ErrInvalidConn), errors.Is(err, driver.ErrBadConn), errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("the server closed the connection")
	}
	return warehouse.Broken(ctx, relation, err)
}

// plainError repeats what the server says.
func plainError(e *mysql.MySQLError) error { return fmt.Errorf("%s (error %d)", e.Message, e.Number) }

// discreetError repeats what the server says, unless the error is of a kind
// whose message may quote a value of the data. What is repeated is about
// shutdown, memory, limits, locks, names and definitions.
func discreetError(e *mysql.MySQLError) error {
	quiet := []uint16{
		1021, 1037, 1038, 1041, 1053, 1054, 1114, 1146, 1153, 1205, 1213, 1226, 1317, 1356, 1412, 1449, 1969, 3024, 3032,
	}
	if slices.Contains(quiet, e.Number) {
		return plainError(e)
	}
	return fmt.Errorf("error %d; the server's message may quote a value, so it is not shown", e.Number)
}
