package config

import (
	"context"
	"strings"

	"exposync/internal/secret"
)

// Postgres is a ledger in a PostgreSQL database.
type Postgres struct {
	Schema string // of its tables; empty for the store's own default
	Where  string // file:line

	url   string // as written: a reference
	place func(key string) Place
}

// Set reports whether the ledger is in PostgreSQL.
func (p Postgres) Set() bool { return p.url != "" }

// maxIdentifier is what PostgreSQL cuts longer names down to, in bytes.
const maxIdentifier = 63

func readLedgerPostgres(r *Reader) Postgres {
	p := Postgres{Where: r.Place("postgres").Where, place: r.Place}
	n := r.Node("postgres")
	if n != nil {
		checkLeaf(r, []string{"postgres"}, Param{Name: "url", Secret: true}, n)
		p.url, _ = n.Scalar()
		if r.Has("dir") {
			r.Fault("postgres", "setting_invalid", "remove one of the two",
				"stands beside dir, but a ledger is in one place")
		}
	}
	if r.Has("schema") {
		p.Schema = r.Text("schema")
		switch {
		case n == nil:
			r.Fault("schema", "setting_invalid", "remove it, or add postgres", "belongs to ledger.postgres, which is not set")
		case len(p.Schema) > maxIdentifier || strings.ContainsRune(p.Schema, 0) || strings.HasPrefix(p.Schema, "pg_"):
			r.Fault("schema", "setting_invalid", "choose another name", "is no name for a schema of PostgreSQL: at most 63 bytes, and not pg_…")
		}
	}
	return p
}

// URL resolves the reference to the database's address.
func (p Postgres) URL(ctx context.Context, resolver secret.Resolver) (secret.Value, error) {
	rv := &resolving{resolver: resolver, place: p.place}
	text := rv.text(ctx, "postgres", Param{Secret: true}, p.url)
	if err := rv.problems.Err(); err != nil {
		return secret.Value{}, err
	}
	return secret.New(text), nil
}
