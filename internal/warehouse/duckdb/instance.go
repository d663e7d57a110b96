//go:build duckdb

package duckdb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// instance is a DuckDB in this process, with files attached.
type instance struct {
	db   bindings.Database
	keep bool // a test closes it
}

// openFiles starts DuckDB and attaches the files, so that each has just the
// name that dbt's relations call it by. The instance itself is in memory.
func openFiles(c Config) (*instance, error) {
	if err := os.MkdirAll(c.Spool, 0o700); err != nil {
		return nil, err
	}
	spool, err := filepath.Abs(c.Spool)
	if err != nil {
		return nil, err
	}
	memory := c.Memory
	if memory == "" {
		memory = defaultMemory
	}
	i, err := start(map[string]string{
		"memory_limit":                 memory,
		"temp_directory":               spool, // else .tmp in the working directory
		"autoinstall_known_extensions": "false",
		"preserve_insertion_order":     "false", // an order would have to be kept in memory
	})
	if err != nil {
		return nil, err
	}
	if err := i.attach(c); err != nil {
		i.close()
		return nil, err
	}
	return i, nil
}

func start(settings map[string]string) (*instance, error) {
	var config bindings.Config
	if bindings.CreateConfig(&config) == bindings.StateError {
		return nil, errors.New("DuckDB takes no settings")
	}
	defer bindings.DestroyConfig(&config)
	for name, value := range settings {
		if bindings.SetConfig(config, name, value) == bindings.StateError {
			return nil, fmt.Errorf("DuckDB does not take %s = %s", name, value)
		}
	}
	i, said := &instance{}, ""
	if bindings.OpenExt(":memory:", &i.db, config, &said) == bindings.StateError {
		return nil, errors.New(said)
	}
	return i, nil
}

func (i *instance) attach(c Config) error {
	conn, err := i.connection()
	if err != nil {
		return err
	}
	defer bindings.Disconnect(&conn)
	for _, name := range c.Extensions {
		_ = execute(conn, "load "+literal(name)) // a view that needs it says so itself
	}
	for _, f := range c.Files {
		if _, err := os.Stat(f.Path); err != nil { // DuckDB says less
			return err
		}
		if err := execute(conn, "attach "+literal(f.Path)+" as "+quote(f.Name)+" (read_only)"); err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
	}
	return nil
}

func (i *instance) connection() (bindings.Connection, error) {
	var conn bindings.Connection
	if bindings.Connect(i.db, &conn) == bindings.StateError {
		return conn, errors.New("DuckDB gives no connection")
	}
	return conn, nil
}

func (i *instance) close() {
	if !i.keep {
		bindings.Close(&i.db)
	}
}

// execute runs a statement that gives no rows that matter.
func execute(conn bindings.Connection, sql string) error {
	var result bindings.Result
	defer bindings.DestroyResult(&result)
	if bindings.Query(conn, sql, &result) == bindings.StateError {
		return errors.New(bindings.ResultError(&result))
	}
	return nil
}

// quote makes a name safe to stand in SQL, literal a text.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
