package postgres

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"exposync/internal/plan"
)

// keeper takes the leases of this process on one connection of its own, and
// renews them for as long as the process lives.
type keeper struct {
	store *store

	mu     sync.Mutex
	conn   *pgx.Conn
	direct bool             // conn is a session of the server, not of a pooler
	leases map[int64]*lease // by sync
	stop   context.CancelFunc
	done   chan struct{} // closed when renewing has ended
}

// lease is the right to write about one sync.
type lease struct {
	keeper *keeper
	id     int64 // of the sync
	token  int64
	gone   atomic.Bool // somebody else took it
}

// session is an SQL expression for the database session of the keeper: its
// process, its start and the server's start; nulls behind a pooler, whose
// connections say nothing about the process that uses them.
const session = `case when $3 then pg_backend_pid() end,
	case when $3 then (select a.backend_start from pg_stat_activity a where a.pid = pg_backend_pid()) end,
	case when $3 then pg_postmaster_start_time() end`

// takeable says whether a lease may be taken: nobody has it, it ran out, or
// the session that kept it has ended. A server that was started anew lost all
// sessions, which proves nothing about processes: then only time counts.
const takeable = `(l.expires_at is null or l.expires_at < clock_timestamp() or l.server_start = pg_postmaster_start_time() and not exists (
	select from pg_stat_activity a where a.pid = l.backend_pid and (a.backend_start is null or a.backend_start = l.backend_start)))`

const (
	addSync = `insert into {s}.syncs (project, job, connection, account, object, key_fields) values ($1, $2, $3, $4, $5, $6) on conflict do nothing`
	addRow  = `insert into {s}.leases (sync) values ($1) on conflict do nothing`
	takeIt  = `update {s}.leases l set token = token + 1, host = $4, pid = $5, since = clock_timestamp(),
	expires_at = clock_timestamp() + $2::bigint * interval '1 microsecond', (backend_pid, backend_start, server_start) = (select ` + session + `)
	where sync = $1 and ` + takeable + ` returning token`
	renewAll = `update {s}.leases l set expires_at = clock_timestamp() + $2::bigint * interval '1 microsecond',
	(backend_pid, backend_start, server_start) = (select ` + session + `)
	from unnest($1::bigint[], $4::bigint[]) as mine (sync, token) where l.sync = mine.sync and l.token = mine.token returning l.sync`
	giveBack = `update {s}.leases set expires_at = null, host = null, pid = null, since = null, backend_pid = null, backend_start = null, server_start = null
	where sync = $1 and token = $2`
)

// take gets the lease of a sync, or a fault that says who has it.
func (k *keeper) take(ctx context.Context, id plan.SyncID) (*lease, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	l := &lease{keeper: k}
	err := k.attempt(limited, func(conn *pgx.Conn) error {
		return pgx.BeginTxFunc(limited, conn, pgx.TxOptions{BeginQuery: beginWriting}, func(tx pgx.Tx) error {
			return k.claim(limited, tx, l, id)
		})
	})
	if err != nil {
		return nil, k.store.failed(ctx, "take the lease of job "+id.Job, err)
	}
	k.leases[l.id] = l
	k.start() //nolint:contextcheck // renewing goes on after this call
	return l, nil
}

// claim takes the lease within a transaction.
func (k *keeper) claim(ctx context.Context, tx pgx.Tx, l *lease, id plan.SyncID) error {
	s := k.store
	if _, err := tx.Exec(ctx, "select "+durable); err != nil {
		return err
	}
	var err error
	if l.id, err = s.register(ctx, tx, id); err != nil {
		return err
	}
	// Whoever writes about the sync at this moment has the lock shared.
	free := false
	if err := tx.QueryRow(ctx, "select pg_try_advisory_xact_lock($1)", s.syncKey(l.id)).Scan(&free); err != nil {
		return err
	}
	err = pgx.ErrNoRows
	if free {
		err = tx.QueryRow(ctx, s.sql(takeIt), l.id, s.opts.TTL.Microseconds(), k.direct, escape(s.opts.Host), pid()).Scan(&l.token)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return s.held(ctx, tx, l.id, id.Job)
	}
	return err
}

// register gives the number of a sync, and makes its rows if there are none. It
// looks first: adding to what is there would wait for whoever changes it.
func (s *store) register(ctx context.Context, tx pgx.Tx, id plan.SyncID) (int64, error) {
	n, ok, err := s.find(ctx, tx, id)
	if err != nil || ok {
		return n, err
	}
	if _, err := tx.Exec(ctx, s.sql(addSync), identityArgs(id)...); err != nil {
		return 0, err
	}
	if err := tx.QueryRow(ctx, s.sql(findSync), identityArgs(id)...).Scan(&n); err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, s.sql(addRow), n)
	return n, err
}

// held is the fault that says who has a lease.
func (s *store) held(ctx context.Context, tx pgx.Tx, id int64, job string) error {
	var host *string
	var process *int64
	var since *time.Time
	err := tx.QueryRow(ctx, s.sql("select host, pid, since from {s}.leases where sync = $1"), id).Scan(&host, &process, &since)
	if err != nil {
		return err
	}
	var h holder
	if host != nil && process != nil && since != nil {
		h = holder{unescape(*host), *process, *since}
	}
	return s.locked(job, h)
}

// attempt runs fn on the keeper's connection, on a new one if it broke since.
func (k *keeper) attempt(ctx context.Context, fn func(conn *pgx.Conn) error) error {
	fresh := k.conn == nil
	if err := k.connect(ctx); err != nil {
		return err
	}
	err := fn(k.conn)
	if err == nil || !k.conn.IsClosed() {
		return err
	}
	k.conn = nil
	if fresh || ctx.Err() != nil {
		return err
	}
	if err := k.connect(ctx); err != nil {
		return err
	}
	return fn(k.conn)
}

// connect makes the connection and learns whether it is one with the server
// itself: a pooler tells its clients another process number than the server's.
func (k *keeper) connect(ctx context.Context) error {
	if k.conn != nil && !k.conn.IsClosed() {
		return nil
	}
	conn, err := k.store.connect(ctx)
	if err != nil {
		return err
	}
	var backend uint32
	if err := conn.QueryRow(ctx, "select pg_backend_pid()").Scan(&backend); err != nil {
		hangUp(ctx, conn)
		return err
	}
	k.conn, k.direct = conn, backend == conn.PgConn().PID()
	return nil
}

// start begins to renew, with the first lease. k.mu is held.
func (k *keeper) start() {
	if k.stop != nil || k.store.opts.Wait == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	k.stop, k.done = cancel, make(chan struct{})
	go func() {
		defer close(k.done)
		for k.store.opts.Wait(ctx, k.store.opts.TTL/3) == nil {
			k.renew(ctx)
		}
	}()
}

// renew puts off the end of all leases. An error is left for the next time:
// whether a lease still counts is decided by the server, when something is
// written.
func (k *keeper) renew(ctx context.Context) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.leases) == 0 {
		return
	}
	limited, cancel := context.WithTimeout(ctx, k.store.opts.TTL/3)
	defer cancel()
	var ids, tokens []int64
	for id, l := range k.leases {
		ids, tokens = append(ids, id), append(tokens, l.token)
	}
	var kept []int64
	err := k.attempt(limited, func(conn *pgx.Conn) (err error) {
		rows, err := conn.Query(limited, k.store.sql(renewAll), ids, k.store.opts.TTL.Microseconds(), k.direct, tokens)
		if err == nil {
			kept, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		}
		return err
	})
	if err != nil {
		return
	}
	still := map[int64]bool{}
	for _, id := range kept {
		still[id] = true
	}
	for id, l := range k.leases {
		if !still[id] {
			l.gone.Store(true)
		}
	}
}

// release gives the lease back. Where the server does not answer, the lease
// ends with the connection, or runs out: nothing is lost by that.
func (l *lease) release(ctx context.Context) {
	k := l.keeper
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.leases[l.id] == l {
		delete(k.leases, l.id)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*grace)
	defer cancel()
	_ = k.attempt(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, k.store.sql(giveBack), l.id, l.token)
		return err
	})
}

// close ends renewing and the connection.
func (k *keeper) close() {
	k.mu.Lock()
	stop, done := k.stop, k.done
	k.mu.Unlock()
	if stop != nil {
		stop()
		<-done
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.conn != nil {
		hangUp(context.Background(), k.conn)
		k.conn = nil
	}
}
