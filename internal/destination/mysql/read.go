package mysql

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"exposync/internal/destination"
	"exposync/internal/record"
)

// readRows is how many keys one query looks up.
const readRows = 1000

func itoa(n int) string { return strconv.Itoa(n) }

// Read looks records up by key. Values come back as a reader of the same
// kinds would have them. A key that the table spells otherwise, or could not
// hold, is one that it does not have.
func (m *MySQL) Read(ctx context.Context, t destination.Target, keys []record.Key) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		s, err := m.check(ctx, t)
		if err != nil {
			yield(nil, err)
			return
		}
		for at := 0; at < len(keys); at += readRows {
			items, err := s.asked(keys[at:min(at+readRows, len(keys))])
			if err != nil {
				yield(nil, err)
				return
			}
			var found []record.Record // a connection is not held while the caller works
			err = s.read(ctx, m.db, items, "", func(r record.Record) bool {
				found = append(found, r.Clone())
				return true
			})
			if err != nil {
				yield(nil, m.unusable(err, "read records of "+s.table.sql()))
				return
			}
			for _, r := range found {
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}

// asked are the keys as SQL, without those that no row can have.
func (s *shape) asked(keys []record.Key) ([]item, error) {
	items := make([]item, 0, len(keys))
	for _, key := range keys {
		values, err := key.Values()
		if err != nil || len(values) != len(s.keys) {
			return nil, fmt.Errorf("read records of %s: a key has another number of parts than the target", s.table.sql())
		}
		if it, bad := s.item(0, record.Change{Op: record.Delete, KeyVals: values}); bad == nil {
			items = append(items, it)
		}
	}
	return items, nil
}

// read yields the records of items that the table has under exactly their
// keys: key values, then fields.
func (s *shape) read(ctx context.Context, q queryer, items []item, lock string, yield func(record.Record) bool) error {
	_, err := s.rows(ctx, q, items, s.fields, lock, yield)
	return err
}

// rows reads keys and fields, and counts the rows whose keys are none of the
// items' byte by byte, though the table takes them for the same.
func (s *shape) rows(
	ctx context.Context, q queryer, items []item, fields []field, lock string, yield func(record.Record) bool,
) (strays int, err error) {
	if len(items) == 0 {
		return 0, nil
	}
	asked := make(map[string]bool, len(items))
	for _, it := range items {
		asked[it.id] = true
	}
	all := append(append([]field(nil), s.keys...), fields...)
	selected := make([]string, len(all))
	cells, into := make([][]byte, len(all)), make([]any, len(all))
	for i, f := range all {
		selected[i], into[i] = f.column.read(), &cells[i]
	}
	query := "select " + strings.Join(selected, ", ") + " from " + s.table.sql() + " where " + s.where(items) + lock
	more := true
	err = each(ctx, q, query, nil, func(scan func(...any) error) error {
		if err := scan(into...); err != nil || !more {
			return err
		}
		r := make(record.Record, len(all))
		for i, f := range all {
			r[i] = canonical(f.Kind, f.column, cells[i])
		}
		if !asked[fingerprint(r[:len(s.keys)])] {
			strays++
			return nil
		}
		more = yield(r)
		return nil
	})
	return strays, err
}

// found gives the ids of the items that the table has.
func (s *shape) found(ctx context.Context, q queryer, items []item) (map[string]bool, error) {
	ids := map[string]bool{}
	_, err := s.rows(ctx, q, items, nil, "", func(r record.Record) bool {
		ids[fingerprint(r)] = true
		return true
	})
	return ids, err
}

// lookup locks the rows of items and parts those that are there from the
// others. A record whose key the table takes for that of another record is
// refused: written, it would replace that one.
func (t *transaction) lookup(ctx context.Context, items []item, del bool) (there, others []item, err error) {
	s, ids := t.w.shape, map[string]bool{}
	strays, err := s.rows(ctx, t.conn, items, nil, " for update", func(r record.Record) bool {
		ids[fingerprint(r)] = true
		return true
	})
	if err != nil {
		return nil, nil, err
	}
	for _, it := range items {
		if ids[it.id] {
			there = append(there, it)
		} else {
			others = append(others, it)
		}
	}
	if strays == 0 || del { // what is deleted is gone under this key
		return there, others, nil
	}
	others, err = t.strangers(ctx, others)
	return there, others, err
}

// strangers refuses the items whose keys the table takes for those of others.
func (t *transaction) strangers(ctx context.Context, items []item) ([]item, error) {
	strays, err := t.w.shape.rows(ctx, t.conn, items, nil, "", func(record.Record) bool { return true })
	if err != nil || strays == 0 || len(items) == 0 {
		return items, err
	}
	if len(items) == 1 {
		t.refuse(items, rejected("key_collision", "the table holds another record whose key is the same to its collation, but spelled otherwise"))
		return nil, nil
	}
	half := len(items) / 2 //nolint:mnd // in two
	left, err := t.strangers(ctx, items[:half])
	if err != nil {
		return nil, err
	}
	right, err := t.strangers(ctx, items[half:])
	return append(append([]item(nil), left...), right...), err
}

// read gives a column's text.
func (c column) read() string {
	name := quote(c.name)
	switch c.family() {
	case integers, decimals, texts:
		return "concat(" + name + ", '')"
	case floats: // its own text has six digits only
		return "concat(" + name + " + 0e0, '')"
	case bits:
		return "concat(" + name + " + 0, '')"
	case binaries:
		return "hex(" + name + ")"
	case others:
		if strings.Contains("geometry point linestring polygon multipoint multilinestring multipolygon geometrycollection geomcollection", c.base) {
			return "st_astext(" + name + ")"
		}
	default:
	}
	return "cast(" + name + " as char)"
}

// canonical reads the server's text of a column as a value of kind. A text
// that is no such value stays as it is, and so differs from any.
func canonical(k record.Kind, c column, text []byte) record.Value {
	if text == nil {
		return record.Value{Kind: record.Null}
	}
	v := record.Value{Kind: k, Data: bytes.Clone(text)}
	switch k {
	case record.Bool:
		if word, ok := map[string]string{"0": "false", "1": "true"}[string(text)]; ok {
			v.Data = []byte(word)
		}
	case record.Int, record.Decimal:
		if out, ok := record.AppendDecimal(nil, text); ok {
			v.Data = out
		}
	case record.Float:
		if f, err := strconv.ParseFloat(string(text), 64); err == nil {
			v.Data = record.AppendFloat(nil, f, c.bits())
		}
	case record.Bytes:
		if raw, err := hex.DecodeString(string(text)); err == nil {
			v.Data = raw
		}
	case record.Date, record.Timestamp, record.Instant, record.Time:
		v.Data = moment(k, text)
	case record.JSON:
		if json, err := record.AppendCanonicalJSON(nil, text); err == nil {
			v.Data = json
		}
	case record.Null, record.Absent:
		v.Kind = record.Text
	default:
	}
	return v
}

func (c column) bits() int {
	if c.base == "float" {
		return 32
	}
	return 64
}

// moment cuts the zeros that a column with a fraction adds: 10:15:00.000000
// is 10:15:00, and in a column of moments a date is midnight.
func moment(k record.Kind, text []byte) []byte {
	body := string(text)
	if strings.Contains(body, ".") {
		body = strings.TrimRight(strings.TrimRight(body, "0"), ".")
	}
	switch k {
	case record.Date:
		body = strings.TrimSuffix(body, " 00:00:00")
	case record.Timestamp:
		body = strings.Replace(body, " ", "T", 1)
	case record.Instant:
		body = strings.Replace(body, " ", "T", 1) + "Z"
	default:
	}
	return []byte(body)
}
