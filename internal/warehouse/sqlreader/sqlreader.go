// Package sqlreader reads export models over a Go SQL driver. What differs
// from warehouse to warehouse stands in a Dialect; there is one for MySQL and
// MariaDB.
//
// It takes the driver's own connections (database/sql/driver), one a snapshot:
// nothing is pooled, and no value passes through database/sql's conversions.
package sqlreader

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// Dialect is what the reader has to know of a warehouse.
type Dialect struct {
	// Begin are the statements that start a read-only transaction in which
	// every read sees the same data.
	Begin []string
	// Limit is a query for how many bytes a statement may have; empty: no limit.
	Limit string
	// Describe is the query for the columns of a relation, name and type being
	// the first two of what it gives.
	Describe func(relation string) string
	// Column says how a column is read.
	Column func(name, typ string) Column
	// Literal writes a part of a key, for a comparison with Column.Compare.
	Literal func(dst []byte, c Column, v record.Value) []byte
	// Since is the condition that leaves rows below a bound out; empty for
	// none, where the server cannot be sure.
	Since func(c Column, since warehouse.Since) string
	// Connecting, Describing and Reading explain a driver's error: that there
	// is no connection, that the columns of a relation could not be learnt,
	// that its rows could not be read.
	Connecting func(ctx context.Context, err error) error
	Describing func(ctx context.Context, relation string, err error) error
	Reading    func(ctx context.Context, relation string, err error) error
}

// Column is a column and how it is read.
type Column struct {
	record.Column
	Select  string // the SQL that gives its values
	Compare string // the SQL that is compared with keys; empty: keys are looked for here
	Bits    int    // of a float
	// Decode makes a value of what the driver gives, which is not null. It may
	// append to buf, or let the value share the driver's memory.
	Decode func(cell driver.Value, buf []byte) (v record.Value, rest []byte, err error)
}

// connection is what a driver's connections must be able to do.
type connection interface {
	driver.Conn
	driver.QueryerContext
}

// maxConns is how many snapshots are open at once; more wait for their turn.
const maxConns = 8

// Warehouse is one database.
type Warehouse struct {
	connector driver.Connector
	dialect   Dialect
	turns     chan struct{}

	mu   sync.Mutex
	open map[*Snapshot]struct{}
}

// New prepares the warehouse. It does not connect: Snapshot does.
func New(connector driver.Connector, d Dialect) *Warehouse {
	return &Warehouse{connector: connector, dialect: d, turns: make(chan struct{}, maxConns), open: map[*Snapshot]struct{}{}}
}

// Snapshot starts a transaction on a connection of its own. What it sees is
// settled when it returns.
func (w *Warehouse) Snapshot(ctx context.Context) (_ warehouse.Snapshot, err error) {
	if err := ctx.Err(); err != nil {
		return nil, w.dialect.Connecting(ctx, err)
	}
	select {
	case w.turns <- struct{}{}:
	case <-ctx.Done():
		return nil, w.dialect.Connecting(ctx, ctx.Err())
	}
	defer func() {
		if err != nil {
			<-w.turns
		}
	}()
	opened, err := w.connector.Connect(ctx)
	if err != nil {
		return nil, w.dialect.Connecting(ctx, err)
	}
	conn, ok := opened.(connection)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the driver's connections (%T) take no context", opened), opened.Close())
	}
	s := &Snapshot{conn: conn, dialect: w.dialect, relations: map[string][]Column{}, warehouse: w}
	if err := s.begin(ctx); err != nil {
		_ = conn.Close()
		return nil, w.dialect.Connecting(ctx, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[s] = struct{}{}
	return s, nil
}

// Close ends the open snapshots.
func (w *Warehouse) Close() error {
	w.mu.Lock()
	open := slices.Collect(maps.Keys(w.open))
	w.mu.Unlock()
	var errs []error
	for _, s := range open {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}
