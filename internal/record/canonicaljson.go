package record

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// errJSON says that a text is not JSON. It names no value.
var errJSON = errors.New("the text is not valid JSON")

// maxDepth is how deep JSON may nest, as in encoding/json.
const maxDepth = 10_000

// AppendCanonicalJSON appends text, which must be JSON, in its one canonical
// form: no white space, strings with the fewest escapes, members of objects
// sorted by the bytes of their names as written here, of members with the
// same name the last one, numbers digit by digit as they are. It fails, with
// dst unchanged, if text is not JSON in UTF-8.
func AppendCanonicalJSON(dst, text []byte) ([]byte, error) {
	c := canonicalizer{src: text, dst: dst}
	if !c.value(0) || c.skip() {
		return dst, errJSON
	}
	return c.dst, nil
}

// canonicalizer walks src once and writes to dst. Its methods are false where
// src is not JSON.
type canonicalizer struct {
	src     []byte
	pos     int
	dst     []byte
	members []member // of the objects that are open, innermost last
	sorted  []byte   // room to put an object's members in order
}

// member is where a member of an object stands in dst.
type member struct{ name, nameEnd, end int }

// skip passes white space; it reports whether anything follows.
func (c *canonicalizer) skip() bool {
	for c.pos < len(c.src) {
		switch c.src[c.pos] {
		case ' ', '\t', '\r', '\n':
			c.pos++
		default:
			return true
		}
	}
	return false
}

func (c *canonicalizer) value(depth int) bool {
	if !c.skip() || depth > maxDepth {
		return false
	}
	switch ch := c.src[c.pos]; {
	case ch == '{':
		return c.object(depth)
	case ch == '[':
		return c.array(depth)
	case ch == '"':
		return c.text()
	case ch == '-' || isDigit(ch):
		return c.number()
	}
	return c.word("true") || c.word("false") || c.word("null")
}

func (c *canonicalizer) word(w string) bool {
	if !bytes.HasPrefix(c.src[c.pos:], []byte(w)) {
		return false
	}
	c.pos += len(w)
	c.dst = append(c.dst, w...)
	return true
}

// next passes white space and one of two bytes, and tells which it was.
func (c *canonicalizer) next(a, b byte) (byte, bool) {
	if !c.skip() {
		return 0, false
	}
	ch := c.src[c.pos]
	if ch != a && ch != b {
		return 0, false
	}
	c.pos++
	return ch, true
}

// closes passes the closing byte of an empty array or object.
func (c *canonicalizer) closes(with byte) bool {
	if !c.skip() || c.src[c.pos] != with {
		return false
	}
	c.pos++
	c.dst = append(c.dst, with)
	return true
}

func (c *canonicalizer) array(depth int) bool {
	c.pos++
	c.dst = append(c.dst, '[')
	if c.closes(']') {
		return true
	}
	for {
		if !c.value(depth + 1) {
			return false
		}
		ch, ok := c.next(',', ']')
		if !ok {
			return false
		}
		c.dst = append(c.dst, ch)
		if ch == ']' {
			return true
		}
	}
}

func (c *canonicalizer) object(depth int) bool {
	c.pos++
	c.dst = append(c.dst, '{')
	if c.closes('}') {
		return true
	}
	start, outer := len(c.dst), len(c.members)
	for {
		m := member{name: len(c.dst)}
		if !c.skip() || c.src[c.pos] != '"' || !c.text() {
			return false
		}
		m.nameEnd = len(c.dst)
		if _, ok := c.next(':', ':'); !ok {
			return false
		}
		c.dst = append(c.dst, ':')
		if !c.value(depth + 1) {
			return false
		}
		m.end = len(c.dst)
		c.members = append(c.members, m)
		ch, ok := c.next(',', '}')
		if !ok {
			return false
		}
		if ch == '}' {
			break
		}
		c.dst = append(c.dst, ',')
	}
	c.order(start, c.members[outer:])
	c.members = c.members[:outer]
	c.dst = append(c.dst, '}')
	return true
}

// order sorts the members that were written from start on, unless they are in
// order already.
func (c *canonicalizer) order(start int, members []member) {
	name := func(m member) []byte { return c.dst[m.name+1 : m.nameEnd-1] } // without its quotes
	byName := func(a, b member) int {
		return cmp.Or(bytes.Compare(name(a), name(b)), a.name-b.name)
	}
	rising := true
	for i := 1; i < len(members) && rising; i++ {
		rising = bytes.Compare(name(members[i-1]), name(members[i])) < 0
	}
	if rising {
		return
	}
	slices.SortFunc(members, byName)
	c.sorted = c.sorted[:0]
	for i, m := range members {
		if i+1 < len(members) && bytes.Equal(name(m), name(members[i+1])) {
			continue // the last one wins
		}
		if len(c.sorted) > 0 {
			c.sorted = append(c.sorted, ',')
		}
		c.sorted = append(c.sorted, c.dst[m.name:m.end]...)
	}
	c.dst = append(c.dst[:start], c.sorted...)
}

func (c *canonicalizer) number() bool {
	start := c.pos
	c.pass('-')
	if !c.pass('0') && !c.digits() {
		return false
	}
	if c.pass('.') && !c.digits() {
		return false
	}
	if c.pass('e') || c.pass('E') {
		_ = c.pass('+') || c.pass('-')
		if !c.digits() {
			return false
		}
	}
	c.dst = append(c.dst, c.src[start:c.pos]...)
	return true
}

func (c *canonicalizer) pass(ch byte) bool {
	if c.pos < len(c.src) && c.src[c.pos] == ch {
		c.pos++
		return true
	}
	return false
}

func (c *canonicalizer) digits() bool {
	found, _ := scanDigits(c.src[c.pos:])
	c.pos += len(found)
	return len(found) > 0
}

// text copies a string, each character in its shortest form.
func (c *canonicalizer) text() bool {
	c.pos++
	c.dst = append(c.dst, '"')
	for c.pos < len(c.src) {
		switch ch := c.src[c.pos]; {
		case ch == '"':
			c.pos++
			c.dst = append(c.dst, '"')
			return true
		case ch == '\\':
			if !c.escape() {
				return false
			}
		case ch < ' ':
			return false
		case ch < utf8.RuneSelf:
			c.dst = append(c.dst, ch)
			c.pos++
		default:
			size := runeSize(c.src[c.pos:])
			if size == 0 {
				return false
			}
			c.dst = append(c.dst, c.src[c.pos:c.pos+size]...)
			c.pos += size
		}
	}
	return false
}

func (c *canonicalizer) escape() bool {
	if c.pos+1 >= len(c.src) {
		return false
	}
	ch := c.src[c.pos+1]
	switch ch {
	case '"', '\\', '/':
	case 'b':
		ch = '\b'
	case 'f':
		ch = '\f'
	case 'n':
		ch = '\n'
	case 'r':
		ch = '\r'
	case 't':
		ch = '\t'
	case 'u':
		return c.codePoint()
	default:
		return false
	}
	c.pos += 2
	c.rune(rune(ch))
	return true
}

// codePoint reads \uXXXX, or two of them that make one character.
func (c *canonicalizer) codePoint() bool {
	r, ok := hexRune(c.src[c.pos:])
	if !ok {
		return false
	}
	c.pos += len(`\uXXXX`)
	if utf16.IsSurrogate(r) {
		low, _ := hexRune(c.src[c.pos:])
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			c.pos += len(`\uXXXX`)
			r = pair
		}
	}
	c.rune(r)
	return true
}

// rune writes one character. Half of a pair has no UTF-8 and stays escaped.
func (c *canonicalizer) rune(r rune) {
	const hex = "0123456789abcdef"
	switch {
	case utf16.IsSurrogate(r):
		c.dst = append(c.dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
	case r < ' ' || r == '"' || r == '\\':
		c.dst = appendEscaped(c.dst, byte(r)) //nolint:gosec // ASCII, by the case
	default:
		c.dst = utf8.AppendRune(c.dst, r)
	}
}

func hexRune(text []byte) (r rune, ok bool) {
	if len(text) < len(`\uXXXX`) || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	for _, ch := range text[2:6] {
		switch {
		case isDigit(ch):
			ch -= '0'
		case ch >= 'a' && ch <= 'f':
			ch -= 'a' - 10
		case ch >= 'A' && ch <= 'F':
			ch -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(ch)
	}
	return r, true
}
