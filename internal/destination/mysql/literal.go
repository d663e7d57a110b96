package mysql

import (
	"bytes"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"exposync/internal/record"
)

// appendLiteral writes one value as SQL for its column, or says with a code
// and a reason why the column cannot hold it as it is. What the server would
// round or cut without a word is found here: digits of whole numbers, decimals
// and seconds.
func appendLiteral(dst []byte, v record.Value, f field) (out []byte, code, reason string) {
	in := "field " + f.Name + ": "
	switch {
	case v.Kind == record.Absent, v.Kind == record.Null:
		if f.column.notNull { // some servers would make a value up: a new number, the time of day
			return dst, "1048", in + "a null in a column that takes none"
		}
		return append(dst, "null"...), "", ""
	case v.Kind == record.Bytes:
		dst = append(dst, "x'"...)
		return append(hex.AppendEncode(dst, v.Data), '\''), "", ""
	case !utf8.Valid(v.Data):
		return dst, "invalid_value", in + "the text is not valid UTF-8"
	}
	switch f.column.family() {
	case integers, decimals, floats, bits:
		return appendNumber(dst, v, f)
	case dates, times, moments:
		return appendTime(dst, v, f)
	default:
	}
	return appendText(dst, v.Data), "", ""
}

func appendNumber(dst []byte, v record.Value, f field) (out []byte, code, reason string) {
	in := "field " + f.Name + ": "
	if v.Kind == record.Bool {
		if string(v.Data) == "true" {
			return append(dst, '1'), "", ""
		}
		return append(dst, '0'), "", ""
	}
	plain, ok := record.AppendDecimal(nil, v.Data)
	if !ok || !record.Finite(record.Value{Kind: record.Decimal, Data: plain}) {
		return dst, "1366", in + "the value is no number that a column of type " + f.column.typ + " can hold"
	}
	_, fraction, _ := strings.Cut(string(plain), ".")
	switch f.column.family() {
	case integers, bits:
		if fraction != "" {
			return dst, "1265", in + "the number is not whole; a column of type " + f.column.typ + " would round it"
		}
	case decimals:
		if len(fraction) > f.column.scale {
			return dst, "1265", in + "the number has more digits after the point than a column of type " + f.column.typ + " keeps; round it in the export model"
		}
	default: // approximate by declaration
		return append(append(dst, plain...), "e0"...), "", "" // no decimal, which could not have all digits
	}
	return append(dst, plain...), "", ""
}

func appendTime(dst []byte, v record.Value, f field) (out []byte, code, reason string) {
	text := v.Data
	if v.Kind == record.Instant {
		text = bytes.TrimSuffix(text, []byte("Z")) // the session is in UTC
	}
	_, fraction, _ := strings.Cut(string(text), ".")
	if f.column.family() != dates && len(fraction) > f.column.scale {
		return dst, "1265", "field " + f.Name + ": the time has a finer fraction of a second than a column of type " + f.column.typ +
			" keeps; declare it with (6), or cut it in the export model"
	}
	if v.Kind == record.Timestamp || v.Kind == record.Instant {
		text = bytes.Replace(text, []byte("T"), []byte(" "), 1)
	}
	return appendText(dst, text), "", ""
}

// appendText writes a text for a session whose sql_mode knows backslashes.
func appendText(dst, text []byte) []byte {
	dst = append(dst, '\'')
	for _, c := range text {
		switch c {
		case 0:
			dst = append(dst, `\0`...)
		case '\\', '\'':
			dst = append(dst, '\\', c)
		case '\x1a':
			dst = append(dst, `\Z`...)
		case '\n': // so that a line of a statement is a record
			dst = append(dst, `\n`...)
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '\'')
}

// size is what a change takes in a statement at the most: names of columns in
// derived tables are short.
func size(ch record.Change) int {
	n := len("union all select \n()")
	for _, r := range []record.Record{ch.KeyVals, ch.Values} {
		for _, v := range r {
			n += len("null, ") + literalSize(v)
		}
	}
	return n
}

func literalSize(v record.Value) int {
	if v.Kind == record.Bytes {
		return len("x''") + hex.EncodedLen(len(v.Data))
	}
	n := len("''e0") + len(v.Data)
	for _, c := range v.Data {
		if c == 0 || c == '\\' || c == '\'' || c == '\x1a' || c == '\n' {
			n++
		}
	}
	return n
}
