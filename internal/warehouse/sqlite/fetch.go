package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// Fetch implements warehouse.Snapshot. The keys go to a temporary table, in
// memory, which SQLite compares with; what it finds equal by a looser rule
// (a collation) is left out here. Where the text of a key is not what is
// stored (a timestamp may be written in many ways), all rows are read.
func (s *Snapshot) Fetch(
	ctx context.Context, q warehouse.Query, keys []record.Key,
) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		if len(keys) == 0 {
			return
		}
		parts, name, err := s.pick(ctx, q.Relation, q.Key)
		if err != nil {
			yield(nil, err)
			return
		}
		columns, _, err := s.pick(ctx, q.Relation, q.Columns)
		if err != nil {
			yield(nil, err)
			return
		}
		rows := s.Rows(ctx, q)
		if !slices.ContainsFunc(parts, func(c column) bool { return rewritten(c.hint) }) {
			condition, err := s.keep(ctx, parts, keys)
			if err != nil {
				yield(nil, warehouse.Broken(ctx, q.Relation, fmt.Errorf("pass the keys: %w", discreet(err))))
				return
			}
			sql := "select " + selection(columns) + " from " + name + " where " + condition
			rows = func(yield func(record.Record, error) bool) { s.read(ctx, q.Relation, columns, sql, yield) }
		}
		warehouse.Match(rows, q, keys)(yield)
	}
}

// rewritten tells whether a column's values are not stored as their
// canonical text says.
func rewritten(hint record.Kind) bool {
	switch hint {
	case record.Time, record.Timestamp, record.Instant, record.Decimal, record.JSON:
		return true
	default:
		return false
	}
}

// keep writes the keys into the temporary table and gives the condition that
// a row's key is among them.
func (s *Snapshot) keep(ctx context.Context, parts []column, keys []record.Key) (condition string, err error) {
	names, columns, marks := make([]string, len(parts)), make([]string, len(parts)), make([]string, len(parts))
	for i, p := range parts {
		names[i], columns[i], marks[i] = quote(p.Name), fmt.Sprintf("k%d", i), "?"
	}
	list := strings.Join(columns, ", ")
	if err := s.exec(ctx, "drop table if exists temp.exposync_keys"); err != nil {
		return "", err
	}
	if err := s.exec(ctx, "create table temp.exposync_keys ("+list+")"); err != nil {
		return "", err
	}
	insert, err := s.conn.PrepareContext(ctx, "insert into temp.exposync_keys values ("+strings.Join(marks, ", ")+")")
	if err != nil {
		return "", err
	}
	defer func() { _ = insert.Close() }()
	add, ok := insert.(driver.StmtExecContext)
	if !ok {
		return "", errors.New("the driver's statements take no context")
	}
	for _, key := range keys {
		args, err := arguments(key, len(parts))
		if err != nil {
			return "", err
		}
		if _, err := add.ExecContext(ctx, args); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("(%s) in (select %s from temp.exposync_keys)", strings.Join(names, ", "), list), nil
}

// arguments gives the parts of a key as SQLite stores them.
func arguments(key record.Key, count int) ([]driver.NamedValue, error) {
	values, err := key.Values()
	if err != nil {
		return nil, err
	}
	if len(values) != count {
		return nil, errors.New("a key has another number of parts than the query")
	}
	args := make([]driver.NamedValue, count)
	for i, v := range values {
		args[i].Ordinal = i + 1
		switch v.Kind {
		case record.Null, record.Absent:
			return nil, errors.New("a part of a key is null")
		case record.Bool:
			args[i].Value = string(v.Data) == "true" // bound as 1 or 0
		case record.Int, record.Float, record.Decimal:
			args[i].Value = number(string(v.Data))
		case record.Bytes:
			args[i].Value = append([]byte{}, v.Data...) // nil would be null
		default:
			args[i].Value = string(v.Data)
		}
	}
	return args, nil
}

func number(text string) driver.Value {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text
	}
	return f
}
