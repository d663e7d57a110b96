package secret

import (
	"errors"
	"strings"
	"unicode"
)

var errOpenQuote = errors.New("a quote is never closed")

// words cuts a command line into its arguments. Quotes keep spaces, and a
// backslash outside single quotes the next character; there is no shell. What
// stands inside Jinja's braces is kept as it is, spaces and quotes too.
func words(command string) ([]string, error) {
	s := splitter{}
	for _, c := range command {
		s.next(c)
	}
	if s.quote != 0 || s.escaped {
		return nil, errOpenQuote
	}
	s.end()
	return s.out, nil
}

type splitter struct {
	out     []string
	word    strings.Builder
	begun   bool // a word has begun, though it may be empty: ''
	escaped bool
	quote   rune // the open quote, 0 outside
	braces  int
}

func (s *splitter) next(c rune) {
	switch {
	case s.escaped:
		s.escaped = false
		s.add(c)
	case c == '{':
		s.braces++
		s.add(c)
	case c == '}':
		s.braces = max(s.braces-1, 0)
		s.add(c)
	case s.braces >= 2:
		s.add(c)
	case c == '\\' && s.quote != '\'':
		s.escaped, s.begun = true, true
	case s.quote != 0 && c == s.quote:
		s.quote = 0
	case s.quote == 0 && (c == '\'' || c == '"'):
		s.quote, s.begun = c, true
	case s.quote == 0 && unicode.IsSpace(c):
		s.end()
	default:
		s.add(c)
	}
}

func (s *splitter) add(c rune) {
	s.word.WriteRune(c)
	s.begun = true
}

func (s *splitter) end() {
	if s.begun {
		s.out = append(s.out, s.word.String())
		s.word.Reset()
		s.begun = false
	}
}
