package sqlreader

import (
	"context"
	"database/sql/driver"
	"errors"
)

// Execute runs a statement.
func Execute(ctx context.Context, conn driver.Conn, sql string) error {
	run, ok := conn.(driver.ExecerContext)
	if !ok {
		return errors.New("the connection runs no statements")
	}
	_, err := run.ExecContext(ctx, sql, nil)
	return err
}
