package sqlreader_test

import (
	"fmt"
	"slices"
	"testing"

	"exposync/internal/mariatest"
	"exposync/internal/record"
	"exposync/internal/warehouse"
	"exposync/internal/warehouse/sqlreader"
)

// sinceColumns are columns and what MySQL lets into them: dates that no
// calendar has and the limits of types among them. The first bounds are values
// of the column, the last lie beyond it.
var sinceColumns = []struct {
	typ    string
	kind   record.Kind
	values []string
	bounds []string
}{
	{"tinyint", record.Int, []string{"-128", "-1", "0", "1", "127"}, []string{"-128", "0", "127", "128", "-9223372036854775808", "99999999999999999999999999999999999999"}},
	{"int unsigned", record.Int, []string{"0", "1", "4294967295"}, []string{"0", "1", "4294967295", "-1", "4294967296"}},
	{"bigint", record.Int, []string{"-9223372036854775808", "0", "9007199254740993", "9223372036854775807"}, []string{"9007199254740993", "9223372036854775807", "-9223372036854775808", "18446744073709551616"}},
	{"bigint unsigned", record.Int, []string{"0", "9223372036854775808", "18446744073709551614", "18446744073709551615"}, []string{"0", "9223372036854775808", "18446744073709551615", "-5", "99999999999999999999"}},
	{"int(5) zerofill", record.Int, []string{"7", "70"}, []string{"7", "70", "8"}},
	{"bit(9)", record.Int, []string{"1", "256", "511"}, []string{"1", "256", "511", "600"}},
	{"bit(64)", record.Int, []string{"1", "~0"}, []string{"1", "18446744073709551615"}},
	{"year", record.Int, []string{"0", "1950", "1969", "1999", "2024", "2155"}, []string{"1950", "2024", "2155", "69", "50", "1", "0", "99999"}},
	{"decimal(65,30)", record.Decimal, []string{"-1.5", "0.000000000000000000000000000001", "99999999999999999999999999999999999.5"}, []string{"-1.5", "0", "0.000000000000000000000000000001", "99999999999999999999999999999999999.5"}},
	{"decimal(4,1)", record.Decimal, []string{"-12.5", "1.4", "1.5", "1.6", "999.9"}, []string{"-12.5", "1.45", "1.5", "1.55", "999.9", "1000", "99999999999999999999"}},
	{
		"date", record.Date,
		[]string{"'0000-00-00'", "'2024-00-00'", "'2023-05-00'", "'2023-00-05'", "'2023-02-31'", "'2023-04-31'", "'2024-02-29'", "'2024-03-01'", "'1000-01-01'", "'0900-01-01'", "'0000-05-05'", "'9999-12-31'"},
		[]string{"2024-02-29", "2024-03-01", "9999-12-31", "1000-01-01", "0900-01-01", "12024-12-31", "0044-03-15 BC"},
	},
	{
		"datetime(6)", record.Timestamp,
		[]string{"'0000-00-00 00:00:00'", "'2024-00-00 10:00:00'", "'2023-02-31 23:59:59.999999'", "'2024-02-29 12:30:05.123456'", "'2024-02-29 12:30:05.123457'", "'2024-02-29 12:30:04'", "'1969-12-31 23:59:59.999999'"},
		[]string{"2024-02-29T12:30:05.123456", "2024-02-29T12:30:05.9999995", "1969-12-31T23:59:59.999999", "12024-12-31T00:00:00", "0044-03-15T12:00:00 BC"},
	},
	{"datetime", record.Timestamp, []string{"'2024-02-29 12:30:05'", "'2024-02-29 12:30:06'", "'2023-00-00'"}, []string{"2024-02-29T12:30:05", "2024-02-29T12:30:05.6"}},
	{
		"timestamp(6) null", record.Instant, // around the hour that was there twice, see fall
		[]string{"'0000-00-00'", "'1970-01-01 00:00:01'", "'1970-01-02 12:00:00'", "'2023-10-29 00:30:00'", "'2023-10-29 01:15:00.5'", "'2023-10-29 01:30:00'", "'2023-10-29 02:30:00'", "'2038-01-19 03:14:07.999999'"},
		[]string{
			"1970-01-01T00:00:01Z", "2023-10-29T00:30:00Z", "2023-10-29T01:15:00.5Z", "2023-10-29T01:30:00Z", "2023-10-29T02:30:00Z",
			"2038-01-19T03:14:07.999999Z", "1969-01-01T00:00:00Z", "2106-02-07T06:28:16Z", "12024-12-31T00:00:00Z", "0044-03-15T12:00:00Z BC",
		},
	},
}

// No session of a server, however it is set up, leaves a row out that is not
// below the bound, with an index and without.
func TestSinceOfMySQLAlone(t *testing.T) {
	t.Parallel()
	server := mariatest.Start(t)
	db := server.New(t)
	for i, c := range sinceColumns {
		execute(t, db, "set sql_mode = 'ALLOW_INVALID_DATES'",
			fmt.Sprintf("create table c%d (v %s)", i, c.typ), fmt.Sprintf("create table i%d (v %s, filler char(200), index (v))", i, c.typ), fmt.Sprintf("create view w%d as select v from i%d", i, i))
		for _, v := range append(c.values, "null") {
			allowed(t, db, fmt.Sprintf("insert into c%d values (%s)", i, v), fmt.Sprintf("insert into i%d (v) values (%s)", i, v))
		}
	}
	fall(t, db)
	for _, settings := range []string{
		"set global sql_mode = ''", "set global sql_mode = 'ANSI,TRADITIONAL,NO_UNSIGNED_SUBTRACTION'", "set global sql_mode = 'ALLOW_INVALID_DATES,NO_BACKSLASH_ESCAPES'",
		"set global time_zone = '-12:59'", "set global time_zone = '+13:00'", "set global time_zone = 'Test/Fall'",
	} {
		execute(t, db, settings)
		s := snapshot(t, open(t, config(db)))
		for i, c := range sinceColumns {
			for _, table := range []string{"c", "i", "w"} {
				q := warehouse.Query{Relation: fmt.Sprintf("%s%d", table, i), Columns: []string{"v"}}
				every := texts(t, s, q)
				if len(every) != len(c.values)+1 {
					t.Fatalf("%s: %d rows, want %d and a null", c.typ, len(every), len(c.values))
				}
				q.Since.Column = "v"
				for _, from := range c.bounds {
					q.Since.From = record.Value{Kind: c.kind, Data: []byte(from)}
					came := texts(t, s, q)
					for _, v := range every {
						if order, ok := record.Compare(v, q.Since.From); (!ok || order >= 0) && !slices.ContainsFunc(came, same(v)) {
							t.Errorf("%s, %s%d %s since %s: %s %s did not come", settings, table, i, c.typ, from, v.Kind, v.Data)
						}
					}
				}
			}
		}
	}
}

func same(v record.Value) func(record.Value) bool {
	return func(o record.Value) bool { return o.Kind == v.Kind && string(o.Data) == string(v.Data) }
}

func texts(t *testing.T, s warehouse.Snapshot, q warehouse.Query) (out []record.Value) {
	t.Helper()
	for r, err := range s.Rows(t.Context(), q) {
		if err != nil {
			t.Fatalf("%s since %s: %v", q.Relation, q.Since.From.Data, err)
		}
		out = append(out, r.Clone()[0])
	}
	return out
}

// allowed runs statements in a session that takes every date.
func allowed(t *testing.T, db mariatest.Database, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		execute(t, db, "begin not atomic set sql_mode = 'ALLOW_INVALID_DATES'; "+sql+"; end")
	}
}

// fall makes a time zone whose clocks went back from 3:00 to 2:00 on 29
// October 2023, at 1:00 UTC.
func fall(t *testing.T, db mariatest.Database) {
	t.Helper()
	execute(t, db, "insert into mysql.time_zone (time_zone_id, use_leap_seconds) values (900, 'N')",
		"insert into mysql.time_zone_name (name, time_zone_id) values ('Test/Fall', 900)",
		"insert into mysql.time_zone_transition_type values (900, 0, 7200, 1, 'SUMMER'), (900, 1, 3600, 0, 'WINTER')",
		"insert into mysql.time_zone_transition values (900, -2147483648, 0), (900, 1698541200, 1)")
}

// A bound leaves rows out at the server, and where there is an index on a
// number or a TIMESTAMP, it finds them by it.
func TestSinceUsesIndexes(t *testing.T) {
	t.Parallel()
	db := mariatest.New(t)
	const rows, recent = 20_000, 100
	execute(t, db, `create table t (n int, d date, at datetime(6), seen timestamp(6) null, odd decimal(20,3), filler char(100), index (n), index (d), index (at), index (seen), index (odd))`,
		`insert into t select seq, date '1980-01-01' + interval seq day, timestamp '2000-01-01 00:00:00' + interval seq hour, timestamp '2000-01-01 00:00:00' + interval seq hour, seq + 0.125, 'x' from seq_1_to_20000`,
		"insert into t (filler) values ('nulls')", "analyze table t")
	for _, c := range []struct {
		column, from string
		kind         record.Kind
		index        bool
	}{
		{"n", "19901", record.Int, true},
		{"odd", "19901.125", record.Decimal, true},
		{"seen", "2002-04-09T05:00:00Z", record.Instant, true},
		{"d", "2034-06-27", record.Date, false},
		{"at", "2002-04-09T05:00:00", record.Timestamp, false},
	} {
		s := snapshot(t, open(t, config(db)))
		if _, err := s.Columns(t.Context(), "t"); err != nil {
			t.Fatal(err)
		}
		scanned, sought := sqlreader.Looked(t, s)
		came := texts(t, s, warehouse.Query{Relation: "t", Columns: []string{c.column, "filler"}, Since: warehouse.Since{Column: c.column, From: record.Value{Kind: c.kind, Data: []byte(c.from)}}})
		scannedThen, soughtThen := sqlreader.Looked(t, s)
		t.Logf("%s: %d rows came, %d scanned, %d sought", c.column, len(came), scannedThen-scanned, soughtThen-sought)
		if len(came) != recent+1 {
			t.Errorf("%s since %s: %d rows came, want %d and a null", c.column, c.from, len(came), recent)
		}
		if looked := scannedThen - scanned + soughtThen - sought; c.index && looked > 3*recent {
			t.Errorf("%s since %s: %d rows were looked at to find %d", c.column, c.from, looked, recent)
		}
	}
}
