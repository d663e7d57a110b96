package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"exposync/internal/destination"
	"exposync/internal/record"
)

// The size of one batch, which is one transaction.
const (
	batchRows   = 5000
	batchBytes  = 16 << 20
	concurrency = 4
)

// writer writes the records of one target.
type writer struct {
	pool  *Postgres
	shape *shape
	known []string // names that messages may quote
}

// Open checks that the table, the key and the fields exist, take the kinds of
// values that the job sends, may be written, and that a unique index covers
// the key; every problem is a fault in a list. Names match exactly, else in
// lower case.
func (p *Postgres) Open(ctx context.Context, t destination.Target) (destination.Writer, error) {
	if err := p.writes(ctx); err != nil {
		return nil, err
	}
	s, err := p.check(ctx, t)
	if err != nil {
		return nil, err
	}
	return &writer{pool: p, shape: s, known: s.names()}, nil
}

// Traits: batches of one transaction each. Everything but append may be sent
// again: an insert that finds its own record, value for value, is confirmed.
func (w *writer) Traits() destination.Traits {
	return destination.Traits{
		Rows: batchRows, Bytes: batchBytes, Size: size, Concurrency: concurrency,
		Idempotent: w.shape.mode != destination.Append,
		Deletes:    w.shape.mode == destination.Mirror,
	}
}

// Close does nothing: every batch was committed or rolled back.
func (w *writer) Close() error { return nil }

// Write merges one batch in one transaction. The changes that the server
// refuses are rejected one by one, all others are committed together.
func (w *writer) Write(ctx context.Context, batch []record.Change) []destination.Outcome {
	out := destination.All(len(batch), destination.Outcome{State: destination.OK})
	st := newStage(w.shape, batch)
	for i, reason := range st.bad {
		out[i] = rejected("invalid_value", reason)
	}
	if len(st.order) == 0 {
		return out
	}
	refusals, bad := w.merge(ctx, st, batch)
	for n, i := range st.order {
		if o, refused := refusals[n]; refused {
			out[i] = o
		} else if bad != nil {
			out[i] = *bad
		}
	}
	return out
}

// merge gives the outcomes of refused records by n, and what became of all
// others if they were not committed.
func (w *writer) merge(ctx context.Context, st *stage, batch []record.Change) (map[int]destination.Outcome, *destination.Outcome) {
	tx, err := w.pool.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite})
	if err != nil {
		o := failed(ctx, err, w.known)
		return nil, &o
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	t := &transaction{w: w, tx: tx, stage: st, batch: batch, refused: map[int]destination.Outcome{}}
	if err := t.run(ctx); err != nil {
		o := failed(ctx, err, w.known)
		return nil, &o
	}
	if err := tx.Commit(ctx); err != nil {
		o := uncommitted(err, w.known)
		return nil, &o
	}
	return t.refused, nil
}

// transaction is one batch while it is written.
type transaction struct {
	w       *writer
	tx      pgx.Tx
	stage   *stage
	batch   []record.Change
	refused map[int]destination.Outcome // by n
	refusal error                       // of the last group as a whole; nil when its counts were wrong
}

// manyGroups is from where on an index over n pays.
const manyGroups = 8

func (t *transaction) run(ctx context.Context) error {
	// Deferred constraints would speak up at the commit, about no record.
	start := "set constraints all immediate; " + t.w.shape.create()
	if _, err := t.tx.Exec(ctx, start); err != nil {
		return fmt.Errorf("make the staging table: %w", err)
	}
	if _, err := t.tx.Conn().PgConn().CopyFrom(ctx, bytes.NewReader(t.stage.copied), "copy "+staged+" from stdin"); err != nil {
		return fmt.Errorf("copy into the staging table: %w", err)
	}
	if len(t.stage.groups) > manyGroups {
		if err := t.index(ctx); err != nil {
			return err
		}
	}
	for _, g := range t.stage.groups {
		if err := t.write(ctx, g); err != nil {
			return err
		}
	}
	return nil
}

func (t *transaction) index(ctx context.Context) error {
	if _, err := t.tx.Exec(ctx, "create index if not exists exposync_staged_n on "+staged+" (n)"); err != nil {
		return fmt.Errorf("index the staging table: %w", err)
	}
	return nil
}

// write writes a group as a whole. If that is refused, it is written again
// record by record; if two records turn out to be the same to the table, both
// are refused and the rest is written once more.
func (t *transaction) write(ctx context.Context, g group) error {
	for {
		whole, err := t.attempt(ctx, g)
		if err != nil || whole {
			return err
		}
		same, err := t.single(ctx, g)
		if unsupported(err) {
			return t.undivided(g)
		}
		if err != nil || len(same) == 0 {
			return err
		}
		for _, n := range same {
			t.refused[n] = rejected("key_collision", "another record of the source has a key that is the same to this table")
		}
		if err := t.exec(ctx, "rollback to savepoint exposync; delete from "+staged+" where n = any('"+numbers(same)+"'::integer[])"); err != nil {
			return err
		}
	}
}

// attempt runs a group's statement; false when the server refused values or
// the counts do not add up. Nothing of the group is written then.
func (t *transaction) attempt(ctx context.Context, g group) (bool, error) {
	s := t.w.shape.step(g, strconv.Itoa(g.lo), strconv.Itoa(g.hi))
	ok, err := t.try(ctx, s, t.left(g))
	t.refusal = err
	if err == nil && ok {
		return true, t.exec(ctx, "release savepoint exposync")
	}
	var pg *pgconn.PgError
	if err != nil && (!errors.As(err, &pg) || !recordClass(pg.Code)) {
		return false, err
	}
	return false, t.exec(ctx, "rollback to savepoint exposync")
}

// spoken is a statement with the server's answer.
func spoken(sql string, tag pgconn.CommandTag, err error) destination.Spoken {
	heard := tag.String()
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) {
		heard = pg.Code + " " + pg.Message
	}
	return destination.Spoken{Kind: "sql", Said: sql, Heard: heard}
}

func (t *transaction) try(ctx context.Context, s step, want int64) (bool, error) {
	if err := t.exec(ctx, "savepoint exposync"); err != nil {
		return false, err
	}
	if s.lock != "" {
		if err := t.exec(ctx, s.lock); err != nil {
			return false, err
		}
	}
	tag, err := t.tx.Exec(ctx, s.main)
	destination.Show(ctx, func() destination.Spoken { return spoken(s.main, tag, err) })
	if err != nil {
		return false, err
	}
	if s.counted && tag.RowsAffected() != want {
		return false, nil
	}
	if s.wrong == "" {
		return true, nil
	}
	tag, err = t.tx.Exec(ctx, s.wrong)
	return tag.RowsAffected() == 0, err
}

// undivided is the outcome of a group on a server that cannot run a block:
// the engine divides the batch instead.
func (t *transaction) undivided(g group) error {
	if t.refusal != nil {
		return t.refusal
	}
	zero := t.w.shape.step(g, "0", "0").zero
	return &pgconn.PgError{Code: codeUncounted, Message: zero.Message}
}

// unsupported reports whether a server refuses blocks: it has no PL/pgSQL, or
// the user may not use it.
func unsupported(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "42704" || pg.Code == "0A000" || pg.Code == "42501")
}

// left is how many records of the group are still to be written.
func (t *transaction) left(g group) int64 {
	n := int64(g.hi - g.lo)
	for i := g.lo; i < g.hi; i++ {
		if _, gone := t.refused[i]; gone {
			n--
		}
	}
	return n
}

func (t *transaction) exec(ctx context.Context, sql string) error {
	_, err := t.tx.Exec(ctx, sql)
	return err
}
