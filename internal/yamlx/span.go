package yamlx

import (
	"bytes"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// source finds the bytes that a node was read from. The library tells lines
// and columns only, columns in characters, and no ends.
type source struct {
	text   []byte
	starts []int // of the lines, as the library counts them
}

// newSource indexes a file; of one that is not UTF-8 nothing is found.
func newSource(text []byte) *source {
	s := &source{text: text}
	if !utf8.Valid(text) {
		return s
	}
	at := len(text) - len(bytes.TrimPrefix(text, []byte("\ufeff")))
	s.starts = []int{at}
	for at < len(text) {
		n := lineBreak(text[at:])
		if n == 0 {
			at++
			continue
		}
		at += n
		s.starts = append(s.starts, at)
	}
	return s
}

// lineBreak is the length of the line break that a text begins with. YAML 1.1
// has more of them than the newline.
func lineBreak(text []byte) int {
	switch {
	case bytes.HasPrefix(text, []byte("\r\n")):
		return 2
	case text[0] == '\n', text[0] == '\r':
		return 1
	case bytes.HasPrefix(text, []byte("\u0085")):
		return 2
	case bytes.HasPrefix(text, []byte("\u2028")), bytes.HasPrefix(text, []byte("\u2029")):
		return 3
	}
	return 0
}

// offset gives the byte of a position; ok is false where there is none.
func (s *source) offset(line, col int) (at int, ok bool) {
	if line < 1 || line > len(s.starts) || col < 1 {
		return 0, false
	}
	at = s.starts[line-1]
	for ; col > 1; col-- {
		if at >= len(s.text) {
			return 0, false
		}
		_, size := utf8.DecodeRune(s.text[at:])
		at += size
	}
	return at, true
}

// span gives the bytes of a node. Of lists and maps, of texts that span lines
// without quotes, and of what has a tag or an anchor before it the end is not
// known: it is 0.
func (s *source) span(n *yaml.Node) (start, end int) {
	at, ok := s.offset(n.Line, n.Column)
	if !ok || n.Kind != yaml.ScalarNode {
		return at, 0
	}
	rest := s.text[at:]
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0 && bytes.HasPrefix(rest, []byte{'"'}):
		return at, at + quotedLength(rest, '\\')
	case n.Style&yaml.SingleQuotedStyle != 0 && bytes.HasPrefix(rest, []byte{'\''}):
		return at, at + quotedLength(rest, '\'')
	case n.Style == 0 && n.Value != "" && bytes.HasPrefix(rest, []byte(n.Value)):
		return at, at + len(n.Value)
	}
	return at, 0
}

// quotedLength is the length of a text in quotes, both of them counted; escape
// is what stands before a quote that does not end it.
func quotedLength(text []byte, escape byte) int {
	quote := text[0]
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == escape && i+1 < len(text) && (escape != quote || text[i+1] == quote):
			i++
		case text[i] == quote:
			return i + 1
		}
	}
	return len(text)
}
