package facade

import (
	"strconv"
	"strings"
)

// The shapes of ids, for Tx.Create: each gives a function that makes the nth
// id. The same n gives the same id.

// Digits makes ids of decimal digits that count up from start+1.
func Digits(start int64) func(int64) string {
	return func(n int64) string { return strconv.FormatInt(start+n, 10) }
}

// Prefixed makes ids such as rec0000000000000a: a prefix, and n in base 36
// with as many digits as width.
func Prefixed(prefix string, width int) func(int64) string {
	return func(n int64) string {
		digits := strconv.FormatInt(n, 36)
		return prefix + strings.Repeat("0", max(0, width-len(digits))) + digits
	}
}

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// Checked18 makes ids of 18 characters as Salesforce has them: a prefix of
// three for the object, twelve in base 62, and three that tell which of the
// first fifteen are capitals.
func Checked18(prefix string) func(int64) string {
	return func(n int64) string {
		id := []byte("000000000000000")
		copy(id, prefix)
		for i := len(id) - 1; i >= 3 && n > 0; i-- {
			id[i] = base62[n%62]
			n /= 62
		}
		return string(append(id, capitals(id)...))
	}
}

// capitals are the last three characters of an id of 18: for each five
// characters, from the last bit up, whether they are capitals.
func capitals(id []byte) []byte {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
	out := make([]byte, 0, 3)
	for start := 0; start < 15; start += 5 {
		bits := 0
		for i := range 5 {
			if c := id[start+i]; c >= 'A' && c <= 'Z' {
				bits |= 1 << i
			}
		}
		out = append(out, letters[bits])
	}
	return out
}
