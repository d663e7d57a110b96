package postgres

import (
	"context"
	_ "embed"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// migrations lead from one version of the tables to the next. What was
// released once is never changed: a new version is a new line.
func migrations() []string { return []string{schemaOne} }

//go:embed schema.sql
var schemaOne string

// there reports whether the tables were created, and refuses newer ones.
func (s *store) there(ctx, limited context.Context) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ready {
		return true, nil
	}
	version, err := s.version(limited, s.pool)
	if err != nil || version == 0 {
		return false, s.failed(ctx, "look for the ledger's tables", err)
	}
	if version > len(migrations()) {
		return false, s.newer(version)
	}
	s.ready = version == len(migrations())
	return true, nil
}

// queryer is a pool, a connection or a transaction.
type queryer interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// version is that of the tables, 0 if there are none.
func (s *store) version(ctx context.Context, q queryer) (int, error) {
	version := 0
	err := q.QueryRow(ctx, s.sql("select version from {s}.version")).Scan(&version)
	if state := sqlState(err); state == "42P01" || state == "3F000" || errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	return version, err
}

// prepare makes the schema and its tables, or brings them up to this version.
func (s *store) prepare(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := s.there(ctx, limited); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ready {
		return nil
	}
	err := pgx.BeginTxFunc(limited, s.pool, pgx.TxOptions{BeginQuery: beginWriting}, func(tx pgx.Tx) error {
		return s.migrate(limited, tx)
	})
	s.ready = err == nil
	return s.failed(ctx, "create the ledger's tables", err)
}

// migrate is done by one process at a time; the others find it done.
func (s *store) migrate(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1)", s.lockKey("migrate")); err != nil {
		return err
	}
	var there, tables bool
	err := tx.QueryRow(ctx, "select to_regnamespace($1) is not null, to_regclass($2) is not null", s.schema, s.sql("{s}.version")).Scan(&there, &tables)
	if err != nil {
		return err
	}
	version := 0
	if tables {
		if version, err = s.version(ctx, tx); err != nil {
			return err
		}
	}
	if version > len(migrations()) {
		return s.newer(version)
	}
	if !there {
		if _, err := tx.Exec(ctx, s.sql("create schema {s}")); err != nil {
			return err
		}
	}
	if !tables {
		if _, err := tx.Exec(ctx, s.sql("create table {s}.version (version integer not null)")); err != nil {
			return err
		}
	}
	for _, m := range migrations()[version:] {
		if _, err := tx.Exec(ctx, s.sql(m), pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, s.sql("with gone as (delete from {s}.version) insert into {s}.version values ($1::int)"), len(migrations()))
	return err
}

// sqlState is the server's code of an error, empty if it is not the server's.
func sqlState(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code
	}
	return ""
}
