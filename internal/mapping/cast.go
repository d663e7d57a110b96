package mapping

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"exposync/internal/record"
)

// Cast is the type that values are brought to. A value that would lose
// something on the way is a failure, never rounded or cut.
type Cast string

// The casts.
const (
	ToInteger   Cast = "integer"
	ToDecimal   Cast = "decimal"
	ToText      Cast = "text"
	ToBoolean   Cast = "boolean"
	ToDate      Cast = "date"
	ToTime      Cast = "time"
	ToTimestamp Cast = "timestamp"
	ToInstant   Cast = "instant"
	ToJSON      Cast = "json"
)

// Casts lists them in the order of the documentation.
func Casts() []string {
	return []string{
		string(ToInteger), string(ToDecimal), string(ToText), string(ToBoolean), string(ToDate),
		string(ToTime), string(ToTimestamp), string(ToInstant), string(ToJSON),
	}
}

// kind is what a cast makes.
func (c Cast) kind() record.Kind {
	switch c {
	case ToInteger:
		return record.Int
	case ToDecimal:
		return record.Decimal
	case ToBoolean:
		return record.Bool
	case ToDate:
		return record.Date
	case ToTime:
		return record.Time
	case ToTimestamp:
		return record.Timestamp
	case ToInstant:
		return record.Instant
	case ToJSON:
		return record.JSON
	case ToText:
	}
	return record.Text
}

// takes reports whether values of a kind can be cast at all.
func (c Cast) takes(k record.Kind) bool {
	switch c {
	case ToInteger, ToDecimal, ToBoolean:
		return slices.Contains([]record.Kind{record.Bool, record.Int, record.Float, record.Decimal, record.Text}, k)
	case ToText:
		return true
	case ToDate:
		return k == record.Date || k == record.Timestamp || k == record.Text
	case ToTime:
		return k == record.Time || k == record.Text
	case ToTimestamp:
		return k == record.Date || k == record.Timestamp || k == record.Text
	case ToInstant:
		return k == record.Instant || k == record.Text
	case ToJSON:
		return k != record.Bytes
	}
	return false
}

func (c *compiler) cast(s step, to Cast) step {
	if s.kind != record.Null && !to.takes(s.kind) {
		hint := "remove the cast, or make the value in the export model and run dbt build"
		if s.kind == record.Instant || to == ToInstant {
			hint = "only a time zone decides which one it is: make it in the export model, where you can name the zone, and run dbt build"
		}
		c.problem("cast_type", hint, "cast: %s: nothing of type %s becomes that without a loss", to, s.kind)
		return s
	}
	var buf []byte
	return s.then(to.kind(), func(v record.Value) (record.Value, *Failure) {
		out, code, why := castValue(buf[:0], to, v)
		if code != "" {
			return out, c.fail(code, "cast: "+string(to)+": "+why)
		}
		if !shares(out.Data, v.Data) {
			buf = out.Data
		}
		return out, nil
	})
}

// shares reports whether two values have one memory.
func shares(a, b []byte) bool {
	return len(a) == 0 || len(b) > 0 && &a[0] == &b[0]
}

const (
	codeLossy   = "cast_lossy"
	codeInvalid = "cast_invalid"
)

// castValue casts one value that is not null; code says why it cannot.
func castValue(buf []byte, to Cast, v record.Value) (out record.Value, code, why string) {
	if !to.takes(v.Kind) { // a column whose values have types of their own
		return v, codeInvalid, "nothing of type " + v.Kind.String() + " becomes that"
	}
	switch to {
	case ToInteger:
		return castInteger(buf, v)
	case ToDecimal:
		return castDecimal(buf, v)
	case ToBoolean:
		return castBoolean(buf, v)
	case ToText:
		if v.Kind == record.Bytes && !utf8.Valid(v.Data) {
			return v, codeInvalid, "the bytes are no text in UTF-8"
		}
		return record.Value{Kind: record.Text, Data: v.Data}, "", ""
	case ToDate:
		return castDate(buf, v)
	case ToTime:
		return castTime(buf, v)
	case ToTimestamp, ToInstant:
		return castMoment(buf, to, v)
	case ToJSON:
		return castJSON(buf, v)
	}
	return v, codeInvalid, "there is no such cast"
}

func castDecimal(buf []byte, v record.Value) (record.Value, string, string) {
	if v.Kind == record.Bool {
		digit := byte('0')
		if string(v.Data) == "true" {
			digit = '1'
		}
		return record.Value{Kind: record.Decimal, Data: append(buf, digit)}, "", ""
	}
	text := v.Data
	if v.Kind == record.Text {
		text = bytes.TrimSpace(text)
	}
	out, ok := record.AppendDecimal(buf, text)
	n := record.Value{Kind: record.Decimal, Data: out}
	switch {
	case !ok:
		return v, codeInvalid, "the value is no number"
	case !record.Finite(n):
		return v, codeInvalid, "the value is NaN or infinite"
	}
	return n, "", ""
}

func castInteger(buf []byte, v record.Value) (record.Value, string, string) {
	n, code, why := castDecimal(buf, v)
	if code != "" {
		return v, code, why
	}
	if bytes.IndexByte(n.Data, '.') >= 0 {
		return v, codeLossy, "the value has a fraction"
	}
	if _, err := strconv.ParseInt(string(n.Data), 10, 64); err != nil {
		return v, codeLossy, "the value does not fit into 64 bits"
	}
	n.Kind = record.Int
	return n, "", ""
}

func castBoolean(buf []byte, v record.Value) (record.Value, string, string) {
	word := strings.ToLower(strings.TrimSpace(string(v.Data)))
	switch word {
	case "true", "t", "yes", "y", "on", "1":
		return record.Value{Kind: record.Bool, Data: append(buf, "true"...)}, "", ""
	case "false", "f", "no", "n", "off", "0":
		return record.Value{Kind: record.Bool, Data: append(buf, "false"...)}, "", ""
	}
	return v, codeInvalid, "the value is neither true nor false"
}

// midnight is the time that a date has as a timestamp.
const midnight = "T00:00:00"

func castDate(buf []byte, v record.Value) (record.Value, string, string) {
	if v.Kind == record.Date {
		return v, "", ""
	}
	stamp := v
	if v.Kind == record.Text {
		text := bytes.TrimSpace(v.Data)
		if out, ok := record.AppendMoment(buf, record.Date, text); ok {
			return record.Value{Kind: record.Date, Data: out}, "", ""
		}
		var code, why string
		if stamp, code, why = castMoment(nil, ToTimestamp, v); code == codeLossy {
			return v, code, why
		} else if code != "" {
			return v, codeInvalid, "the value is no date written as 2006-01-02"
		}
	}
	if !record.Finite(stamp) {
		return record.Value{Kind: record.Date, Data: append(buf, stamp.Data...)}, "", ""
	}
	text, bc := bytes.CutSuffix(stamp.Data, []byte(" BC"))
	day, whole := bytes.CutSuffix(text, []byte(midnight))
	if !whole {
		return v, codeLossy, "the value has a time of day"
	}
	out := append(buf, day...)
	if bc {
		out = append(out, " BC"...)
	}
	return record.Value{Kind: record.Date, Data: out}, "", ""
}

func castTime(buf []byte, v record.Value) (record.Value, string, string) {
	if v.Kind == record.Time {
		return v, "", ""
	}
	micros, ok := record.ParseTime(bytes.TrimSpace(v.Data))
	if !ok {
		return v, codeInvalid, "the value is no time written as 15:04:05, to microseconds"
	}
	return record.Value{Kind: record.Time, Data: record.AppendTime(buf, micros)}, "", ""
}

func castMoment(buf []byte, to Cast, v record.Value) (record.Value, string, string) {
	kind := to.kind()
	if v.Kind == kind {
		return v, "", ""
	}
	if v.Kind == record.Date {
		if !record.Finite(v) {
			return record.Value{Kind: kind, Data: append(buf, v.Data...)}, "", ""
		}
		day, bc := bytes.CutSuffix(v.Data, []byte(" BC"))
		out := append(append(buf, day...), midnight...)
		if bc {
			out = append(out, " BC"...)
		}
		return record.Value{Kind: kind, Data: out}, "", ""
	}
	text := bytes.TrimSpace(v.Data)
	if out, ok := record.AppendMoment(buf, kind, text); ok {
		return record.Value{Kind: kind, Data: out}, "", ""
	}
	if _, zoned, ok := record.ParseTimestamp(text); ok {
		if zoned {
			return v, codeLossy, "the value has a time zone (cast: instant keeps the moment)"
		}
		return v, codeInvalid, "the value has no time zone, so nobody can say which moment it is"
	}
	return v, codeInvalid, "the value is no date and time, written as 2006-01-02 15:04:05 to microseconds"
}

func castJSON(buf []byte, v record.Value) (record.Value, string, string) {
	if v.Kind == record.JSON {
		return v, "", ""
	}
	var out []byte
	var err error
	if v.Kind == record.Text {
		out, err = record.AppendCanonicalJSON(buf, v.Data)
	} else {
		out, err = record.AppendJSON(buf, v)
	}
	if err != nil {
		return v, codeInvalid, "the value is no JSON"
	}
	return record.Value{Kind: record.JSON, Data: out}, "", ""
}
