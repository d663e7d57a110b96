package dbtshow

import (
	"encoding/hex"
	"strconv"
	"strings"

	"exposync/internal/record"
)

// value makes a value of the text that SQL made of it. A text that its kind
// cannot be read from (a timestamp with nanoseconds) stays a text: a
// destination can then refuse that record alone.
func value(f form, text string, buf []byte) (record.Value, []byte) {
	if out, ok := parse(f, text, buf); ok {
		return appended(f.kind, buf, out)
	}
	if f.lower {
		text = strings.ToLower(text)
	}
	return appended(record.Text, buf, append(buf, text...))
}

func parse(f form, text string, buf []byte) ([]byte, bool) {
	switch f.kind {
	case record.Bool:
		return parseBool(text, buf)
	case record.Int:
		if strings.ContainsAny(text, ".eEnN") {
			return buf, false
		}
		return record.AppendDecimal(buf, text)
	case record.Decimal:
		return record.AppendDecimal(buf, text)
	case record.Float:
		v, err := strconv.ParseFloat(text, f.bits)
		if err != nil {
			return buf, false
		}
		return record.AppendFloat(buf, v, f.bits), true
	case record.Bytes:
		text = strings.TrimPrefix(text, "0x")
		out, err := hex.AppendDecode(buf, []byte(text))
		return out, err == nil
	case record.JSON:
		out, err := record.AppendCanonicalJSON(buf, []byte(text))
		return out, err == nil
	case record.Time:
		return parseTime(text, buf)
	case record.Date, record.Timestamp, record.Instant:
		return parseMoment(f, text, buf)
	default:
		return buf, false
	}
}

func parseBool(text string, buf []byte) ([]byte, bool) {
	switch strings.ToLower(text) {
	case "true", "t", "1":
		return append(buf, "true"...), true
	case "false", "f", "0":
		return append(buf, "false"...), true
	}
	return buf, false
}

func parseTime(text string, buf []byte) ([]byte, bool) {
	const midnight = 24 * 60 * 60 * 1_000_000
	if text == "24:00:00" {
		return record.AppendTime(buf, midnight), true
	}
	micros, ok := record.ParseTime(text)
	if !ok {
		return buf, false
	}
	return record.AppendTime(buf, micros), true
}

// parseMoment reads dates and timestamps, also endless ones and those outside
// the years 1 to 9999, which DuckDB and PostgreSQL have.
func parseMoment(f form, text string, buf []byte) ([]byte, bool) {
	if text == "infinity" || text == "-infinity" {
		return append(buf, text...), true
	}
	if f.micros {
		micros, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return buf, false
		}
		return record.AppendInstant(buf, micros), true
	}
	if out, ok := parsePlain(f.kind, text, buf); ok {
		return out, true
	}
	plain, before := cutEra(text)
	year, rest, ok := strings.Cut(plain, "-")
	if !ok || len(year) < 4 || strings.Trim(year, "0123456789") != "" || len(year) == 4 && !before {
		return buf, false
	}
	// The rest is read in a leap year of four digits; the warehouse would not
	// have printed a day that there is not.
	out, ok := parsePlain(f.kind, "2000-"+rest, buf)
	if !ok || string(out[len(buf):len(buf)+5]) != "2000-" || f.kind == record.Instant && !strings.HasSuffix(plain, "+00") {
		return buf, false
	}
	tail := string(out[len(buf)+4:]) // a copy: out and what is written now share memory
	out = append(append(buf, year...), tail...)
	if before {
		out = append(out, " BC"...)
	}
	return out, true
}

// cutEra takes the mark of a year before the common era away: DuckDB writes
// 0044-03-15 (BC) 12:00:00, PostgreSQL 0044-03-15 12:00:00 BC.
func cutEra(text string) (plain string, before bool) {
	if cut, ok := strings.CutSuffix(text, " BC"); ok {
		return cut, true
	}
	cut := strings.Replace(text, " (BC)", "", 1)
	return cut, cut != text
}

func parsePlain(kind record.Kind, text string, buf []byte) ([]byte, bool) {
	if kind == record.Date {
		days, ok := record.ParseDate(text)
		if !ok {
			return buf, false
		}
		return record.AppendDate(buf, days), true
	}
	micros, zoned, ok := record.ParseTimestamp(text)
	if !ok || zoned != (kind == record.Instant) {
		return buf, false
	}
	if zoned {
		return record.AppendInstant(buf, micros), true
	}
	return record.AppendTimestamp(buf, micros), true
}

// appended is the value that was just written behind buf.
func appended(kind record.Kind, buf, out []byte) (record.Value, []byte) {
	return record.Value{Kind: kind, Data: out[len(buf):len(out):len(out)]}, out
}
