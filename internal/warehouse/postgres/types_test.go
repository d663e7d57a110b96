package postgres_test

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"exposync/internal/pgtest"
	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// Types that PostgreSQL has and other warehouses do not, and those that only
// the server can write out.
func TestOwnTypes(t *testing.T) {
	t.Parallel()
	dsn := pgtest.New(t)
	execute(t, dsn,
		"create type mood as enum ('sad', 'so so', 'happy')",
		"create type pair as (a int, b text)",
		"create domain email as text check (value like '%@%')",
		"create domain score as numeric(5,2)",
	)
	cases := []struct {
		typ, sql string
		want     record.Kind
		text     string
	}{
		{"mood", "'so so'", record.Text, "so so"},
		{"mood[]", "'{sad,\"so so\",null}'", record.JSON, `["sad","so so",null]`},
		{"email", "'a@b'", record.Text, "a@b"},
		{"score", "12.5", record.Decimal, "12.5"},
		{"score[]", "array[12.5]", record.JSON, `["12.50"]`},
		{"pair", `row(1, 'x"y')`, record.Text, `(1,"x""y")`},
		{"pair[]", "array[row(1,'x')]::pair[]", record.JSON, `["(1,x)"]`},
		{"inet", "'10.0.0.1/8'", record.Text, "10.0.0.1/8"},
		{"inet[]", "'{10.0.0.1,::1}'", record.JSON, `["10.0.0.1","::1"]`},
		{"inet", "'fe80::1'", record.Text, "fe80::1"},
		{"inet", "'::ffff:10.0.0.1/120'", record.Text, "::ffff:10.0.0.1/120"},
		{"cidr", "'10.0.0.0/8'", record.Text, "10.0.0.0/8"},
		{"macaddr", "'08:00:2B:01:02:03'", record.Text, "08:00:2b:01:02:03"},
		{"int4range", "'[1,5)'", record.Text, "[1,5)"},
		{"daterange", "'[2024-02-29,)'", record.Text, "[2024-02-29,)"},
		{"int4multirange", "'{[1,3),[5,8)}'", record.Text, "{[1,3),[5,8)}"},
		{"point", "'(1,2.5)'", record.Text, "(1,2.5)"},
		{"bit(3)", "B'101'", record.Text, "101"},
		{"xml", "'<a/>'", record.Text, "<a/>"},
		{"tsvector", "'a b'", record.Text, "'a' 'b'"},
		{"name", "'x'", record.Text, "x"},
		{`"char"`, "'x'", record.Text, "x"},
		{"oid", "4294967295", record.Int, "4294967295"},
		{"int2vector", "'1 2'", record.Text, "1 2"},
		{"money", "'-1234.50'", record.Decimal, "-1234.5"},
		{"uuid[]", "'{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}'", record.JSON, `["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]`},
		{"jsonb[]", `array['{"b":1,"a":2}'::jsonb]`, record.JSON, `[{"a":2,"b":1}]`},
		{"bytea[]", `array['\x00ff'::bytea]`, record.JSON, `["AP8="]`},
		{"bool[]", "'{t,f}'", record.JSON, `[true,false]`},
		{"int[]", "'[5:6]={1,2}'", record.JSON, `[1,2]`},
		{"float8[]", "'{NaN,-Infinity,0.1}'", record.JSON, `["NaN","-Infinity",0.1]`},
		{"int[][][]", "'{{{1},{2}},{{3},{4}}}'", record.JSON, `[[[1],[2]],[[3],[4]]]`},
		{"timetz", "'12:30+02'", record.Text, "12:30:00+02:00"},
		{"timetz", "'12:30:05.5-05:30:15'", record.Text, "12:30:05.5-05:30:15"},
		{"timetz", "'12:30 UTC'", record.Text, "12:30:00+00:00"},
		{"char(5)[]", "'{ab}'", record.JSON, `["ab   "]`},
		{"timestamp", "'294276-12-31 23:59:59.999999'", record.Timestamp, "294276-12-31T23:59:59.999999"}, // the last one there is
		{"timestamp", "'4713-01-01 00:00:00 BC'", record.Timestamp, "4713-01-01T00:00:00 BC"},
		{"timestamptz", "'294276-12-31 23:59:59.999999Z'", record.Instant, "294276-12-31T23:59:59.999999Z"},
		{"timestamptz[]", "'{294276-12-31 23:59:59.999999Z}'", record.JSON, `["294276-12-31T23:59:59.999999Z"]`},
		{"timestamptz(0)", "'2024-02-29 12:30:05.4+00'", record.Instant, "2024-02-29T12:30:05Z"},
	}
	for i, c := range cases {
		execute(t, dsn, fmt.Sprintf("create table t%d (v %s)", i, c.typ), fmt.Sprintf("insert into t%d values (%s)", i, c.sql))
	}
	s := snapshot(t, open(t, config(t, dsn)))
	for i, c := range cases {
		q := warehouse.Query{Relation: fmt.Sprintf("t%d", i), Columns: []string{"v"}, Key: []string{"v"}}
		rows := read(t, s, q)
		if len(rows) != 1 || rows[0][0].Kind != c.want || string(rows[0][0].Data) != c.text {
			t.Errorf("%s: read %v, want %s %s", c.typ, show(rows), c.want, c.text)
			continue
		}
		n := 0
		for r, err := range s.Fetch(t.Context(), q, []record.Key{record.AppendKey(nil, rows[0]...)}) {
			if err != nil {
				t.Fatalf("%s: fetch by key: %v", c.typ, err)
			}
			if diff := cmp.Diff(rows[0], r); diff != "" {
				t.Errorf("%s: fetched another value:\n%s", c.typ, diff)
			}
			n++
		}
		if n != 1 {
			t.Errorf("%s: fetched %d rows by key, want 1", c.typ, n)
		}
	}
}

// The server's own text of numbers, moments and intervals is the judge.
func TestValuesAgreeWithTheServersText(t *testing.T) {
	t.Parallel()
	dsn := pgtest.New(t)
	var inserts []string
	for i, v := range rapid.SliceOfN(rapid.StringMatching(`-?[0-9]{1,30}(\.[0-9]{1,30})?`), 300, 300).Example(1) {
		months, days, micros := i*37%100-50, i*i%70-35, i*7_654_321*(i%3-1)
		moment := fmt.Sprintf("'2000-01-01'::timestamp + %d * interval '1 day 3 hours 7.654321 seconds'", (i-150)*5555)
		inserts = append(inserts, fmt.Sprintf("(%s, make_interval(months => %d, days => %d, secs => %d.%06d), %s)",
			v, months, days, micros/1_000_000, abs(micros%1_000_000), moment))
	}
	execute(t, dsn, "create table t (n numeric, i interval, m timestamp)",
		"insert into t values "+strings.Join(inserts, ", "),
		"set intervalstyle = iso_8601; create table x as select n, n::text as nt, i, i::text as it, m, to_char(m, 'YYYY-MM-DD\"T\"HH24:MI:SS.US') as mt, m::date as d from t")
	q := warehouse.Query{Relation: "x", Columns: []string{"n", "nt", "i", "it", "m", "mt", "d"}}
	rows := read(t, snapshot(t, open(t, config(t, dsn))), q)
	if len(rows) != 300 {
		t.Fatalf("%d rows, want 300", len(rows))
	}
	for _, r := range rows {
		n, _ := new(big.Rat).SetString(string(r[0].Data))
		if want, _ := new(big.Rat).SetString(string(r[1].Data)); n == nil || n.Cmp(want) != 0 {
			t.Errorf("numeric %s, the server says %s", r[0].Data, r[1].Data)
		}
		if string(r[2].Data) != string(r[3].Data) {
			t.Errorf("interval %s, the server says %s", r[2].Data, r[3].Data)
		}
		moment, era := strings.CutSuffix(string(r[4].Data), " BC")
		want := strings.TrimRight(strings.TrimRight(string(r[5].Data), "0"), ".")
		if head := len("2006-01-02T15:04"); strings.Count(want, ":") == 1 || len(want) < head { // zeros of the seconds
			want += "0"
		}
		if !era && moment != want && moment != string(r[5].Data) {
			t.Errorf("timestamp %s, the server says %s", r[4].Data, r[5].Data)
		}
		if date, _, _ := strings.Cut(moment, "T"); !era && date != string(r[6].Data) {
			t.Errorf("date %s of timestamp %s", r[6].Data, r[4].Data)
		}
	}
}

func abs(n int) int { return max(n, -n) }

func snapshot(tb testing.TB, w warehouse.Warehouse) warehouse.Snapshot {
	tb.Helper()
	s, err := w.Snapshot(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

func read(tb testing.TB, s warehouse.Snapshot, q warehouse.Query) []record.Record {
	tb.Helper()
	var out []record.Record
	for r, err := range s.Rows(tb.Context(), q) {
		if err != nil {
			tb.Fatalf("%s: %v", q.Relation, err)
		}
		out = append(out, r.Clone())
	}
	return out
}

func show(rows []record.Record) string {
	var b strings.Builder
	for _, r := range rows {
		for _, v := range r {
			fmt.Fprintf(&b, "%s %s; ", v.Kind, v.Data)
		}
	}
	return b.String()
}
