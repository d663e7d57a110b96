package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"modernc.org/sqlite"

	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// Snapshot is one connection with an open transaction.
type Snapshot struct {
	conn      connection
	schemas   map[string]bool // attached, lower case
	relations map[string][]column
	warehouse *Warehouse
}

// column is a column and what its declaration says of its values.
type column struct {
	record.Column
	hint record.Kind
}

func (s *Snapshot) exec(ctx context.Context, sql string) error {
	_, err := s.conn.ExecContext(ctx, sql, nil)
	return err
}

func (s *Snapshot) attach(ctx context.Context, schema, path string) error {
	s.schemas[strings.ToLower(schema)] = true
	if schema == "main" {
		return nil
	}
	return s.exec(ctx, fmt.Sprintf("attach database '%s' as %s", strings.ReplaceAll(uri(path), "'", "''"), quote(schema)))
}

// begin starts the transaction. SQLite settles what is seen of a file with
// the first read from it.
func (s *Snapshot) begin(ctx context.Context) error {
	if err := s.exec(ctx, "begin deferred"); err != nil {
		return err
	}
	for schema := range s.schemas {
		if err := s.exec(ctx, "select count(*) from "+quote(schema)+".sqlite_schema"); err != nil {
			return err
		}
	}
	return nil
}

// Columns implements warehouse.Snapshot.
func (s *Snapshot) Columns(ctx context.Context, relation string) ([]record.Column, error) {
	described, _, err := s.describe(ctx, relation)
	if err != nil {
		return nil, err
	}
	out := make([]record.Column, len(described))
	for i, c := range described {
		out[i] = c.Column
	}
	return out, nil
}

// describe gives a relation's columns and its name as SQLite takes it.
func (s *Snapshot) describe(ctx context.Context, relation string) ([]column, string, error) {
	if err := ctx.Err(); err != nil {
		return nil, "", warehouse.Broken(ctx, relation, err)
	}
	name, schema, table, ok := parseRelation(relation)
	if !ok {
		return nil, "", warehouse.Missing(relation)
	}
	if known, ok := s.relations[name]; ok {
		return known, name, nil
	}
	there, err := s.exists(ctx, schema, table)
	if err != nil {
		return nil, "", warehouse.Broken(ctx, relation, err)
	}
	if !there {
		return nil, "", warehouse.Missing(relation)
	}
	info, err := s.conn.ColumnInfo("select * from " + name)
	if err != nil {
		return nil, "", warehouse.Broken(ctx, relation, err) // no row was read: it quotes none
	}
	columns := make([]column, len(info))
	for i, c := range info {
		columns[i].Name, columns[i].Type = c.Name, c.DeclType
		columns[i].Kind, columns[i].hint = declared(c.DeclType)
	}
	s.relations[name] = columns
	return columns, name, nil
}

func (s *Snapshot) exists(ctx context.Context, schema, table string) (bool, error) {
	if !s.schemas[strings.ToLower(schema)] {
		return false, nil
	}
	rows, err := s.conn.QueryContext(ctx,
		"select 1 from "+quote(schema)+".sqlite_schema where type in ('table', 'view') and name = ? collate nocase",
		[]driver.NamedValue{{Ordinal: 1, Value: table}})
	if err != nil {
		return false, err
	}
	defer func() { _ = rows.Close() }()
	switch err := rows.Next(make([]driver.Value, 1)); {
	case err == nil:
		return true, nil
	case errors.Is(err, io.EOF):
		return false, nil
	default:
		return false, err
	}
}

// Rows implements warehouse.Snapshot.
func (s *Snapshot) Rows(ctx context.Context, q warehouse.Query) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		columns, name, err := s.pick(ctx, q.Relation, q.Columns)
		if err != nil {
			yield(nil, err)
			return
		}
		condition, err := s.since(ctx, q)
		if err != nil {
			yield(nil, err)
			return
		}
		s.read(ctx, q.Relation, columns, "select "+selection(columns)+" from "+name+condition, yield)
	}
}

// pick gives the columns with these names, in this order.
func (s *Snapshot) pick(ctx context.Context, relation string, names []string) ([]column, string, error) {
	described, name, err := s.describe(ctx, relation)
	if err != nil {
		return nil, "", err
	}
	out := make([]column, len(names))
	for i, n := range names {
		at := slices.IndexFunc(described, func(c column) bool { return c.Name == n })
		if at < 0 { // SQLite would take the quoted name for a text
			return nil, "", warehouse.Broken(ctx, relation, fmt.Errorf("it has no column %q any more", n))
		}
		out[i] = described[at]
	}
	return out, name, nil
}

// selection lists the columns. The plus changes no value: it keeps the driver
// from seeing the declared type and making times of texts by its own rules.
func selection(columns []column) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = "+" + quote(c.Name)
	}
	return strings.Join(list, ", ")
}

// read yields the rows of a statement.
func (s *Snapshot) read(
	ctx context.Context, relation string, columns []column, sql string, yield func(record.Record, error) bool,
) {
	rows, err := s.conn.QueryContext(ctx, sql, nil)
	if err != nil {
		yield(nil, warehouse.Broken(ctx, relation, discreet(err)))
		return
	}
	defer func() { _ = rows.Close() }()
	cells, row, buf := make([]driver.Value, len(columns)), make(record.Record, len(columns)), []byte(nil)
	for {
		err := rows.Next(cells)
		switch {
		case ctx.Err() != nil || err != nil && !errors.Is(err, io.EOF):
			yield(nil, warehouse.Broken(ctx, relation, discreet(err)))
			return
		case err != nil:
			return
		}
		buf = buf[:0]
		for i, cell := range cells {
			if row[i], buf, err = value(columns[i].hint, cell, buf); err != nil {
				yield(nil, warehouse.Broken(ctx, relation, fmt.Errorf("column %q: %w", columns[i].Name, err)))
				return
			}
		}
		if !yield(row, nil) {
			return
		}
	}
}

// discreet names an error by its code: SQLite's messages may quote a value.
func discreet(err error) error {
	failed, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err
	}
	if name, known := sqlite.ErrorCodeString[failed.Code()]; known {
		return errors.New(name)
	}
	const primary = 0xff // the rest of a code is detail
	return fmt.Errorf("SQLite error %d: %s", failed.Code(), sqlite.ErrorCodeString[failed.Code()&primary])
}

// Close ends the transaction and closes the files.
func (s *Snapshot) Close() error {
	w := s.warehouse
	w.mu.Lock()
	_, open := w.open[s]
	delete(w.open, s)
	w.mu.Unlock()
	if !open {
		return nil
	}
	if err := s.conn.Close(); err != nil { // without a rollback there is nothing to lose
		return fmt.Errorf("close %s: %w", w.config.Paths["main"], err)
	}
	return nil
}
