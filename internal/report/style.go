// Package report renders what other packages decided: one value, several
// renderings (text for people, JSON for programs). It does no I/O.
package report

import (
	"strings"
	"unicode/utf8"
)

// Style is how text is drawn.
type Style struct {
	Colour bool
	Width  int // columns of the terminal, 80 where there is none
}

// Role is what a piece of text means; the style decides its colour.
type Role uint8

// The roles.
const (
	Plain Role = iota
	Good
	Bad
	Warn
	Faint
	Strong
)

// Paint draws text in its role's colour, or as it is without colour.
func (s Style) Paint(r Role, text string) string {
	if !s.Colour || text == "" {
		return text
	}
	code := map[Role]string{Good: "32", Bad: "31", Warn: "33", Faint: "2", Strong: "1"}[r]
	if code == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s Style) width() int {
	if s.Width <= 0 {
		return 80
	}
	return s.Width
}

// clock is the width of the time before a line.
const clock = len("15:04:05  ")

// dotted pads text with dots to the column where statuses stand, as dbt does.
func (s Style) dotted(text string, tail int) string {
	room := min(s.width(), 120) - clock - tail - utf8.RuneCountInString(text) - 2
	return text + " " + strings.Repeat(".", max(room, 3)) + " "
}

// wrap breaks text into lines of at most width columns, at spaces.
func wrap(text string, width int) []string {
	var lines []string
	for paragraph := range strings.SplitSeq(text, "\n") {
		line := ""
		for word := range strings.FieldsSeq(paragraph) {
			switch {
			case line == "":
				line = word
			case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
				lines = append(lines, line)
				line = word
			default:
				line += " " + word
			}
		}
		lines = append(lines, line)
	}
	return lines
}
