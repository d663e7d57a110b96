// Package sqlite reads export models from SQLite files as dbt-sqlite lays
// them out: one file is the schema main, others are attached under the names
// of their schemas. Every file is opened read-only.
//
// SQLite keeps a type with each value, not with the column: a number stays a
// number, a text a text. Only where a column is declared as a boolean, date,
// time, timestamp, decimal or JSON, and the value reads as one, is it taken
// for one. A table that dbt builds with `create table as` keeps no such
// declarations (SQLite writes INT, NUM, TEXT or nothing instead), and neither
// does an expression in a view; plain columns of a view keep theirs.
package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"modernc.org/sqlite"

	"exposync/internal/fault"
	"exposync/internal/warehouse"
)

// Config says where the files are; relative paths count from the working
// directory, as in dbt.
type Config struct {
	Paths     map[string]string // schemas_and_paths of the profile: schema to file; main is required
	Directory string            // schema_directory: each *.db in it is a schema too; may be empty
	Where     string            // where the settings stand, for messages: profiles.yml: shop.prod
}

// busy is how long a read waits for a writer, in milliseconds.
const busy = 10_000

// Warehouse is a set of SQLite files.
type Warehouse struct {
	config Config

	mu   sync.Mutex
	open map[*Snapshot]struct{}
}

// New prepares the warehouse. It opens no file: Snapshot does, and reports a
// file that is not there as a fault with code warehouse_unreachable. Paths
// without main are a fault with code warehouse_settings.
func New(c Config) (*Warehouse, error) {
	if c.Paths["main"] == "" {
		return nil, &fault.Fault{
			Code: "warehouse_settings", Kind: fault.Config, Whose: fault.Setup, Where: c.Where,
			Msg:  "schemas_and_paths has no file for the schema main",
			Hint: "add main: PATH under schemas_and_paths in profiles.yml, then try it with: dbt debug",
		}
	}
	return &Warehouse{config: c, open: map[*Snapshot]struct{}{}}, nil
}

// Snapshot opens the files and starts a transaction. What it sees of each
// file is settled when it returns; between files it may differ by a commit
// that happens in just that moment. In a file without write-ahead log a
// writer has to wait until the snapshot is closed.
func (w *Warehouse) Snapshot(ctx context.Context) (warehouse.Snapshot, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open %s: %w", w.config.Paths["main"], err)
	}
	s, err := w.connect(ctx)
	if err != nil {
		return nil, err
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

// connection is what the driver's connections can do.
type connection interface {
	driver.Conn
	driver.ExecerContext
	driver.QueryerContext
	driver.ConnPrepareContext
	ColumnInfo(query string) ([]sqlite.ColumnInfo, error)
}

func (w *Warehouse) connect(ctx context.Context) (*Snapshot, error) {
	paths, err := w.config.schemas()
	if err != nil {
		return nil, w.openFault(ctx, w.config.Directory, err)
	}
	opened, err := new(sqlite.Driver).Open(uri(paths["main"]) +
		fmt.Sprintf("&_pragma=busy_timeout(%d)&_pragma=temp_store(memory)&_error_rc=1", busy))
	if err != nil {
		return nil, w.openFault(ctx, paths["main"], err)
	}
	conn, ok := opened.(connection)
	if !ok {
		return nil, errors.Join(errors.New("sqlite: the driver's connections cannot tell their columns"), opened.Close())
	}
	s := &Snapshot{conn: conn, schemas: map[string]bool{"temp": true}, relations: map[string][]column{}, warehouse: w}
	for _, schema := range slices.Sorted(maps.Keys(paths)) {
		if err := s.attach(ctx, schema, paths[schema]); err != nil {
			return nil, errors.Join(w.openFault(ctx, paths[schema], err), conn.Close())
		}
	}
	if err := s.begin(ctx); err != nil {
		return nil, errors.Join(w.openFault(ctx, paths["main"], err), conn.Close())
	}
	return s, nil
}

// schemas gives the files by schema, those of the directory included.
func (c Config) schemas() (map[string]string, error) {
	paths, files := maps.Clone(c.Paths), map[string]bool{}
	for schema, path := range paths {
		abs, err := filepath.Abs(path)
		if err != nil {
			return nil, err
		}
		paths[schema], files[abs] = abs, true
	}
	if c.Directory == "" {
		return paths, nil
	}
	dir, err := filepath.Abs(c.Directory)
	if err != nil {
		return nil, err
	}
	found, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, entry := range found {
		file := filepath.Join(dir, entry.Name())
		schema, isDB := strings.CutSuffix(entry.Name(), ".db")
		if _, taken := paths[schema]; isDB && schema != "" && !taken && !files[file] {
			paths[schema] = file
		}
	}
	return paths, nil
}

// uri is the address of a file that must exist and is not written to.
func uri(path string) string { return slashURI(filepath.ToSlash(path)) }

// slashURI is uri for a path with slashes. One that begins with a drive gets
// another slash in front: what stands behind // is the name of a host.
func slashURI(path string) string {
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: "mode=ro"}).String()
}

func (w *Warehouse) openFault(ctx context.Context, path string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("open %s: %w", path, ctx.Err())
	}
	return &fault.Fault{
		Code: "warehouse_unreachable", Kind: fault.Unavailable, Whose: fault.Warehouse,
		Where: cmp.Or(w.config.Where, path),
		Msg:   "the SQLite file " + path + " cannot be opened for reading", Err: err,
		Hint: "check the path in profiles.yml, and that dbt build has made the file: dbt debug",
	}
}
