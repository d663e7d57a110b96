// Package warehousetest is what every reader must pass: the same values, the
// same promises, on a real warehouse.
package warehousetest

import (
	"cmp"
	"context"
	"iter"
	"testing"

	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// Harness is a reader under test.
type Harness struct {
	// New gives a reader on an empty warehouse of its own.
	New func(t *testing.T) Bench
	// Doomed is New for a warehouse that kill ends as a crash would; nil for
	// a reader that has no server to lose.
	Doomed func(t *testing.T) (b Bench, kill func())
	// Values says how the dialect writes each of Cases. One it has no type
	// for is listed in Lacks, so that none is forgotten.
	Values map[string]Literal
	Lacks  []string
	// Late says that the first read of rows settles what a snapshot sees, not
	// Snapshot: the reader has no transaction that lasts.
	Late bool
	// Numbers is a select that yields the columns n (integer) and s (text of
	// n) for n from 1 to the number that is filled in for %d.
	Numbers string
	// Many is how many rows no buffer holds; 0: 300,000. It may be less for a
	// reader that has all rows before it gives the first.
	Many int
}

// many rows are more than any buffer holds.
func (h Harness) many() int { return cmp.Or(h.Many, 300_000) }

// Literal is a value in SQL: a column's type and what is inserted into it.
type Literal struct{ Type, SQL string }

// Bench is a reader and its warehouse.
type Bench struct {
	Warehouse warehouse.Warehouse
	// Exec runs a statement on another connection, committed on return.
	Exec func(t *testing.T, sql string)
	// Relation is the name of a table as dbt writes it for this warehouse.
	Relation func(table string) string
}

// Run runs the suite. Close the reader and the server after it, and look for
// leaked goroutines then: the tests run side by side.
func Run(t *testing.T, h Harness) {
	t.Helper()
	t.Run("Values", func(t *testing.T) { t.Parallel(); values(t, h) })
	t.Run("EveryValueIsAKey", func(t *testing.T) { t.Parallel(); valuesAsKeys(t, h) })
	t.Run("SameMarks", func(t *testing.T) { t.Parallel(); marks(t, h) })
	t.Run("NamesThatNeedQuotes", func(t *testing.T) { t.Parallel(); quoting(t, h) })
	t.Run("NoRows", func(t *testing.T) { t.Parallel(); noRows(t, h) })
	t.Run("MissingRelation", func(t *testing.T) { t.Parallel(); missing(t, h) })
	t.Run("View", func(t *testing.T) { t.Parallel(); view(t, h) })
	t.Run("RepeatableSnapshot", func(t *testing.T) { t.Parallel(); repeatable(t, h) })
	t.Run("SnapshotsSideBySide", func(t *testing.T) { t.Parallel(); sideBySide(t, h) })
	t.Run("CloseEndsSnapshots", func(t *testing.T) { t.Parallel(); closing(t, h) })
	t.Run("FetchOne", func(t *testing.T) { t.Parallel(); fetchOne(t, h) })
	t.Run("FetchComposite", func(t *testing.T) { t.Parallel(); fetchComposite(t, h) })
	t.Run("FetchManyKeys", func(t *testing.T) { t.Parallel(); fetchMany(t, h) })
	t.Run("FetchOddTexts", func(t *testing.T) { t.Parallel(); fetchOddTexts(t, h) })
	t.Run("SinceEveryValue", func(t *testing.T) { t.Parallel(); sinceValues(t, h) })
	t.Run("SinceLeavesRowsOut", func(t *testing.T) { t.Parallel(); sinceSaves(t, h) })
	t.Run("BreakLeavesTheSnapshotUsable", func(t *testing.T) { t.Parallel(); breaking(t, h) })
	t.Run("CanceledBefore", func(t *testing.T) { t.Parallel(); canceledBefore(t, h) })
	t.Run("CanceledMidway", func(t *testing.T) { t.Parallel(); canceledMidway(t, h) })
	if h.Doomed != nil {
		t.Run("ServerDiesMidway", func(t *testing.T) { t.Parallel(); dying(t, h) })
	}
}

// snapshot opens one that the test closes.
func snapshot(t *testing.T, b Bench) warehouse.Snapshot {
	t.Helper()
	s, err := b.Warehouse.Snapshot(t.Context())
	if err != nil {
		t.Fatalf("Snapshot: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the snapshot: %v", err)
		}
	})
	return s
}

// all reads every row and fails on an error.
func all(t *testing.T, rows iter.Seq2[record.Record, error]) []record.Record {
	t.Helper()
	var out []record.Record
	for r, err := range rows {
		if err != nil {
			t.Fatalf("after %d rows: %v", len(out), err)
		}
		out = append(out, r.Clone())
	}
	return out
}

// first reads one row and breaks off.
func first(t *testing.T, rows iter.Seq2[record.Record, error]) {
	t.Helper()
	for _, err := range rows {
		if err != nil {
			t.Fatalf("the first row: %v", err)
		}
		return
	}
	t.Fatal("there is no first row")
}

// drained counts rows up to the end or an error; nothing may come after one.
func drained(t *testing.T, rows iter.Seq2[record.Record, error], each func(n int)) (n int, err error) {
	t.Helper()
	for _, e := range rows {
		switch {
		case err != nil:
			t.Fatal("something was yielded after an error")
		case e != nil:
			err = e
		default:
			n++
			each(n)
		}
	}
	return n, err
}

func names(ctx context.Context, t *testing.T, s warehouse.Snapshot, relation string) []string {
	t.Helper()
	columns, err := s.Columns(ctx, relation)
	if err != nil {
		t.Fatalf("Columns(%s): %v", relation, err)
	}
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = c.Name
	}
	return out
}
