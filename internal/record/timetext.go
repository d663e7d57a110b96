package record

// ParseDate reads a date written as 2006-01-02, in days since 1970-01-01. It
// is false for anything else, a 30 February too.
func ParseDate[T ~[]byte | ~string](text T) (days int64, ok bool) {
	days, rest, ok := scanDate(text)
	return days, ok && len(rest) == 0
}

// ParseTime reads a time of day written as 15:04, 15:04:05 or 15:04:05.999999,
// in microseconds since midnight. It is false for anything else, and for
// digits beyond microseconds, which would be lost.
func ParseTime[T ~[]byte | ~string](text T) (micros int64, ok bool) {
	micros, rest, ok := scanTime(text)
	return micros, ok && len(rest) == 0
}

// ParseTimestamp reads a date and a time, with a space or a T between them,
// in microseconds since 1970-01-01. A zone, written as Z, +02, +0200 or
// +02:00, makes it an instant: micros are then in UTC. It is false for
// anything else.
func ParseTimestamp[T ~[]byte | ~string](text T) (micros int64, zoned, ok bool) {
	days, rest, ok := scanDate(text)
	if !ok || len(rest) == 0 || rest[0] != ' ' && rest[0] != 'T' {
		return 0, false, false
	}
	micros, rest, ok = scanTime(rest[1:])
	if !ok {
		return 0, false, false
	}
	micros += days * microsPerDay
	if len(rest) == 0 {
		return micros, false, true
	}
	offset, ok := scanZone(rest)
	return micros - offset, true, ok
}

func scanDate[T ~[]byte | ~string](text T) (days int64, rest T, ok bool) {
	const layout = "2006-01-02"
	if len(text) < len(layout) || text[4] != '-' || text[7] != '-' {
		return 0, text, false
	}
	year, okYear := scanNumber(text[:4])
	month, okMonth := scanNumber(text[5:7])
	day, okDay := scanNumber(text[8:10])
	if !okYear || !okMonth || !okDay || year == 0 || month < 1 || month > 12 || day < 1 || day > 31 {
		return 0, text, false
	}
	days = dayOf(year, month, day)
	if _, m, _ := civil(days); m != month { // the month is shorter than that
		return 0, text, false
	}
	return days, text[len(layout):], true
}

func scanTime[T ~[]byte | ~string](text T) (micros int64, rest T, ok bool) {
	const short, long = "15:04", "15:04:05"
	if len(text) < len(short) || text[2] != ':' {
		return 0, text, false
	}
	hour, okHour := scanNumber(text[:2])
	minute, okMinute := scanNumber(text[3:5])
	second, okSecond := int64(0), true
	rest = text[len(short):]
	if len(text) >= len(long) && text[5] == ':' {
		second, okSecond = scanNumber(text[6:8])
		rest = text[len(long):]
		if len(rest) > 0 && rest[0] == '.' {
			if micros, rest, ok = scanFraction(rest[1:]); !ok {
				return 0, text, false
			}
		}
	}
	if !okHour || !okMinute || !okSecond || hour > 23 || minute > 59 || second > 59 {
		return 0, text, false
	}
	return micros + (hour*3600+minute*60+second)*microsPerSecond, rest, true
}

func scanFraction[T ~[]byte | ~string](text T) (micros int64, rest T, ok bool) {
	digits, rest := scanDigits(text)
	unit := int64(microsPerSecond)
	for i := range len(digits) {
		if unit /= 10; unit == 0 && digits[i] != '0' {
			return 0, text, false
		}
		micros += int64(digits[i]-'0') * unit
	}
	return micros, rest, len(digits) > 0
}

func scanZone[T ~[]byte | ~string](text T) (micros int64, ok bool) {
	if len(text) == 1 && (text[0] == 'Z' || text[0] == 'z') {
		return 0, true
	}
	if len(text) < 3 || text[0] != '+' && text[0] != '-' {
		return 0, false
	}
	hours, okHours := scanNumber(text[1:3])
	minutes, okMinutes := int64(0), true
	switch rest := text[3:]; {
	case len(rest) == 3 && rest[0] == ':':
		minutes, okMinutes = scanNumber(rest[1:])
	case len(rest) == 2:
		minutes, okMinutes = scanNumber(rest)
	case len(rest) != 0:
		return 0, false
	}
	micros = (hours*3600 + minutes*60) * microsPerSecond
	if text[0] == '-' {
		micros = -micros
	}
	return micros, okHours && okMinutes && hours < 24 && minutes < 60
}

// scanNumber reads a text of digits alone.
func scanNumber[T ~[]byte | ~string](text T) (n int64, ok bool) {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(text[i]-'0')
	}
	return n, len(text) > 0
}
