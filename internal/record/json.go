package record

import (
	"encoding/base64"
	"errors"
	"unicode/utf8"
)

// What AppendJSON refuses. The messages name no value.
var (
	errAbsent  = errors.New("a field that is absent has no JSON: leave it out")
	errNumber  = errors.New("the number is not finite (NaN or infinity), which JSON cannot write")
	errInvalid = errors.New("the text is not valid UTF-8, which JSON cannot write")
)

// AppendJSON appends v as JSON: numbers as numbers with all their digits,
// JSON as it is, bytes in base64, everything else as text. It fails, with dst
// unchanged, on Absent, on NaN and infinite numbers and on invalid UTF-8.
func AppendJSON(dst []byte, v Value) ([]byte, error) {
	switch v.Kind {
	case Null:
		return append(dst, "null"...), nil
	case Bool, JSON:
		return append(dst, v.Data...), nil
	case Int, Float, Decimal:
		if !finite(v.Data) {
			return dst, errNumber
		}
		return append(dst, v.Data...), nil
	case Bytes:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, v.Data)
		return append(dst, '"'), nil
	case Text, Date, Time, Timestamp, Instant:
		return AppendJSONText(dst, v.Data)
	case Absent:
	}
	return dst, errAbsent
}

// AppendJSONElement appends v as an element of a SQL array that becomes JSON.
// It is AppendJSON, but writes NaN and infinities as texts, as PostgreSQL's
// to_json does: one of them must not make the whole array unwritable.
func AppendJSONElement(dst []byte, v Value) ([]byte, error) {
	switch v.Kind {
	case Int, Float, Decimal:
		if !finite(v.Data) {
			v.Kind = Text
		}
	default:
	}
	return AppendJSON(dst, v)
}

// AppendJSONText appends text as a JSON string: only what JSON demands is
// escaped. It fails, with dst unchanged, on invalid UTF-8.
func AppendJSONText[T ~[]byte | ~string](dst []byte, text T) ([]byte, error) {
	start := len(dst)
	dst = append(dst, '"')
	clean := 0 // text[clean:i] needs no escape
	for i := 0; i < len(text); {
		c := text[i]
		if c >= utf8.RuneSelf {
			size := runeSize(text[i:])
			if size == 0 {
				return dst[:start], errInvalid
			}
			i += size
			continue
		}
		if c < ' ' || c == '"' || c == '\\' {
			dst = append(dst, text[clean:i]...)
			dst = appendEscaped(dst, c)
			clean = i + 1
		}
		i++
	}
	dst = append(dst, text[clean:]...)
	return append(dst, '"'), nil
}

// finite reports whether a canonical number has digits.
func finite(number []byte) bool {
	return len(number) > 0 && (isDigit(number[0]) || len(number) > 1 && number[0] == '-' && isDigit(number[1]))
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// runeSize gives the length of the valid character that text starts with; 0
// if there is none.
func runeSize[T ~[]byte | ~string](text T) int {
	var first [utf8.UTFMax]byte
	n := copy(first[:], text)
	if r, size := utf8.DecodeRune(first[:n]); r != utf8.RuneError || size > 1 {
		return size
	}
	return 0
}

func appendEscaped(dst []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}
