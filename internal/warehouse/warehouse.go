// Package warehouse is the seam to where export models live. An adapter
// reads; it never writes to the warehouse.
package warehouse

import (
	"context"
	"iter"

	"exposync/internal/record"
)

// Warehouse opens snapshots. It is safe for use by several jobs at once.
type Warehouse interface {
	// Snapshot starts one read-only transaction in which every read sees the
	// same data, however long it is open.
	Snapshot(ctx context.Context) (Snapshot, error)
	// Close releases the connections. Open snapshots are closed first.
	Close() error
}

// Snapshot reads from one consistent state of the warehouse. It is used by
// one goroutine at a time, and one iteration is finished before the next call.
type Snapshot interface {
	// Columns gives the columns of a relation without reading rows. The
	// relation is quoted, as dbt wrote it. A relation that does not exist is
	// a fault with code "relation_missing".
	Columns(ctx context.Context, relation string) ([]record.Column, error)
	// Rows yields every row, in any order. A record is valid until the next
	// one. After an error nothing more is yielded: a read that ends without
	// an error was complete. With q.Since, rows may be left out, see there.
	Rows(ctx context.Context, q Query) iter.Seq2[record.Record, error]
	// Fetch yields the rows whose key columns hold one of keys, in any order.
	// Keys are at most FetchChunk long. A warehouse that compares more
	// loosely than bytes (collations) may yield more rows than asked for. With
	// q.Since, keys of rows that Rows may leave out need not be found.
	Fetch(ctx context.Context, q Query, keys []record.Key) iter.Seq2[record.Record, error]
	// Close ends the transaction.
	Close() error
}

// FetchChunk is how many keys one Fetch is asked for at the most: each Fetch
// may cost a scan of the relation, and the keys are held in memory.
const FetchChunk = 50_000

// Query says what to read.
type Query struct {
	Relation string   // quoted, as dbt wrote it
	Columns  []string // as Snapshot.Columns spelled them; the record's order
	Key      []string // the key's columns, all among Columns, in the order of record.Key; used by Fetch
	Since    Since    // the zero value: all rows
}

// Since is a lower bound, From included, on one column. It only saves work:
// a reader may leave a row out if its value is certainly below From, and
// whoever reads compares again. These rows must come, whatever the SQL:
//   - the value is not below From by record.Compare (a zone, a fraction of a
//     second and the scale of a decimal change nothing about that);
//   - the value is null: SQL's >= alone leaves it out;
//   - the value is of another kind than Columns says, as SQLite allows it, and
//     so are NaN and infinity (which is above everything).
//
// A reader that cannot be sure of all that (a rounded literal, a session's
// time zone, a year its SQL cannot write) lowers the bound or reads all rows.
// From goes to the warehouse as a parameter, or as a literal that its kind
// alone makes safe.
type Since struct {
	Column string       // among Columns; empty: all rows
	From   record.Value // an Int, Decimal, Date, Timestamp or Instant, of the column's kind and finite
}
