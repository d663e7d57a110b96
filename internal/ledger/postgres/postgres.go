// Package postgres keeps the ledger in tables of a PostgreSQL database, for
// runs that have no disk of their own: CI, containers, several machines. The
// tables stand in a schema of their own and may be read by anybody (schema.sql
// says what is in them, docs/ledger.md how it works).
//
// Every change is one transaction, so a crash at any instant leaves what was
// committed and nothing of what was not. A sync's lease is a row with a token
// that grows whenever somebody takes it. Every transaction that writes about a
// sync first takes a shared advisory lock, for as long as it lasts, and then
// looks at the token; whoever takes a lease needs that lock alone. So a process
// that was paused and lost its lease cannot write, however late it wakes up,
// and no connection has to live for that: PgBouncer may stand between.
//
// A lease that is not renewed runs out by the server's clock. Where the process
// talks to the server itself, the lease also names its database session, and
// ends with it: after kill -9 nobody waits.
package postgres

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"exposync/internal/fault"
	"exposync/internal/ledger"
)

// DefaultSchema is where the tables are unless another schema is named.
const DefaultSchema = "exposync"

const (
	defaultTTL = time.Minute
	// poolSize is how many transactions of one process write at once.
	poolSize = 6
	// patience is how long one answer of the server may take.
	patience = time.Minute
	// foldPatience is the same for sorting a whole journal.
	foldPatience = 15 * time.Minute
	grace        = time.Second // for goodbyes
)

// Options say which database, and what the store takes from its surroundings.
type Options struct {
	URL    string // postgres://user:password@host:port/dbname?sslmode=…; secret
	Schema string // DefaultSchema if empty
	Where  string // place of the setting, for messages
	Host   string // this machine's name, for the message of a lease that is taken
	// TTL is how long a lease lives that is not renewed; a minute if 0. It is
	// renewed three times in that time.
	TTL time.Duration
	// Wait passes the time between two renewals.
	Wait func(ctx context.Context, d time.Duration) error
}

// store is a ledger.Ledger.
type store struct {
	opts   Options
	schema string // quoted
	user   string
	pool   *pgxpool.Pool
	config *pgx.ConnConfig
	dialer *dialer
	keeper *keeper

	mu    sync.Mutex
	ready bool // the tables are there, in this version
}

var _ ledger.Ledger = (*store)(nil)

// Open checks the address. It does not connect: that happens with the first
// question, and nothing is created before the first write.
func Open(ctx context.Context, opts Options) (ledger.Ledger, error) {
	config, err := parse(opts)
	if err != nil {
		return nil, err
	}
	if opts.Schema == "" {
		opts.Schema = DefaultSchema
	}
	if opts.TTL <= 0 {
		opts.TTL = defaultTTL
	}
	d := &dialer{}
	config.MaxConns = poolSize
	conn := config.ConnConfig
	// Poolers such as PgBouncer lose prepared statements between transactions.
	conn.DefaultQueryExecMode = pgx.QueryExecModeExec
	conn.DialFunc = d.dial
	conn.RuntimeParams["application_name"] = "exposync ledger"
	if conn.ConnectTimeout == 0 {
		conn.ConnectTimeout = 20 * time.Second
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("set up the pool of the ledger: %w", err)
	}
	s := &store{
		opts: opts, schema: pgx.Identifier{opts.Schema}.Sanitize(), user: conn.User, pool: pool, config: pool.Config().ConnConfig, dialer: d,
	}
	s.keeper = &keeper{store: s, leases: map[int64]*lease{}}
	return s, nil
}

// parse reads the address. Its error never repeats the address, which may hold
// a password; and host and database have to be written down, because PGHOST
// must not lead a production ledger elsewhere.
func parse(opts Options) (*pgxpool.Config, error) {
	bad := func(msg string) error {
		return &fault.Fault{
			Code: "database_url", Kind: fault.Config, Whose: fault.Setup, Where: opts.Where, Msg: "ledger.postgres: " + msg,
			Hint: "write postgres://user@host:5432/dbname, special characters percent-encoded",
		}
	}
	u, err := url.Parse(opts.URL)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil, bad("what it stands for is not a PostgreSQL URL")
	}
	query := u.Query()
	if u.Host == "" && !query.Has("host") || strings.Trim(u.Path, "/") == "" && !query.Has("dbname") {
		return nil, bad("the URL names no host or no database")
	}
	if u.Host != "" && u.Port() == "" && !query.Has("port") {
		u.Host += ":5432"
	}
	config, err := pgxpool.ParseConfig(u.String())
	if err != nil {
		return nil, bad("what it stands for is not a PostgreSQL URL")
	}
	return config, nil
}

// Close ends all connections, within a second or two.
func (s *store) Close() error {
	defer time.AfterFunc(grace, s.dialer.sever).Stop()
	s.keeper.close()
	s.pool.Close()
	return nil
}

// sql fills in the schema's name.
func (s *store) sql(text string) string { return strings.ReplaceAll(text, "{s}", s.schema) }

// connect makes a connection outside of the pool, for what lasts: it must not
// keep others from writing.
func (s *store) connect(ctx context.Context) (*pgx.Conn, error) {
	return pgx.ConnectConfig(ctx, s.config.Copy())
}

// hangUp closes a connection that connect made.
func hangUp(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	_ = conn.Close(ctx)
}

// durable is what a transaction that writes starts with: it waits for the
// disk, whatever the server's default is, and a process that stops in the
// middle holds no lock for long.
const durable = `set_config('synchronous_commit', case current_setting('synchronous_commit') when 'remote_apply' then 'remote_apply' else 'on' end, true),
	set_config('idle_in_transaction_session_timeout', '60s', true), set_config('lock_timeout', '30s', true), set_config('statement_timeout', '0', true), set_config('jit', 'off', true)`

const beginWriting = "begin isolation level read committed read write"

// write runs fn in one transaction.
func (s *store) write(ctx context.Context, doing string, fn func(ctx context.Context, tx pgx.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := pgx.BeginTxFunc(limited, s.pool, pgx.TxOptions{BeginQuery: beginWriting}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(limited, "select "+durable); err != nil {
			return err
		}
		return fn(limited, tx)
	})
	return s.failed(ctx, doing, err)
}

// read runs one query and scans its rows. What was never created reads as
// nothing.
func (s *store) read(ctx context.Context, doing, query string, args []any, scan func(rows pgx.Rows) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if there, err := s.there(ctx, limited); err != nil || !there {
		return err
	}
	rows, err := s.pool.Query(limited, s.sql(query), args...)
	if err != nil {
		return s.failed(ctx, doing, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return s.failed(ctx, doing, err)
		}
	}
	return s.failed(ctx, doing, rows.Err())
}

// lockKey is the number of an advisory lock. Those of a database are shared by
// all of its users, so it is made of more than a counter.
func (s *store) lockKey(what ...string) int64 {
	sum := sha256.New()
	for _, part := range append([]string{"exposync ledger", s.opts.Schema}, what...) {
		fmt.Fprintf(sum, "%d:%s,", len(part), part)
	}
	return int64(binary.BigEndian.Uint64(sum.Sum(nil))) //nolint:gosec // a bit pattern
}

func (s *store) syncKey(id int64) int64 { return s.lockKey("sync", strconv.FormatInt(id, 10)) }

// pid is what other runs are told about this process.
func pid() int64 { return int64(os.Getpid()) }

// answer reads the results of a pipeline and gives the last but one's tag: the
// statement before the commit.
func answer(results *pgconn.MultiResultReader) ([]pgconn.CommandTag, error) {
	var tags []pgconn.CommandTag
	for results.NextResult() {
		tag, err := results.ResultReader().Close()
		if err != nil {
			_ = results.Close()
			return nil, err
		}
		tags = append(tags, tag)
	}
	return tags, results.Close()
}
