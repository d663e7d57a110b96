package record

import (
	"encoding/binary"
	"math"
	"strconv"
)

// The numbers that no digits can write.
const (
	nan         = "NaN"
	infinity    = "Infinity"
	negInfinity = "-Infinity"
)

const digits = "0123456789"

// maxDigits is more than any warehouse's exact number has (PostgreSQL's have
// up to 147455); it bounds what an exponent may unfold to.
const maxDigits = 150_000

// AppendFloat appends the canonical text of a float of 32 or 64 bits: the
// shortest digits that read back the same, without an exponent.
// (An integer's canonical text is what strconv.AppendInt writes.)
func AppendFloat(dst []byte, v float64, bits int) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, nan...)
	case math.IsInf(v, 1):
		return append(dst, infinity...)
	case math.IsInf(v, -1):
		return append(dst, negInfinity...)
	case v == 0: // also -0, which equals 0
		return append(dst, '0')
	}
	return strconv.AppendFloat(dst, v, 'f', -1, bits)
}

// AppendDecimal appends the canonical text of a number written in digits,
// with or without sign, point and exponent, or as NaN or an infinity. It is
// false, and dst is unchanged, for any other text.
func AppendDecimal[T ~[]byte | ~string](dst []byte, text T) ([]byte, bool) {
	d, ok := scanDecimal(text)
	if !ok {
		return appendSpecial(dst, text)
	}
	point := d.point
	if len(d.whole)+len(d.fraction) == 0 {
		return append(dst, '0'), true
	}
	if max(point, -point) > maxDigits || len(text) > 2*maxDigits {
		return dst, false
	}
	if d.negative {
		dst = append(dst, '-')
	}
	digit := func(i int) byte { // the digits of whole and fraction, as if in one row
		switch {
		case i < 0 || i >= len(d.whole)+len(d.fraction):
			return '0'
		case i < len(d.whole):
			return d.whole[i]
		}
		return d.fraction[i-len(d.whole)]
	}
	for i := range point {
		dst = append(dst, digit(i))
	}
	if point <= 0 {
		dst = append(dst, '0')
	}
	if last := len(d.whole) + len(d.fraction); last > point {
		dst = append(dst, '.')
		for i := point; i < last; i++ {
			dst = append(dst, digit(i))
		}
	}
	return dst, true
}

// decimal is a number as it was scanned: 0.whole fraction × 10^point, without
// zeros at either end of its digits.
type decimal[T ~[]byte | ~string] struct {
	negative        bool
	whole, fraction T
	point           int
}

func scanDecimal[T ~[]byte | ~string](text T) (d decimal[T], ok bool) {
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		d.negative = text[0] == '-'
		text = text[1:]
	}
	d.whole, text = scanDigits(text)
	if len(text) > 0 && text[0] == '.' {
		d.fraction, text = scanDigits(text[1:])
	}
	if len(d.whole)+len(d.fraction) == 0 {
		return d, false
	}
	if len(text) > 0 && (text[0] == 'e' || text[0] == 'E') {
		exponent, err := strconv.ParseInt(string(text[1:]), 10, 32)
		if err != nil {
			return d, false
		}
		d.point, text = int(exponent), text[len(text):]
	}
	d.point += len(d.whole)
	for len(d.whole) > 0 && d.whole[0] == '0' {
		d.whole, d.point = d.whole[1:], d.point-1
	}
	for len(d.whole) == 0 && len(d.fraction) > 0 && d.fraction[0] == '0' {
		d.fraction, d.point = d.fraction[1:], d.point-1
	}
	for len(d.fraction) > 0 && d.fraction[len(d.fraction)-1] == '0' {
		d.fraction = d.fraction[:len(d.fraction)-1]
	}
	for len(d.fraction) == 0 && len(d.whole) > 0 && d.whole[len(d.whole)-1] == '0' {
		d.whole = d.whole[:len(d.whole)-1]
	}
	return d, len(text) == 0
}

func scanDigits[T ~[]byte | ~string](text T) (digits, rest T) {
	n := 0
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return text[:n], text[n:]
}

// appendSpecial understands the spellings of PostgreSQL, Python and Go.
func appendSpecial[T ~[]byte | ~string](dst []byte, text T) ([]byte, bool) {
	if len(text) > len("-Infinity") {
		return dst, false
	}
	switch string(text) {
	case nan, "nan", "NAN":
		return append(dst, nan...), true
	case infinity, "infinity", "+Infinity", "inf", "+inf", "Inf", "+Inf":
		return append(dst, infinity...), true
	case negInfinity, "-infinity", "-inf", "-Inf":
		return append(dst, negInfinity...), true
	}
	return dst, false
}

// AppendNumeric appends the canonical text of a PostgreSQL numeric in its
// binary form (src/backend/utils/adt/numeric.c, numeric_send): the count of
// base-10000 digits, the weight of the first, sign, scale, digits. It is
// false for bytes that are not that.
func AppendNumeric(dst, wire []byte) ([]byte, bool) {
	const head = 8
	if len(wire) < head {
		return dst, false
	}
	count := int(binary.BigEndian.Uint16(wire))
	weight := int(int16(binary.BigEndian.Uint16(wire[2:]))) //nolint:gosec // a signed number on the wire
	sign := binary.BigEndian.Uint16(wire[4:])
	groups := wire[head:]
	if len(groups) != 2*count {
		return dst, false
	}
	switch sign {
	case 0x0000, 0x4000:
	case 0xC000:
		return append(dst, nan...), true
	case 0xD000:
		return append(dst, infinity...), true
	case 0xF000:
		return append(dst, negInfinity...), true
	default:
		return dst, false
	}
	start := len(dst)
	if sign == 0x4000 {
		dst = append(dst, '-')
	}
	dst, ok := appendGroups(dst, groups, weight)
	if !ok {
		return dst[:start], false
	}
	if len(dst) == start+2 && dst[start] == '-' && dst[start+1] == '0' {
		return append(dst[:start], '0'), true
	}
	return dst, true
}

// appendGroups writes base-10000 digits; those up to index weight stand
// before the point.
func appendGroups(dst, groups []byte, weight int) ([]byte, bool) {
	group := func(i int) uint16 {
		if i < 0 || 2*i >= len(groups) {
			return 0
		}
		return binary.BigEndian.Uint16(groups[2*i:])
	}
	start := len(dst)
	for i := 0; i <= weight; i++ {
		g := group(i)
		switch {
		case g > 9999:
			return dst, false
		case len(dst) == start && g == 0: // a leading zero
		case len(dst) == start:
			dst = strconv.AppendUint(dst, uint64(g), 10)
		default:
			dst = appendFour(dst, g)
		}
	}
	if len(dst) == start {
		dst = append(dst, '0')
	}
	point := len(dst)
	dst = append(dst, '.')
	for i := weight + 1; 2*i < len(groups); i++ {
		g := group(i)
		if g > 9999 {
			return dst, false
		}
		dst = appendFour(dst, g)
	}
	for dst[len(dst)-1] == '0' && len(dst)-1 > point {
		dst = dst[:len(dst)-1]
	}
	if len(dst)-1 == point {
		dst = dst[:point]
	}
	return dst, true
}

func appendFour(dst []byte, g uint16) []byte {
	return append(dst, digits[g/1000], digits[g/100%10], digits[g/10%10], digits[g%10])
}
