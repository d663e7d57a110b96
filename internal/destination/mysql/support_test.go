package mysql_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"exposync/internal/destination"
	adapter "exposync/internal/destination/mysql"
	"exposync/internal/mariatest"
	"exposync/internal/record"
)

func TestMain(m *testing.M) { mariatest.Around(m).Run() }

// bundle is one empty database with a destination on it.
type bundle struct {
	t    testing.TB
	at   mariatest.Database
	db   *sql.DB
	dest *adapter.MySQL
}

func setup(tb testing.TB, ddl ...string) *bundle {
	tb.Helper()
	return on(tb, mariatest.New(tb), ddl...)
}

func on(tb testing.TB, at mariatest.Database, ddl ...string) *bundle {
	tb.Helper()
	settings := mysql.NewConfig()
	settings.User, settings.Net, settings.Addr, settings.DBName = at.User, "tcp", fmt.Sprintf("%s:%d", at.Host, at.Port), at.Name
	connector, err := mysql.NewConnector(settings)
	if err != nil {
		tb.Fatal(err)
	}
	b := &bundle{t: tb, at: at, db: sql.OpenDB(connector)}
	tb.Cleanup(func() { _ = b.db.Close() })
	b.exec(ddl...)
	b.dest, err = adapter.New(adapter.Config{Name: "crm", Host: at.Host, Port: at.Port, User: at.User, DBName: at.Name})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = b.dest.Close() })
	return b
}

func (b *bundle) exec(statements ...string) {
	b.t.Helper()
	for _, s := range statements {
		if _, err := b.db.ExecContext(b.t.Context(), s); err != nil {
			b.t.Fatalf("%s: %v", s, err)
		}
	}
}

// texts gives what a query yields, nil for null.
func (b *bundle) texts(query string) [][]*string {
	b.t.Helper()
	rows, err := b.db.QueryContext(b.t.Context(), query)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		b.t.Fatal(err)
	}
	var out [][]*string
	for rows.Next() {
		row := make([]*string, len(columns))
		into := make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			b.t.Fatal(err)
		}
		out = append(out, row)
	}
	if err := rows.Err(); err != nil {
		b.t.Fatal(err)
	}
	return out
}

// rows gives what a query yields, one row a string.
func (b *bundle) rows(query string) []string {
	b.t.Helper()
	var out []string
	for _, row := range b.texts(query) {
		cells := make([]string, len(row))
		for i, c := range row {
			if cells[i] = "NULL"; c != nil {
				cells[i] = *c
			}
		}
		out = append(out, strings.Join(cells, "|"))
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

func (b *bundle) write(t destination.Target, batch ...record.Change) []destination.Outcome {
	b.t.Helper()
	return b.open(t).Write(b.t.Context(), batch)
}

// people is the target that most tests write to.
func people(mode destination.Mode) destination.Target {
	return destination.Target{
		Object: "people", Mode: mode,
		Key:    []destination.Field{{Name: "id", Kind: record.Int}},
		Fields: []destination.Field{{Name: "email", Kind: record.Text}, {Name: "score", Kind: record.Int, SkipNulls: true}},
	}
}

const peopleTable = "create table people (id int primary key, email varchar(40), score int default 7 check (score >= 0))"

func text(s string) record.Value { return record.Value{Kind: record.Text, Data: []byte(s)} }

func number(n int) record.Value { return record.Value{Kind: record.Int, Data: fmt.Append(nil, n)} }

func value(k record.Kind, s string) record.Value { return record.Value{Kind: k, Data: []byte(s)} }

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
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		tb.Errorf("%s mismatch (-want +got):\n%s", what, diff)
	}
}

func count(list []string, word string) int {
	return len(slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s != word }))
}
