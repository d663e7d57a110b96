package postgres

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"exposync/internal/destination"
	"exposync/internal/record"
)

// readRows is how many keys one query looks up.
const readRows = 5000

// Read looks records up by key. Values come back as a reader of the same
// kinds would have them, so equal records are equal byte for byte; the key is
// the one that was asked for, however the table spells it. A key that the
// table's column could not even hold is one that it does not have.
func (p *Postgres) Read(ctx context.Context, t destination.Target, keys []record.Key) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		s, err := p.check(ctx, t)
		if err != nil {
			yield(nil, err)
			return
		}
		r := &reader{p: p, shape: s, sql: s.lookup()}
		for len(keys) > 0 {
			n := min(readRows, len(keys))
			if err := r.chunk(ctx, keys[:n], yield); err != nil {
				if !errors.Is(err, errStopped) {
					yield(nil, err)
				}
				return
			}
			keys = keys[n:]
		}
	}
}

// errStopped says that the caller wants no more records.
var errStopped = errors.New("stopped")

type reader struct {
	p     *Postgres
	shape *shape
	sql   string
}

// lookup joins the table with the keys.
func (s *shape) lookup() string {
	var params, names []string
	for i := range s.keys {
		params, names = append(params, fmt.Sprintf("$%d::text[]", i+1)), append(names, fmt.Sprintf("k%d", i+1))
	}
	selected := []string{"s.n::text"}
	for _, f := range s.fields {
		selected = append(selected, f.column.read("t."+quote(f.column.name)))
	}
	b := builder{shape: s}
	return fmt.Sprintf("select %s from unnest(%s) with ordinality as s(%s, n) join %s t on %s",
		strings.Join(selected, ", "), strings.Join(params, ", "), strings.Join(names, ", "), s.table.sql(), b.join())
}

// read gives a column's text as its type prints it; arrays come as JSON.
func (c column) read(name string) string {
	switch {
	case c.category == "A":
		return "to_jsonb(" + name + ")::text"
	case c.base == "inet": // a cast would add /32
		return "case when " + name + " is not null then format('%s', " + name + ") end"
	}
	return name + "::text"
}

// chunk reads one chunk of keys. When one of them cannot be cast to the
// column's type it is found by halving and left out.
func (r *reader) chunk(ctx context.Context, keys []record.Key, yield func(record.Record, error) bool) error {
	err := r.query(ctx, keys, yield)
	var pg *pgconn.PgError
	if err == nil || errors.Is(err, errStopped) || !errors.As(err, &pg) {
		return err
	}
	if !strings.HasPrefix(pg.Code, "22") {
		return r.p.unusable(err, "read records of "+r.shape.table.sql())
	}
	if len(keys) == 1 {
		return nil
	}
	half := len(keys) / 2
	if err := r.chunk(ctx, keys[:half], yield); err != nil {
		return err
	}
	return r.chunk(ctx, keys[half:], yield)
}

// query yields only after the server read every key, because an error in the
// middle means that the chunk is asked for again in halves.
func (r *reader) query(ctx context.Context, keys []record.Key, yield func(record.Record, error) bool) error {
	keys, texts, err := r.texts(keys)
	if err != nil {
		return err
	}
	rows, err := r.p.pool.Query(ctx, r.sql, texts...)
	if err != nil {
		return err
	}
	records, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (record.Record, error) {
		return r.record(row.RawValues(), keys)
	})
	if err != nil {
		return err
	}
	for _, rec := range records {
		if !yield(rec, nil) {
			return errStopped
		}
	}
	return nil
}

// texts turns keys into one list of texts for each key column. Keys with a NUL
// character are dropped: no row has them, see appendText.
func (r *reader) texts(keys []record.Key) ([]record.Key, []any, error) {
	columns := make([][]string, len(r.shape.keys))
	asked := make([]record.Key, 0, len(keys))
	for _, key := range keys {
		values, err := key.Values()
		if err != nil || len(values) != len(columns) {
			return nil, nil, fmt.Errorf("read records of %s: a key has another number of parts than the target", r.shape.table.sql())
		}
		texts, ok := keyTexts(values)
		if !ok {
			continue
		}
		asked = append(asked, key)
		for i, text := range texts {
			columns[i] = append(columns[i], text)
		}
	}
	out := make([]any, len(columns))
	for i, c := range columns {
		out[i] = c
	}
	return asked, out, nil
}

func keyTexts(values record.Record) ([]string, bool) {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = string(v.Data)
		if v.Kind == record.Bytes {
			texts[i] = `\x` + hex.EncodeToString(v.Data)
		}
		if strings.ContainsRune(texts[i], 0) || !utf8.ValidString(texts[i]) {
			return nil, false
		}
	}
	return texts, true
}

func (r *reader) record(raw [][]byte, keys []record.Key) (record.Record, error) {
	n, err := strconv.Atoi(string(raw[0]))
	if err != nil || n < 1 || n > len(keys) {
		return nil, errors.New("the server answered for a key that it was not asked for")
	}
	values, err := keys[n-1].Values()
	if err != nil {
		return nil, err
	}
	for i := range values {
		values[i].Kind = r.shape.keys[i].Kind
	}
	for i, f := range r.shape.fields {
		values = append(values, canonical(f.Kind, f.column, raw[i+1]))
	}
	return values.Clone(), nil
}

// canonical reads the server's text of a column as a value of kind. A text
// that is no such value stays as it is, and so differs from any.
func canonical(k record.Kind, c column, text []byte) record.Value {
	if text == nil {
		return record.Value{Kind: record.Null}
	}
	v := record.Value{Kind: k, Data: text}
	switch k {
	case record.Date: // in a column that has a time, too
		v.Data = bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("+00")), []byte(" 00:00:00"))
	case record.Int, record.Decimal:
		v.Data = decimal(text)
	case record.Float:
		v.Data = float(c, text)
	case record.Bytes:
		if raw, err := hex.DecodeString(strings.TrimPrefix(string(text), `\x`)); err == nil {
			v.Data = raw
		}
	case record.Timestamp, record.Instant:
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

func decimal(text []byte) []byte {
	if out, ok := record.AppendDecimal(nil, text); ok {
		return out
	}
	return text
}

func float(c column, text []byte) []byte {
	bits := 64
	if c.base == "float4" {
		bits = 32
	}
	if f, err := strconv.ParseFloat(string(text), bits); err == nil {
		return record.AppendFloat(nil, f, bits)
	}
	return text
}

// moment turns 2026-11-24 10:15:00+00 into 2026-11-24T10:15:00Z; the session
// is in UTC, and PostgreSQL cuts trailing zeros itself.
func moment(k record.Kind, text []byte) []byte {
	if bytes.HasSuffix(text, []byte("infinity")) {
		return text
	}
	era := []byte(" BC")
	body, bc := bytes.CutSuffix(text, era)
	body = bytes.Replace(bytes.TrimSuffix(body, []byte("+00")), []byte(" "), []byte("T"), 1)
	if k == record.Instant {
		body = append(body, 'Z')
	}
	if bc {
		body = append(body, era...)
	}
	return body
}
