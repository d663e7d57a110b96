package warehouse

import (
	"math/big"
	"strings"

	"exposync/internal/record"
)

// Bound writes From as every SQL reads it: a number lowered to a whole one, a
// moment to its second, as 2006-01-02 15:04:05, an instant in UTC without a
// zone. So nothing that a warehouse may round lifts it. It is false for what
// not every SQL can write: years but 1000 to 9999, endless and very long
// numbers.
func (s Since) Bound() (text string, ok bool) {
	switch s.From.Kind {
	case record.Int, record.Decimal:
		return wholeBelow(string(s.From.Data))
	case record.Date, record.Timestamp, record.Instant:
		text = string(s.From.Data)
		const date = len("2006-01-02")
		if len(text) < date || text[0] < '1' || text[0] > '9' || text[4] != '-' || strings.HasSuffix(text, "BC") {
			return "", false
		}
		text, _, _ = strings.Cut(strings.TrimSuffix(strings.Replace(text, "T", " ", 1), "Z"), ".")
		return text, true
	default:
		return "", false
	}
}

// wholeBelow rounds a number down to a whole one.
func wholeBelow(text string) (string, bool) {
	const digits = 38 // what the decimals of all warehouses hold
	if strings.Trim(text, "-.0123456789") != "" || len(text) > 2*digits {
		return "", false
	}
	number, ok := new(big.Rat).SetString(text)
	if !ok {
		return "", false
	}
	whole := new(big.Int).Div(number.Num(), number.Denom()).String() // Euclid's: down, since the denominator is positive
	return whole, len(strings.TrimPrefix(whole, "-")) <= digits
}
