package postgres

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"

	"exposync/internal/ledger"
	"exposync/internal/record"
)

// chunkRows is how many marks are read at once.
const chunkRows = 4096

// errTaken says that somebody else has the lease by now.
var errTaken = errors.New("the lease was taken over")

// binaryResults asks for every column in binary.
func binaryResults() []int16 { return []int16{1} }

// readChunk is one statement, so that token and marks are of one instant; and
// it gives a row even where there is no mark.
const readChunk = `select (select token from {s}.leases where sync = $1), m.* from (select) as one left join lateral (
	select ` + markList + ` from {s}.marks where sync = $1 and key_hash >= $2 order by key_hash limit $3) as m on true order by m.key_hash`

// inKeyOrder makes the server read marks by their index: before it has looked
// at a new table it takes it for small, and would sort all of it for every
// chunk.
const inKeyOrder = `set_config('enable_bitmapscan', 'off', true), set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)`

// chunk is a stretch of marks in the order of their keys: all there are from
// one key to another. It never changes.
type chunk struct {
	from  record.Hash
	to    record.Hash // the last key that the chunk would have
	marks []record.Mark
}

// covers reports whether the chunk has every mark between at and its end.
func (c *chunk) covers(at record.Hash) bool {
	return c != nil && bytes.Compare(c.from[:], at[:]) <= 0 && bytes.Compare(at[:], c.to[:]) <= 0
}

// marks reads the marks of a sync in chunks, each from one key on. The last
// chunk is kept: most partitions are smaller.
type marks struct {
	store *store
	id    int64
	token int64 // that the lease has to have; 0 to read without one
	on    func(ctx context.Context, fn func(conn *pgconn.PgConn) error) error

	mu   sync.Mutex
	last *chunk
}

// partition yields the marks of one partition.
func (m *marks) partition(ctx context.Context, part int) iter.Seq2[record.Mark, error] {
	return func(yield func(record.Mark, error) bool) {
		at, end := record.Hash{byte(part)}, lastOf(part) //nolint:gosec // below 256
		for {
			c, err := m.chunk(ctx, at)
			if err != nil {
				yield(record.Mark{}, err)
				return
			}
			i, _ := slices.BinarySearchFunc(c.marks, at, func(k record.Mark, at record.Hash) int { return bytes.Compare(k.KeyHash[:], at[:]) })
			for ; i < len(c.marks) && int(c.marks[i].KeyHash[0]) == part; i++ {
				if !yield(c.marks[i], nil) {
					return
				}
			}
			if bytes.Compare(c.to[:], end[:]) >= 0 {
				return
			}
			at = after(c.to)
		}
	}
}

// chunk gives one that covers the key.
func (m *marks) chunk(ctx context.Context, at record.Hash) (*chunk, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last.covers(at) {
		return m.last, nil
	}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c := &chunk{from: at, to: lastOf(ledger.Partitions - 1)}
	err := m.on(limited, func(conn *pgconn.PgConn) error { return m.read(limited, conn, c) })
	if err != nil {
		return nil, err
	}
	if len(c.marks) == chunkRows {
		c.to = c.marks[chunkRows-1].KeyHash
	}
	m.last = c
	return c, nil
}

func (m *marks) read(ctx context.Context, conn *pgconn.PgConn, c *chunk) error {
	values, oids, formats := columns(nil).args(m.id, 0, chunkRows)
	values[1], oids[1] = c.from[:], uuidOID
	b := &pgconn.Batch{}
	alone := conn.TxStatus() == 'I'
	if alone {
		b.ExecParams("begin isolation level read committed read only", nil, nil, nil, nil)
		b.ExecParams("select "+inKeyOrder, nil, nil, nil, nil)
	}
	b.ExecParams(m.store.sql(readChunk), values, oids, formats, binaryResults())
	if alone {
		b.ExecParams("commit", nil, nil, nil, nil)
	}
	arena := make([]byte, 0, 32<<10)
	token := int64(0)
	c.marks = nil
	results := conn.ExecBatch(ctx, b)
	for results.NextResult() {
		result := results.ResultReader()
		for result.NextRow() {
			if len(result.FieldDescriptions()) < 10 {
				continue // the settings
			}
			r := row{result.Values(), &arena}
			token = r.int()
			if r.values[0] != nil {
				c.marks = append(c.marks, r.mark())
			}
		}
	}
	if err := results.Close(); err != nil {
		return err
	}
	if m.token != 0 && token != m.token {
		return errTaken
	}
	return nil
}

// lastOf is the last key that a partition could have.
func lastOf(part int) record.Hash {
	var h record.Hash
	for i := range h {
		h[i] = 0xff
	}
	h[0] = byte(part) //nolint:gosec // below 256
	return h
}

// after is the next key; the first one after the last.
func after(h record.Hash) record.Hash {
	for i := len(h) - 1; i >= 0; i-- {
		h[i]++
		if h[i] != 0 {
			break
		}
	}
	return h
}
