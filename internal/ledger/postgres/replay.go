package postgres

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"exposync/internal/ledger"
	"exposync/internal/record"
)

// fetchRows is how many entries are read at once.
const fetchRows = 4096

// openReplay sorts the journal by key, each entry with the mark that its key
// has. The numbers are ours: a cursor takes no parameters.
const openReplay = `declare replay no scroll cursor without hold for
	select extract(epoch from j.at)::bigint, j.kind, j.key_hash, j.row_hash, j.key, j.remote_id, j.job_id,
		j.state, j.tried, j.attempts, j.code, j.reason, j.permanent, j.since,
		m.key_hash, m.row_hash, m.key, m.remote_id, m.adopted, m.state, m.tried, m.attempts, m.code, m.reason, m.permanent, m.since
	from {s}.journal j left join {s}.marks m on m.sync = j.sync and m.key_hash = j.key_hash
	where j.sync = %d and j.key_hash >= '%s' order by j.key_hash, j.seq`

// folded is what entries make of one key.
type folded struct {
	key   record.Hash
	was   record.Mark
	known bool        // there was a mark
	is    record.Mark // what is to be remembered, if anything
	keep  bool
}

// replayer folds the journal of a sync key by key, in the order of the keys,
// within a transaction. Memory holds one stretch of entries.
type replayer struct {
	store *store
	job   string
	conn  *pgconn.PgConn

	rows  []replayRow
	at    int
	ended bool
}

// replayRow is an entry and the mark that its key has.
type replayRow struct {
	since int64 // unix seconds, when the entry was written
	entry ledger.Entry
	known bool
	mark  record.Mark
}

// open sorts the entries about keys from one on.
func (r *replayer) open(ctx context.Context, id int64, from record.Hash) error {
	limited, cancel := context.WithTimeout(ctx, foldPatience)
	defer cancel()
	r.rows, r.at, r.ended = nil, 0, false
	query := "set local cursor_tuple_fraction = 1; " + fmt.Sprintf(r.store.sql(openReplay), id, hex.EncodeToString(from[:]))
	return r.conn.Exec(limited, query).Close()
}

func (r *replayer) close(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return r.conn.Exec(limited, "close replay").Close()
}

// peek gives the next entry; nil at the end.
func (r *replayer) peek(ctx context.Context) (*replayRow, error) {
	if r.at < len(r.rows) {
		return &r.rows[r.at], nil
	}
	if r.ended {
		return nil, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, foldPatience)
	defer cancel()
	r.rows, r.at = make([]replayRow, 0, min(fetchRows, max(64, 2*len(r.rows)))), 0
	arena := make([]byte, 0, 32<<10)
	result := r.conn.ExecParams(limited, fmt.Sprintf("fetch %d from replay", fetchRows), nil, nil, nil, binaryResults())
	for result.NextRow() {
		v := row{result.Values(), &arena}
		n := replayRow{since: v.int(), entry: v.entry()}
		if n.known = v.values[0] != nil; n.known {
			n.mark = v.mark()
		}
		r.rows = append(r.rows, n)
	}
	if _, err := result.Close(); err != nil {
		return nil, err
	}
	r.ended = len(r.rows) < fetchRows
	if len(r.rows) == 0 {
		return nil, nil
	}
	return &r.rows[0], nil
}

// next folds all entries about the next key; ok is false at the end.
func (r *replayer) next(ctx context.Context) (f folded, ok bool, err error) {
	first, err := r.peek(ctx)
	if err != nil || first == nil {
		return f, false, err
	}
	f = folded{key: first.entry.KeyHash, was: first.mark, known: first.known}
	play := ledger.Replay{Mark: record.Mark{KeyHash: f.key}, Since: first.since}
	if f.known {
		play.Mark = f.was
	}
	for n := first; n != nil && n.entry.KeyHash == f.key; {
		if n.entry.Kind > ledger.LastKind {
			return f, false, r.store.newerEntry(r.job, int64(n.entry.Kind))
		}
		if err := n.entry.Check(); err != nil {
			return f, false, r.store.damaged(r.job, "an entry of its journal is not complete")
		}
		play.Since = n.since
		play.Apply(&n.entry)
		r.at++
		if n, err = r.peek(ctx); err != nil {
			return f, false, err
		}
	}
	f.is, f.keep = play.Mark, play.Known()
	return f, true, nil
}

// changed reports whether the mark has to be written.
func (f *folded) changed() bool {
	if !f.known || !f.keep {
		return f.known != f.keep
	}
	a, b := f.was, f.is
	return a.RowHash != b.RowHash || a.RemoteID != b.RemoteID || a.Adopted != b.Adopted || string(a.Key) != string(b.Key) ||
		(a.Standing == nil) != (b.Standing == nil) || a.Standing != nil && *a.Standing != *b.Standing
}

// count adds what the fold does to the header's numbers.
func (f *folded) count(h *ledger.Header) {
	one := func(is bool) int64 {
		if is {
			return 1
		}
		return 0
	}
	h.Marks += one(f.keep && f.is.Confirmed()) - one(f.known && f.was.Confirmed())
	h.Standing += one(f.keep && f.is.Standing != nil) - one(f.known && f.was.Standing != nil)
}

// foldJobs gives the jobs that are open after the journal.
func (s *store) foldJobs(ctx context.Context, conn *pgconn.PgConn, id int64, job string, open []ledger.OpenJob) ([]ledger.OpenJob, error) {
	values, oids, formats := columns(nil).args(id)
	result := conn.ExecParams(ctx, s.sql("select "+entryList+" from {s}.journal where sync = $1 and key_hash is null order by seq"),
		values, oids, formats, binaryResults())
	var arena []byte
	var bad error
	for result.NextRow() {
		v := row{result.Values(), &arena}
		e := v.entry()
		switch {
		case bad != nil:
		case e.Kind > ledger.LastKind:
			bad = s.newerEntry(job, int64(e.Kind))
		case e.Kind.About(), e.Check() != nil:
			bad = s.damaged(job, "an entry of its journal is not complete")
		default:
			open = ledger.FoldJobs(open, &e)
		}
	}
	if _, err := result.Close(); err != nil {
		return nil, err
	}
	return open, bad
}
