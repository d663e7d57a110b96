package config

import (
	"path"
	"slices"
	"strings"
)

// The words for how much of a column's values samples show, from the least to
// the most.
const (
	ShowMask  = "mask"
	ShowHash  = "hash"
	ShowValue = "show"
)

func showWords() []string { return []string{ShowMask, ShowHash, ShowValue} }

// Columns says how much of which columns samples may show.
type Columns struct {
	Default  string            // of columns that nothing else speaks of: "mask" unless set
	Names    map[string]string // column, lower case -> word
	Patterns map[string]string // pattern, lower case -> word
}

// Named gives the word for a column that is written out; empty if it is not.
func (c Columns) Named(column string) string { return c.Names[strings.ToLower(column)] }

// Matched gives the strictest word of the patterns that match a column; empty
// if none does.
func (c Columns) Matched(column string) string {
	column = strings.ToLower(column)
	best := len(showWords())
	for pattern, word := range c.Patterns {
		if ok, err := path.Match(pattern, column); ok && err == nil {
			best = min(best, slices.Index(showWords(), word))
		}
	}
	if best == len(showWords()) {
		return ""
	}
	return showWords()[best]
}

func readColumns(columns, samples *Reader) Columns {
	c := Columns{Default: ShowMask, Names: map[string]string{}, Patterns: map[string]string{}}
	if samples.Has("default") {
		c.Default = samples.Choice("default", showWords()...)
	}
	samples.Done()
	for name := range columns.Entries() {
		word := columns.Choice(name, showWords()...)
		pattern := strings.ToLower(name)
		switch _, err := path.Match(pattern, ""); {
		case err != nil:
			columns.Fault(name, "setting_invalid", `write it as "*email*" or customer_?`, "is no pattern of column names")
		case word == "":
		case strings.ContainsAny(pattern, `*?[\`):
			c.Patterns[pattern] = word
		default:
			c.Names[pattern] = word
		}
	}
	columns.Done()
	return c
}
