//go:build duckdb

package duckdb

import (
	"context"
	"fmt"
	"unsafe"

	bindings "github.com/duckdb/duckdb-go-bindings"

	"exposync/internal/record"
)

// decoder makes records of DuckDB's chunks. Texts and bytes stay where DuckDB
// has them: a chunk lives until the next one is asked for.
type decoder struct {
	columns []column
	decode  []decodeFunc
	cells   []cells
	row     record.Record
	buf     []byte
	drained bool // there are no more chunks
}

// cells are the values of one column in a chunk.
type cells struct {
	data  unsafe.Pointer
	valid unsafe.Pointer // a bit a row; nil: none is null
}

// at gives the value of a row, which has the form of T in memory.
func at[T any](c cells, row int) T {
	var size T
	return *(*T)(unsafe.Add(c.data, row*int(unsafe.Sizeof(size)))) // as DuckDB lays its vectors out
}

func (c cells) null(row int) bool {
	return c.valid != nil && *(*uint64)(unsafe.Add(c.valid, row/64*8))&(1<<(row%64)) == 0
}

// text is a value of variable length: up to 12 bytes stand in the vector
// itself, more elsewhere (duckdb_string_t).
func (c cells) text(row int) []byte {
	const inline, size, pointer = 12, 16, 8
	cell := unsafe.Add(c.data, row*size)
	length := *(*uint32)(cell)
	if length <= inline {
		return unsafe.Slice((*byte)(unsafe.Add(cell, 4)), length) //nolint:gosec // see at
	}
	return unsafe.Slice(*(**byte)(unsafe.Add(cell, pointer)), length) //nolint:gosec // see at
}

// newDecoder looks at what the statement really gives.
func newDecoder(columns []column, result *bindings.Result) (*decoder, error) {
	d := &decoder{
		columns: columns, decode: make([]decodeFunc, len(columns)), cells: make([]cells, len(columns)), row: make(record.Record, len(columns)),
	}
	if n := bindings.ColumnCount(result); n != bindings.IdxT(len(columns)) {
		return nil, fmt.Errorf("DuckDB gives %d columns instead of %d", n, len(columns))
	}
	for i, c := range columns {
		typ := bindings.ColumnLogicalType(result, bindings.IdxT(i))
		decode := decoderOf(c.form, typ)
		bindings.DestroyLogicalType(&typ)
		if decode == nil {
			return nil, fmt.Errorf("column %q is said to be %s, and is not", c.Name, c.Type)
		}
		d.decode[i] = decode
	}
	return d, nil
}

// chunk yields the rows of the next chunk. It is false when there is none, or
// nobody wants it.
func (d *decoder) chunk(ctx context.Context, result bindings.Result, yield func(record.Record, error) bool) (more bool, err error) {
	chunk := bindings.FetchChunk(result)
	if chunk.Ptr == nil {
		d.drained = true
		return false, nil
	}
	defer bindings.DestroyDataChunk(&chunk)
	for i := range d.cells {
		vector := bindings.DataChunkGetVector(chunk, bindings.IdxT(i))
		d.cells[i] = cells{bindings.VectorGetData(vector), bindings.VectorGetValidity(vector)}
	}
	for row := range int(bindings.DataChunkGetSize(chunk)) { //nolint:gosec // 2048 at the most
		if err := ctx.Err(); err != nil {
			return false, err
		}
		d.buf = d.buf[:0]
		for i, c := range d.cells {
			if c.null(row) {
				d.row[i] = record.Value{Kind: record.Null}
				continue
			}
			d.row[i], d.buf = d.decode[i](c, row, d.buf)
		}
		if !yield(d.row, nil) {
			return false, nil
		}
	}
	return true, nil
}
