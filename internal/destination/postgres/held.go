package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"exposync/internal/destination"
	"exposync/internal/record"
)

// Held has the server make of the values what its columns would make of them:
// numeric(10,2) rounds, timestamp(0) cuts, char(n) pads, real has six digits,
// and uuid spells in lower case. Nothing is written.
func (p *Postgres) Held(ctx context.Context, t destination.Target, records []record.Record) ([]record.Record, error) {
	s, err := p.check(ctx, t)
	if err != nil {
		return nil, err
	}
	h := &holder{p: p, shape: s, sql: s.assignment(), out: append([]record.Record(nil), records...)}
	for at := 0; at < len(records); at += readRows {
		if err := h.chunk(ctx, at, min(at+readRows, len(records))); err != nil {
			return nil, err
		}
	}
	return h.out, nil
}

type holder struct {
	p     *Postgres
	shape *shape
	sql   string
	out   []record.Record
}

// assignment selects values as they would be after they were assigned to
// their columns.
func (s *shape) assignment() string {
	params, names := []string{"$1::integer[]"}, []string{"n"}
	selected := []string{"s.n::text"}
	for i, f := range s.fields {
		params, names = append(params, fmt.Sprintf("$%d::text[]", i+2)), append(names, fmt.Sprintf("f%d", i+1))
		selected = append(selected, f.column.read(f.column.assigned(cast("f", i, f.column))))
	}
	return fmt.Sprintf("select %s from unnest(%s) as s(%s)", strings.Join(selected, ", "), strings.Join(params, ", "), strings.Join(names, ", "))
}

// assigned applies a column's length and precision. Texts and bits are left
// out: a cast cuts them silently, where an assignment refuses what is too long.
func (c column) assigned(value string) string {
	if c.category == "S" || c.category == "V" {
		return value
	}
	return "(" + value + ")::" + c.typ
}

// chunk asks about the records from one place to another. One that the server
// refuses is found by halving, and stays as it is.
func (h *holder) chunk(ctx context.Context, from, to int) error {
	err := h.query(ctx, from, to)
	var pg *pgconn.PgError
	switch {
	case err == nil || !errors.As(err, &pg):
		return err
	case !recordClass(pg.Code):
		return h.p.unusable(err, "ask how "+h.shape.table.sql()+" would hold values")
	case to-from == 1:
		return nil
	}
	half := from + (to-from)/2
	if err := h.chunk(ctx, from, half); err != nil {
		return err
	}
	return h.chunk(ctx, half, to)
}

// query changes nothing unless the server took all of the records.
func (h *holder) query(ctx context.Context, from, to int) error {
	var at []int
	columns := make([][]*string, len(h.shape.fields))
	for i := from; i < to; i++ {
		texts, ok := h.texts(h.out[i])
		if !ok {
			continue
		}
		at = append(at, i)
		for c, text := range texts {
			columns[c] = append(columns[c], text)
		}
	}
	args := []any{at}
	for _, c := range columns {
		args = append(args, c)
	}
	rows, err := h.p.pool.Query(ctx, h.sql, args...)
	if err != nil {
		return err
	}
	held, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (heldRow, error) {
		return h.row(row.RawValues(), from, to)
	})
	if err != nil {
		return err
	}
	for _, r := range held {
		h.out[r.at] = r.values
	}
	return nil
}

// heldRow is one record as the table would hold it.
type heldRow struct {
	at     int
	values record.Record
}

func (h *holder) row(raw [][]byte, from, to int) (heldRow, error) {
	n, err := strconv.Atoi(string(raw[0]))
	if err != nil || n < from || n >= to {
		return heldRow{}, errors.New("the server answered for a record that it was not asked about")
	}
	out := make(record.Record, len(h.shape.fields))
	for i, f := range h.shape.fields {
		if out[i] = canonical(f.Kind, f.column, raw[i+1]); h.out[n][i].Kind == record.Absent {
			out[i] = record.Value{}
		}
	}
	return heldRow{at: n, values: out.Clone()}, nil
}

// texts are the values as the server reads them, nil for none; false if one of
// them is nothing that it could read.
func (h *holder) texts(values record.Record) ([]*string, bool) {
	if len(values) != len(h.shape.fields) {
		return nil, false
	}
	out := make([]*string, len(values))
	for i, v := range values {
		if v.Kind == record.Absent || v.Kind == record.Null {
			continue
		}
		if c := h.shape.fields[i].column; v.Kind == record.JSON && c.category == "A" {
			literal, err := appendArray(nil, v.Data, c.elem)
			if err != nil {
				return nil, false
			}
			v = record.Value{Kind: record.Text, Data: literal}
		}
		texts, ok := keyTexts(record.Record{v})
		if !ok {
			return nil, false
		}
		out[i] = &texts[0]
	}
	return out, true
}
