// Package dbtshow reads export models through the user's own dbt, with
// `dbt show --inline`: any warehouse that has a dbt adapter can be read, with
// the adapter, the profile and the sign-on that dbt itself uses.
//
// It is the reader for what has none of its own, and slower than those. dbt
// Core 1.x holds the whole result in memory, some kilobytes a row, before it
// prints the first one: it is meant for up to about 100,000 rows (see Rows).
// dbt is started once for the columns of all relations and once for the rows
// of each, one at a time: DuckDB lets only one process in.
//
// Every value travels as text that SQL made of it without a loss (dialect.go)
// and becomes the value that a native reader gives (value.go). Proved against
// DuckDB and PostgreSQL; the dialects of the other warehouses follow their
// documentation. Where a warehouse writes a float with fewer digits than it
// has, SQL itself compares, and the read fails with dbt_show_lossy.
package dbtshow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"

	"exposync/internal/fault"
	"exposync/internal/warehouse"
)

// Rows is how many rows of one relation are read without a word; beyond,
// Config.Warn is called.
const Rows = 100_000

// Run runs the user's dbt in the project's folder until it ends, with what it
// writes going to stdout and stderr as it comes, and gives its exit code; the
// error is of a program that could not be started. It ends dbt when ctx is done.
type Run func(ctx context.Context, stdout, stderr io.Writer, args ...string) (code int, err error)

// Config says how dbt is run.
type Config struct {
	Run     Run
	Program string   // dbt as the user named it, for messages
	Adapter string   // of the profile: duckdb, snowflake, bigquery, …
	Args    []string // flags that choose project, profile and target
	// Others are relations that will probably be read too: dbt is asked for
	// the columns of all of them at once.
	Others []string
	// Parsed is the partial_parse.msgpack that dbt left in its own target
	// path: it saves dbt from parsing the project again. May be missing.
	Parsed string
	// Spool is the folder for dbt's private target path and for the rows that
	// were read; it is made, for the user alone, if it is not there.
	Spool string
	// Masked says that dbt's environment has a DBT_ENV_SECRET_ variable: dbt
	// puts ***** where its value stands in what it prints, in rows too.
	Masked bool
	// Warn is told once of each relation that has more rows than Rows.
	Warn func(relation string)
}

// Warehouse reads through dbt.
type Warehouse struct {
	config  Config
	dialect dialect
	turn    chan struct{} // held while dbt runs
	loud    bool          // dbt is asked without --quiet; for who holds turn

	mu     sync.Mutex
	dir    string // private: dbt's target and log paths
	open   map[*Snapshot]struct{}
	warned map[string]bool
	others []string            // not asked for yet
	known  map[string]answered // not used yet
}

// New prepares the reader. dbt is not started before the first read.
func New(c Config) *Warehouse {
	return &Warehouse{
		config: c, dialect: dialectOf(c.Adapter), turn: make(chan struct{}, 1),
		open: map[*Snapshot]struct{}{}, warned: map[string]bool{}, others: slices.Clone(c.Others), known: map[string]answered{},
	}
}

// Snapshot gives a snapshot that starts nothing: no transaction outlives a
// call of dbt. Its state of a relation is settled by the first read of rows,
// and all later reads are answered from that one.
func (w *Warehouse) Snapshot(ctx context.Context) (warehouse.Snapshot, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("read through %s: %w", w.config.Program, err)
	}
	s := &Snapshot{warehouse: w, columns: map[string][]column{}, spools: map[string]*spool{}}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[s] = struct{}{}
	return s, nil
}

// Close ends the open snapshots and removes dbt's private target path.
func (w *Warehouse) Close() error {
	w.mu.Lock()
	open := slices.Collect(maps.Keys(w.open))
	w.mu.Unlock()
	var errs []error
	for _, s := range open {
		errs = append(errs, s.Close())
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dir != "" {
		errs = append(errs, os.RemoveAll(w.dir))
		w.dir = ""
	}
	return errors.Join(errs...)
}

// large tells of a relation with more rows than Rows, once.
func (w *Warehouse) large(relation string) {
	w.mu.Lock()
	told := w.warned[relation]
	w.warned[relation] = true
	w.mu.Unlock()
	if !told && w.config.Warn != nil {
		w.config.Warn(relation)
	}
}

// spoolFault says that the local disk is the problem.
func spoolFault(err error) error {
	return &fault.Fault{
		Code: "spool_failed", Kind: fault.Unavailable, Whose: fault.Setup,
		Msg:  "rows could not be kept on the local disk",
		Hint: "make room beside exposync.yml (folder .exposync), then run again; nothing is lost", Err: err,
	}
}
