package sqlreader

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"exposync/internal/warehouse"
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

// Looked says how many rows the server has looked at for a snapshot: on its
// way through tables, and through indexes.
func Looked(t *testing.T, from warehouse.Snapshot) (scanned, sought int) {
	t.Helper()
	s, ok := from.(*Snapshot)
	if !ok {
		t.Fatal("not a snapshot of MySQL")
	}
	count := func(names string) int {
		cell, err := s.first(t.Context(), "select cast(sum(variable_value) as char) from information_schema.session_status where variable_name in ("+names+")")
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.Atoi(fmt.Sprintf("%s", cell))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return count("'handler_read_rnd_next'"), count("'handler_read_key', 'handler_read_next'")
}
