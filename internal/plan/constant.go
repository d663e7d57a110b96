package plan

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"exposync/internal/record"
)

// Constant is a value that is sent with every record.
type Constant = record.Value

// TextConstant gives a text.
func TextConstant(s string) *Constant {
	return &Constant{Kind: record.Text, Data: []byte(s)}
}

// BoolConstant gives true or false.
func BoolConstant(v bool) *Constant {
	return &Constant{Kind: record.Bool, Data: strconv.AppendBool(nil, v)}
}

// maxConstantDigits bounds what an exponent may unfold to.
const maxConstantDigits = 300

// NumberConstant gives the number that a decimal text such as "-12", "1.50"
// or "3e2" stands for, exactly. Other texts, and numbers of more than a few
// hundred digits, are not ok.
func NumberConstant(text string) (*Constant, bool) {
	if !regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?$`).MatchString(text) || len(text) > maxConstantDigits {
		return nil, false
	}
	if _, exponent, ok := strings.Cut(strings.ToLower(text), "e"); ok {
		if n, err := strconv.Atoi(exponent); err != nil || max(n, -n) > maxConstantDigits {
			return nil, false
		}
	}
	n, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil, false
	}
	if !strings.ContainsAny(text, ".eE") {
		return &Constant{Kind: record.Int, Data: []byte(n.Num().String())}, true
	}
	digits, _ := n.FloatPrec() // exact: the denominator is a power of ten
	return &Constant{Kind: record.Decimal, Data: []byte(n.FloatString(digits))}, true
}
