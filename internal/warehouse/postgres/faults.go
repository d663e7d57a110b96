package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"exposync/internal/warehouse"
)

// describeFault says why the columns of a relation could not be learnt. No
// row was read until then, so the server's message cannot quote one.
func describeFault(ctx context.Context, relation string, err error) error {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	if ctx.Err() != nil || !ok {
		return readFault(ctx, relation, err)
	}
	switch refused.Code {
	case "42P01", "3F000", "0A000": // no such table, schema; the last for a table of another database
		f := warehouse.Missing(relation)
		f.Err = plainError(refused)
		return f
	case "42501":
		return warehouse.Denied(relation, plainError(refused))
	}
	return warehouse.Broken(ctx, relation, plainError(refused))
}

// readFault says why the rows of a relation could not be read to their end.
func readFault(ctx context.Context, relation string, err error) error {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case ok && refused.Code == "42501" && ctx.Err() == nil:
		return warehouse.Denied(relation, plainError(refused))
	case ok:
		err = discreetError(refused)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("the server closed the connection")
	}
	return warehouse.Broken(ctx, relation, err)
}

// plainError repeats what the server says.
func plainError(e *pgconn.PgError) error { return fmt.Errorf("%s (SQLSTATE %s)", e.Message, e.Code) }

// discreetError repeats what the server says, unless the error is of a kind
// whose message may quote a value of the data. What is repeated is about
// connections, transactions, authorization, catalogs, resources, limits,
// object state, operators and the system.
func discreetError(e *pgconn.PgError) error {
	quiet := []string{"08", "25", "26", "28", "3D", "40", "53", "54", "55", "57", "58", "72"}
	if len(e.Code) == 5 && slices.Contains(quiet, e.Code[:2]) {
		return plainError(e)
	}
	return fmt.Errorf("SQLSTATE %s; the server's message may quote a value, so it is not shown", e.Code)
}
