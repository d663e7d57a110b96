//go:build duckdb

package duckdb

import (
	"context"

	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// since is the condition of a bounded read; empty for none. The bound is a
// literal of the column's own type, so that DuckDB can pass over whole groups
// of rows. One that the type cannot hold is null: then all rows come.
func (s *Snapshot) since(ctx context.Context, q warehouse.Query) (string, error) {
	if q.Since.Column == "" {
		return "", nil
	}
	columns, err := s.pick(ctx, q.Relation, []string{q.Since.Column})
	if err != nil {
		return "", err
	}
	c := columns[0]
	bound, ok := q.Since.Bound()
	// What comes through a cast may be a text where it has more digits than a
	// record's value: a TIMESTAMP_NS.
	if !ok || c.form.kind != q.Since.From.Kind || c.form.cast != "" {
		return "", nil
	}
	if c.form.kind == record.Instant {
		bound += "+00"
	}
	name, value := "t."+quote(c.Name), "try_cast("+literal(bound)+" as "+c.form.as+")"
	return " where " + name + " >= " + value + " or " + name + " is null or " + value + " is null", nil
}
