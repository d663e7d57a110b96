package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/record"
)

var (
	errClosed = errors.New("the ledger of this sync is closed")
	errView   = errors.New("the ledger of this sync was opened for reading only")
)

const (
	// commitBytes and commitRows are when one call's entries become several
	// commits.
	commitBytes = 1 << 20
	commitRows  = 5000
	// maxEntry is far above any key or reason.
	maxEntry = 8 << 20
)

// syncSession is one open sync.
type syncSession struct {
	store    *store
	id       plan.SyncID
	target   string
	lease    *lease
	header   ledger.Header // as the sync was opened
	leftover bool
	marks    *marks // as the sync was opened
	tally    tally

	mu      sync.RWMutex // held alone to fold and close
	closed  bool
	seq     atomic.Int64 // of the last entry
	claimed atomic.Bool
	kept    *pgx.Conn // keeps the marks as they were before the first fold that changed any
	keptMu  sync.Mutex
}

// Open takes the lease, and folds what an interrupted run left behind.
func (s *store) Open(ctx context.Context, id plan.SyncID, target string) (ledger.Sync, error) {
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	l, err := s.keeper.take(ctx, id)
	if err != nil {
		return nil, err
	}
	y := &syncSession{store: s, id: id, target: target, lease: l}
	if err := y.recover(ctx); err != nil {
		l.release(ctx)
		return nil, err
	}
	return y, nil
}

// recover folds a leftover journal and reads the header.
func (y *syncSession) recover(ctx context.Context) error {
	s := y.store
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var left bool
	h, err := s.head(limited, s.pool, y.lease.id, y.id.Job)
	if err == nil {
		err = s.pool.QueryRow(limited, s.sql("select exists (select from {s}.journal where sync = $1)"), y.lease.id).Scan(&left)
	}
	if err != nil {
		return s.failed(ctx, "read what is known of job "+y.id.Job, err)
	}
	y.claimed.Store(slices.Contains(h.targets, y.target))
	if left {
		// What is known about the marks stays as it is, because that run never
		// got to say otherwise.
		told := h.Header
		if told.Encoding == 0 {
			told.Encoding = h.journalEncoding
		}
		if h.Header, err = y.fold(ctx, told); err != nil {
			return y.failed(ctx, "fold the journal", err)
		}
		y.leftover = true
	}
	y.header = h.Header
	y.marks = &marks{store: s, id: y.lease.id, token: y.lease.token, on: y.reading}
	return nil
}

// reading runs fn where the marks are as they were when the sync was opened.
func (y *syncSession) reading(ctx context.Context, fn func(conn *pgconn.PgConn) error) error {
	y.keptMu.Lock()
	defer y.keptMu.Unlock()
	if y.kept != nil {
		return fn(y.kept.PgConn())
	}
	return y.store.pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error { return fn(c.Conn().PgConn()) })
}

// keep holds on to the marks as they are, before they are changed by a fold.
// Nobody else can have changed them since the sync was opened.
func (y *syncSession) keep(ctx context.Context) error {
	y.keptMu.Lock()
	defer y.keptMu.Unlock()
	if y.kept != nil || y.marks == nil {
		return nil
	}
	conn, err := y.store.snapshot(ctx)
	if err != nil {
		return err
	}
	var token int64
	if err := conn.QueryRow(ctx, y.store.sql("select token from {s}.leases where sync = $1"), y.lease.id).Scan(&token); err != nil {
		hangUp(ctx, conn)
		return err
	}
	if token != y.lease.token {
		hangUp(ctx, conn)
		return errTaken
	}
	y.kept = conn
	return nil
}

// snapshot starts a transaction that sees one instant for as long as its
// connection is open.
func (s *store) snapshot(ctx context.Context) (*pgx.Conn, error) {
	conn, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	err = conn.PgConn().Exec(ctx, "begin isolation level repeatable read read only; set local idle_in_transaction_session_timeout = 0; set local statement_timeout = 0; select "+inKeyOrder).Close()
	if err != nil {
		hangUp(ctx, conn)
		return nil, err
	}
	return conn, nil
}

// Header gives what was known when the sync was opened.
func (y *syncSession) Header() ledger.Header {
	h := y.header
	h.Leftover = y.leftover
	h.Jobs = slices.Clone(h.Jobs)
	return h
}

// Marks yields a partition as it was when the sync was opened. When all were
// read they have to be as many as the header says.
func (y *syncSession) Marks(ctx context.Context, part int) iter.Seq2[record.Mark, error] {
	return func(yield func(record.Mark, error) bool) {
		var confirmed, standing int64
		for m, err := range y.marks.partition(ctx, part) {
			if err != nil {
				yield(record.Mark{}, y.failed(ctx, "read its marks", err))
				return
			}
			if m.Confirmed() {
				confirmed++
			}
			if m.Standing != nil {
				standing++
			}
			if !yield(m, nil) {
				return
			}
		}
		if !y.tally.add(part, confirmed, standing, y.header) {
			yield(record.Mark{}, y.store.damaged(y.id.Job, "its marks are not as many as were folded: somebody changed the table"))
		}
	}
}

// tally counts the marks of all partitions.
type tally struct {
	mu                  sync.Mutex
	seen                [ledger.Partitions]bool
	parts               int
	confirmed, standing int64
}

// add is false if all partitions are known and do not add up to the header.
func (t *tally) add(part int, confirmed, standing int64, h ledger.Header) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen[part] {
		return true
	}
	t.seen[part] = true
	t.parts++
	t.confirmed += confirmed
	t.standing += standing
	return t.parts < ledger.Partitions || t.confirmed == h.Marks && t.standing == h.Standing
}

// Append commits entries to the journal.
func (y *syncSession) Append(ctx context.Context, entries ...ledger.Entry) error {
	for i := range entries {
		if err := check(&entries[i]); err != nil {
			return err
		}
	}
	y.mu.RLock()
	defer y.mu.RUnlock()
	if err := y.usable(ctx); err != nil {
		return err
	}
	if len(entries) == 0 {
		return nil
	}
	last := y.seq.Add(int64(len(entries)))
	first := last - int64(len(entries)) + 1
	cols := entryColumns()
	for start := 0; start < len(entries); {
		cols.reset()
		end := start
		for ; end < len(entries) && end-start < commitRows && cols.size() < commitBytes; end++ {
			cols.entry(&entries[end])
		}
		if err := y.commit(ctx, cols, end-start, first+int64(start)); err != nil {
			return y.failed(ctx, "write the journal", err)
		}
		start = end
	}
	return nil
}

// check refuses entries that could not be folded, before anything is written.
func check(e *ledger.Entry) error {
	if err := e.Check(); err != nil {
		return err
	}
	size := len(e.Key) + len(e.RemoteID) + len(e.Job)
	if e.Standing != nil {
		size += len(e.Standing.Code) + len(e.Standing.Reason)
	}
	if size > maxEntry {
		return fmt.Errorf("ledger entry of %d bytes is too long", size)
	}
	return nil
}

func (y *syncSession) usable(ctx context.Context) error {
	if y.closed {
		return errClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if y.lease.gone.Load() {
		return y.store.lost(y.id.Job)
	}
	return nil
}

// failed explains an error; one about the lease is the last.
func (y *syncSession) failed(ctx context.Context, doing string, err error) error {
	if errors.Is(err, errTaken) {
		y.lease.gone.Store(true)
		return y.store.lost(y.id.Job)
	}
	return y.store.failed(ctx, doing+" (job "+y.id.Job+")", err)
}

const (
	stillMine = `exists (select from {s}.leases where sync = $1 and token = $2)`
	claimSync = `update {s}.syncs set targets = case when $3 = any (targets) then targets else array_append(targets, $3) end,
	journal_encoding = $4::bigint where id = $1 and ` + stillMine
	addEntries = `insert into {s}.journal (sync, seq, ` + entryList + `)
	select $1, $3 + u.n - 1, ` + entryList + ` from unnest($4::smallint[], $5::uuid[], $6::uuid[], $7::bytea[], $8::text[], $9::text[],
		$10::smallint[], $11::uuid[], $12::bigint[], $13::text[], $14::text[], $15::boolean[], $16::bigint[])
	with ordinality as u (` + entryList + `, n) where ` + stillMine
)

// commit is one transaction in one round trip. Whoever takes the lease over
// has to wait for the shared lock, or is seen by the statements after it.
func (y *syncSession) commit(ctx context.Context, cols columns, n int, seq int64) error {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	claims := !y.claimed.Load()
	run := func() error {
		return y.store.pool.AcquireFunc(limited, func(c *pgxpool.Conn) error {
			return y.pipeline(limited, c.Conn().PgConn(), cols, n, seq, claims)
		})
	}
	err := run()
	if err != nil && pgconn.SafeToRetry(err) && limited.Err() == nil {
		err = run() // a connection that had broken while it was idle
	}
	if err == nil && claims {
		y.claimed.Store(true)
	}
	return err
}

func (y *syncSession) pipeline(ctx context.Context, conn *pgconn.PgConn, cols columns, n int, seq int64, claims bool) error {
	s := y.store
	b := &pgconn.Batch{}
	b.ExecParams(beginWriting, nil, nil, nil, nil)
	values, oids, formats := columns(nil).args(s.syncKey(y.lease.id))
	b.ExecParams("select "+durable+", pg_advisory_xact_lock_shared($1)", values, oids, formats, nil)
	if claims {
		values, oids, formats = columns(nil).args(y.lease.id, y.lease.token, 0, record.Encoding)
		values[2], oids[2] = []byte(escape(y.target)), textOID
		b.ExecParams(s.sql(claimSync), values, oids, formats, nil)
	}
	values, oids, formats = cols.args(y.lease.id, y.lease.token, seq)
	b.ExecParams(s.sql(addEntries), values, oids, formats, nil)
	b.ExecParams("commit", nil, nil, nil, nil)
	tags, err := answer(conn.ExecBatch(ctx, b))
	if err != nil {
		return err
	}
	if got := tags[len(tags)-2].RowsAffected(); got != int64(n) {
		return errTaken
	}
	return nil
}
