package sqlite

import (
	"database/sql/driver"
	"fmt"
	"math"
	"strconv"
	"strings"

	"exposync/internal/record"
)

// declared reads a column's declaration: what its values are, and what a
// value of another storage class should be read as where it can be (Absent:
// nothing).
func declared(decl string) (kind, hint record.Kind) {
	name, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(decl)), "(")
	name = strings.TrimSpace(name)
	switch name {
	case "BOOLEAN", "BOOL":
		return record.Bool, record.Bool
	case "DATE":
		return record.Date, record.Date
	case "TIME":
		return record.Time, record.Time
	case "TIMESTAMP", "DATETIME":
		return record.Timestamp, record.Timestamp
	case "TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE":
		return record.Instant, record.Timestamp
	case "DECIMAL", "NUMERIC":
		return record.Decimal, record.Decimal
	case "JSON", "JSONB":
		return record.JSON, record.JSON
	}
	// The rules by which SQLite itself reads a declaration
	// (https://www.sqlite.org/datatype3.html, 3.1).
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(name, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("INT"):
		return record.Int, record.Absent
	case has("CHAR", "CLOB", "TEXT"):
		return record.Text, record.Absent
	case has("BLOB"):
		return record.Bytes, record.Absent
	case has("REAL", "FLOA", "DOUB"): //nolint:misspell // for DOUBLE
		return record.Float, record.Absent
	}
	return record.Text, record.Absent // NUM or nothing says nothing
}

// value makes a value of what the driver gives for each storage class.
func value(hint record.Kind, cell driver.Value, buf []byte) (record.Value, []byte, error) {
	switch v := cell.(type) {
	case nil:
		return record.Value{Kind: record.Null}, buf, nil
	case int64:
		if hint == record.Bool && (v == 0 || v == 1) {
			return appended(record.Bool, buf, strconv.AppendBool(buf, v == 1))
		}
		return appended(numberKind(hint, record.Int), buf, strconv.AppendInt(buf, v, 10))
	case float64:
		kind := record.Float
		if !math.IsInf(v, 0) {
			kind = numberKind(hint, kind)
		}
		return appended(kind, buf, record.AppendFloat(buf, v, 64))
	case string:
		return text(hint, v, buf)
	case []byte:
		return appended(record.Bytes, buf, append(buf, v...))
	}
	return record.Value{}, buf, fmt.Errorf("the driver gave a %T, which no storage class is", cell)
}

// numberKind is the kind of a number in a column: SQLite stores the texts 1.5
// and 12 as numbers where a decimal or JSON is declared.
func numberKind(hint, own record.Kind) record.Kind {
	if hint == record.Decimal || hint == record.JSON {
		return hint
	}
	return own
}

// text reads a text as the declaration says, if it is one.
func text(hint record.Kind, v string, buf []byte) (record.Value, []byte, error) {
	switch hint {
	case record.Date:
		if days, ok := record.ParseDate(v); ok {
			return appended(record.Date, buf, record.AppendDate(buf, days))
		}
	case record.Time:
		if micros, ok := record.ParseTime(v); ok {
			return appended(record.Time, buf, record.AppendTime(buf, micros))
		}
	case record.Timestamp:
		micros, zoned, ok := record.ParseTimestamp(v)
		if ok && zoned {
			return appended(record.Instant, buf, record.AppendInstant(buf, micros))
		}
		if ok {
			return appended(record.Timestamp, buf, record.AppendTimestamp(buf, micros))
		}
	case record.Decimal:
		if out, ok := record.AppendDecimal(buf, v); ok {
			return appended(record.Decimal, buf, out)
		}
	case record.JSON:
		if out, err := record.AppendCanonicalJSON(buf, []byte(v)); err == nil {
			return appended(record.JSON, buf, out)
		}
	default:
	}
	return appended(record.Text, buf, append(buf, v...))
}

// appended is the value that was just written behind buf.
func appended(kind record.Kind, buf, out []byte) (record.Value, []byte, error) {
	return record.Value{Kind: kind, Data: out[len(buf):len(out):len(out)]}, out, nil
}
