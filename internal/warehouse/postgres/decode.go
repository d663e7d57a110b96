package postgres

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"

	"exposync/internal/record"
)

// decodeFunc makes a value of a type's binary form, which each type's send
// function in src/backend/utils/adt defines. It may append to buf, or let the
// value share raw: both live until the next row.
type decodeFunc func(raw, buf []byte) (v record.Value, rest []byte, err error)

// errWire says that bytes do not have the form of their type.
var errWire = errors.New("a value does not have the binary form of its type")

// decoder decodes rows into one record, over and over.
type decoder struct {
	columns []column
	row     record.Record
	buf     []byte
}

func newDecoder(columns []column) *decoder {
	return &decoder{columns: columns, row: make(record.Record, len(columns))}
}

func (d *decoder) decode(raw [][]byte) (record.Record, error) {
	if len(raw) != len(d.row) {
		return nil, errWire
	}
	d.buf = d.buf[:0]
	for i := range d.row {
		if raw[i] == nil {
			d.row[i] = record.Value{Kind: record.Null}
			continue
		}
		var err error
		if d.row[i], d.buf, err = d.columns[i].decode(raw[i], d.buf); err != nil {
			return nil, fmt.Errorf("column %q of type %s: %w", d.columns[i].Name, d.columns[i].Type, err)
		}
	}
	return d.row, nil
}

// scalar is how a type is read.
type scalar struct {
	kind   record.Kind
	decode decodeFunc
}

// OIDs of built-in types (src/include/catalog/pg_type.dat).
const (
	textOID         uint32 = 25
	textArrayOID    uint32 = 1009
	jsonOID         uint32 = 114
	moneyOID        uint32 = 790
	numericOID      uint32 = 1700
	numericArrayOID uint32 = 1231
)

// scalarOf gives the reader of a type; false for those that the server has to
// turn into text.
func scalarOf(oid uint32) (scalar, bool) {
	switch oid {
	case 16:
		return scalar{record.Bool, decodeBool}, true
	case 20:
		return scalar{record.Int, decodeInt8}, true
	case 21:
		return scalar{record.Int, decodeInt2}, true
	case 23:
		return scalar{record.Int, decodeInt4}, true
	case 26:
		return scalar{record.Int, decodeOID}, true
	case 700:
		return scalar{record.Float, decodeFloat4}, true
	case 701:
		return scalar{record.Float, decodeFloat8}, true
	case numericOID:
		return scalar{record.Decimal, decodeNumeric}, true
	case 19, textOID, 1042, 1043: // name, text, char(n) with its padding, varchar
		return scalar{record.Text, decodeText}, true
	case 17:
		return scalar{record.Bytes, decodeBytes}, true
	case 2950:
		return scalar{record.Text, decodeUUID}, true
	case 650, 869: // cidr, inet; cast to text, an inet would get a /32 that it does not print with
		return scalar{record.Text, decodeNetwork}, true
	case jsonOID:
		return scalar{record.JSON, decodeJSON}, true
	case 3802:
		return scalar{record.JSON, decodeJSONB}, true
	}
	return momentOf(oid)
}

func decodeBool(raw, buf []byte) (record.Value, []byte, error) {
	if len(raw) != 1 {
		return record.Value{}, buf, errWire
	}
	return appended(record.Bool, buf, strconv.AppendBool(buf, raw[0] != 0))
}

func decodeInt2(raw, buf []byte) (record.Value, []byte, error) {
	if len(raw) != 2 {
		return record.Value{}, buf, errWire
	}
	return appended(record.Int, buf, strconv.AppendInt(buf, int64(int16(binary.BigEndian.Uint16(raw))), 10)) //nolint:gosec // signed on the wire
}

func decodeInt4(raw, buf []byte) (record.Value, []byte, error) {
	if len(raw) != 4 {
		return record.Value{}, buf, errWire
	}
	return appended(record.Int, buf, strconv.AppendInt(buf, int64(int4(raw)), 10))
}

func decodeInt8(raw, buf []byte) (record.Value, []byte, error) {
	if len(raw) != 8 {
		return record.Value{}, buf, errWire
	}
	return appended(record.Int, buf, strconv.AppendInt(buf, int8Of(raw), 10))
}

func decodeOID(raw, buf []byte) (record.Value, []byte, error) {
	if len(raw) != 4 {
		return record.Value{}, buf, errWire
	}
	return appended(record.Int, buf, strconv.AppendUint(buf, uint64(binary.BigEndian.Uint32(raw)), 10))
}

func decodeFloat4(raw, buf []byte) (record.Value, []byte, error) {
	if len(raw) != 4 {
		return record.Value{}, buf, errWire
	}
	v := math.Float32frombits(binary.BigEndian.Uint32(raw))
	return appended(record.Float, buf, record.AppendFloat(buf, float64(v), 32))
}

func decodeFloat8(raw, buf []byte) (record.Value, []byte, error) {
	if len(raw) != 8 {
		return record.Value{}, buf, errWire
	}
	return appended(record.Float, buf, record.AppendFloat(buf, math.Float64frombits(binary.BigEndian.Uint64(raw)), 64))
}

func decodeNumeric(raw, buf []byte) (record.Value, []byte, error) {
	out, ok := record.AppendNumeric(buf, raw)
	if !ok {
		return record.Value{}, buf, errWire
	}
	return appended(record.Decimal, buf, out)
}

func decodeText(raw, buf []byte) (record.Value, []byte, error) {
	return record.Value{Kind: record.Text, Data: raw}, buf, nil
}

func decodeBytes(raw, buf []byte) (record.Value, []byte, error) {
	return record.Value{Kind: record.Bytes, Data: raw}, buf, nil
}

func decodeUUID(raw, buf []byte) (record.Value, []byte, error) {
	if len(raw) != 16 {
		return record.Value{}, buf, errWire
	}
	out := hex.AppendEncode(buf, raw[:4])
	for _, part := range [][]byte{raw[4:6], raw[6:8], raw[8:10], raw[10:]} {
		out = hex.AppendEncode(append(out, '-'), part)
	}
	return appended(record.Text, buf, out)
}

// decodeNetwork reads family, bits of the mask, whether it is a cidr, size
// and address (src/backend/utils/adt/network.c, network_send).
func decodeNetwork(raw, buf []byte) (record.Value, []byte, error) {
	const head = 4
	if len(raw) < head {
		return record.Value{}, buf, errWire
	}
	addr, ok := netip.AddrFromSlice(raw[head:])
	bits := int(raw[1])
	if !ok || len(raw)-head != int(raw[3]) || bits > addr.BitLen() {
		return record.Value{}, buf, errWire
	}
	out := addr.AppendTo(buf)
	if cidr := raw[2] != 0; cidr || bits < addr.BitLen() {
		out = strconv.AppendInt(append(out, '/'), int64(bits), 10)
	}
	return appended(record.Text, buf, out)
}

func decodeJSONB(raw, buf []byte) (record.Value, []byte, error) {
	if len(raw) == 0 || raw[0] != 1 { // version of the form
		return record.Value{}, buf, errWire
	}
	return decodeJSON(raw[1:], buf)
}

// decodeJSON takes what Exposync does not accept as JSON (broken UTF-8 in a
// database without an encoding) as text, which a destination can then refuse
// for this record alone.
func decodeJSON(raw, buf []byte) (record.Value, []byte, error) {
	out, err := record.AppendCanonicalJSON(buf, raw)
	if err != nil {
		return decodeText(raw, buf)
	}
	return appended(record.JSON, buf, out)
}

// appended is the value that was just written behind buf.
func appended(kind record.Kind, buf, out []byte) (record.Value, []byte, error) {
	return record.Value{Kind: kind, Data: out[len(buf):len(out):len(out)]}, out, nil
}

func int4(raw []byte) int32   { return int32(binary.BigEndian.Uint32(raw)) } //nolint:gosec // signed on the wire
func int8Of(raw []byte) int64 { return int64(binary.BigEndian.Uint64(raw)) } //nolint:gosec // signed on the wire
