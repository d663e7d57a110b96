// Package postgres reads export models from PostgreSQL, with the settings of
// a dbt profile. It only ever reads: every statement runs in a read-only
// transaction.
package postgres

import (
	"context"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"

	"exposync/internal/warehouse"
)

// Config is the target of a dbt profile, every setting as the text that the
// profile holds. What is empty is left to libpq's defaults (the PG*
// variables, ~/.pgpass), as dbt leaves it.
type Config struct {
	Host            string
	Port            string
	User            string
	Password        string
	DBName          string
	SSLMode         string
	SSLCert         string // path
	SSLKey          string // path
	SSLRootCert     string // path
	ConnectTimeout  string // seconds; empty: 10, as in dbt
	KeepalivesIdle  string // seconds; empty or 0: the system's
	SearchPath      string
	Role            string
	ApplicationName string // empty: exposync
	Redshift        bool   // speak what Amazon Redshift understands
	Where           string // where the settings stand, for messages: profiles.yml: shop.prod
}

// maxConns is how many snapshots are open at once; more wait for their turn.
const maxConns = 8

// Warehouse is one PostgreSQL database.
type Warehouse struct {
	config Config
	pool   *pgxpool.Pool

	mu   sync.Mutex
	open map[*Snapshot]struct{}
}

// New prepares the warehouse. It does not connect: the first Snapshot does,
// and reports what is wrong as faults warehouse_unreachable and
// warehouse_auth. Settings that cannot be used are a fault with code
// warehouse_settings.
func New(ctx context.Context, c Config) (*Warehouse, error) {
	settings, err := c.pool()
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, settings)
	if err != nil {
		return nil, c.settingsFault("", err)
	}
	return &Warehouse{config: c, pool: pool, open: map[*Snapshot]struct{}{}}, nil
}

// Snapshot starts a repeatable-read, read-only transaction on a connection of
// its own. What it sees is settled when it returns.
func (w *Warehouse) Snapshot(ctx context.Context) (warehouse.Snapshot, error) {
	conn, err := w.pool.Acquire(ctx)
	if err != nil {
		return nil, w.config.connectFault(ctx, err)
	}
	s := &Snapshot{
		conn: conn, pg: conn.Conn().PgConn(), redshift: w.config.Redshift, relations: map[string][]column{},
		closed: func(s *Snapshot) {
			w.mu.Lock()
			defer w.mu.Unlock()
			delete(w.open, s)
		},
	}
	if err := s.begin(ctx, w.config); err != nil {
		conn.Release() // a connection with an open transaction is closed by this
		return nil, w.config.beginFault(ctx, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[s] = struct{}{}
	return s, nil
}

// Close ends the open snapshots and the connections.
func (w *Warehouse) Close() error {
	w.mu.Lock()
	open := make([]*Snapshot, 0, len(w.open))
	for s := range w.open {
		open = append(open, s)
	}
	w.mu.Unlock()
	for _, s := range open {
		if err := s.Close(); err != nil {
			return fmt.Errorf("close %s: %w", w.config.place(), err)
		}
	}
	w.pool.Close()
	return nil
}
