package postgres

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// Fetch implements warehouse.Snapshot. Keys travel as arrays of the columns'
// own types, so the server compares as it would for a join and may use an
// index. Where it cannot compare (JSON, arrays), all rows are read and
// filtered here.
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
		if s.redshift {
			s.fetchRedshift(ctx, q, columns, parts, keys, yield)
			return
		}
		if slices.ContainsFunc(parts, func(c column) bool { return c.keys == 0 }) {
			warehouse.Match(s.Rows(ctx, q), q, keys)(yield)
			return
		}
		st, err := fetchStatement(q.Relation, columns, parts, keys)
		if err != nil {
			yield(nil, fmt.Errorf("fetch from %s by key: %w", q.Relation, err))
			return
		}
		s.read(ctx, q.Relation, columns, st, yield)
	}
}

// fetchStatement asks for the rows with these keys. It is a semi-join: a row
// comes once, even if the server finds it equal to two keys.
func fetchStatement(relation string, columns, parts []column, keys []record.Key) (statement, error) {
	st := statement{types: make([]uint32, len(parts)), values: make([][]byte, len(parts))}
	arrays, aliases := make([]string, len(parts)), make([]string, len(parts))
	for i, p := range parts {
		st.types[i], st.values[i] = p.keys, []byte{'{'}
		arrays[i], aliases[i] = fmt.Sprintf("$%d", i+1), fmt.Sprintf("k%d", i)
	}
	for n, key := range keys {
		values, err := key.Values()
		if err != nil {
			return st, err
		}
		if len(values) != len(parts) {
			return st, errors.New("a key has another number of parts than the query")
		}
		for i, v := range values {
			if n > 0 {
				st.values[i] = append(st.values[i], ',')
			}
			if st.values[i], err = appendItem(st.values[i], v); err != nil {
				return st, err
			}
		}
	}
	for i := range st.values {
		st.values[i] = append(st.values[i], '}')
	}
	st.sql = fmt.Sprintf("select %s from %s where (%s) in (select %s from unnest(%s) as k(%s))",
		expressions(columns), relation, expressions(parts),
		strings.Join(aliases, ", "), strings.Join(arrays, ", "), strings.Join(aliases, ", "))
	return st, nil
}

// appendItem writes a value as an item of an array literal. Canonical texts
// are what PostgreSQL reads, but for bytes.
func appendItem(dst []byte, v record.Value) ([]byte, error) {
	dst = append(dst, '"')
	switch v.Kind {
	case record.Null, record.Absent:
		return dst, errors.New("a part of a key is null")
	case record.Bytes:
		dst = append(dst, `\\x`...)
		dst = hex.AppendEncode(dst, v.Data)
	default:
		for _, c := range v.Data {
			if c == '"' || c == '\\' {
				dst = append(dst, '\\')
			}
			dst = append(dst, c)
		}
	}
	return append(dst, '"'), nil
}
