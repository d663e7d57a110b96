package mapping

import (
	"math/big"
	"strings"

	"exposync/internal/record"
)

// rat is an exact number. It is never changed once it was made.
type rat struct{ *big.Rat }

// maxDigits is how many digits before or after the point a result may have.
const maxDigits = 1000

// ratOf reads a canonical number.
func ratOf(digits string) rat {
	r, ok := new(big.Rat).SetString(digits)
	if !ok { // canonical numbers can be read
		r = new(big.Rat)
	}
	return rat{r}
}

// large reports whether a number has more digits than any result may have, so
// that no expression can make ever larger ones.
func (r rat) large() bool {
	return r.Num().BitLen() > 4*4*maxDigits || r.Denom().BitLen() > 4*4*maxDigits
}

// digits is the number as canonical text; false if it has no end.
func (r rat) digits() (string, bool) {
	places, exact := r.FloatPrec()
	if !exact || places > maxDigits || r.Num().BitLen() > 4*maxDigits+r.Denom().BitLen() {
		return "", false
	}
	out, ok := record.AppendDecimal(nil, r.FloatString(places))
	return string(out), ok
}

// round rounds to a number of places after the point, halves away from zero as
// SQL does.
func (r rat) round(places int) rat { return ratOf(r.FloatString(places)) }

// floor is the largest whole number that is not above r.
func (r rat) floor() rat {
	q := new(big.Int)
	q.Div(r.Num(), r.Denom()) // rounds down: the denominator is positive
	return rat{new(big.Rat).SetInt(q)}
}

// ceil is the smallest whole number that is not below r.
func (r rat) ceil() rat { return r.negative().floor().negative() }

// abs is r without its sign.
func (r rat) abs() rat { return rat{new(big.Rat).Abs(r.Rat)} }

func (r rat) negative() rat { return rat{new(big.Rat).Neg(r.Rat)} }

// whole gives a small whole number.
func (r rat) whole() (int, bool) {
	if !r.IsInt() || !r.Num().IsInt64() {
		return 0, false
	}
	n := r.Num().Int64()
	return int(n), n >= -maxText && n <= maxText
}

// arithmetic computes one operation; why says why it cannot.
func arithmetic(op string, a, b rat) (out rat, why string) {
	r := new(big.Rat)
	switch op {
	case "+":
		r.Add(a.Rat, b.Rat)
	case "-":
		r.Sub(a.Rat, b.Rat)
	case "*":
		r.Mul(a.Rat, b.Rat)
	case "/", "%":
		if b.Sign() == 0 {
			return out, "division by zero"
		}
		r.Quo(a.Rat, b.Rat)
		if op == "%" { // the sign is that of a, as in SQL
			q := new(big.Int).Quo(r.Num(), r.Denom())
			r.Sub(a.Rat, r.Mul(new(big.Rat).SetInt(q), b.Rat))
		}
	}
	if out = (rat{r}); out.large() {
		return out, "the number has too many digits"
	}
	return out, ""
}

// plain is a text that a number is read from, as people write one.
func plain(s string) (rat, bool) {
	digits, ok := record.AppendDecimal(nil, strings.TrimSpace(s))
	v := record.Value{Kind: record.Decimal, Data: digits}
	if !ok || !record.Finite(v) || len(digits) > 2*maxDigits {
		return rat{}, false
	}
	return ratOf(string(digits)), true
}
