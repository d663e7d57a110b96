package postgres_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"exposync/internal/destination"
	"exposync/internal/destination/destinationtest"
	"exposync/internal/destination/postgres"
	"exposync/internal/record"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	destinationtest.Run(t, destinationtest.Harness{New: subject})
}

var roles atomic.Int64

// subject is a destination whose role can be locked out and whose connection
// runs through a proxy that can be broken.
func subject(t *testing.T) *destinationtest.Subject {
	t.Helper()
	role := fmt.Sprintf("clerk_%d", roles.Add(1))
	b := setup(
		t, "create role "+role+" login superuser",
		`create table things (id text, name text check (name <> 'spoiled'), score bigint, amount numeric,
			active boolean, day date, at timestamptz, local timestamp, doc jsonb)`,
		"create unique index on things (id)",
	)
	config, err := pgx.ParseConfig(b.dsn)
	if err != nil {
		t.Fatal(err)
	}
	p := newProxy(t, fmt.Sprintf("%s:%d", config.Host, config.Port))
	dest, err := postgres.New(t.Context(), postgres.Config{
		Name: "crm", Host: "127.0.0.1", Port: p.port(), User: role, Password: "geheim", DBName: config.Database, SSLMode: "disable",
	})
	if err != nil {
		t.Fatal(err)
	}
	return &destinationtest.Subject{
		Destination: &loose{dest, b}, Object: "things", Secrets: []string{"geheim"},
		Spoil: func(ch *record.Change) { ch.Values[0] = text("spoiled") },
		Rows:  func(t *testing.T) []destinationtest.Row { t.Helper(); return b.things() },
		Seen:  p.sizes,
		Fail: func(t *testing.T, f destinationtest.Failure) {
			t.Helper()
			switch f {
			case destinationtest.Shed:
				b.exec("create sequence shed", `create function shed() returns trigger language plpgsql as $$ begin
  if nextval('shed') = 1 then raise exception 'busy' using errcode = '40001'; end if; return null; end $$`,
					"create trigger shed before insert on things execute function shed()")
			case destinationtest.Deny:
				b.exec("alter role "+role+" nologin", "select pg_terminate_backend(pid) from pg_stat_activity where usename = '"+role+"'")
			case destinationtest.LoseAnswer:
				p.loseCommit.Store(true)
			case destinationtest.Hang:
				p.hang.Store(true)
			case destinationtest.Die:
				p.close()
			}
		},
	}
}

func (b *bundle) things() []destinationtest.Row {
	b.t.Helper()
	rows, err := b.conn.Query(b.t.Context(), `select id, name, score::text, trim_scale(amount)::text, active::text, day::text,
		replace(at::text, ' ', 'T'), replace(local::text, ' ', 'T'), doc::text from things`)
	if err != nil {
		b.t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (destinationtest.Row, error) {
		values := make([]*string, 9)
		into := make([]any, len(values))
		for i := range values {
			into[i] = &values[i]
		}
		if err := r.Scan(into...); err != nil {
			return nil, err
		}
		if at := values[6]; at != nil {
			*at = strings.Replace(*at, "+00", "Z", 1)
		}
		if doc := values[8]; doc != nil {
			canonical, err := record.AppendCanonicalJSON(nil, []byte(*doc))
			if err != nil {
				return nil, err
			}
			*doc = string(bytes.TrimSpace(canonical))
		}
		row := destinationtest.Row{"id": values[0]}
		for i, f := range destinationtest.Fields() {
			row[f.Name] = values[i+1]
		}
		return row, nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

// loose drops the unique index before appends: such a table has none.
type loose struct {
	*postgres.Postgres

	b *bundle
}

func (l *loose) Open(ctx context.Context, t destination.Target) (destination.Writer, error) {
	if t.Mode == destination.Append {
		if _, err := l.b.conn.Exec(ctx, "drop index if exists things_id_idx"); err != nil {
			return nil, err
		}
	}
	return l.Postgres.Open(ctx, t)
}
