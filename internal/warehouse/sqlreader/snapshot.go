package sqlreader

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"

	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// Snapshot is one connection with an open transaction.
type Snapshot struct {
	conn      connection
	dialect   Dialect
	limit     int                 // bytes of a statement
	relations map[string][]Column // described so far
	unread    *reading            // an iteration that was broken off
	warehouse *Warehouse
}

// reading is a result that is still coming in.
type reading struct {
	rows   driver.Rows
	cancel context.CancelFunc
}

func (r *reading) close() error {
	defer r.cancel()
	return r.rows.Close()
}

func (s *Snapshot) begin(ctx context.Context) error {
	for _, sql := range s.dialect.Begin {
		if _, err := s.first(ctx, sql); err != nil {
			return err
		}
	}
	s.limit = math.MaxInt
	if s.dialect.Limit == "" {
		return nil
	}
	limit, err := s.first(ctx, s.dialect.Limit)
	if err != nil {
		return err
	}
	if s.limit, err = strconv.Atoi(fmt.Sprint(limit)); err != nil {
		return fmt.Errorf("%s: %w", s.dialect.Limit, err)
	}
	return nil
}

// first runs a statement and gives the first cell of what it answers; nil if
// it answers nothing.
func (s *Snapshot) first(ctx context.Context, sql string) (driver.Value, error) {
	rows, err := s.conn.QueryContext(ctx, sql, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	cells := make([]driver.Value, len(rows.Columns()))
	if len(cells) == 0 {
		return nil, nil
	}
	if err := rows.Next(cells); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, err
	}
	return cells[0], nil
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

func (s *Snapshot) describe(ctx context.Context, relation string) ([]Column, error) {
	if err := ctx.Err(); err != nil {
		return nil, warehouse.Broken(ctx, relation, err)
	}
	if known, ok := s.relations[relation]; ok {
		return known, nil
	}
	if err := s.skip(ctx); err != nil {
		return nil, s.dialect.Reading(ctx, relation, err)
	}
	rows, err := s.conn.QueryContext(ctx, s.dialect.Describe(relation), nil)
	if err != nil {
		return nil, s.dialect.Describing(ctx, relation, err)
	}
	defer func() { _ = rows.Close() }()
	cells := make([]driver.Value, len(rows.Columns()))
	var columns []Column
	for {
		err := rows.Next(cells)
		switch {
		case errors.Is(err, io.EOF):
			s.relations[relation] = columns
			return columns, nil
		case err != nil:
			return nil, s.dialect.Describing(ctx, relation, err)
		case len(cells) < 2: //nolint:mnd // name and type
			return nil, fmt.Errorf("describe %s: no name and type", relation)
		}
		columns = append(columns, s.dialect.Column(plain(cells[0]), plain(cells[1])))
	}
}

func plain(cell driver.Value) string {
	if text, ok := cell.([]byte); ok {
		return string(text)
	}
	return fmt.Sprint(cell)
}

// pick gives the columns with these names, in this order.
func (s *Snapshot) pick(ctx context.Context, relation string, names []string) ([]Column, error) {
	described, err := s.describe(ctx, relation)
	if err != nil {
		return nil, err
	}
	out := make([]Column, len(names))
	for i, name := range names {
		at := slices.IndexFunc(described, func(c Column) bool { return c.Name == name })
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
		s.read(ctx, q.Relation, selecting(columns, q.Relation)+where, columns)(yield)
	}
}

// since is the condition of a bounded read.
func (s *Snapshot) since(ctx context.Context, q warehouse.Query) (string, error) {
	if q.Since.Column == "" {
		return "", nil
	}
	columns, err := s.pick(ctx, q.Relation, []string{q.Since.Column})
	if err != nil || columns[0].Kind != q.Since.From.Kind {
		return "", err
	}
	condition := s.dialect.Since(columns[0], q.Since)
	if condition == "" {
		return "", nil
	}
	return " where " + condition, nil
}

func selecting(columns []Column, relation string) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = c.Select
	}
	return "select " + strings.Join(list, ", ") + " from " + relation
}

// read yields the rows of a statement. The context of the caller ends the
// reading, but only as long as it lasts: after a break the rest of the result
// waits for the next call, which skips it, or for Close, which cancels it.
func (s *Snapshot) read(ctx context.Context, relation, sql string, columns []Column) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		if err := s.skip(ctx); err != nil {
			yield(nil, s.dialect.Reading(ctx, relation, err))
			return
		}
		own, cancel := context.WithCancel(context.WithoutCancel(ctx))
		defer context.AfterFunc(ctx, cancel)()
		rows, err := s.conn.QueryContext(own, sql, nil)
		if err != nil {
			cancel()
			yield(nil, s.dialect.Reading(ctx, relation, err))
			return
		}
		s.unread = &reading{rows: rows, cancel: cancel}
		cells, d := make([]driver.Value, len(columns)), decoder{columns: columns, row: make(record.Record, len(columns))}
		for {
			if err := rows.Next(cells); err != nil {
				_ = s.unread.close()
				s.unread = nil
				if err = errors.Join(err, ctx.Err()); !errors.Is(err, io.EOF) || ctx.Err() != nil {
					yield(nil, s.dialect.Reading(ctx, relation, err))
				}
				return
			}
			if err := d.decode(cells); err != nil {
				yield(nil, warehouse.Broken(ctx, relation, err))
				return
			}
			if !yield(d.row, nil) {
				return
			}
		}
	}
}

// decoder makes records of what the driver gives, into one record over and
// over.
type decoder struct {
	columns []Column
	row     record.Record
	buf     []byte
}

func (d *decoder) decode(cells []driver.Value) (err error) {
	d.buf = d.buf[:0]
	for i, cell := range cells {
		if cell == nil {
			d.row[i] = record.Value{Kind: record.Null}
			continue
		}
		if d.row[i], d.buf, err = d.columns[i].Decode(cell, d.buf); err != nil {
			return fmt.Errorf("column %q of type %s: %w", d.columns[i].Name, d.columns[i].Type, err)
		}
	}
	return nil
}

// skip reads past the rest of an iteration that was broken off.
func (s *Snapshot) skip(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.unread == nil {
		return nil
	}
	u := s.unread
	s.unread = nil
	defer context.AfterFunc(ctx, u.cancel)()
	return u.close()
}

// Close ends the transaction with its connection. A result that is still
// coming in is not read.
func (s *Snapshot) Close() error {
	w := s.warehouse
	w.mu.Lock()
	_, open := w.open[s]
	delete(w.open, s)
	w.mu.Unlock()
	if !open {
		return nil
	}
	defer func() { <-w.turns }()
	if s.unread != nil {
		s.unread.cancel() // the driver closes the connection
		_ = s.unread.close()
		s.unread = nil
	}
	_ = s.conn.Close() // without a commit there is nothing to lose
	return nil
}
