package postgres

import (
	"encoding/binary"

	"exposync/internal/ledger"
	"exposync/internal/record"
)

// The types that columns have, with those of their arrays.
const (
	boolOID, boolsOID   = 16, 1000
	byteaOID, byteasOID = 17, 1001
	int8OID, int8sOID   = 20, 1016
	int2OID, int2sOID   = 21, 1005
	textOID, textsOID   = 25, 1009
	uuidOID, uuidsOID   = 2950, 2951
)

// array is the binary form of a PostgreSQL array of one dimension
// (src/backend/utils/adt/arrayfuncs.c, array_recv).
type array struct {
	oid, element uint32
	buf          []byte
	n            uint32
}

const arrayHead = 20

func (a *array) reset() {
	a.n = 0
	a.buf = append(a.buf[:0], make([]byte, arrayHead)...)
}

// done fills in the head and gives the whole.
func (a *array) done() []byte {
	for i, v := range []uint32{1, 1, a.element, a.n, 1} { // dimensions, may have nulls, type, size, lower bound
		binary.BigEndian.PutUint32(a.buf[4*i:], v)
	}
	return a.buf
}

func (a *array) null() {
	a.n++
	a.buf = append(a.buf, 0xff, 0xff, 0xff, 0xff)
}

func (a *array) size(n int) {
	a.n++
	a.buf = binary.BigEndian.AppendUint32(a.buf, uint32(n)) //nolint:gosec // bounded by maxEntry
}

func (a *array) hash(h record.Hash) {
	if (h == record.Hash{}) {
		a.null()
		return
	}
	a.size(len(h))
	a.buf = append(a.buf, h[:]...)
}

// bytes adds a value that is null if it is empty.
func (a *array) bytes(b []byte) {
	if len(b) == 0 {
		a.null()
		return
	}
	a.size(len(b))
	a.buf = append(a.buf, b...)
}

func (a *array) text(text string) {
	text = escape(text)
	a.size(len(text))
	a.buf = append(a.buf, text...)
}

func (a *array) optional(text string) {
	if text == "" {
		a.null()
		return
	}
	a.text(text)
}

func (a *array) int2(v uint8) {
	a.size(2)
	a.buf = binary.BigEndian.AppendUint16(a.buf, uint16(v))
}

func (a *array) int8(v int64) {
	a.size(8)
	a.buf = binary.BigEndian.AppendUint64(a.buf, uint64(v)) //nolint:gosec // a bit pattern
}

func (a *array) bool(v bool) {
	a.size(1)
	b := byte(0)
	if v {
		b = 1
	}
	a.buf = append(a.buf, b)
}

// columns are arrays that go to the server together.
type columns []*array

func newColumns(oids ...uint32) columns {
	element := map[uint32]uint32{
		boolsOID: boolOID, byteasOID: byteaOID, int8sOID: int8OID, int2sOID: int2OID, textsOID: textOID, uuidsOID: uuidOID,
	}
	var out columns
	for _, oid := range oids {
		a := &array{oid: oid, element: element[oid]}
		a.reset()
		out = append(out, a)
	}
	return out
}

func (c columns) reset() {
	for _, a := range c {
		a.reset()
	}
}

func (c columns) size() (n int) {
	for _, a := range c {
		n += len(a.buf)
	}
	return n
}

// args gives the arguments of a statement: numbers first, then the arrays.
func (c columns) args(numbers ...int64) (values [][]byte, oids []uint32, formats []int16) {
	for _, n := range numbers {
		values = append(values, binary.BigEndian.AppendUint64(nil, uint64(n))) //nolint:gosec // a bit pattern
		oids = append(oids, int8OID)
	}
	for _, a := range c {
		values, oids = append(values, a.done()), append(oids, a.oid)
	}
	formats = make([]int16, len(values))
	for i := range formats {
		formats[i] = 1
	}
	return values, oids, formats
}

// standing adds what stands against a key to the seven columns of it.
func (c columns) standing(s *record.Standing) {
	if s == nil {
		for _, a := range c {
			a.null()
		}
		return
	}
	c[0].int2(uint8(s.State))
	c[1].hash(s.RowHash)
	c[2].int8(int64(s.Attempts))
	c[3].text(s.Code)
	c[4].text(s.Reason)
	c[5].bool(s.Permanent)
	c[6].int8(s.Since)
}

func standingOIDs() []uint32 {
	return []uint32{int2sOID, uuidsOID, int8sOID, textsOID, textsOID, boolsOID, int8sOID}
}

func entryColumns() columns {
	return newColumns(append([]uint32{int2sOID, uuidsOID, uuidsOID, byteasOID, textsOID, textsOID}, standingOIDs()...)...)
}

func (c columns) entry(e *ledger.Entry) {
	c[0].int2(uint8(e.Kind))
	c[1].hash(e.KeyHash)
	c[2].hash(e.RowHash)
	c[3].bytes(e.Key)
	c[4].optional(e.RemoteID)
	c[5].optional(e.Job)
	c[6:].standing(e.Standing)
}

func markColumns() columns {
	return newColumns(append([]uint32{uuidsOID, uuidsOID, byteasOID, textsOID, boolsOID}, standingOIDs()...)...)
}

func (c columns) mark(m *record.Mark) {
	c[0].hash(m.KeyHash)
	c[1].hash(m.RowHash)
	c[2].bytes(m.Key)
	c[3].optional(m.RemoteID)
	c[4].bool(m.Adopted)
	c[5:].standing(m.Standing)
}

// row reads the binary values of one row in order. Nothing that it gives
// shares memory with the row, which does not last.
type row struct {
	values [][]byte
	arena  *[]byte // where keys are copied to
}

func (r *row) next() []byte {
	v := r.values[0]
	r.values = r.values[1:]
	return v
}

func (r *row) hash() (h record.Hash) {
	copy(h[:], r.next())
	return h
}

func (r *row) key() record.Key {
	v := r.next()
	if len(v) == 0 {
		return nil
	}
	start := len(*r.arena)
	*r.arena = append(*r.arena, v...)
	return record.Key((*r.arena)[start:len(*r.arena):len(*r.arena)])
}

func (r *row) text() string {
	v := r.next()
	if len(v) == 0 {
		return ""
	}
	return unescape(string(v))
}

func (r *row) int() int64 {
	v := r.next()
	switch len(v) {
	case 2:
		return int64(int16(binary.BigEndian.Uint16(v))) //nolint:gosec // a bit pattern
	case 8:
		return int64(binary.BigEndian.Uint64(v)) //nolint:gosec // a bit pattern
	}
	return 0
}

func (r *row) bool() bool {
	v := r.next()
	return len(v) == 1 && v[0] == 1
}

func (r *row) standing() *record.Standing {
	if r.values[0] == nil {
		r.values = r.values[len(standingOIDs()):]
		return nil
	}
	return &record.Standing{
		State: record.StandingState(r.int()), RowHash: r.hash(), Attempts: int(r.int()), //nolint:gosec // as it was written
		Code: r.text(), Reason: r.text(), Permanent: r.bool(), Since: r.int(),
	}
}

// mark reads the columns of markList.
func (r *row) mark() record.Mark {
	return record.Mark{
		KeyHash: r.hash(), RowHash: r.hash(), Key: r.key(), RemoteID: r.text(), Adopted: r.bool(), Standing: r.standing(),
	}
}

// entry reads the columns of entryList.
func (r *row) entry() ledger.Entry {
	return ledger.Entry{
		Kind: ledger.EntryKind(r.int()), KeyHash: r.hash(), RowHash: r.hash(), Key: r.key(), RemoteID: r.text(), Job: r.text(), //nolint:gosec // checked by whoever uses it
		Standing: r.standing(),
	}
}

const (
	standingList = "state, tried, attempts, code, reason, permanent, since"
	markList     = "key_hash, row_hash, key, remote_id, adopted, " + standingList
	entryList    = "kind, key_hash, row_hash, key, remote_id, job_id, " + standingList
)
