// Package report renders what other packages decided: one value, several
// renderings (text for people, JSON for programs). It does no I/O.
package report

import (
	"slices"
	"strings"
	"unicode"
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

// Safe takes out what would steer the terminal, or turn the order of letters:
// names and texts of a project are other people's. Our own colours stay.
func (s Style) Safe(text string) string {
	if strings.IndexFunc(text, steers) < 0 {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		if own := ownColour(text[i:]); own != "" && s.Colour {
			b.WriteString(own)
			i += len(own)
			continue
		}
		c, size := utf8.DecodeRuneInString(text[i:])
		if !steers(c) || strings.HasPrefix(text[i:], "\r\n") { // a patch of a file keeps the ends of its lines
			b.WriteString(text[i : i+size])
		}
		i += size
	}
	return b.String()
}

// steers reports whether a character is a control character, or one that turns
// the direction of writing.
func steers(c rune) bool {
	return unicode.IsControl(c) && c != '\n' && c != '\t' || unicode.Is(unicode.Bidi_Control, c)
}

// ownColour is the code at the beginning of a text that Paint writes; empty if
// there is none.
func ownColour(text string) string {
	for _, code := range []string{"\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m"} {
		if strings.HasPrefix(text, code) {
			return code
		}
	}
	return ""
}

func (s Style) width() int {
	if s.Width <= 0 {
		return 80
	}
	return s.Width
}

// clock is the width of the time before a line.
const clock = len("15:04:05  ")

// dotted puts a status behind a text, at the column where statuses stand, as
// dbt does. The first text that leaves room for it is taken; where none does,
// the status has lines of its own, below the first text that fits into one.
func (s Style) dotted(status string, texts ...string) string {
	const fewest = 2 // dots
	room := s.lineRoom()
	dots := func(width int) int { return room - width - 1 }
	for _, text := range texts {
		if n := dots(utf8.RuneCountInString(text+status) + 1); n >= fewest {
			return text + " " + strings.Repeat(".", n) + " " + status
		}
	}
	head := texts[len(texts)-1]
	if at := slices.IndexFunc(texts, func(text string) bool { return utf8.RuneCountInString(text) <= room }); at >= 0 {
		head = texts[at]
	}
	lines := filled(strings.SplitAfter(status, ", "), room-fewest-1)
	n := max(dots(utf8.RuneCountInString(lines[0])), fewest)
	by := "\n" + strings.Repeat(" ", clock)
	return head + by + strings.Repeat(".", n) + " " + strings.Join(lines, by+strings.Repeat(" ", n+2))
}

// filled puts parts into lines of at most width columns.
func filled(parts []string, width int) []string {
	lines := []string{""}
	for _, part := range parts {
		last := &lines[len(lines)-1]
		if *last != "" && utf8.RuneCountInString(strings.TrimRight(*last+part, " ")) > width {
			*last = strings.TrimRight(*last, " ")
			lines = append(lines, part)
			continue
		}
		*last += part
	}
	return lines
}

// lineRoom is the room for a line behind its time.
func (s Style) lineRoom() int { return min(s.width(), 120) - clock }

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
