package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"

	"exposync/internal/destination"
	"exposync/internal/record"
)

// The size of one batch, which is one transaction, and of one statement of it.
const (
	batchRows     = 5000
	batchBytes    = 8 << 20
	statementRows = 500
	concurrency   = 4
)

// writer writes the records of one target.
type writer struct {
	m     *MySQL
	shape *shape
	bytes int // of one statement at the most
}

// Open checks that the table, the key and the fields exist, take the kinds of
// values that the job sends, may be written, that the engine has transactions,
// and that a primary key or unique index covers exactly the key; every problem
// is a fault in a list.
func (m *MySQL) Open(ctx context.Context, t destination.Target) (destination.Writer, error) {
	s, err := m.check(ctx, t)
	if err != nil {
		return nil, err
	}
	if err := m.writes(ctx, s, t.Object); err != nil {
		return nil, err
	}
	const share = 2 // of a packet, so that names and the protocol fit, too
	return &writer{m: m, shape: s, bytes: min(batchBytes, s.table.maxPacket/share)}, nil
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

// Write writes one batch in one transaction. The changes that the server
// refuses are rejected one by one, all others are committed together.
func (w *writer) Write(ctx context.Context, batch []record.Change) []destination.Outcome {
	out := destination.All(len(batch), destination.Outcome{State: destination.OK})
	st := newStage(w.shape, batch)
	for i, o := range st.bad {
		out[i] = o
	}
	if len(st.groups) == 0 {
		return out
	}
	refused, all := w.merge(ctx, st)
	for _, g := range st.groups {
		for _, it := range g.items {
			if o, ok := refused[it.at]; ok {
				out[it.at] = o
			} else if all != nil {
				out[it.at] = *all
			}
		}
	}
	return out
}

// merge gives the outcomes of refused records, and what became of all others
// if they were not committed. It speaks to one connection itself, because the
// driver's own commit does not end with ctx.
func (w *writer) merge(ctx context.Context, st *stage) (map[int]destination.Outcome, *destination.Outcome) {
	conn, err := w.m.db.Conn(ctx)
	if err != nil {
		o := failed(ctx, err, w.shape.table)
		return nil, &o
	}
	t := &transaction{w: w, conn: conn, refused: map[int]destination.Outcome{}}
	committed := false
	defer func() {
		if !committed {
			discard(conn)
		}
		_ = conn.Close()
	}()
	if err := t.run(ctx, st); err != nil {
		o := failed(ctx, err, w.shape.table)
		return nil, &o
	}
	if ctx.Err() != nil {
		o := failed(ctx, ctx.Err(), w.shape.table)
		return nil, &o
	}
	if _, err := conn.ExecContext(ctx, "commit"); err != nil {
		o := uncommitted(err, w.shape.table)
		return nil, &o
	}
	committed = true
	return t.refused, nil
}

// discard ends a connection, and with it its transaction.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
}

// transaction is one batch while it is written.
type transaction struct {
	w       *writer
	conn    *sql.Conn
	refused map[int]destination.Outcome // by place in the batch
}

func (t *transaction) run(ctx context.Context, st *stage) error {
	// Without gap locks, which make batches that insert beside each other wait
	// for each other. A binary log of statements does not allow it.
	for _, sql := range []string{
		"set session transaction isolation level " + t.isolation(ctx), "start transaction read write",
	} {
		if _, err := t.conn.ExecContext(ctx, sql); err != nil {
			return err
		}
	}
	for _, g := range st.groups {
		for items := range pieces(g.items, t.w.bytes) {
			if err := t.piece(ctx, g, items); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *transaction) isolation(ctx context.Context) string {
	var log bool
	var format string
	if err := t.conn.QueryRowContext(ctx, "select @@log_bin, @@binlog_format").Scan(&log, &format); err != nil || log && format == "STATEMENT" {
		return "repeatable read"
	}
	return "read committed"
}

// piece writes records of a group that fit into one statement.
func (t *transaction) piece(ctx context.Context, g group, items []item) error {
	s := t.w.shape
	if s.mode == destination.Append {
		return t.divide(ctx, g, s.insert, items)
	}
	there, others, err := t.lookup(ctx, items, g.del)
	if err != nil {
		return err
	}
	missing := s.lacks(g.present)
	switch {
	case g.del:
		return t.divide(ctx, g, s.deletion, there)
	case s.mode == destination.Insert:
		if err := t.compare(ctx, there); err != nil {
			return err
		}
		return t.divide(ctx, g, s.insert, others)
	case s.mode == destination.Update:
		t.refuse(others, rejected("not_found", "no record has this key"))
	case missing != "":
		t.refuse(others, rejected("1364", "a new record needs a value in column "+missing))
	default:
		if err := t.divide(ctx, g, s.insert, others); err != nil {
			return err
		}
	}
	if s.sets(g.present) == "" { // nothing but the key, which is there
		return nil
	}
	return t.divide(ctx, g, s.update, there)
}

func (t *transaction) refuse(items []item, o destination.Outcome) {
	for _, it := range items {
		t.refused[it.at] = o
	}
}

// compare confirms inserts whose record is there already, value for value, as
// after a connection that broke during a commit that succeeded.
func (t *transaction) compare(ctx context.Context, items []item) error {
	if len(items) == 0 {
		return nil
	}
	held := map[string]record.Record{}
	err := t.w.shape.read(ctx, t.conn, items, " for update", func(r record.Record) bool {
		held[fingerprint(r[:len(t.w.shape.keys)])] = r[len(t.w.shape.keys):].Clone()
		return true
	})
	if err != nil {
		return err
	}
	for _, it := range items {
		if !t.w.shape.same(it.change.Values, held[it.id]) {
			t.refused[it.at] = rejected("exists", "a record with this key exists already")
		}
	}
	return nil
}
