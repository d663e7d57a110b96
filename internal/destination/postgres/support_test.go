package postgres_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"exposync/internal/destination"
	"exposync/internal/destination/postgres"
	"exposync/internal/pgtest"
	"exposync/internal/record"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// bundle is one empty database with a destination on it.
type bundle struct {
	t    testing.TB
	dsn  string
	conn *pgx.Conn
	dest *postgres.Postgres
}

func setup(tb testing.TB, ddl ...string) *bundle {
	tb.Helper()
	dsn := pgtest.New(tb)
	conn, err := pgx.Connect(tb.Context(), dsn)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close(tb.Context()) })
	dest, err := postgres.New(tb.Context(), postgres.Config{Name: "crm", URL: dsn})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = dest.Close() })
	b := &bundle{t: tb, dsn: dsn, conn: conn, dest: dest}
	b.exec(ddl...)
	return b
}

func (b *bundle) exec(statements ...string) {
	b.t.Helper()
	for _, sql := range statements {
		if _, err := b.conn.Exec(b.t.Context(), sql); err != nil {
			b.t.Fatalf("%s: %v", sql, err)
		}
	}
}

// rows gives what a query yields, as text, one row a string.
func (b *bundle) rows(sql string) []string {
	b.t.Helper()
	rows, err := b.conn.Query(b.t.Context(), sql)
	if err != nil {
		b.t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (string, error) {
		values, err := r.Values()
		texts := make([]string, len(values))
		for i, v := range values {
			texts[i] = fmt.Sprint(v)
		}
		return strings.Join(texts, "|"), err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

func (b *bundle) open(t destination.Target) destination.Writer {
	b.t.Helper()
	w, err := b.dest.Open(b.t.Context(), t)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = w.Close() })
	return w
}

// people is the target that most tests write to.
func people(mode destination.Mode) destination.Target {
	return destination.Target{
		Object: "people", Mode: mode,
		Key:    []destination.Field{{Name: "id", Kind: record.Int}},
		Fields: []destination.Field{{Name: "email", Kind: record.Text}, {Name: "score", Kind: record.Int, SkipNulls: true}},
	}
}

const peopleTable = "create table people (id int primary key, email text, score int default 7 check (score >= 0))"

func text(s string) record.Value { return record.Value{Kind: record.Text, Data: []byte(s)} }

func number(n int) record.Value {
	return record.Value{Kind: record.Int, Data: fmt.Append(nil, n)}
}

func null() record.Value { return record.Value{Kind: record.Null} }

func absent() record.Value { return record.Value{} }

func put(key record.Value, values ...record.Value) record.Change {
	return putAll(record.Record{key}, values...)
}

func putAll(key record.Record, values ...record.Value) record.Change {
	k := record.AppendKey(nil, key...)
	return record.Change{Op: record.Create, Key: k, KeyHash: k.Hash(), KeyVals: key, Values: values}
}

func remove(key record.Value) record.Change {
	k := record.AppendKey(nil, key)
	return record.Change{Op: record.Delete, Key: k, KeyHash: k.Hash(), KeyVals: record.Record{key}}
}

// said gives outcomes as words: ok, or the code.
func said(outcomes []destination.Outcome) []string {
	out := make([]string, len(outcomes))
	for i, o := range outcomes {
		switch o.State {
		case destination.OK:
			out[i] = "ok"
		case destination.Rejected:
			out[i] = o.Code
		default:
			out[i] = fmt.Sprintf("state %d %s %s", o.State, o.Code, o.Message)
		}
	}
	return out
}

func equal[T any](tb testing.TB, what string, want, got T) {
	tb.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("%s mismatch (-want +got):\n%s", what, diff)
	}
}

func count(list []string, word string) int {
	return len(slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s != word }))
}
