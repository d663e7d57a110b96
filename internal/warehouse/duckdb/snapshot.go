//go:build duckdb

package duckdb

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	bindings "github.com/duckdb/duckdb-go-bindings"

	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// Snapshot is one connection with an open transaction.
type Snapshot struct {
	conn      bindings.Connection
	relations map[string][]column
	warehouse *Warehouse
}

// errClosed is of a snapshot that is used after its end.
var errClosed = errors.New("the snapshot is closed")

// begin starts the transaction. DuckDB settles what is seen of a file with
// the first look into it, which the list of its schemas is.
func (s *Snapshot) begin(i *instance) error {
	conn, err := i.connection()
	if err != nil {
		return err
	}
	main := s.warehouse.config.Files[0].Name
	for _, sql := range []string{"use " + quote(main), "begin transaction", "select count(*) from duckdb_schemas()"} {
		if err := execute(conn, sql); err != nil {
			bindings.Disconnect(&conn)
			return err
		}
	}
	s.conn = conn
	return nil
}

// Columns implements warehouse.Snapshot.
func (s *Snapshot) Columns(ctx context.Context, relation string) ([]record.Column, error) {
	described, err := s.describe(ctx, relation)
	if err != nil {
		return nil, err
	}
	out := make([]record.Column, len(described))
	for i, c := range described {
		out[i] = c.Column
	}
	return out, nil
}

func (s *Snapshot) describe(ctx context.Context, relation string) ([]column, error) {
	if err := s.usable(ctx, relation); err != nil {
		return nil, err
	}
	if known, ok := s.relations[relation]; ok {
		return known, nil
	}
	text := column{form: form{kind: record.Text}}
	var columns []column
	var failure error
	s.read(ctx, relation, "select column_name, column_type from (describe select * from "+relation+")", []column{text, text},
		func(r record.Record, err error) bool {
			if failure = err; err == nil {
				columns = append(columns, newColumn(string(r[0].Data), string(r[1].Data)))
			}
			return err == nil
		}, describeFault)
	if failure != nil {
		return nil, failure
	}
	s.relations[relation] = columns
	return columns, nil
}

func (s *Snapshot) usable(ctx context.Context, relation string) error {
	err := ctx.Err()
	if s.conn.Ptr == nil {
		err = errClosed
	}
	if err != nil {
		return warehouse.Broken(ctx, relation, err)
	}
	return nil
}

// pick gives the columns with these names, in this order.
func (s *Snapshot) pick(ctx context.Context, relation string, names []string) ([]column, error) {
	described, err := s.describe(ctx, relation)
	if err != nil {
		return nil, err
	}
	out := make([]column, len(names))
	for i, name := range names {
		at := slices.IndexFunc(described, func(c column) bool { return c.Name == name })
		if at < 0 {
			return nil, warehouse.Broken(ctx, relation, fmt.Errorf("it has no column %q any more", name))
		}
		out[i] = described[at]
	}
	return out, nil
}

// Rows implements warehouse.Snapshot.
func (s *Snapshot) Rows(ctx context.Context, q warehouse.Query) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		columns, err := s.pick(ctx, q.Relation, q.Columns)
		if err != nil {
			yield(nil, err)
			return
		}
		where, err := s.since(ctx, q)
		if err != nil {
			yield(nil, err)
			return
		}
		s.read(ctx, q.Relation, "select "+expressions(columns)+" from "+q.Relation+" as t"+where, columns, yield, readFault)
	}
}

func expressions(columns []column) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = c.expression()
	}
	return strings.Join(list, ", ")
}

// faulter says why a statement failed.
type faulter func(ctx context.Context, relation, said string) error

// read yields the rows of a statement, chunk by chunk while DuckDB works on
// the next ones.
func (s *Snapshot) read(
	ctx context.Context, relation, sql string, columns []column, yield func(record.Record, error) bool, because faulter,
) {
	released := s.interruptible(ctx)
	defer released()
	var statement bindings.PreparedStatement
	defer bindings.DestroyPrepare(&statement)
	if bindings.Prepare(s.conn, sql, &statement) == bindings.StateError {
		yield(nil, because(ctx, relation, bindings.PrepareError(statement)))
		return
	}
	var result bindings.Result
	defer bindings.DestroyResult(&result)
	if bindings.ExecutePreparedStreaming(statement, &result) == bindings.StateError {
		yield(nil, because(ctx, relation, bindings.ResultError(&result)))
		return
	}
	rows, err := newDecoder(columns, &result)
	if err != nil {
		yield(nil, warehouse.Broken(ctx, relation, err))
		return
	}
	for more := true; more; {
		if more, err = rows.chunk(ctx, result, yield); err != nil {
			yield(nil, warehouse.Broken(ctx, relation, err))
			return
		}
	}
	if said := bindings.ResultError(&result); rows.drained && (said != "" || ctx.Err() != nil) {
		yield(nil, because(ctx, relation, said))
	}
}

// again is how often DuckDB is told to stop: what is told between two
// statements goes unheard.
const again = 20 * time.Millisecond

// interruptible has ctx end what the connection does, until released.
func (s *Snapshot) interruptible(ctx context.Context) (released func()) {
	over, gone := make(chan struct{}), make(chan struct{})
	detach := context.AfterFunc(ctx, func() {
		defer close(gone)
		tick := time.NewTicker(again)
		defer tick.Stop()
		for {
			bindings.Interrupt(s.conn)
			select {
			case <-over:
				return
			case <-tick.C:
			}
		}
	})
	return func() {
		close(over)
		if !detach() {
			<-gone
		}
	}
}

// Close ends the transaction, and lets writers at the files if it was the
// last.
func (s *Snapshot) Close() error {
	w := s.warehouse
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, open := w.open[s]; !open {
		return nil
	}
	delete(w.open, s)
	bindings.Disconnect(&s.conn) // without a commit there is nothing to lose
	w.release()
	return nil
}
