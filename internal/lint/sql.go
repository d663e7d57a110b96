package lint

import (
	"strings"
)

// token is a part of a model's SQL. Space, comments and Jinja's own comments
// are none.
type token struct {
	kind tokenKind
	text string
	at   int // byte of the text
}

type tokenKind uint8

const (
	wordToken   tokenKind = iota // a key word or a name without quotes
	quotedToken                  // a name in quotes: "x", `x`, [x]
	stringToken                  // 'x', $$x$$
	numberToken
	jinjaToken // {{ … }}: an expression; {% … %} is dropped
	punctToken // one character
)

// is reports whether the token is that key word, given in lower case.
func (t token) is(word string) bool {
	return t.kind == wordToken && strings.EqualFold(t.text, word)
}

func (t token) punct(c string) bool { return t.kind == punctToken && t.text == c }

// tokenize takes SQL with Jinja apart. It is made for no dialect and fails on
// none: what it does not know is punctuation, what is not closed ends with the
// text. Jinja wins over everything, as it does in dbt.
func tokenize(sql string) []token {
	t := &tokenizer{sql: sql}
	for t.at < len(t.sql) {
		t.next()
	}
	return t.out
}

type tokenizer struct {
	sql string
	at  int
	out []token
}

func (t *tokenizer) next() {
	rest := t.sql[t.at:]
	switch c := rest[0]; {
	case c == ' ' || c == '\t' || c == '\n' || c == '\r':
		t.at++
	case strings.HasPrefix(rest, "{{"):
		t.emit(jinjaToken, until(rest, "}}"))
	case strings.HasPrefix(rest, "{%"):
		t.at += until(rest, "%}")
	case strings.HasPrefix(rest, "{#"):
		t.at += until(rest, "#}")
	case strings.HasPrefix(rest, "--"), c == '#' && t.startsLine():
		t.at += until(rest, "\n")
	case strings.HasPrefix(rest, "/*"):
		t.at += comment(rest)
	case c == '\'':
		t.emit(stringToken, quoted(rest, '\''))
	case c == '"' || c == '`':
		t.emit(quotedToken, quoted(rest, c))
	case c == '[' && t.bracketed():
		t.emit(quotedToken, until(rest, "]"))
	case c == '$' && dollar(rest) > 0:
		t.emit(stringToken, dollar(rest))
	case letter(c):
		t.emit(wordToken, span(rest, func(c byte) bool { return letter(c) || digit(c) || c == '$' }))
	case digit(c):
		t.emit(numberToken, span(rest, func(c byte) bool { return letter(c) || digit(c) || c == '.' }))
	default:
		t.emit(punctToken, 1)
	}
}

func (t *tokenizer) emit(kind tokenKind, length int) {
	t.out = append(t.out, token{kind: kind, text: t.sql[t.at : t.at+length], at: t.at})
	t.at += length
}

// startsLine reports whether only space stands before on the line: there, # is
// a comment in MySQL and BigQuery; elsewhere it is an operator in PostgreSQL.
func (t *tokenizer) startsLine() bool {
	before := t.sql[:t.at]
	return strings.TrimSpace(before[strings.LastIndexByte(before, '\n')+1:]) == ""
}

// bracketed reports whether a bracket begins a name, as in T-SQL, and not an
// index or an array.
func (t *tokenizer) bracketed() bool {
	if len(t.out) > 0 {
		last := t.out[len(t.out)-1]
		named := last.kind == quotedToken || last.kind == wordToken && !strings.ContainsAny(t.sql[last.at+len(last.text):t.at], " \t\n")
		if named || last.punct(")") || last.punct("]") || last.is("array") {
			return false
		}
	}
	inner := t.sql[t.at+1:]
	end := strings.IndexByte(inner, ']')
	return end > 0 && letter(inner[0]) && !strings.ContainsAny(inner[:end], ",'\"\n(")
}

// until is the length of a text up to and with its end.
func until(text, end string) int {
	if i := strings.Index(text, end); i >= 0 {
		return i + len(end)
	}
	return len(text)
}

// comment is the length of a comment, which may hold others.
func comment(text string) int {
	depth := 0
	for i := 0; i < len(text)-1; i++ {
		switch text[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}

// quoted is the length of a text in quotes. Two quotes are one of the text, a
// backslash hides what follows it, and so does Jinja. In a dialect without
// backslashes 'a\' would be misread, so a quote behind one ends the text where
// no other follows on the line.
func quoted(text string, quote byte) int {
	for i := 1; i < len(text); i++ {
		switch {
		case strings.HasPrefix(text[i:], "{{"):
			i += until(text[i:], "}}") - 1
		case text[i] == '\\' && i+1 < len(text) && closes(text[i+2:], quote):
			i++
		case text[i] != quote:
		case i+1 < len(text) && text[i+1] == quote:
			i++
		default:
			return i + 1
		}
	}
	return len(text)
}

// closes reports whether a quote follows on the line.
func closes(text string, quote byte) bool {
	line, _, _ := strings.Cut(text, "\n")
	return strings.IndexByte(line, quote) >= 0
}

// dollar is the length of a text in $$ or $tag$; 0 if it is none.
func dollar(text string) int {
	tag := 1 + span(text[1:], func(c byte) bool { return letter(c) || digit(c) })
	if tag >= len(text) || text[tag] != '$' || tag > 1 && digit(text[1]) {
		return 0
	}
	tag++
	return tag + until(text[tag:], text[:tag])
}

func span(text string, in func(byte) bool) int {
	for i := range len(text) {
		if !in(text[i]) {
			return i
		}
	}
	return len(text)
}

func letter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

func digit(c byte) bool { return c >= '0' && c <= '9' }
