//go:build duckdb

package duckdb

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/big"
	"strconv"

	bindings "github.com/duckdb/duckdb-go-bindings"

	"exposync/internal/record"
)

// decodeFunc makes a value of a cell that is not null. It may append to buf,
// or let the value share DuckDB's memory.
type decodeFunc func(c cells, row int, buf []byte) (v record.Value, rest []byte)

// decoderOf gives the reader of a form that arrives as a type; nil if it
// cannot.
func decoderOf(f form, typ bindings.LogicalType) decodeFunc {
	switch id := bindings.GetTypeId(typ); id {
	case bindings.TypeVarchar:
		return textOf(f.kind)
	case bindings.TypeBlob:
		return func(c cells, row int, buf []byte) (record.Value, []byte) {
			return record.Value{Kind: record.Bytes, Data: c.text(row)}, buf
		}
	case bindings.TypeBoolean:
		return func(c cells, row int, buf []byte) (record.Value, []byte) {
			return appended(record.Bool, buf, strconv.AppendBool(buf, at[byte](c, row) != 0))
		}
	case bindings.TypeDecimal:
		return decimalOf(bindings.DecimalInternalType(typ), int(bindings.DecimalScale(typ)))
	case bindings.TypeEnum:
		return enumOf(typ)
	case bindings.TypeUUID:
		return decodeUUID
	case bindings.TypeFloat:
		return func(c cells, row int, buf []byte) (record.Value, []byte) {
			return appended(record.Float, buf, record.AppendFloat(buf, float64(at[float32](c, row)), 32))
		}
	case bindings.TypeDouble:
		return func(c cells, row int, buf []byte) (record.Value, []byte) {
			return appended(record.Float, buf, record.AppendFloat(buf, at[float64](c, row), 64))
		}
	default:
		if integer := integerOf(id); integer != nil {
			return integer
		}
		return momentOf(id)
	}
}

// textOf reads what came as text. One that its kind cannot be read from (a
// timestamp with nanoseconds) stays a text, as through dbt show.
func textOf(kind record.Kind) decodeFunc {
	return func(c cells, row int, buf []byte) (record.Value, []byte) {
		text := c.text(row)
		out, ok := buf, false
		switch kind {
		case record.JSON:
			canonical, err := record.AppendCanonicalJSON(buf, text)
			out, ok = canonical, err == nil
		case record.Int:
			out, ok = record.AppendDecimal(buf, text)
		case record.Time:
			var micros int64
			if micros, ok = record.ParseTime(text); ok {
				out = record.AppendTime(buf, micros)
			}
		case record.Timestamp:
			out, ok = record.AppendMoment(buf, kind, text)
		default:
		}
		if !ok {
			return record.Value{Kind: record.Text, Data: text}, buf
		}
		return appended(kind, buf, out)
	}
}

func integerOf(id bindings.Type) decodeFunc {
	switch id {
	case bindings.TypeTinyInt:
		return signed[int8]
	case bindings.TypeSmallInt:
		return signed[int16]
	case bindings.TypeInteger:
		return signed[int32]
	case bindings.TypeBigInt:
		return signed[int64]
	case bindings.TypeUTinyInt:
		return unsigned[uint8]
	case bindings.TypeUSmallInt:
		return unsigned[uint16]
	case bindings.TypeUInteger:
		return unsigned[uint32]
	case bindings.TypeUBigInt:
		return unsigned[uint64]
	case bindings.TypeHugeInt:
		return func(c cells, row int, buf []byte) (record.Value, []byte) {
			v := at[hugeInt](c, row)
			return appended(record.Int, buf, v.append(buf))
		}
	case bindings.TypeUHugeInt:
		return func(c cells, row int, buf []byte) (record.Value, []byte) {
			v := at[hugeInt](c, row)
			return appended(record.Int, buf, appendBig(buf, new(big.Int).SetUint64(uint64(v.upper)), v.lower)) //nolint:gosec // unsigned in memory
		}
	}
	return nil
}

func signed[T int8 | int16 | int32 | int64](c cells, row int, buf []byte) (record.Value, []byte) {
	return appended(record.Int, buf, strconv.AppendInt(buf, int64(at[T](c, row)), 10))
}

func unsigned[T uint8 | uint16 | uint32 | uint64](c cells, row int, buf []byte) (record.Value, []byte) {
	return appended(record.Int, buf, strconv.AppendUint(buf, uint64(at[T](c, row)), 10))
}

// hugeInt is an integer of 128 bits in memory.
type hugeInt struct {
	lower uint64
	upper int64
}

func (v hugeInt) append(dst []byte) []byte {
	if v.upper == int64(v.lower)>>63 { //nolint:gosec // it fits 64 bits
		return strconv.AppendInt(dst, int64(v.lower), 10) //nolint:gosec // see above
	}
	return appendBig(dst, big.NewInt(v.upper), v.lower)
}

func appendBig(dst []byte, upper *big.Int, lower uint64) []byte {
	const half = 64
	whole := upper.Lsh(upper, half)
	return whole.Add(whole, new(big.Int).SetUint64(lower)).Append(dst, 10)
}

// decimalOf reads decimals: whole numbers whose last digits stand behind the
// point.
func decimalOf(internal bindings.Type, scale int) decodeFunc {
	digits := integerOf(internal)
	if digits == nil {
		return nil
	}
	var plain, pointed []byte
	return func(c cells, row int, buf []byte) (record.Value, []byte) {
		_, plain = digits(c, row, plain[:0])
		pointed = appendPoint(pointed[:0], plain, scale)
		out, _ := record.AppendDecimal(buf, pointed) // it is one
		return appended(record.Decimal, buf, out)
	}
}

func appendPoint(dst, digits []byte, scale int) []byte {
	if digits[0] == '-' {
		dst, digits = append(dst, '-'), digits[1:]
	}
	whole := len(digits) - scale
	if whole > 0 {
		dst = append(append(dst, digits[:whole]...), '.')
		return append(dst, digits[whole:]...)
	}
	dst = append(dst, '0', '.')
	for range -whole {
		dst = append(dst, '0')
	}
	return append(dst, digits...)
}

func enumOf(typ bindings.LogicalType) decodeFunc {
	words := make([][]byte, bindings.EnumDictionarySize(typ))
	for i := range words {
		words[i] = []byte(bindings.EnumDictionaryValue(typ, bindings.IdxT(i)))
	}
	word := func(n uint32, buf []byte) (record.Value, []byte) {
		return record.Value{Kind: record.Text, Data: words[n]}, buf
	}
	switch bindings.EnumInternalType(typ) {
	case bindings.TypeUTinyInt:
		return func(c cells, row int, buf []byte) (record.Value, []byte) { return word(uint32(at[uint8](c, row)), buf) }
	case bindings.TypeUSmallInt:
		return func(c cells, row int, buf []byte) (record.Value, []byte) {
			return word(uint32(at[uint16](c, row)), buf)
		}
	case bindings.TypeUInteger:
		return func(c cells, row int, buf []byte) (record.Value, []byte) { return word(at[uint32](c, row), buf) }
	}
	return nil
}

// decodeUUID reads 128 bits, the first of which is turned over so that UUIDs
// sort as numbers.
func decodeUUID(c cells, row int, buf []byte) (record.Value, []byte) {
	v := at[hugeInt](c, row)
	raw := binary.BigEndian.AppendUint64(make([]byte, 0, 16), uint64(v.upper)^1<<63) //nolint:gosec // bits
	raw = binary.BigEndian.AppendUint64(raw, v.lower)
	out := hex.AppendEncode(buf, raw[:4])
	for _, part := range [][]byte{raw[4:6], raw[6:8], raw[8:10], raw[10:]} {
		out = hex.AppendEncode(append(out, '-'), part)
	}
	return appended(record.Text, buf, out)
}

// momentOf reads dates and times. DuckDB counts from 1970 and keeps the
// highest number and its negative for what has no end.
func momentOf(id bindings.Type) decodeFunc {
	const second, milli, micro = 1_000_000, 1_000, 1
	switch id {
	case bindings.TypeDate:
		return func(c cells, row int, buf []byte) (record.Value, []byte) {
			days := at[int32](c, row)
			if out, ok := appendEndless(buf, int64(days), math.MaxInt32); ok {
				return appended(record.Date, buf, out)
			}
			return appended(record.Date, buf, record.AppendDate(buf, int64(days)))
		}
	case bindings.TypeTime:
		return func(c cells, row int, buf []byte) (record.Value, []byte) {
			return appended(record.Time, buf, record.AppendTime(buf, at[int64](c, row)))
		}
	case bindings.TypeTimestamp:
		return timestampOf(record.Timestamp, record.AppendTimestampOf, micro)
	case bindings.TypeTimestampMS:
		return timestampOf(record.Timestamp, record.AppendTimestampOf, milli)
	case bindings.TypeTimestampS:
		return timestampOf(record.Timestamp, record.AppendTimestampOf, second)
	case bindings.TypeTimestampTZ:
		return timestampOf(record.Instant, record.AppendInstantOf, micro)
	}
	return nil
}

// timestampOf reads moments that are counted in units of so many microseconds.
func timestampOf(kind record.Kind, write func([]byte, int64, int64) []byte, unit int64) decodeFunc {
	perDay := 24 * 60 * 60 * 1_000_000 / unit
	return func(c cells, row int, buf []byte) (record.Value, []byte) {
		count := at[int64](c, row)
		if out, ok := appendEndless(buf, count, math.MaxInt64); ok {
			return appended(kind, buf, out)
		}
		days, rest := count/perDay, count%perDay
		if rest < 0 {
			days, rest = days-1, rest+perDay
		}
		return appended(kind, buf, write(buf, days, rest*unit))
	}
}

func appendEndless(dst []byte, n, limit int64) ([]byte, bool) {
	switch n {
	case limit:
		return append(dst, "infinity"...), true
	case -limit:
		return append(dst, "-infinity"...), true
	}
	return dst, false
}

// appended is the value that was just written behind buf.
func appended(kind record.Kind, buf, out []byte) (record.Value, []byte) {
	return record.Value{Kind: kind, Data: out[len(buf):len(out):len(out)]}, out
}
