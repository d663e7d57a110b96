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
	if f.number {
		return value(form{kind: record.Int}, text, buf)
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

// parseMoment reads dates and timestamps.
func parseMoment(f form, text string, buf []byte) ([]byte, bool) {
	if f.micros && !strings.HasSuffix(text, "infinity") {
		micros, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return buf, false
		}
		return record.AppendInstant(buf, micros), true
	}
	return record.AppendMoment(buf, f.kind, text)
}

// appended is the value that was just written behind buf.
func appended(kind record.Kind, buf, out []byte) (record.Value, []byte) {
	return record.Value{Kind: kind, Data: out[len(buf):len(out):len(out)]}, out
}
