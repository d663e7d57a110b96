package record

import (
	"bytes"
	"cmp"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// Compare orders two numbers, of whatever kinds, or two moments of one kind.
// It is false for everything else that has no order which every warehouse
// shares: texts, nulls, a timestamp and an instant, NaN.
func Compare(a, b Value) (order int, ok bool) {
	switch {
	case isNumber(a.Kind) && isNumber(b.Kind):
		return compareNumbers(a.Data, b.Data)
	case a.Kind != b.Kind || !isMoment(a.Kind):
		return 0, false
	}
	if plainMoment(a.Data) && plainMoment(b.Data) {
		return bytes.Compare(bytes.TrimSuffix(a.Data, zulu), bytes.TrimSuffix(b.Data, zulu)), true
	}
	x, okA := momentOf(a)
	y, okB := momentOf(b)
	return cmp.Or(cmp.Compare(x.endless, y.endless), cmp.Compare(x.days, y.days), cmp.Compare(x.micros, y.micros)), okA && okB
}

// Finite reports whether a number or moment is neither NaN nor endless.
func Finite(v Value) bool {
	switch {
	case isNumber(v.Kind):
		return len(v.Data) > 0 && v.Data[len(v.Data)-1] <= '9'
	case isMoment(v.Kind):
		m, ok := momentOf(v)
		return ok && m.endless == 0
	}
	return false
}

// Earlier is the moment by before v; of a date, by is rounded up to whole
// days. It is false for what is no moment, or an endless one.
func Earlier(v Value, by time.Duration) (Value, bool) {
	m, ok := momentOf(v)
	if !ok || m.endless != 0 || by < 0 {
		return Value{}, false
	}
	const day = 24 * time.Hour
	days, rest := int64(by/day), (by % day).Microseconds()
	if v.Kind == Date && by%day > 0 {
		days, rest = days+1, 0
	}
	m.days, m.micros = m.days-days, m.micros-rest
	if m.micros < 0 {
		m.days, m.micros = m.days-1, m.micros+microsPerDay
	}
	switch v.Kind {
	case Date:
		return Value{Kind: Date, Data: AppendDate(nil, m.days)}, true
	case Timestamp:
		return Value{Kind: Timestamp, Data: AppendTimestampOf(nil, m.days, m.micros)}, true
	default:
		return Value{Kind: Instant, Data: AppendInstantOf(nil, m.days, m.micros)}, true
	}
}

// Minus is an Int or a Decimal less n. It is false for what is neither.
func Minus(v Value, n int64) (Value, bool) {
	if v.Kind != Int && v.Kind != Decimal || !Finite(v) {
		return Value{}, false
	}
	number, ok := new(big.Rat).SetString(string(v.Data))
	if !ok {
		return Value{}, false
	}
	_, fraction, _ := strings.Cut(string(v.Data), ".")
	number.Sub(number, new(big.Rat).SetInt64(n))
	data, ok := AppendDecimal(nil, number.FloatString(len(fraction)))
	return Value{Kind: v.Kind, Data: data}, ok
}

// MomentOf gives a time as a value of kind Date, Timestamp or Instant, in UTC
// and whole microseconds; Absent for another kind.
func MomentOf(kind Kind, t time.Time) Value {
	t = t.UTC()
	days := dayOf(int64(t.Year()), int64(t.Month()), int64(t.Day()))
	micros := (int64(t.Hour())*3600+int64(t.Minute())*60+int64(t.Second()))*microsPerSecond + int64(t.Nanosecond()/1000)
	switch kind {
	case Date:
		return Value{Kind: Date, Data: AppendDate(nil, days)}
	case Timestamp:
		return Value{Kind: Timestamp, Data: AppendTimestampOf(nil, days, micros)}
	case Instant:
		return Value{Kind: Instant, Data: AppendInstantOf(nil, days, micros)}
	default:
		return Value{}
	}
}

func isNumber(k Kind) bool { return k == Int || k == Float || k == Decimal }

func isMoment(k Kind) bool { return k == Date || k == Timestamp || k == Instant }

var zulu = []byte("Z")

// plainMoment reports whether moments of this text are in the order of their
// bytes: years 1000 to 9999 of the common era.
func plainMoment(text []byte) bool {
	return len(text) >= len("2006-01-02") && text[0] >= '1' && text[0] <= '9' && text[4] == '-' && text[len(text)-1] != 'C'
}

// moment is a canonical moment taken apart.
type moment struct {
	endless      int // -1 or 1
	days, micros int64
}

func momentOf(v Value) (m moment, ok bool) {
	if !isMoment(v.Kind) {
		return m, false
	}
	text := string(v.Data)
	switch text {
	case "infinity":
		return moment{endless: 1}, true
	case "-infinity":
		return moment{endless: -1}, true
	}
	text, before := strings.CutSuffix(text, " BC")
	text = strings.TrimSuffix(text, "Z")
	date, clock, timed := strings.Cut(text, "T")
	if timed {
		if m.micros, ok = ParseTime(clock); !ok {
			return m, false
		}
	}
	m.days, ok = anyDay(date, before)
	return m, ok && timed == (v.Kind != Date)
}

// anyDay reads what appendDay writes.
func anyDay(text string, before bool) (int64, bool) {
	parts := strings.Split(text, "-")
	if len(parts) != 3 {
		return 0, false
	}
	var n [3]int64
	for i, p := range parts {
		var err error
		if n[i], err = strconv.ParseInt(p, 10, 32); err != nil {
			return 0, false
		}
	}
	if before {
		n[0] = 1 - n[0]
	}
	return dayOf(n[0], n[1], n[2]), true
}

// compareNumbers orders canonical numbers by their digits, without making
// floats of them.
func compareNumbers(a, b []byte) (int, bool) {
	if string(a) == nan || string(b) == nan {
		return 0, false
	}
	signA, a := cutSign(a)
	signB, b := cutSign(b)
	if signA != signB {
		return cmp.Compare(signA, signB), true
	}
	return signA * compareDigits(a, b), true
}

// cutSign gives -1, 0 or 1, and the number without its sign.
func cutSign(text []byte) (int, []byte) {
	switch {
	case string(text) == "0":
		return 0, text
	case len(text) > 0 && text[0] == '-':
		return -1, text[1:]
	}
	return 1, text
}

func compareDigits(a, b []byte) int {
	if endlessA, endlessB := a[0] == 'I', b[0] == 'I'; endlessA || endlessB {
		return cmp.Compare(boolInt(endlessA), boolInt(endlessB))
	}
	wholeA, fractionA, _ := bytes.Cut(a, []byte("."))
	wholeB, fractionB, _ := bytes.Cut(b, []byte("."))
	return cmp.Or(cmp.Compare(len(wholeA), len(wholeB)), bytes.Compare(wholeA, wholeB), bytes.Compare(fractionA, fractionB))
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
