//go:build duckdb

package duckdb

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	bindings "github.com/duckdb/duckdb-go-bindings"

	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// Fetch implements warehouse.Snapshot. The keys go as texts to a temporary
// table, in memory, which DuckDB joins with: a row comes once, even if it is
// equal to two keys. Where the text of a key is not what SQL compares (JSON),
// all rows are read and filtered here.
func (s *Snapshot) Fetch(
	ctx context.Context, q warehouse.Query, keys []record.Key,
) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		if len(keys) == 0 {
			return
		}
		columns, err := s.pick(ctx, q.Relation, q.Columns)
		if err != nil {
			yield(nil, err)
			return
		}
		parts, err := s.pick(ctx, q.Relation, q.Key)
		if err != nil {
			yield(nil, err)
			return
		}
		if slices.ContainsFunc(parts, func(c column) bool { return c.form.kind == record.JSON }) {
			warehouse.Match(s.Rows(ctx, q), q, keys)(yield)
			return
		}
		if err := s.keep(parts, keys); err != nil {
			yield(nil, warehouse.Broken(ctx, q.Relation, fmt.Errorf("pass the keys: %w", err)))
			return
		}
		on := make([]string, len(parts))
		for i, p := range parts {
			on[i] = p.comparison(fmt.Sprintf("k.k%d", i))
		}
		sql := "select " + expressions(columns) + " from " + q.Relation + " as t semi join temp.exposync_keys as k on " + strings.Join(on, " and ")
		s.read(ctx, q.Relation, sql, columns, yield, readFault)
	}
}

// keep writes the keys into the temporary table.
func (s *Snapshot) keep(parts []column, keys []record.Key) error {
	columns, types := make([]string, len(parts)), make([]bindings.LogicalType, len(parts))
	for i := range parts {
		columns[i] = fmt.Sprintf("k%d varchar", i)
		types[i] = bindings.CreateLogicalType(bindings.TypeVarchar)
		defer bindings.DestroyLogicalType(&types[i])
	}
	if err := execute(s.conn, "create or replace temporary table exposync_keys ("+strings.Join(columns, ", ")+")"); err != nil {
		return err
	}
	var appender bindings.Appender
	defer bindings.AppenderDestroy(&appender)
	if bindings.AppenderCreateExt(s.conn, "temp", "main", "exposync_keys", &appender) == bindings.StateError {
		return appenderError(appender)
	}
	chunk := bindings.CreateDataChunk(types)
	defer bindings.DestroyDataChunk(&chunk)
	for some := range slices.Chunk(keys, int(bindings.VectorSize())) { //nolint:gosec // 2048
		if err := fill(chunk, len(parts), some); err != nil {
			return err
		}
		if bindings.AppendDataChunk(appender, chunk) == bindings.StateError {
			return appenderError(appender)
		}
	}
	if bindings.AppenderClose(appender) == bindings.StateError {
		return appenderError(appender)
	}
	return nil
}

// appenderError names the kind of an error: its message may quote a key.
func appenderError(a bindings.Appender) error { return discreet(bindings.AppenderError(a)) }

func fill(chunk bindings.DataChunk, parts int, keys []record.Key) error {
	bindings.DataChunkReset(chunk)
	var values record.Record
	for row, key := range keys {
		var err error
		if values, err = key.AppendValues(values[:0]); err != nil {
			return err
		}
		if len(values) != parts {
			return errors.New("a key has another number of parts than the query")
		}
		for i, v := range values {
			if v.Kind == record.Null || v.Kind == record.Absent {
				return errors.New("a part of a key is null")
			}
			vector := bindings.DataChunkGetVector(chunk, bindings.IdxT(i))
			bindings.VectorAssignStringElementLen(vector, bindings.IdxT(row), sql(v))
		}
	}
	bindings.DataChunkSetSize(chunk, bindings.IdxT(len(keys)))
	return nil
}

// sql writes a value as a text that DuckDB casts back to it.
func sql(v record.Value) []byte {
	switch v.Kind {
	case record.Bytes:
		return hex.AppendEncode(nil, v.Data)
	case record.Date, record.Timestamp, record.Instant: // 0044-03-15T12:00:00 BC is 0044-03-15 (BC) 12:00:00 here
		if text, before := strings.CutSuffix(string(v.Data), " BC"); before {
			day, clock, _ := strings.Cut(text, "T")
			return []byte(strings.TrimSpace(day + " (BC) " + clock))
		}
	default:
	}
	return v.Data
}
