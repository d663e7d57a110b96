//go:build duckdb

package duckdb_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// Every type with an order is held against bounds that it holds and bounds
// that it cannot hold.
func TestSinceOfDuckDBAlone(t *testing.T) {
	t.Parallel()
	ints := []string{"-1", "0", "1", "127", "128", "4294967296", "-9223372036854775808", "18446744073709551615", "170141183460469231731687303715884105727", "340282366920938463463374607431768211455"}
	decimals := []string{"-12.5", "-0.05", "0", "1.005", "9.9", "9.95", "99999999999999999999999999999999999999", "0.00000000000000000000000000000000000001"}
	moments := []string{"0044-03-15T12:00:00 BC", "1582-10-04T00:00:00", "1677-09-21T00:12:43", "1969-12-31T23:59:59.999999", "2024-02-29T12:30:05", "2024-02-29T12:30:05.999999", "9999-12-31T23:59:59", "12024-12-31T00:00:00"}
	for _, c := range []struct {
		typ    string
		values []string
		bounds []string
	}{
		{"TINYINT", []string{"-128", "0", "127"}, ints},
		{"UTINYINT", []string{"0", "255"}, ints},
		{"BIGINT", []string{"-9223372036854775808", "-9223372036854775807", "9223372036854775807"}, ints},
		{"UBIGINT", []string{"0", "18446744073709551615"}, ints},
		{"HUGEINT", []string{"'-170141183460469231731687303715884105728'", "0", "'170141183460469231731687303715884105727'"}, ints},
		{"UHUGEINT", []string{"0", "'340282366920938463463374607431768211455'"}, ints},
		{"BIGNUM", []string{"'-123456789012345678901234567890'", "'5'"}, ints},
		{"DECIMAL(4,2)", []string{"-12.5", "-0.05", "1.0", "1.01", "9.95"}, decimals},
		{"DECIMAL(2,1)", []string{"9.9", "-9.9"}, decimals},
		{"DECIMAL(18,0)", []string{"9", "10", "-13", "-12"}, decimals},
		{"DECIMAL(38,0)", []string{"'99999999999999999999999999999999999999'"}, decimals},
		{"DECIMAL(38,38)", []string{"'0.00000000000000000000000000000000000001'"}, decimals},
		{"DATE", []string{"'0044-03-15 (BC)'", "'-infinity'", "'infinity'", "'1582-10-04'", "'2024-02-29'", "'12024-12-31'", "'5881580-07-10'"}, []string{"0044-03-15 BC", "1582-10-04", "1582-10-15", "2024-02-29", "9999-12-31", "12024-12-31"}},
		{"TIMESTAMP", []string{"'0044-03-15 (BC) 12:00:00'", "'-infinity'", "'infinity'", "'1969-12-31 23:59:59.999999'", "'2024-02-29 12:30:05'", "'2024-02-29 12:30:05.999999'"}, moments},
		{"TIMESTAMP_S", []string{"'infinity'", "'1969-12-31 23:59:59'", "'2024-02-29 12:30:05'"}, moments},
		{"TIMESTAMP_MS", []string{"'infinity'", "'1969-12-31 23:59:59.999'", "'2024-02-29 12:30:05.999'"}, moments},
		{"TIMESTAMP_NS", []string{"'infinity'", "'1969-12-31 23:59:59.999999'", "'2000-02-29 12:30:05.123456789'"}, moments},
		{"TIMESTAMP WITH TIME ZONE", []string{"'-infinity'", "'infinity'", "'1582-10-04 00:00:00+00'", "'1969-12-31 23:59:59.999999+00'", "'2024-02-29 14:30:05+02'"}, moments},
	} {
		sql := fmt.Sprintf("create view t as select null::%s as v", c.typ) // old files cannot hold all of these
		for _, v := range c.values {
			sql += fmt.Sprintf(" union all select '%s'::%s", strings.Trim(v, "'"), c.typ)
		}
		w, _ := file(t, sql)
		s := snapshot(t, w)
		columns, err := s.Columns(t.Context(), relation("shop", "t"))
		if err != nil {
			t.Fatal(err)
		}
		q := warehouse.Query{Relation: relation("shop", "t"), Columns: []string{"v"}}
		every := firsts(t, s, q)
		if len(every) != len(c.values)+1 {
			t.Fatalf("%s: %d rows", c.typ, len(every))
		}
		q.Since.Column = "v"
		for _, from := range c.bounds {
			if columns[0].Kind == record.Instant {
				from += "Z"
			}
			q.Since.From = record.Value{Kind: columns[0].Kind, Data: []byte(from)}
			came := firsts(t, s, q)
			for _, v := range every {
				if order, ok := record.Compare(v, q.Since.From); ok && order < 0 {
					continue
				}
				if !slices.ContainsFunc(came, func(o record.Value) bool { return o.Kind == v.Kind && string(o.Data) == string(v.Data) }) {
					t.Errorf("%s since %s: %s %s did not come", c.typ, from, v.Kind, v.Data)
				}
			}
		}
	}
}

func firsts(t *testing.T, s warehouse.Snapshot, q warehouse.Query) (out []record.Value) {
	t.Helper()
	for r, err := range s.Rows(t.Context(), q) {
		if err != nil {
			t.Fatalf("since %s: %v", q.Since.From.Data, err)
		}
		out = append(out, r.Clone()[0])
	}
	return out
}

// A bound leaves rows out inside DuckDB, of every kind that has one.
func TestSinceLeavesMomentsOut(t *testing.T) {
	t.Parallel()
	w, _ := file(t, `create table t as select n, n::decimal(18,3) as p, date '2000-01-01' + n::int as d, timestamp '2000-01-01' + to_hours(n) as at,
		(timestamp '2000-01-01' + to_hours(n))::timestamptz as seen, 'x' || n as filler from range(300000) as r(n)`, "insert into t (filler) values ('nulls')")
	s := snapshot(t, w)
	for _, c := range []struct {
		column, from string
		kind         record.Kind
	}{
		{"n", "299900", record.Int},
		{"p", "299900", record.Decimal},
		{"d", "2821-02-05", record.Date},
		{"at", "2034-03-18T20:00:00", record.Timestamp},
		{"seen", "2034-03-18T20:00:00Z", record.Instant},
	} {
		q := warehouse.Query{Relation: relation("shop", "t"), Columns: []string{c.column}, Since: warehouse.Since{Column: c.column, From: record.Value{Kind: c.kind, Data: []byte(c.from)}}}
		if came := firsts(t, s, q); len(came) != 101 {
			t.Errorf("%s since %s: %d rows came, want 100 and a null", c.column, c.from, len(came))
		}
	}
}
