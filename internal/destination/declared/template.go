package declared

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"

	"exposync/internal/record"
)

// A template is the body of one record, compiled for one job: JSON is built
// by appending bytes, so no value can break out of its place.

type templateKind uint8

const (
	literal     templateKind = iota // bytes as they are
	object                          // entries
	array                           // items
	keyPart                         // the value of a key field
	field                           // the value of a field; absent: left out
	operation                       // create, update, delete
	remoteID                        // the destination's id, from an earlier answer
	trace                           // a number that is unique in the request
	idemKey                         // the record's own name, see idempotency
	spelledText                     // a text with the record's key or id in it, see spelled
	rowsHere                        // the place of the records, in an envelope
	nullNames                       // the names of the fields that are null; absent if none is
	nothing                         // left out
)

type template struct {
	kind    templateKind
	bytes   []byte
	entries []entry
	items   []*template
	index   int       // of the key part or field
	only    onlyWhen  // a field
	own     *encoding // of the key part or field; nil: that of all
	filled  bool      // an object that is left out if it is empty
	whole   bool      // an object that is left out if one of its entries is
}

// onlyWhen says for which values a field is there.
type onlyWhen uint8

const (
	always  onlyWhen = iota
	ifValue          // there is one, and it is not null
	ifNull
)

type entry struct {
	name  []byte // `"name":`
	value *template
}

var (
	errAbsent     = errors.New("left out")
	errNoRemoteID = errors.New("the destination's id of the record is not known")
)

// rowContext is what one record's template is filled from.
type rowContext struct {
	change *record.Change
	trace  int
	encode *encoding
	hashed []bool // by field; nil for none
	texts  *texts // nil: values are written as what they are
	scope  string // what an idempotency key is unique in
	max    int    // letters of an idempotency key
}

// append appends the template; errAbsent means that there is nothing to
// append.
func (t *template) append(dst []byte, c *rowContext) ([]byte, error) {
	switch t.kind {
	case literal:
		return append(dst, t.bytes...), nil
	case object:
		return t.appendObject(dst, c)
	case array:
		return t.appendArray(dst, c)
	case keyPart:
		return appendValue(dst, c.texts.key(t.index, c.change.KeyVals[t.index]), t.encoding(c))
	case field:
		v := c.value(t)
		if !t.holds(v) {
			return dst, errAbsent
		}
		return appendValue(dst, v, t.encoding(c))
	case nullNames:
		return t.appendNullNames(dst, c)
	case nothing:
		return dst, errAbsent
	case operation:
		return quoted(dst, c.change.Op.String()), nil
	case remoteID:
		if c.change.RemoteID == "" {
			return dst, errNoRemoteID
		}
		return record.AppendJSONText(dst, c.change.RemoteID)
	case trace:
		return append(strconv.AppendInt(append(dst, '"'), int64(c.trace), 10), '"'), nil
	case idemKey:
		return quoted(dst, c.idempotencyKey()), nil
	case spelledText:
		return t.appendSpelled(dst, c)
	case rowsHere:
	}
	return dst, errors.New("declared: $rows has no place in a row")
}

// value is a field's value, as it may leave.
func (c *rowContext) value(t *template) record.Value {
	v := c.texts.field(t.index, c.change.Values[t.index])
	if c.hashed != nil && c.hashed[t.index] {
		return digest(v)
	}
	return v
}

// holds reports whether a field is there with a value.
func (t *template) holds(v record.Value) bool {
	switch v.Kind {
	case record.Absent:
		return false
	case record.Null:
		return t.only != ifValue
	default:
		return t.only != ifNull
	}
}

func (t *template) encoding(c *rowContext) *encoding {
	if t.own != nil {
		return t.own
	}
	return c.encode
}

// appendNullNames appends the names of its items, fields all, that are null.
func (t *template) appendNullNames(dst []byte, c *rowContext) ([]byte, error) {
	start := len(dst)
	for _, f := range t.items {
		if c.change.Values[f.index].Kind != record.Null {
			continue
		}
		sep := byte(',')
		if len(dst) == start {
			sep = '['
		}
		dst = append(append(dst, sep), f.bytes...)
	}
	if len(dst) == start {
		return dst, errAbsent
	}
	return append(dst, ']'), nil
}

func (t *template) appendObject(dst []byte, c *rowContext) ([]byte, error) {
	start := len(dst)
	dst = append(dst, '{')
	first := true
	for i := range t.entries {
		e := &t.entries[i]
		before := len(dst)
		if !first {
			dst = append(dst, ',')
		}
		dst = append(dst, e.name...)
		out, err := e.value.append(dst, c)
		switch err {
		case nil:
			dst, first = out, false
		case errAbsent: //nolint:errorlint // the sentinel itself, on the hot path
			if t.whole {
				return out[:start], errAbsent
			}
			dst = out[:before]
		default:
			return out, err
		}
	}
	if first && t.filled {
		return dst[:start], errAbsent
	}
	return append(dst, '}'), nil
}

func (t *template) appendArray(dst []byte, c *rowContext) ([]byte, error) {
	dst = append(dst, '[')
	for i, item := range t.items {
		if i > 0 {
			dst = append(dst, ',')
		}
		out, err := item.append(dst, c)
		switch err {
		case nil:
			dst = out
		case errAbsent: //nolint:errorlint // the sentinel itself, on the hot path
			// a place in a list cannot be left out
			if dst, err = appendValue(out, record.Value{Kind: record.Null}, item.encoding(c)); err != nil {
				return dst, err
			}
		default:
			return out, err
		}
	}
	return append(dst, ']'), nil
}

// idempotencyKey is derived, never random: the same record with the same
// values has the same name in every run.
func (c *rowContext) idempotencyKey() string {
	b := append([]byte(c.scope), c.change.Op.String()...)
	b = append(append(b, 0), c.change.Key...)
	for _, v := range c.change.Values {
		b = record.AppendCanonical(b, v)
	}
	sum := sha256.Sum256(b)
	text := hex.EncodeToString(sum[:])
	if c.max > 0 && c.max < len(text) {
		return text[:c.max]
	}
	return text
}

// split renders an envelope as what stands before and after the records.
func (t *template) split() (head, tail []byte, found bool) {
	switch t.kind {
	case rowsHere:
		if len(t.bytes) == 2 {
			return t.bytes[:1:1], t.bytes[1:2:2], true
		}
		return nil, nil, true
	case object, array:
		open, shut := byte('{'), byte('}')
		if t.kind == array {
			open, shut = '[', ']'
		}
		head, found = []byte{open}, false
		for i := range max(len(t.entries), len(t.items)) {
			if i > 0 {
				head, tail = appendTo(head, tail, found, ",")
			}
			var child *template
			if t.kind == object {
				head, tail = appendTo(head, tail, found, string(t.entries[i].name))
				child = t.entries[i].value
			} else {
				child = t.items[i]
			}
			h, ta, here := child.split()
			head, tail = appendTo(head, tail, found, string(h))
			if here {
				found, tail = true, ta
			}
		}
		head, tail = appendTo(head, tail, found, string(shut))
		return head, tail, found
	default:
		return slices.Clone(t.bytes), nil, false
	}
}

func appendTo(head, tail []byte, behind bool, s string) (h, t []byte) {
	if behind {
		return head, append(tail, s...)
	}
	return append(head, s...), tail
}
