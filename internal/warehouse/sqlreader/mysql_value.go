package sqlreader

import (
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"exposync/internal/record"
)

// mysqlColumn decides how a column is read by its type as SHOW COLUMNS writes
// it, for instance bigint(20) unsigned.
func mysqlColumn(name, typ string) Column {
	name0 := backquote(name)
	c := Column{Select: name0, Compare: name0, Decode: decodeText}
	c.Name, c.Type, c.Kind = name, typ, record.Text
	base := typ
	if at := strings.IndexAny(typ, "( "); at >= 0 {
		base = typ[:at]
	}
	through := func(sql string) { // both as what SQL makes of it
		c.Select = strings.ReplaceAll(sql, "%s", name0)
		c.Compare = c.Select
	}
	switch base {
	case "tinyint", "bit":
		if base == "bit" {
			through("%s + 0")
		}
		c.Kind, c.Decode = record.Int, decodeInt
		if typ == "tinyint(1)" || typ == "bit(1)" { // what BOOLEAN is
			c.Kind, c.Decode = record.Bool, decodeBool
		}
	case "smallint", "mediumint", "int", "integer", "bigint", "year":
		c.Kind, c.Decode = record.Int, decodeInt
	case "decimal", "numeric":
		c.Kind, c.Decode = record.Decimal, decodeDecimal
	case "float": // its own text has six digits only
		through("%s + 0e0")
		c.Bits = 32
		c.Kind, c.Decode = record.Float, decodeFloat(c.Bits)
	case "double", "real":
		through("%s + 0e0")
		c.Bits = 64
		c.Kind, c.Decode = record.Float, decodeFloat(c.Bits)
	case "date", "datetime":
		c.Kind = map[string]record.Kind{"date": record.Date, "datetime": record.Timestamp}[base]
		c.Decode = textOr(c.Kind, readMoment(c.Kind))
	case "timestamp": // a moment, whatever the session's zone; 0 is the zero date alone
		through("if(unix_timestamp(%s) = 0, concat(%s, ''), cast(unix_timestamp(%s) * 1000000 as signed))")
		c.Kind, c.Decode = record.Instant, textOr(record.Instant, readInstant)
	case "time":
		c.Kind, c.Decode = record.Time, textOr(record.Time, readTime)
	case "json":
		c.Kind, c.Decode, c.Compare = record.JSON, textOr(record.JSON, readJSON), ""
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "vector":
		c.Kind, c.Decode = record.Bytes, decodeBytes
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set", "uuid", "inet4", "inet6":
	case "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection", "geomcollection":
		through("st_astext(%s)")
	default:
		through("cast(%s as char)")
	}
	return c
}

// number gives what the driver made of a number as text.
func number(cell driver.Value, buf []byte) ([]byte, bool) {
	switch v := cell.(type) {
	case int64:
		return strconv.AppendInt(buf, v, 10), true
	case uint64:
		return strconv.AppendUint(buf, v, 10), true
	case []byte:
		return record.AppendDecimal(buf, v)
	}
	return buf, false
}

func errCell(cell driver.Value) error { return fmt.Errorf("the driver gave a %T", cell) }

func decodeInt(cell driver.Value, buf []byte) (record.Value, []byte, error) {
	out, ok := number(cell, buf)
	if !ok {
		return record.Value{}, buf, errCell(cell)
	}
	return appended(record.Int, buf, out)
}

// decodeBool takes 0 and 1 for booleans, and leaves other numbers what they
// are: a tinyint(1) may hold -128 to 127.
func decodeBool(cell driver.Value, buf []byte) (record.Value, []byte, error) {
	out, ok := number(cell, buf)
	switch text := string(out[len(buf):]); {
	case !ok:
		return record.Value{}, buf, errCell(cell)
	case text == "0":
		return appended(record.Bool, buf, append(buf, "false"...))
	case text == "1":
		return appended(record.Bool, buf, append(buf, "true"...))
	}
	return appended(record.Int, buf, out)
}

func decodeDecimal(cell driver.Value, buf []byte) (record.Value, []byte, error) {
	out, ok := number(cell, buf)
	if !ok {
		return record.Value{}, buf, errCell(cell)
	}
	return appended(record.Decimal, buf, out)
}

func decodeFloat(bits int) func(driver.Value, []byte) (record.Value, []byte, error) {
	return func(cell driver.Value, buf []byte) (record.Value, []byte, error) {
		v, ok := cell.(float64)
		if !ok {
			return record.Value{}, buf, errCell(cell)
		}
		return appended(record.Float, buf, record.AppendFloat(buf, v, bits))
	}
}

// textOr reads a text as its column's type says, where it is one: the zero
// date 0000-00-00, a time of 100 hours stay texts, which a destination can
// refuse for that record alone.
func textOr(
	kind record.Kind, read func(text, buf []byte) ([]byte, bool),
) func(driver.Value, []byte) (record.Value, []byte, error) {
	return func(cell driver.Value, buf []byte) (record.Value, []byte, error) {
		text, isText := cell.([]byte)
		if n, isNumber := cell.(int64); isNumber {
			text, isText = strconv.AppendInt(nil, n, 10), true
		}
		if !isText {
			return record.Value{}, buf, errCell(cell)
		}
		if out, ok := read(text, buf); ok {
			return appended(kind, buf, out)
		}
		return record.Value{Kind: record.Text, Data: text}, buf, nil
	}
}

func decodeText(cell driver.Value, buf []byte) (record.Value, []byte, error) {
	text, ok := cell.([]byte)
	if !ok {
		return record.Value{}, buf, errCell(cell)
	}
	return record.Value{Kind: record.Text, Data: text}, buf, nil
}

func decodeBytes(cell driver.Value, buf []byte) (record.Value, []byte, error) {
	raw, ok := cell.([]byte)
	if !ok {
		return record.Value{}, buf, errCell(cell)
	}
	return record.Value{Kind: record.Bytes, Data: raw}, buf, nil
}

func readJSON(text, buf []byte) ([]byte, bool) {
	out, err := record.AppendCanonicalJSON(buf, text)
	return out, err == nil
}

func readMoment(kind record.Kind) func(text, buf []byte) ([]byte, bool) {
	return func(text, buf []byte) ([]byte, bool) { return record.AppendMoment(buf, kind, text) }
}

// readInstant reads microseconds since 1970.
func readInstant(text, buf []byte) ([]byte, bool) {
	micros, err := strconv.ParseInt(string(text), 10, 64)
	return record.AppendInstant(buf, micros), err == nil
}

func readTime(text, buf []byte) ([]byte, bool) {
	const midnight = 24 * 60 * 60 * 1_000_000
	if string(text) == "24:00:00" {
		return record.AppendTime(buf, midnight), true
	}
	micros, ok := record.ParseTime(text)
	return record.AppendTime(buf, micros), ok
}

// appended is the value that was just written behind buf.
func appended(kind record.Kind, buf, out []byte) (record.Value, []byte, error) {
	return record.Value{Kind: kind, Data: out[len(buf):len(out):len(out)]}, out, nil
}

// mysqlLiteral writes texts in hexadecimal: no SQL mode and no character of
// theirs can end such a literal.
func mysqlLiteral(dst []byte, c Column, v record.Value) []byte {
	text := v.Data
	switch v.Kind {
	case record.Bool:
		return strconv.AppendInt(dst, map[bool]int64{true: 1}[string(text) == "true"], 10)
	case record.Int, record.Float, record.Decimal:
		if out, ok := record.AppendDecimal(dst, text); ok && strings.Trim(string(text), "-.0123456789") == "" {
			if c.Kind != record.Float {
				return out
			}
			f, _ := strconv.ParseFloat(string(text), c.Bits) // of 4 bytes: as the double it is compared as
			return strconv.AppendFloat(dst, f, 'e', -1, 64)
		}
	case record.Bytes:
		return append(hex.AppendEncode(append(dst, "x'"...), text), '\'')
	case record.Timestamp:
		text = []byte(strings.Replace(string(text), "T", " ", 1))
	case record.Instant:
		if micros, _, ok := record.ParseTimestamp(text); ok {
			text = strconv.AppendInt(nil, micros, 10)
		}
	default:
	}
	return append(hex.AppendEncode(append(dst, "_utf8mb4 x'"...), text), '\'')
}
