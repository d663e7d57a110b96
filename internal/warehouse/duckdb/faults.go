//go:build duckdb

package duckdb

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"exposync/internal/fault"
	"exposync/internal/warehouse"
)

// openFault says why the files could not be opened. No row was read until
// then, so what DuckDB says cannot quote one.
func (c Config) openFault(err error) error {
	f := &fault.Fault{
		Code: "warehouse_unreachable", Kind: fault.Unavailable, Whose: fault.Warehouse, Where: c.Where,
		Msg:  "the DuckDB file " + c.Files[0].Path + " cannot be opened for reading",
		Hint: "check the path in profiles.yml, and that dbt build has made the file: dbt debug", Err: firstLine(err),
	}
	text := err.Error()
	switch {
	case strings.Contains(text, "Could not set lock"):
		f.Code, f.Msg = "warehouse_busy", "another program has the DuckDB file "+c.Files[0].Path+" open for writing"
		f.Hint = "run again when it has ended"
		if pid := regexp.MustCompile(`\(PID (\d+)\)`).FindStringSubmatch(text); pid != nil {
			f.Hint += ": ps -p " + pid[1]
		}
	case strings.Contains(text, "newer version of DuckDB"), strings.Contains(text, "Serialization Error"),
		strings.Contains(text, "we can only read version"), strings.Contains(text, "storage version"):
		f.Code, f.Kind, f.Whose = "warehouse_settings", fault.Config, fault.Setup
		f.Msg = "the DuckDB file " + c.Files[0].Path + " was written by a newer DuckDB than this program holds"
		f.Hint = "use the default build of exposync: it reads through your own dbt"
	}
	return f
}

// firstLine leaves out DuckDB's advice on how to go on with its own tools.
func firstLine(err error) error {
	line, _, cut := strings.Cut(err.Error(), "\n")
	if !cut {
		return err
	}
	return errors.New(line)
}

// describeFault says why the columns of a relation could not be learnt. No
// row was read until then.
func describeFault(ctx context.Context, relation, said string) error {
	kind, _, _ := strings.Cut(said, ":")
	if ctx.Err() == nil && strings.Contains(said, "does not exist") && (kind == "Catalog Error" || kind == "Binder Error") {
		f := warehouse.Missing(relation)
		f.Err = firstLine(errors.New(said))
		return f
	}
	return warehouse.Broken(ctx, relation, firstLine(errors.New(said)))
}

// readFault says why the rows of a relation could not be read to their end.
func readFault(ctx context.Context, relation, said string) error {
	return warehouse.Broken(ctx, relation, discreet(said))
}

// discreet repeats what DuckDB says, unless the error is of a kind whose
// message may quote a value of the data.
func discreet(said string) error {
	kind, _, found := strings.Cut(said, ":")
	quiet := []string{"IO Error", "Out of Memory Error", "Catalog Error", "Binder Error", "Permission Error", "INTERRUPT Error", "TransactionContext Error"}
	switch {
	case slices.Contains(quiet, kind):
		return firstLine(errors.New(said))
	case found && len(kind) < 40 && strings.HasSuffix(kind, "Error"):
		return errors.New(kind + "; DuckDB's message may quote a value, so it is not shown")
	}
	return errors.New("DuckDB's message may quote a value, so it is not shown")
}
