package postgres_test

import (
	"bytes"
	"fmt"
	"strconv"
	"testing"

	"exposync/internal/destination"
	"exposync/internal/record"
)

// Every kind goes into every type that takes it without loss, comes back
// through Read as it was sent, and so compares as equal.
func TestEveryValueComesBackAsItWasSent(t *testing.T) {
	t.Parallel()
	tests := []struct {
		kind   record.Kind
		column string
		values []string
	}{
		{record.Bool, "boolean", []string{"true", "false"}},
		{record.Bool, "text", []string{"true", "false"}},
		{record.Int, "bigint", []string{"0", "-9223372036854775808"}},
		{record.Int, "numeric(20,3)", []string{"12", "-7"}},
		{record.Int, "double precision", []string{"12"}},
		{record.Float, "double precision", []string{"0.1", "-1234567890123456800000", "NaN", "Infinity", "-Infinity", "0.000000001"}},
		{record.Float, "real", []string{"0.1", "16777216"}},
		{record.Decimal, "numeric", []string{"12345678901234567890.123456789", "0.5", "NaN", "Infinity", "100"}},
		{record.Decimal, "integer", []string{"5"}},
		{record.Text, "text", []string{"", "  ", `\N`, "NULL", "ünïcödé 🙂", "a\tb\nc\r\\d", `"quoted" 'it'`, "\u2028"}},
		{record.Text, "varchar(3)", []string{"abc", "äöü"}},
		{record.Text, "uuid", []string{"0b6f1e3e-7c1b-4a55-9f0e-2f1de2d3c4b5"}},
		{record.Text, "interval", []string{"1 mon 2 days 03:04:05.6"}},
		{record.Text, "mood", []string{"glad", `so "so"`}},
		{record.Text, "inet", []string{"10.0.0.1"}},
		{record.Text, "short", []string{"abc"}},
		{record.Bytes, "bytea", []string{"", "\x00\xff\\x41"}},
		{record.Date, "date", []string{"2026-11-24", "infinity", "-infinity", "0044-03-15 BC", "12026-01-01"}},
		{record.Time, "time", []string{"10:15:00", "23:59:59.999999", "24:00:00"}},
		{record.Timestamp, "timestamp", []string{"2026-11-24T10:15:00", "2026-11-24T10:15:00.120001", "infinity", "0044-03-15T00:00:00 BC", "12026-01-01T00:00:00"}},
		{record.Instant, "timestamptz", []string{"2026-11-24T10:15:00Z", "2026-11-24T10:15:00.12Z", "-infinity", "0044-03-15T00:00:00Z BC"}},
		{record.JSON, "jsonb", []string{`{"a":[1,2.50,null],"b":{"c":"é\n"}}`, `null`, `"x"`, `[]`}},
		{record.JSON, "json", []string{`{"a":1}`}},
		{record.JSON, "text[]", []string{`[]`, `["a,b","c\"d\\e",null,"NULL","",  "{}"]`}},
		{record.JSON, "integer[]", []string{`[1,2,null]`, `[[1,2],[3,4]]`}},
		{record.JSON, "boolean[]", []string{`[true,false]`}},
		{record.JSON, "jsonb[]", []string{`[{"a":[1]},[2],null,"s"]`}},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s in %s", tt.kind, tt.column), func(t *testing.T) {
			t.Parallel()
			b := setup(t, `create type mood as enum ('glad', 'so "so"')`, "create domain short as varchar(3)", "create table x (id text primary key, v "+tt.column+")")
			target := destination.Target{
				Object: "x", Mode: destination.Upsert,
				Key: []destination.Field{{Name: "id", Kind: record.Text}}, Fields: []destination.Field{{Name: "v", Kind: tt.kind}},
			}
			var batch []record.Change
			var keys []record.Key
			want := map[string]record.Value{}
			for i, v := range append(tt.values, "null") {
				value := record.Value{Kind: tt.kind, Data: []byte(v)}
				if tt.kind == record.JSON {
					value.Data, _ = record.AppendCanonicalJSON(nil, value.Data)
				}
				if i == len(tt.values) {
					value = null()
				}
				ch := put(text(strconv.Itoa(i)), value)
				batch, keys, want[strconv.Itoa(i)] = append(batch, ch), append(keys, ch.Key), value
			}
			for i, o := range b.open(target).Write(t.Context(), batch) {
				if o.State != destination.OK {
					t.Errorf("value %d: %+v", i, o)
				}
			}
			for r, err := range b.dest.Read(t.Context(), target, keys) {
				if err != nil {
					t.Fatal(err)
				}
				w := want[string(r[0].Data)]
				if !bytes.Equal(record.AppendCanonical(nil, w), record.AppendCanonical(nil, r[1])) {
					t.Errorf("sent %s %q, read %s %q", w.Kind, w.Data, r[1].Kind, r[1].Data)
				}
				delete(want, string(r[0].Data))
			}
			if len(want) > 0 {
				t.Errorf("%d records did not come back", len(want))
			}
		})
	}
}

// A value that a column would cut or round silently is refused instead, where
// the server can tell.
func TestNothingIsCutSilently(t *testing.T) {
	t.Parallel()
	b := setup(t, "create domain code as char(2)", "create domain short as varchar(3)", "create table x (id int primary key, a varchar(3), b char(3), c short, d code, e bit(3))")
	fields := map[string]string{"a": "abcd", "b": "abcd", "c": "abcd", "d": "abc", "e": "1"}
	n := 0
	for name, value := range fields {
		n++
		target := destination.Target{Object: "x", Mode: destination.Upsert, Key: []destination.Field{{Name: "id", Kind: record.Int}}, Fields: []destination.Field{{Name: name, Kind: record.Text}}}
		got := b.open(target).Write(t.Context(), []record.Change{put(number(n), text(value))})
		if got[0].State != destination.Rejected || got[0].Code[:2] != "22" {
			t.Errorf("%q into %s: %+v", value, name, got[0])
		}
	}
	equal(t, "table", []string{"0"}, b.rows("select count(*) from x"))
}

func TestReadLeavesOutWhatIsNotThere(t *testing.T) {
	t.Parallel()
	b := setup(t, peopleTable, "insert into people select n, 'p' || n, n from generate_series(1, 7000) n")
	target := people(destination.Upsert)
	target.Key[0].Kind = record.Text
	keys := []record.Key{
		record.AppendKey(nil, text("no number")), record.AppendKey(nil, text("007")), record.AppendKey(nil, text("1\x00")),
		record.AppendKey(nil, text("99999999999")), record.AppendKey(nil, text("8000")),
	}
	for n := range 7000 {
		keys = append(keys, record.AppendKey(nil, text(strconv.Itoa(n+1))))
	}
	seen := map[string]int{}
	for r, err := range b.dest.Read(t.Context(), target, keys) {
		if err != nil {
			t.Fatal(err)
		}
		seen[string(r[0].Data)]++
	}
	if len(seen) != 7001 || seen["007"] != 1 || seen["7000"] != 1 {
		t.Errorf("%d records, 007 %d times", len(seen), seen["007"])
	}
	for _, err := range b.dest.Read(t.Context(), target, keys) {
		if err != nil {
			t.Fatal(err)
		}
		break // the reader must bear it
	}
}

func TestReadOfAMissingTable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, err := range b.dest.Read(t.Context(), people(destination.Upsert), nil) {
		equal(t, "codes", []string{"object_missing"}, codes(err))
	}
}
