package record

import "strings"

// AppendMoment appends the canonical text of a Date, Timestamp or Instant
// that SQL wrote: also endless ones and those outside the years 1 to 9999,
// which DuckDB and PostgreSQL have. It is false, and dst is unchanged, for any
// other text, and for digits beyond microseconds, which would be lost.
func AppendMoment[T ~[]byte | ~string](dst []byte, kind Kind, text T) ([]byte, bool) {
	if out, ok := appendPlainMoment(dst, kind, text); ok {
		return out, true
	}
	return appendOddMoment(dst, kind, string(text))
}

func appendPlainMoment[T ~[]byte | ~string](dst []byte, kind Kind, text T) ([]byte, bool) {
	if kind == Date {
		days, ok := ParseDate(text)
		if !ok {
			return dst, false
		}
		return AppendDate(dst, days), true
	}
	micros, zoned, ok := ParseTimestamp(text)
	if !ok || zoned != (kind == Instant) {
		return dst, false
	}
	if zoned {
		return AppendInstant(dst, micros), true
	}
	return AppendTimestamp(dst, micros), true
}

func appendOddMoment(dst []byte, kind Kind, text string) ([]byte, bool) {
	if text == "infinity" || text == "-infinity" {
		return append(dst, text...), true
	}
	plain, before := cutEra(text)
	year, rest, ok := strings.Cut(plain, "-")
	if !ok || len(year) < 4 || strings.Trim(year, "0123456789") != "" || len(year) == 4 && !before {
		return dst, false
	}
	// The rest is read in a leap year of four digits; the warehouse would not
	// have printed a day that there is not.
	out, ok := appendPlainMoment(dst, kind, "2000-"+rest)
	if !ok || string(out[len(dst):len(dst)+5]) != "2000-" || kind == Instant && !strings.HasSuffix(plain, "+00") {
		return dst, false
	}
	tail := string(out[len(dst)+4:]) // a copy: out and what is written now share memory
	out = append(append(dst, year...), tail...)
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
