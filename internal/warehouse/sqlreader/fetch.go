package sqlreader

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// maxStatement is how many bytes of keys one statement has at the most, if
// the server takes that much.
const maxStatement = 8 << 20

// Fetch implements warehouse.Snapshot. Keys stand in the statement, as many as
// it may hold; the server compares as it does (without regard to case, often),
// and what is not among them byte by byte is left out here. Where it cannot
// compare (JSON), all rows are read.
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
		if slices.ContainsFunc(parts, func(c Column) bool { return c.Compare == "" }) {
			warehouse.Match(s.Rows(ctx, q), q, keys)(yield)
			return
		}
		s.statements(ctx, q, columns, parts, keys, yield)
	}
}

// statements asks for as many keys at a time as a statement holds. Each one's
// rows are matched with its own keys, so that no row comes twice because it
// equals another key of a later one.
func (s *Snapshot) statements(
	ctx context.Context, q warehouse.Query, columns, parts []Column, keys []record.Key, yield func(record.Record, error) bool,
) {
	head := selecting(columns, q.Relation) + " where " + tuple(parts) + " in ("
	for len(keys) > 0 {
		list, n, err := s.list(parts, keys, min(maxStatement, s.limit/2-len(head)))
		if err != nil {
			yield(nil, fmt.Errorf("fetch from %s by key: %w", q.Relation, err))
			return
		}
		for r, err := range warehouse.Match(s.read(ctx, q.Relation, head+list+")", columns), q, keys[:n]) {
			if !yield(r, err) || err != nil {
				return
			}
		}
		keys = keys[n:]
	}
}

func tuple(parts []Column) string {
	list := make([]string, len(parts))
	for i, p := range parts {
		list[i] = p.Compare
	}
	if len(list) == 1 {
		return list[0]
	}
	return "(" + strings.Join(list, ", ") + ")"
}

// list writes as many keys as fit, one at least, and says how many those are.
func (s *Snapshot) list(parts []Column, keys []record.Key, limit int) (string, int, error) {
	var out []byte
	for n, key := range keys {
		start := len(out)
		if n > 0 {
			out = append(out, ',')
		}
		var err error
		if out, err = s.appendKey(out, parts, key); err != nil {
			return "", 0, err
		}
		if n > 0 && len(out) > limit {
			return string(out[:start]), n, nil
		}
	}
	return string(out), len(keys), nil
}

func (s *Snapshot) appendKey(dst []byte, parts []Column, key record.Key) ([]byte, error) {
	values, err := key.Values()
	if err != nil {
		return dst, err
	}
	if len(values) != len(parts) {
		return dst, errors.New("a key has another number of parts than the query")
	}
	opening, closing := "", ""
	if len(parts) > 1 {
		opening, closing = "(", ")"
	}
	dst = append(dst, opening...)
	for i, v := range values {
		if v.Kind == record.Null || v.Kind == record.Absent {
			return dst, errors.New("a part of a key is null")
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = s.dialect.Literal(dst, parts[i], v)
	}
	return append(dst, closing...), nil
}
