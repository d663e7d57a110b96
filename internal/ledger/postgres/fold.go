package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/record"
)

const (
	// foldRows and foldBytes are when a fold sends the marks it has made.
	foldRows  = 2000
	foldBytes = 1 << 20
)

const (
	putMarks = `insert into {s}.marks as m (sync, ` + markList + `)
	select $1, ` + markList + ` from unnest($2::uuid[], $3::uuid[], $4::bytea[], $5::text[], $6::boolean[],
		$7::smallint[], $8::uuid[], $9::bigint[], $10::text[], $11::text[], $12::boolean[], $13::bigint[]) as u (` + markList + `)
	on conflict (sync, key_hash) do update set row_hash = excluded.row_hash, key = excluded.key, remote_id = excluded.remote_id,
		adopted = excluded.adopted, state = excluded.state, tried = excluded.tried, attempts = excluded.attempts, code = excluded.code,
		reason = excluded.reason, permanent = excluded.permanent, since = excluded.since`
	dropMarks = `delete from {s}.marks where sync = $1 and key_hash = any($2::uuid[])`
	prolong   = `update {s}.leases set expires_at = clock_timestamp() + $3::bigint * interval '1 microsecond' where sync = $1 and token = $2`
)

// Fold merges the journal into the marks.
func (y *syncSession) Fold(ctx context.Context, h ledger.Header) error {
	y.mu.Lock()
	defer y.mu.Unlock()
	if err := y.usable(ctx); err != nil {
		return err
	}
	if y.seq.Load() > 0 { // there may be entries
		if err := y.keep(ctx); err != nil {
			return y.failed(ctx, "keep the marks as they were", err)
		}
	}
	_, err := y.fold(ctx, h)
	return y.failed(ctx, "fold the journal", err)
}

// fold is one transaction: before its commit the old marks stand with the
// journal, after it the new ones.
func (y *syncSession) fold(ctx context.Context, told ledger.Header) (next ledger.Header, err error) {
	conn, err := y.store.pool.Acquire(ctx)
	if err != nil {
		return next, err
	}
	defer conn.Release()
	err = pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{BeginQuery: beginWriting}, func(tx pgx.Tx) error {
		before, err := y.mine(ctx, tx)
		if err != nil {
			return err
		}
		next = before.Next(told)
		next.Marks, next.Standing = before.Marks, before.Standing
		if next.Jobs, err = y.store.foldJobs(ctx, tx.Conn().PgConn(), y.lease.id, y.id.Job, next.Jobs); err != nil {
			return err
		}
		if err := y.rewrite(ctx, tx.Conn().PgConn(), &next); err != nil {
			return err
		}
		if next.Marks < 0 || next.Standing < 0 {
			return y.store.damaged(y.id.Job, "its marks are more than were folded: somebody changed the table")
		}
		return y.settle(ctx, tx, next)
	})
	return next, err
}

// mine makes sure that the lease is this one's until the transaction ends, and
// gives the header that is folded.
func (y *syncSession) mine(ctx context.Context, tx pgx.Tx) (h head, err error) {
	s := y.store
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := tx.Exec(limited, "select "+durable+", pg_advisory_xact_lock($1)", s.syncKey(y.lease.id)); err != nil {
		return h, err
	}
	var token int64
	if err := tx.QueryRow(limited, s.sql("select token from {s}.leases where sync = $1"), y.lease.id).Scan(&token); err != nil {
		return h, err
	}
	if token != y.lease.token {
		return h, errTaken
	}
	return s.head(limited, tx, y.lease.id, y.id.Job)
}

// rewrite streams what the journal makes of the marks back into them.
func (y *syncSession) rewrite(ctx context.Context, conn *pgconn.PgConn, next *ledger.Header) error {
	r := &replayer{store: y.store, job: y.id.Job, conn: conn}
	if err := r.open(ctx, y.lease.id, record.Hash{}); err != nil {
		return err
	}
	w := &markWriter{y: y, conn: conn, marks: markColumns(), gone: newColumns(uuidsOID)}
	for {
		f, ok, err := r.next(ctx)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		f.count(next)
		if err := w.add(ctx, &f); err != nil {
			return err
		}
	}
	if err := w.flush(ctx); err != nil {
		return err
	}
	return r.close(ctx)
}

// markWriter sends marks in batches.
type markWriter struct {
	y     *syncSession
	conn  *pgconn.PgConn
	marks columns
	gone  columns
}

func (w *markWriter) add(ctx context.Context, f *folded) error {
	switch {
	case !f.changed():
	case f.keep:
		w.marks.mark(&f.is)
	default:
		w.gone[0].hash(f.key)
	}
	if w.marks[0].n+w.gone[0].n >= foldRows || w.marks.size() >= foldBytes {
		return w.flush(ctx)
	}
	return nil
}

func (w *markWriter) flush(ctx context.Context) error {
	for _, part := range []struct {
		sql  string
		cols columns
	}{{putMarks, w.marks}, {dropMarks, w.gone}} {
		if part.cols[0].n == 0 {
			continue
		}
		limited, cancel := context.WithTimeout(ctx, patience)
		values, oids, formats := part.cols.args(w.y.lease.id)
		err := w.conn.ExecParams(limited, w.y.store.sql(part.sql), values, oids, formats, nil).Read().Err
		cancel()
		if err != nil {
			return err
		}
		part.cols.reset()
	}
	return nil
}

// settle writes the header and forgets the journal.
func (y *syncSession) settle(ctx context.Context, tx pgx.Tx, next ledger.Header) error {
	s := y.store
	if err := s.putHead(ctx, tx, y.lease.id, next); err != nil {
		return err
	}
	if y.marks != nil { // not what an interrupted run left behind
		claim := "update {s}.syncs set targets = array_append(targets, $2) where id = $1 and not $2 = any (targets)"
		if _, err := tx.Exec(ctx, s.sql(claim), y.lease.id, escape(y.target)); err != nil {
			return err
		}
	}
	limited, cancel := context.WithTimeout(ctx, foldPatience)
	defer cancel()
	if _, err := tx.Exec(limited, s.sql("delete from {s}.journal where sync = $1"), y.lease.id); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, s.sql(prolong), y.lease.id, y.lease.token, s.opts.TTL.Microseconds())
	return err
}

// Close gives the lease back. A journal that was not folded stays.
func (y *syncSession) Close() error {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.closed {
		return nil
	}
	y.closed = true
	y.keptMu.Lock()
	defer y.keptMu.Unlock()
	if y.kept != nil {
		hangUp(context.Background(), y.kept)
	}
	y.lease.release(context.Background())
	return nil
}

// Reset forgets everything about a sync, in one transaction.
func (s *store) Reset(ctx context.Context, id plan.SyncID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, foldPatience)
	defer cancel()
	if there, err := s.there(ctx, limited); err != nil || !there {
		return err
	}
	l, err := s.keeper.take(ctx, id)
	if err != nil {
		return err
	}
	defer l.release(ctx)
	y := &syncSession{store: s, id: id, lease: l}
	err = pgx.BeginTxFunc(limited, s.pool, pgx.TxOptions{BeginQuery: beginWriting}, func(tx pgx.Tx) error { return y.forget(limited, tx) })
	return y.failed(ctx, "forget what was confirmed", err)
}

func (y *syncSession) forget(ctx context.Context, tx pgx.Tx) error {
	s := y.store
	if _, err := tx.Exec(ctx, "select "+durable+", pg_advisory_xact_lock($1)", s.syncKey(y.lease.id)); err != nil {
		return err
	}
	var mine bool
	if err := tx.QueryRow(ctx, s.sql("select "+stillMine), y.lease.id, y.lease.token).Scan(&mine); err != nil {
		return err
	}
	if !mine {
		return errTaken
	}
	if err := s.unhandle(ctx, tx, y.id); err != nil {
		return err
	}
	for _, statement := range []string{
		"delete from {s}.journal where sync = $1",
		"delete from {s}.marks where sync = $1",
		`update {s}.syncs set targets = '{}', generation = 0, encoding = 0, mapping = '', source_rows = 0, read_to = '', full_at = 0,
			first_answer = '', marks = 0, standing = 0, open_jobs = '[]', journal_encoding = 0 where id = $1`,
	} {
		if _, err := tx.Exec(ctx, s.sql(statement), y.lease.id); err != nil {
			return err
		}
	}
	return nil
}
