package warehouse

import (
	"fmt"
	"iter"
	"slices"

	"exposync/internal/record"
)

// Match yields those of rows whose key is one of keys, byte by byte: a Fetch
// for relations or key columns that cannot be asked for keys. The columns of
// q.Key must be among q.Columns.
func Match(rows iter.Seq2[record.Record, error], q Query, keys []record.Key) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		at := make([]int, len(q.Key))
		for i, name := range q.Key {
			if at[i] = slices.Index(q.Columns, name); at[i] < 0 {
				yield(nil, fmt.Errorf("fetch from %s: key column %q is not among the columns read", q.Relation, name))
				return
			}
		}
		wanted := make(map[string]struct{}, len(keys))
		for _, k := range keys {
			wanted[string(k)] = struct{}{}
		}
		var key record.Key
		for r, err := range rows {
			if err != nil {
				yield(nil, err)
				return
			}
			key = key[:0]
			for _, i := range at {
				key = record.AppendKey(key, r[i])
			}
			if _, ok := wanted[string(key)]; ok && !yield(r, nil) {
				return
			}
		}
	}
}
