package record

import "strconv"

// Moments are counted from 1970-01-01, in the proleptic Gregorian calendar as
// PostgreSQL counts it. A year beyond 9999 is written with as many digits as
// it needs, a year before the common era as 0044-03-15 BC, both as PostgreSQL
// prints and reads them.
const (
	microsPerSecond = 1_000_000
	microsPerDay    = 24 * 60 * 60 * microsPerSecond
)

// AppendDate appends the canonical text of a date, given in days since
// 1970-01-01.
func AppendDate(dst []byte, days int64) []byte {
	dst, bc := appendDay(dst, days)
	return appendEra(dst, bc)
}

// AppendTime appends the canonical text of a time of day, given in
// microseconds since midnight. 24:00:00 exists in PostgreSQL.
func AppendTime(dst []byte, micros int64) []byte {
	seconds := micros / microsPerSecond
	dst = appendTwo(dst, seconds/3600)
	dst = append(dst, ':')
	dst = appendTwo(dst, seconds/60%60)
	dst = append(dst, ':')
	dst = appendTwo(dst, seconds%60)
	fraction := micros % microsPerSecond
	if fraction == 0 {
		return dst
	}
	dst = append(dst, '.')
	for unit := int64(microsPerSecond / 10); fraction > 0; unit /= 10 {
		dst = append(dst, digits[fraction/unit])
		fraction %= unit
	}
	return dst
}

// AppendTimestamp appends the canonical text of a Timestamp, given in
// microseconds since 1970-01-01T00:00:00.
func AppendTimestamp(dst []byte, micros int64) []byte {
	return AppendTimestampOf(dst, day(micros), clock(micros))
}

// AppendInstant appends the canonical text of an Instant, given in
// microseconds since 1970-01-01T00:00:00Z.
func AppendInstant(dst []byte, micros int64) []byte {
	return AppendInstantOf(dst, day(micros), clock(micros))
}

// AppendTimestampOf is AppendTimestamp of a day, counted from 1970-01-01, and
// the microseconds of that day. PostgreSQL's last thirty years are more
// microseconds after 1970 than an int64 holds.
func AppendTimestampOf(dst []byte, days, micros int64) []byte {
	dst, bc := appendMoment(dst, days, micros)
	return appendEra(dst, bc)
}

// AppendInstantOf is AppendInstant of a day and the microseconds of that day.
func AppendInstantOf(dst []byte, days, micros int64) []byte {
	dst, bc := appendMoment(dst, days, micros)
	return appendEra(append(dst, 'Z'), bc)
}

// day is the day of a moment, clock the microseconds of that day.
func day(micros int64) int64 {
	if micros%microsPerDay < 0 {
		return micros/microsPerDay - 1
	}
	return micros / microsPerDay
}

func clock(micros int64) int64 { return (micros%microsPerDay + microsPerDay) % microsPerDay }

func appendMoment(dst []byte, days, micros int64) (_ []byte, bc bool) {
	dst, bc = appendDay(dst, days)
	return AppendTime(append(dst, 'T'), micros), bc
}

func appendEra(dst []byte, bc bool) []byte {
	if bc {
		return append(dst, " BC"...)
	}
	return dst
}

func appendDay(dst []byte, days int64) (_ []byte, bc bool) {
	year, month, day := civil(days)
	if bc = year <= 0; bc {
		year = 1 - year
	}
	for limit := int64(1000); limit > 1 && year < limit; limit /= 10 {
		dst = append(dst, '0')
	}
	dst = strconv.AppendInt(dst, year, 10)
	dst = append(dst, '-')
	dst = appendTwo(dst, month)
	dst = append(dst, '-')
	return appendTwo(dst, day), bc
}

func appendTwo(dst []byte, n int64) []byte {
	return append(dst, digits[n/10], digits[n%10])
}

// The calendar repeats after 400 years. Counting years from March puts the
// leap day at the end of the year, so months need no table.
const (
	daysPerEra   = 146_097
	daysToMarch0 = 719_468 // from 0000-03-01 to 1970-01-01
)

// civil gives the date of a day; year 0 is 1 BC.
func civil(days int64) (year, month, day int64) {
	days += daysToMarch0
	era := floorDiv(days, daysPerEra)
	d := days - era*daysPerEra // of the era
	y := (d - d/1460 + d/36_524 - d/146_096) / 365
	d -= 365*y + y/4 - y/100 // of the year
	m := (5*d + 2) / 153     // from March
	day = d - (153*m+2)/5 + 1
	year = y + era*400
	if m >= 10 {
		return year + 1, m - 9, day
	}
	return year, m + 3, day
}

// dayOf is the inverse of civil.
func dayOf(year, month, day int64) int64 {
	if month <= 2 {
		year, month = year-1, month+12
	}
	era := floorDiv(year, 400)
	y := year - era*400
	return era*daysPerEra + 365*y + y/4 - y/100 + (153*(month-3)+2)/5 + day - 1 - daysToMarch0
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
