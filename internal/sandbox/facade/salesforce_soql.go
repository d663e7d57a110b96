package facade

import (
	"strings"
)

// sfQuery is the part of SOQL that a sync needs:
//
//	SELECT a, b FROM object [WHERE field = value | field IN (value, …)] [LIMIT n]
type sfQuery struct {
	fields []string
	object string
	where  string // a field; empty for all records
	values []string
	limit  int // 0: none
}

// sfParse reads a query; ok is false if it is none of those.
func sfParse(text string) (q sfQuery, ok bool) {
	p := &sfParser{rest: text}
	if !p.word("SELECT") {
		return q, false
	}
	for {
		name := p.name()
		if name == "" {
			return q, false
		}
		q.fields = append(q.fields, name)
		if !p.sign(",") {
			break
		}
	}
	if !p.word("FROM") {
		return q, false
	}
	if q.object = p.name(); q.object == "" {
		return q, false
	}
	if p.word("WHERE") && !p.condition(&q) {
		return q, false
	}
	if p.word("LIMIT") {
		n := p.name()
		for _, c := range n {
			if c < '0' || c > '9' || q.limit > 100_000 {
				return q, false
			}
			q.limit = q.limit*10 + int(c-'0')
		}
		if n == "" {
			return q, false
		}
	}
	return q, strings.TrimSpace(p.rest) == ""
}

type sfParser struct{ rest string }

func (p *sfParser) skip() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

// word takes a keyword, if it comes next.
func (p *sfParser) word(keyword string) bool {
	p.skip()
	if len(p.rest) < len(keyword) || !strings.EqualFold(p.rest[:len(keyword)], keyword) {
		return false
	}
	if after := p.rest[len(keyword):]; after != "" && !strings.ContainsRune(" \t\r\n(", rune(after[0])) {
		return false
	}
	p.rest = p.rest[len(keyword):]
	return true
}

func (p *sfParser) sign(sign string) bool {
	p.skip()
	rest, ok := strings.CutPrefix(p.rest, sign)
	if ok {
		p.rest = rest
	}
	return ok
}

// name takes letters, digits, _ and dots.
func (p *sfParser) name() string {
	p.skip()
	n := 0
	for n < len(p.rest) && (p.rest[n] == '_' || p.rest[n] == '.' || p.rest[n] == '-' || p.rest[n] >= '0' && p.rest[n] <= '9' ||
		p.rest[n] >= 'a' && p.rest[n] <= 'z' || p.rest[n] >= 'A' && p.rest[n] <= 'Z') {
		n++
	}
	name := p.rest[:n]
	p.rest = p.rest[n:]
	return name
}

func (p *sfParser) condition(q *sfQuery) bool {
	if q.where = p.name(); q.where == "" {
		return false
	}
	if p.sign("=") {
		value, ok := p.value()
		q.values = []string{value}
		return ok
	}
	if !p.word("IN") || !p.sign("(") {
		return false
	}
	for {
		value, ok := p.value()
		if !ok {
			return false
		}
		q.values = append(q.values, value)
		if !p.sign(",") {
			return p.sign(")")
		}
	}
}

// value takes a text in quotes, or a number or word without.
func (p *sfParser) value() (string, bool) {
	if !p.sign("'") {
		word := p.name()
		return word, word != ""
	}
	var b strings.Builder
	for i := 0; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == '\'':
			p.rest = p.rest[i+1:]
			return b.String(), true
		case c == '\\' && i+1 < len(p.rest):
			i++
			if plain, ok := map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', 'b': '\b', 'f': '\f'}[p.rest[i]]; ok {
				b.WriteByte(plain)
			} else if strings.IndexByte(`\'"`, p.rest[i]) >= 0 {
				b.WriteByte(p.rest[i])
			} else {
				return "", false
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}
