package postgres

import (
	"bytes"
	"context"
	"iter"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// view is a sync that is only looked at: one instant, in a transaction that
// lasts as long as the view.
type view struct {
	store  *store
	job    string
	conn   *pgx.Conn // nil where nothing is remembered
	id     int64
	header ledger.Header
	marks  *marks
	over   bool // there is a journal

	replay *replayer // nil before it is needed
	ahead  *folded   // what replay gave last, if it was not used
	low    record.Hash
	spent  bool // replay came to its end
}

// View opens the marks and the journal as they are now.
func (s *store) View(ctx context.Context, id plan.SyncID, _ string) (ledger.Sync, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	v := &view{store: s, job: id.Job}
	if there, err := s.there(ctx, limited); err != nil || !there {
		return v, err
	}
	conn, err := s.snapshot(limited)
	if err != nil {
		return nil, s.failed(ctx, "look at job "+id.Job, err)
	}
	v.conn = conn
	if err := v.open(ctx, limited, id); err != nil {
		hangUp(ctx, conn)
		return nil, s.failed(ctx, "look at job "+id.Job, err)
	}
	return v, nil
}

func (v *view) open(ctx, limited context.Context, id plan.SyncID) error {
	s := v.store
	n, ok, err := s.find(limited, v.conn, id)
	if err != nil || !ok {
		return err
	}
	v.id = n
	h, err := s.head(limited, v.conn, n, v.job)
	if err != nil {
		return err
	}
	if err := v.conn.QueryRow(limited, s.sql("select exists (select from {s}.journal where sync = $1)"), n).Scan(&v.over); err != nil {
		return err
	}
	v.header = h.Header
	v.marks = &marks{store: s, id: n, on: func(_ context.Context, fn func(conn *pgconn.PgConn) error) error { return fn(v.conn.PgConn()) }}
	if !v.over {
		return nil
	}
	return v.count(ctx, h)
}

// count makes the header that a fold would have made.
func (v *view) count(ctx context.Context, h head) (err error) {
	v.header.Generation++
	v.header.Leftover = true
	if v.header.Encoding == 0 {
		v.header.Encoding = h.journalEncoding
	}
	if v.header.Jobs, err = v.store.foldJobs(ctx, v.conn.PgConn(), v.id, v.job, v.header.Jobs); err != nil {
		return err
	}
	for f, err := v.peek(ctx, record.Hash{}); ; f, err = v.peek(ctx, v.low) {
		if err != nil || f == nil {
			return err
		}
		f.count(&v.header)
		v.use()
	}
}

// peek gives the first key from at on about which the journal says something;
// nil if there is none.
func (v *view) peek(ctx context.Context, at record.Hash) (*folded, error) {
	if !v.over {
		return nil, nil
	}
	if v.replay == nil || bytes.Compare(at[:], v.low[:]) < 0 {
		if v.replay != nil {
			if err := v.replay.close(ctx); err != nil {
				return nil, err
			}
		}
		v.replay = &replayer{store: v.store, job: v.job, conn: v.conn.PgConn()}
		v.ahead, v.low, v.spent = nil, at, false
		if err := v.replay.open(ctx, v.id, at); err != nil {
			return nil, err
		}
	}
	for v.ahead == nil || bytes.Compare(v.ahead.key[:], at[:]) < 0 {
		if v.spent {
			return nil, nil
		}
		f, ok, err := v.replay.next(ctx)
		if err != nil {
			return nil, err
		}
		if !ok {
			v.ahead, v.spent = nil, true
			return nil, nil
		}
		v.ahead, v.low = &f, f.key
	}
	return v.ahead, nil
}

// use takes what peek gave.
func (v *view) use() {
	v.low = after(v.ahead.key)
	if v.low == (record.Hash{}) { // it was the last key that can be
		v.low, v.spent = v.ahead.key, true
	}
	v.ahead = nil
}

// Header tells about the marks with the journal folded.
func (v *view) Header() ledger.Header {
	h := v.header
	h.Jobs = slices.Clone(h.Jobs)
	return h
}

// Marks yields a partition with the journal folded.
func (v *view) Marks(ctx context.Context, part int) iter.Seq2[record.Mark, error] {
	return func(yield func(record.Mark, error) bool) {
		if v.marks == nil {
			if err := ctx.Err(); err != nil {
				yield(record.Mark{}, err)
			}
			return
		}
		at, end := record.Hash{byte(part)}, lastOf(part) //nolint:gosec // below 256
		for m, err := range v.marks.partition(ctx, part) {
			if err != nil {
				yield(record.Mark{}, v.failed(ctx, err))
				return
			}
			if !v.before(ctx, &at, m.KeyHash, yield) || !v.mark(ctx, &at, m, yield) || at == (record.Hash{}) {
				return
			}
		}
		v.before(ctx, &at, after(end), yield)
	}
}

// mark yields a mark, with what the journal says about it.
func (v *view) mark(ctx context.Context, at *record.Hash, m record.Mark, yield func(record.Mark, error) bool) bool {
	f, err := v.peek(ctx, *at)
	if err != nil {
		yield(record.Mark{}, v.failed(ctx, err))
		return false
	}
	*at = after(m.KeyHash)
	keep := true
	if f != nil && f.key == m.KeyHash {
		m, keep = f.is, f.keep
		v.use()
	}
	return !keep || yield(m, nil)
}

// before yields the keys that only the journal knows, from at up to a key; the
// zero key stands for the end. It is false when nothing more is wanted.
func (v *view) before(ctx context.Context, at *record.Hash, end record.Hash, yield func(record.Mark, error) bool) bool {
	for {
		f, err := v.peek(ctx, *at)
		if err != nil {
			yield(record.Mark{}, v.failed(ctx, err))
			return false
		}
		if f == nil || end != (record.Hash{}) && bytes.Compare(f.key[:], end[:]) >= 0 {
			return true
		}
		mark, keep := f.is, f.keep
		*at = after(f.key)
		v.use()
		if keep && !yield(mark, nil) {
			return false
		}
		if *at == (record.Hash{}) {
			return true
		}
	}
}

func (v *view) failed(ctx context.Context, err error) error {
	return v.store.failed(ctx, "look at job "+v.job, err)
}

// Append refuses: a view has no lease.
func (v *view) Append(context.Context, ...ledger.Entry) error { return errView }

// Fold refuses: a view has no lease.
func (v *view) Fold(context.Context, ledger.Header) error { return errView }

// Close ends the transaction.
func (v *view) Close() error {
	if v.conn != nil {
		hangUp(context.Background(), v.conn)
		v.conn = nil
	}
	return nil
}
