package postgres_test

import (
	"bytes"
	"fmt"
	"testing"

	"exposync/internal/destination"
	"exposync/internal/record"
)

// What Held says of a value is what Read gives once it was written: so a
// comparison finds a difference only where the table can hold one.
func TestHeldIsWhatReadGives(t *testing.T) {
	t.Parallel()
	tests := []struct {
		kind          record.Kind
		column        string
		value         string
		want          string // what the table makes of it
		stillDiffers  string // a value that the table can tell from it
		refusedByThem bool
	}{
		{record.Decimal, "numeric(10,2)", "12.345", "12.35", "12.36", false},
		{record.Decimal, "numeric(10,2)", "-0.005", "-0.01", "0", false},
		{record.Decimal, "numeric(4,2)", "12345.6", "12345.6", "1", true},
		{record.Float, "numeric(10,2)", "0.1", "0.1", "0.11", false},
		{record.Float, "real", "0.123456789", "0.12345679", "0.1234568", false},
		{record.Decimal, "real", "16777217", "16777216", "16777218", false},
		{record.Decimal, "double precision", "12345678901234567890", "12345678901234567000", "12345678901234570000", false},
		{record.Text, "numeric(10,2)", "12.5", "12.50", "12.51", false},
		{record.Text, "uuid", "0B6F1E3E-7C1B-4A55-9F0E-2F1DE2D3C4B5", "0b6f1e3e-7c1b-4a55-9f0e-2f1de2d3c4b5", "0b6f1e3e-7c1b-4a55-9f0e-2f1de2d3c4b6", false},
		{record.Text, "char(5)", "ab  ", "ab", "abc", false},
		{record.Text, "char(2)", "abc", "abc", "ab", true},
		{record.Text, "varchar(2)", "abc", "abc", "ab", true},
		{record.Text, "varchar(5)", "ab ", "ab ", "ab", false},
		{record.Text, "boolean", "yes", "true", "no", false},
		{record.Timestamp, "timestamp(0)", "2026-11-24T10:15:00.5", "2026-11-24T10:15:01", "2026-11-24T10:15:00", false},
		{record.Timestamp, "timestamp(3)", "1999-12-31T23:59:59.9996", "2000-01-01T00:00:00", "1999-12-31T23:59:59.999", false},
		{record.Instant, "timestamptz(0)", "2026-11-24T10:15:00.4Z", "2026-11-24T10:15:00Z", "2026-11-24T10:15:01Z", false},
		{record.Instant, "timestamp", "2026-11-24T10:15:00Z", "2026-11-24T10:15:00Z", "2026-11-24T10:15:01Z", false},
		{record.Date, "timestamp", "2026-11-24", "2026-11-24", "2026-11-25", false},
		{record.Date, "timestamptz", "2026-11-24", "2026-11-24", "2026-11-25", false},
		{record.Time, "time(0)", "10:15:00.6", "10:15:01", "10:15:02", false},
		{record.Decimal, "cents", "1.005", "1.01", "1.02", false},
		{record.JSON, "numeric(5,1)[]", "[1.25,null]", "[1.3,null]", "[1.4,null]", false},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s %s in %s", tt.kind, tt.value, tt.column), func(t *testing.T) {
			t.Parallel()
			b := setup(t, "create domain cents as numeric(8,2)", "create table x (id int primary key, v "+tt.column+")")
			target := destination.Target{
				Object: "x", Mode: destination.Upsert,
				Key: []destination.Field{{Name: "id", Kind: record.Int}}, Fields: []destination.Field{{Name: "v", Kind: tt.kind}},
			}
			value := func(text string) record.Record { return record.Record{{Kind: tt.kind, Data: []byte(text)}} }
			held, err := b.dest.Held(t.Context(), target, []record.Record{value(tt.value), value(tt.stillDiffers), {null()}})
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "held", tt.want, string(held[0][0].Data))
			if bytes.Equal(held[0][0].Data, held[1][0].Data) || held[2][0].Kind != record.Null {
				t.Errorf("values that the table can tell apart became equal: %s, and null became %s", held[1][0].Data, held[2][0].Kind)
			}
			ch := put(number(1), value(tt.value)...)
			if o := b.open(target).Write(t.Context(), []record.Change{ch})[0]; (o.State == destination.Rejected) != tt.refusedByThem {
				t.Fatalf("%+v", o)
			}
			for r, err := range b.dest.Read(t.Context(), target, []record.Key{ch.Key}) {
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(record.AppendCanonical(nil, r[1]), record.AppendCanonical(nil, held[0][0])) {
					t.Errorf("Held says %s %q, Read gives %s %q", held[0][0].Kind, held[0][0].Data, r[1].Kind, r[1].Data)
				}
			}
		})
	}
}

// One record that the server refuses takes no other with it, and a field that
// is not sent stays one.
func TestHeldBearsWhatIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, "create table x (id int primary key, a numeric(4,1), b date)")
	target := destination.Target{
		Object: "x", Mode: destination.Upsert, Key: []destination.Field{{Name: "id", Kind: record.Int}},
		Fields: []destination.Field{{Name: "a", Kind: record.Text}, {Name: "b", Kind: record.Text}},
	}
	var in []record.Record
	for n := range 6000 {
		a := text(fmt.Sprintf("%d.04", n%100))
		if n == 77 || n == 5500 {
			a = text("no number")
		}
		in = append(in, record.Record{a, absent()})
	}
	in[9][0] = text("1\x00")
	held, err := b.dest.Held(t.Context(), target, in)
	if err != nil {
		t.Fatal(err)
	}
	for n, r := range held {
		want := fmt.Sprintf("%d.0", n%100)
		switch n {
		case 9, 77, 5500:
			want = string(in[n][0].Data)
		}
		if string(r[0].Data) != want || r[1].Kind != record.Absent {
			t.Fatalf("record %d: %q, %s", n, r[0].Data, r[1].Kind)
		}
	}
}
