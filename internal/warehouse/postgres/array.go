package postgres

import (
	"encoding/binary"

	"exposync/internal/record"
)

// maxDimensions is PostgreSQL's own limit.
const maxDimensions = 6

// arrayOf gives the reader of arrays of a type: a JSON array, nested as deep
// as the array has dimensions. Lower bounds are left out, as in to_json.
func arrayOf(element scalar) decodeFunc {
	return func(raw, buf []byte) (record.Value, []byte, error) {
		a := array{element: element.decode, out: buf}
		if !a.read(raw) {
			return record.Value{}, buf, errWire
		}
		return appended(record.JSON, buf, a.out)
	}
}

// array is an array that is being read (src/backend/utils/adt/arrayfuncs.c,
// array_send): dimensions, whether there are nulls, the elements' type, size
// and lower bound per dimension, then each element with its length.
type array struct {
	element decodeFunc
	lengths []int
	rest    []byte
	out     []byte
	scratch []byte
}

func (a *array) read(raw []byte) bool {
	const head = 12
	if len(raw) < head {
		return false
	}
	dimensions := int(binary.BigEndian.Uint32(raw))
	if dimensions == 0 {
		a.out = append(a.out, "[]"...)
		return len(raw) == head
	}
	if dimensions > maxDimensions || len(raw) < head+8*dimensions {
		return false
	}
	var lengths [maxDimensions]int
	for i := range dimensions {
		lengths[i] = int(int4(raw[head+8*i:]))
	}
	a.lengths, a.rest = lengths[:dimensions], raw[head+8*dimensions:]
	return a.dimension(0) && len(a.rest) == 0
}

func (a *array) dimension(d int) bool {
	if d == len(a.lengths) {
		return a.item()
	}
	a.out = append(a.out, '[')
	for i := range a.lengths[d] {
		if i > 0 {
			a.out = append(a.out, ',')
		}
		if !a.dimension(d + 1) {
			return false
		}
	}
	a.out = append(a.out, ']')
	return true
}

func (a *array) item() bool {
	if len(a.rest) < 4 {
		return false
	}
	size := int(int4(a.rest))
	a.rest = a.rest[4:]
	v := record.Value{Kind: record.Null}
	if size >= 0 {
		if len(a.rest) < size {
			return false
		}
		var err error
		if v, a.scratch, err = a.element(a.rest[:size], a.scratch[:0]); err != nil {
			return false
		}
		a.rest = a.rest[size:]
	}
	out, err := record.AppendJSONElement(a.out, v)
	a.out = out
	return err == nil
}
