package secret

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// token is one word of an expression. Kinds: a letter for what it is ('s'
// string, 'n' number, 'w' word), else the sign itself; "" at the end.
type token struct {
	kind string
	text string // strings: without quotes and escapes
}

var (
	errNotClosed = errors.New("its {{ is never closed")
	errQuote     = errors.New("a quote is never closed")
)

// lex cuts the expression that starts text (after its "{{") into tokens and
// gives what follows its "}}". Braces inside quotes do not count.
func lex(text string) (tokens []token, rest string, err error) {
	text = strings.TrimPrefix(text, "-")
	for {
		text = strings.TrimLeft(text, " \t\r\n")
		switch {
		case text == "":
			return nil, "", errNotClosed
		case strings.HasPrefix(text, "-}}"):
			return tokens, strings.TrimLeft(text[3:], " \t\r\n"), nil
		case strings.HasPrefix(text, "}}"):
			return tokens, text[2:], nil
		}
		t, size, err := lexOne(text)
		if err != nil {
			return nil, "", err
		}
		tokens, text = append(tokens, t), text[size:]
	}
}

func lexOne(text string) (token, int, error) {
	c := text[0]
	switch {
	case c == '\'' || c == '"':
		return lexString(text)
	case c >= '0' && c <= '9':
		size := span(text, func(c byte) bool { return c == '.' || c == '_' || isWord(c) })
		return token{kind: "n", text: text[:size]}, size, nil
	case isWord(c):
		size := span(text, isWord)
		return token{kind: "w", text: text[:size]}, size, nil
	case strings.HasPrefix(text, "=="), strings.HasPrefix(text, "!="):
		return token{kind: text[:2]}, 2, nil
	}
	_, size := utf8.DecodeRuneInString(text)
	return token{kind: text[:size]}, size, nil
}

func isWord(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

func span(text string, in func(byte) bool) int {
	n := 0
	for n < len(text) && in(text[n]) {
		n++
	}
	return n
}

// lexString reads a quoted string with Python's escapes.
func lexString(text string) (token, int, error) {
	var b strings.Builder
	quote := text[0]
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == quote:
			return token{kind: "s", text: b.String()}, i + 1, nil
		case text[i] == '\\' && i+1 < len(text):
			char, _, tail, err := strconv.UnquoteChar(text[i:], quote)
			if err != nil { // Python keeps an escape that it does not know
				b.WriteByte('\\')
				continue
			}
			b.WriteRune(char)
			i = len(text) - len(tail) - 1
		default:
			b.WriteByte(text[i])
		}
	}
	return token{}, 0, errQuote
}
