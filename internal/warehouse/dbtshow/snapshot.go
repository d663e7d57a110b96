package dbtshow

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// Snapshot answers every read of a relation's rows from one call of dbt (two,
// where a bounded read is not enough). It keeps them in a nameless file, so the
// columns that are asked for later must be among those of the first read.
type Snapshot struct {
	warehouse *Warehouse
	columns   map[string][]column
	spools    map[string]*spool
}

// Columns implements warehouse.Snapshot.
func (s *Snapshot) Columns(ctx context.Context, relation string) ([]record.Column, error) {
	described, err := s.describe(ctx, relation)
	if err != nil {
		return nil, err
	}
	out := make([]record.Column, len(described))
	for i, c := range described {
		out[i] = c.Column
	}
	return out, nil
}

func (s *Snapshot) describe(ctx context.Context, relation string) ([]column, error) {
	if known, ok := s.columns[relation]; ok {
		return known, nil
	}
	described, err := s.warehouse.describe(ctx, relation)
	if err == nil {
		s.columns[relation] = described
	}
	return described, err
}

// Rows implements warehouse.Snapshot. The first row comes when dbt has ended
// well and every row is at hand.
func (s *Snapshot) Rows(ctx context.Context, q warehouse.Query) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		sp, err := s.spool(ctx, q)
		if err != nil {
			yield(nil, err)
			return
		}
		at, err := places(sp, q)
		if err != nil {
			yield(nil, warehouse.Broken(ctx, q.Relation, err))
			return
		}
		row := make(record.Record, len(at))
		for r, err := range sp.rows() {
			if err = errors.Join(err, ctx.Err()); err != nil {
				yield(nil, warehouse.Broken(ctx, q.Relation, err))
				return
			}
			for i, place := range at {
				row[i] = r[place]
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// Fetch implements warehouse.Snapshot: it looks through the rows that were
// read.
func (s *Snapshot) Fetch(ctx context.Context, q warehouse.Query, keys []record.Key) iter.Seq2[record.Record, error] {
	if len(keys) == 0 {
		return func(func(record.Record, error) bool) {}
	}
	return warehouse.Match(s.Rows(ctx, q), q, keys)
}

// places says where the columns of q stand in the rows of the spool.
func places(sp *spool, q warehouse.Query) ([]int, error) {
	at := make([]int, len(q.Columns))
	for i, name := range q.Columns {
		if at[i] = slices.Index(sp.columns, name); at[i] < 0 {
			return nil, fmt.Errorf("column %q was not part of the one read that all others are answered from", name)
		}
	}
	return at, nil
}

// spool gives the rows of a relation, reading them if nobody did yet.
func (s *Snapshot) spool(ctx context.Context, q warehouse.Query) (*spool, error) {
	if err := ctx.Err(); err != nil {
		return nil, warehouse.Broken(ctx, q.Relation, err)
	}
	if sp := s.spools[place(q)]; sp != nil {
		return sp, nil
	}
	described, err := s.describe(ctx, q.Relation)
	if err != nil {
		return nil, err
	}
	columns := make([]column, len(q.Columns))
	for i, name := range q.Columns {
		at := slices.IndexFunc(described, func(c column) bool { return c.Name == name })
		if at < 0 {
			return nil, warehouse.Broken(ctx, q.Relation, fmt.Errorf("it has no column %q any more", name))
		}
		columns[i] = described[at]
	}
	condition := ""
	if at := slices.IndexFunc(described, func(c column) bool { return c.Name == q.Since.Column }); at >= 0 {
		condition = s.warehouse.dialect.since(described[at], q.Since.From)
	}
	sp, err := s.warehouse.read(ctx, q.Relation, columns, condition)
	if err == nil {
		s.spools[place(q)] = sp
	}
	return sp, err
}

// read has dbt show all rows that meet a condition, and keeps them.
func (w *Warehouse) read(ctx context.Context, relation string, columns []column, condition string) (_ *spool, err error) {
	inline, err := w.selecting(relation, columns, condition)
	if err != nil {
		return nil, warehouse.Broken(ctx, relation, err)
	}
	sp, err := newSpool(w.config.Spool, columns)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			sp.close()
		}
	}()
	t := &table{relation: relation, columns: columns, masked: w.config.Masked, keep: func(r record.Record) error {
		if sp.count == Rows {
			w.large(relation)
		}
		return sp.add(r)
	}}
	if err := w.ask(ctx, question{relation: relation, inline: inline, data: true, read: t.read}); err != nil {
		return nil, warehouse.Broken(ctx, relation, err)
	}
	return sp, sp.flush()
}

// selecting is the template that selects all rows, column 1 as c0 and so on.
// Each row says how many there are: a read that any part of the chain cut
// short is not taken for the whole.
func (w *Warehouse) selecting(relation string, columns []column, condition string) (string, error) {
	var list []string
	for i, c := range columns {
		expression := w.dialect.expression(c)
		if w.config.Masked { // so that no row has a star of its own
			expression = "replace(replace(" + expression + ", '~', '~0'), '*', '~1')"
		}
		list = append(list, expression+" as c"+strconv.Itoa(i))
		if c.form.check {
			list = append(list, w.dialect.lossy(c)+" as x"+strconv.Itoa(i))
		}
	}
	sql := "select " + strings.Join(list, ", ") + ", count(*) over () as n from " + relation + condition
	if strings.Contains(sql, "endraw") {
		return "", errors.New("dbt cannot be asked for it: the name of the relation or of a column holds the word endraw")
	}
	return "{% if execute %}{% do print('" + marker + "rows') %}{% endif %}{% raw %}" + sql + "{% endraw %}", nil
}

// Close removes what was read.
func (s *Snapshot) Close() error {
	w := s.warehouse
	w.mu.Lock()
	_, open := w.open[s]
	delete(w.open, s)
	w.mu.Unlock()
	if !open {
		return nil
	}
	for _, sp := range s.spools {
		sp.close()
	}
	return nil
}
