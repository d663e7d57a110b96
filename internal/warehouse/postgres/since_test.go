package postgres_test

import (
	"testing"

	"exposync/internal/pgtest"
	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// A bound leaves rows out at the server and none besides, whatever the time
// zone of its sessions, in both ways of asking.
func TestSinceLeavesRowsOut(t *testing.T) {
	t.Parallel()
	dsn := pgtest.New(t)
	c := config(t, dsn)
	execute(t, dsn, `create table t as select n, n + 0.125::numeric(12,3) as p, date '2000-01-01' + n as d, timestamp '2000-01-01' + n * interval '1 hour' as at,
		(timestamp '2000-01-01' + n * interval '1 hour') at time zone 'UTC' as seen, (n % 10)::numeric(2,1) as small from generate_series(1, 3000) as n`,
		"insert into t (n) values (null)", "alter database "+c.DBName+" set timezone to 'America/New_York'", "alter database "+c.DBName+" set datestyle to 'German, DMY'")
	for _, redshift := range []bool{false, true} {
		c.Redshift = redshift
		s, err := open(t, c).Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		for _, b := range []struct {
			column, from string
			kind         record.Kind
			want         int // but for nulls
		}{
			{"n", "2901", record.Int, 100},
			{"n", "-9223372036854775808", record.Int, 3000},
			{"n", "3001", record.Int, 0},
			{"p", "2901.125", record.Decimal, 100},
			{"d", "2007-12-11", record.Date, 100},
			{"at", "2000-04-30T21:00:00.0", record.Timestamp, 100},
			{"seen", "2000-04-30T21:00:00Z", record.Instant, 100},
			{"small", "9.0", record.Decimal, 300},
		} {
			rows := 0
			q := warehouse.Query{Relation: "t", Columns: []string{b.column}, Since: warehouse.Since{Column: b.column, From: record.Value{Kind: b.kind, Data: []byte(b.from)}}}
			for _, err := range s.Rows(t.Context(), q) {
				if err != nil {
					t.Fatalf("redshift %t: %s since %s: %v", redshift, b.column, b.from, err)
				}
				rows++
			}
			if rows != b.want+1 {
				t.Errorf("redshift %t: %s since %s: %d rows came, want %d and a null", redshift, b.column, b.from, rows, b.want)
			}
		}
	}
}

// A number that the column cannot hold is no error, and leaves nothing out
// that must come.
func TestSinceBeyondTheColumn(t *testing.T) {
	t.Parallel()
	dsn := pgtest.New(t)
	execute(t, dsn, "create table t (i int2, p numeric(2,1), q numeric(38,37), d date, at timestamp)",
		"insert into t values (null, null, null, null, null), (32767, 9.9, 9.9, 'infinity', '294276-12-31')")
	for _, redshift := range []bool{false, true} {
		c := config(t, dsn)
		c.Redshift = redshift
		s, err := open(t, c).Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		for _, b := range []struct {
			column, from string
			kind         record.Kind
		}{
			{"i", "99999999999999999999", record.Int},
			{"i", "-99999999999999999999", record.Int},
			{"p", "123456", record.Decimal},
			{"q", "99999999999999999999.5", record.Decimal},
			{"d", "9999-12-31", record.Date},
			{"at", "12024-12-31T00:00:00", record.Timestamp},
			{"at", "0044-03-15T12:00:00 BC", record.Timestamp},
		} {
			came := map[string]bool{}
			q := warehouse.Query{Relation: "t", Columns: []string{b.column}}
			since := warehouse.Since{Column: b.column, From: record.Value{Kind: b.kind, Data: []byte(b.from)}}
			for _, q.Since = range []warehouse.Since{since, {}} { // all rows after the bounded read
				for r, err := range s.Rows(t.Context(), q) {
					if err != nil {
						t.Fatalf("redshift %t: %s since %s: %v", redshift, b.column, b.from, err)
					}
					if q.Since.Column != "" {
						came[string(r[0].Data)] = true
					} else if order, ok := record.Compare(r[0], since.From); (!ok || order >= 0) && !came[string(r[0].Data)] {
						t.Errorf("redshift %t: %s %q did not come since %s", redshift, b.column, r[0].Data, b.from)
					}
				}
			}
		}
	}
}
