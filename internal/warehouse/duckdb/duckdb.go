//go:build duckdb

package duckdb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"exposync/internal/warehouse"
)

// Config says what to open.
type Config struct {
	Files      []File   // the first is the profile's own
	Extensions []string // loaded where this machine has them; none is downloaded
	Spool      string   // the folder for what a view needs beyond Memory
	Memory     string   // what DuckDB may use, as it writes sizes; empty: 512MB
	Where      string   // where the settings stand, for messages: profiles.yml: shop.prod
}

// File is a DuckDB file and the name that relations call it by.
type File struct{ Name, Path string }

const defaultMemory = "512MB"

// Warehouse is a set of DuckDB files. They are open, and locked against
// writers, only while a snapshot is.
type Warehouse struct {
	config Config
	// connect opens the files: openFiles, or what a test puts in its place.
	connect func(Config) (*instance, error)

	mu       sync.Mutex
	instance *instance
	open     map[*Snapshot]struct{}
}

// New prepares the warehouse. It opens no file: Snapshot does, and reports
// one that is not there as a fault with code warehouse_unreachable, one that
// dbt still writes as warehouse_busy.
func New(c Config) *Warehouse {
	return &Warehouse{config: c, connect: openFiles, open: map[*Snapshot]struct{}{}}
}

// Snapshot opens the files, read-only, and starts a transaction. Nobody can
// write to them until the last snapshot is closed.
func (w *Warehouse) Snapshot(ctx context.Context) (warehouse.Snapshot, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open %s: %w", w.config.Files[0].Path, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.instance == nil {
		opened, err := w.connect(w.config)
		if err != nil {
			return nil, w.config.openFault(err)
		}
		w.instance = opened
	}
	s := &Snapshot{relations: map[string][]column{}, warehouse: w}
	if err := s.begin(w.instance); err != nil {
		w.release()
		return nil, w.config.openFault(err)
	}
	w.open[s] = struct{}{}
	return s, nil
}

// release closes the files when no snapshot needs them. w.mu is held.
func (w *Warehouse) release() {
	if len(w.open) == 0 && w.instance != nil {
		w.instance.close()
		w.instance = nil
	}
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
