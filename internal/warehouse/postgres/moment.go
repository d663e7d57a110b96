package postgres

import (
	"math"
	"strconv"

	"exposync/internal/record"
)

// PostgreSQL counts from 2000-01-01.
const (
	epochDays       = 10_957
	microsPerSecond = 1_000_000
	microsPerDay    = 24 * 60 * 60 * microsPerSecond
)

// momentOf is scalarOf for dates, times and intervals.
func momentOf(oid uint32) (scalar, bool) {
	switch oid {
	case 1082:
		return scalar{record.Date, decodeDate}, true
	case 1083:
		return scalar{record.Time, decodeTime}, true
	case 1266:
		return scalar{record.Text, decodeZonedTime}, true
	case 1114:
		return scalar{record.Timestamp, decodeTimestamp}, true
	case 1184:
		return scalar{record.Instant, decodeInstant}, true
	case 1186:
		return scalar{record.Text, decodeInterval}, true
	}
	return scalar{}, false
}

func decodeDate(raw, buf []byte) (record.Value, []byte, error) {
	if len(raw) != 4 {
		return record.Value{}, buf, errWire
	}
	switch days := int4(raw); days {
	case math.MaxInt32:
		return endless(record.Date, buf, "infinity")
	case math.MinInt32:
		return endless(record.Date, buf, "-infinity")
	default:
		return appended(record.Date, buf, record.AppendDate(buf, int64(days)+epochDays))
	}
}

func decodeTime(raw, buf []byte) (record.Value, []byte, error) {
	if len(raw) != 8 || !inDay(int8Of(raw)) {
		return record.Value{}, buf, errWire
	}
	return appended(record.Time, buf, record.AppendTime(buf, int8Of(raw)))
}

// decodeZonedTime gives text such as 12:00:00+02:00. It is no Time: a time of
// day in a zone is no moment that could be moved to UTC.
func decodeZonedTime(raw, buf []byte) (record.Value, []byte, error) {
	if len(raw) != 12 || !inDay(int8Of(raw)) {
		return record.Value{}, buf, errWire
	}
	out := record.AppendTime(buf, int8Of(raw))
	west := int64(int4(raw[8:])) // seconds
	sign := byte('-')
	if west <= 0 {
		sign, west = '+', -west
	}
	if !inDay(west * microsPerSecond) {
		return record.Value{}, buf, errWire
	}
	offset := record.AppendTime(nil, west*microsPerSecond)
	if west%60 == 0 {
		offset = offset[:len("15:04")]
	}
	return appended(record.Text, buf, append(append(out, sign), offset...))
}

func inDay(micros int64) bool { return micros >= 0 && micros <= microsPerDay }

func decodeTimestamp(raw, buf []byte) (record.Value, []byte, error) {
	return decodeMoment(record.Timestamp, record.AppendTimestampOf, raw, buf)
}

func decodeInstant(raw, buf []byte) (record.Value, []byte, error) {
	return decodeMoment(record.Instant, record.AppendInstantOf, raw, buf)
}

func decodeMoment(
	kind record.Kind, write func([]byte, int64, int64) []byte, raw, buf []byte,
) (record.Value, []byte, error) {
	if len(raw) != 8 {
		return record.Value{}, buf, errWire
	}
	switch micros := int8Of(raw); micros {
	case math.MaxInt64:
		return endless(kind, buf, "infinity")
	case math.MinInt64:
		return endless(kind, buf, "-infinity")
	default:
		days, rest := micros/microsPerDay, micros%microsPerDay // apart, because their sum may not fit
		if rest < 0 {
			days, rest = days-1, rest+microsPerDay
		}
		return appended(kind, buf, write(buf, days+epochDays, rest))
	}
}

func endless(kind record.Kind, buf []byte, text string) (record.Value, []byte, error) {
	return appended(kind, buf, append(buf, text...))
}

// decodeInterval gives an ISO 8601 duration such as P1Y2M3DT4H5M6.7S, what
// PostgreSQL prints with intervalstyle iso_8601.
func decodeInterval(raw, buf []byte) (record.Value, []byte, error) {
	if len(raw) != 16 {
		return record.Value{}, buf, errWire
	}
	micros, days, months := int8Of(raw), int64(int4(raw[8:])), int64(int4(raw[12:]))
	switch {
	case micros == math.MaxInt64 && days == math.MaxInt32 && months == math.MaxInt32:
		return endless(record.Text, buf, "infinity")
	case micros == math.MinInt64 && days == math.MinInt32 && months == math.MinInt32:
		return endless(record.Text, buf, "-infinity")
	case micros == 0 && days == 0 && months == 0:
		return endless(record.Text, buf, "PT0S")
	}
	out := append(buf, 'P') //nolint:gocritic // buf is what stands before the value
	out = appendUnit(out, months/12, 'Y')
	out = appendUnit(out, months%12, 'M')
	out = appendUnit(out, days, 'D')
	if micros != 0 {
		out = appendClock(append(out, 'T'), micros)
	}
	return appended(record.Text, buf, out)
}

func appendUnit(dst []byte, n int64, unit byte) []byte {
	if n == 0 {
		return dst
	}
	return append(strconv.AppendInt(dst, n, 10), unit)
}

func appendClock(dst []byte, micros int64) []byte {
	dst = appendUnit(dst, micros/(3600*microsPerSecond), 'H')
	dst = appendUnit(dst, micros/(60*microsPerSecond)%60, 'M')
	rest := micros % (60 * microsPerSecond)
	if rest == 0 {
		return dst
	}
	if rest < 0 {
		dst, rest = append(dst, '-'), -rest
	}
	whole, fraction := rest/microsPerSecond, rest%microsPerSecond
	dst = strconv.AppendInt(dst, whole, 10)
	if fraction > 0 {
		digits := strconv.AppendInt(nil, microsPerSecond+fraction, 10)[1:]
		for digits[len(digits)-1] == '0' {
			digits = digits[:len(digits)-1]
		}
		dst = append(append(dst, '.'), digits...)
	}
	return append(dst, 'S')
}
