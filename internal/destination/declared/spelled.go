package declared

import (
	"net/url"
	"slices"
	"strings"

	"exposync/internal/record"
)

// A text of a row may hold ${key} or ${dest_id}: the address of the record in a
// request that carries several requests. They are escaped as in any address.

// spelled builds the template of a text with one of the names; nil if it has
// none.
func (c *compiler) spelled(text string) *template {
	if !slices.ContainsFunc(singleNames(), func(name string) bool { return strings.Contains(text, "${"+name+"}") }) {
		return nil
	}
	t := &template{kind: spelledText}
	const mark = "\x00" // parts what is filled record by record from the rest
	filled, err := c.values.with(pair{"key", mark + "k" + mark}, pair{"dest_id", mark + "d" + mark}).path(text)
	if err != nil {
		return c.failf("%s", err)
	}
	for i, part := range strings.Split(filled, url.PathEscape(mark)) {
		switch {
		case i%2 == 0:
			t.items = append(t.items, &template{bytes: []byte(part)})
		case part == "d":
			t.items = append(t.items, &template{kind: remoteID})
		case len(c.target.Key) != 1:
			return c.failf("this destination identifies a record by one key field, the job has %d", len(c.target.Key))
		default:
			t.items = append(t.items, &template{kind: keyPart})
		}
	}
	return t
}

// appendSpelled appends the text for one record. One without a key or id, or
// with one that would change the address, has none.
func (t *template) appendSpelled(dst []byte, c *rowContext) ([]byte, error) {
	var b strings.Builder
	for _, item := range t.items {
		if item.kind == literal {
			b.Write(item.bytes)
			continue
		}
		text := c.change.RemoteID
		if item.kind == keyPart {
			text = c.encode.plainKey(c.change.KeyVals[item.index])
		} else if text == "" {
			return dst, errNoRemoteID
		}
		switch text {
		case "":
			return dst, errEmptyKey
		case ".", "..":
			return dst, errDots
		}
		b.WriteString(url.PathEscape(text))
	}
	return record.AppendJSONText(dst, b.String())
}
