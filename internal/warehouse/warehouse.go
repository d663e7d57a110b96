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
	// an error was complete.
	Rows(ctx context.Context, q Query) iter.Seq2[record.Record, error]
	// Fetch yields the rows whose key columns hold one of keys, in any order.
	// Keys are at most FetchChunk long. A warehouse that compares more
	// loosely than bytes (collations) may yield more rows than asked for.
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
}
