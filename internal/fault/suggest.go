package fault

import "strings"

// Suggest gives the known word that word was probably meant to be, "" if none
// is near. Case, and - for _, cost nothing; of equally near words the first
// wins.
func Suggest(word string, known []string) string {
	best, limit := "", max(1, min(3, len([]rune(word))/3))
	for _, k := range known {
		if d := distance(fold(word), fold(k), limit); d <= limit {
			if d == 0 {
				return k
			}
			best, limit = k, d-1
		}
	}
	return best
}

func fold(s string) []rune { return []rune(strings.ReplaceAll(strings.ToLower(s), "-", "_")) }

// distance counts the letters to insert, drop, change or swap with their
// neighbour. Above limit it may stop counting.
func distance(a, b []rune, limit int) int {
	if d := len(a) - len(b); d > limit || -d > limit {
		return limit + 1
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
