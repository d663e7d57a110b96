package config

import (
	"strconv"
	"strings"
	"time"
)

// maxDuration keeps arithmetic with durations far from overflow.
const maxDuration = 10 * 365 * 24 * time.Hour

// ParseDuration reads a duration as people write it: one or several whole
// numbers with a unit s, m, h, d (24 hours) or w (7 days), largest first:
// "24h", "7d", "1d12h". Zero, fractions and signs are no durations.
func ParseDuration(s string) (time.Duration, bool) {
	units := []struct {
		name byte
		size time.Duration
	}{{'w', 7 * 24 * time.Hour}, {'d', 24 * time.Hour}, {'h', time.Hour}, {'m', time.Minute}, {'s', time.Second}}
	var sum time.Duration
	rest := s
	for _, u := range units {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		if digits == 0 || digits == len(rest) || rest[digits] != u.name {
			continue
		}
		n, err := strconv.ParseInt(rest[:digits], 10, 64)
		if err != nil || n > int64(maxDuration/u.size) {
			return 0, false
		}
		sum += time.Duration(n) * u.size
		rest = rest[digits+1:]
	}
	return sum, rest == "" && sum > 0 && sum <= maxDuration
}
