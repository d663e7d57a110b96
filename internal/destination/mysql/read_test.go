package mysql_test

import (
	"strings"
	"testing"

	"exposync/internal/destination"
	"exposync/internal/mariatest"
	"exposync/internal/record"
)

func ownServer(t *testing.T) mariatest.Database {
	t.Helper()
	return mariatest.Start(t).New(t)
}

// What a column makes of a value, Held says before it is written and Read
// gives after it was; so first: compare sees no difference where there is none.
func TestHeldIsWhatIsRead(t *testing.T) {
	t.Parallel()
	long := "1" + strings.Repeat("0", 300)
	for _, tt := range []struct {
		typ   string
		kind  record.Kind
		value string
		read  string
	}{
		{"int", record.Int, "-12", "-12"},
		{"tinyint(1)", record.Bool, "true", "true"},
		{"bit(1)", record.Bool, "false", "false"},
		{"decimal(20,4)", record.Decimal, "12.5", "12.5"},
		{"decimal(20,4)", record.Text, "12.5", "12.5000"},
		{"decimal(20,0)", record.Int, "100", "100"},
		{"float", record.Float, "0.1", "0.1"},
		{"float", record.Decimal, "0.123456789", "0.12345679104328156"},
		{"double", record.Float, "0.30000000000000004", "0.30000000000000004"},
		{"double", record.Float, long, long},
		{"char(10)", record.Text, "a  ", "a"},
		{"varchar(10)", record.Text, "a  ", "a  "},
		{"longtext", record.JSON, `{"a":[1.50]}`, `{"a":[1.50]}`},
		{"json", record.JSON, `{"a":[1.50]}`, `{"a":[1.50]}`},
		{"binary(4)", record.Bytes, "\x01", "\x01\x00\x00\x00"},
		{"varbinary(4)", record.Bytes, "\x01'", "\x01'"},
		{"enum('Small','it''s')", record.Text, "small", "Small"},
		{"enum('Small','it''s')", record.Text, "it's", "it's"},
		{"date", record.Date, "2024-02-29", "2024-02-29"},
		{"datetime", record.Date, "2024-02-29", "2024-02-29"},
		{"datetime(6)", record.Timestamp, "2024-02-29T10:15:00.5", "2024-02-29T10:15:00.5"},
		{"timestamp(3)", record.Instant, "2024-03-31T01:30:00.12Z", "2024-03-31T01:30:00.12Z"},
		{"time(6)", record.Time, "10:15:00.5", "10:15:00.5"},
		{"uuid", record.Text, "123e4567-e89b-12d3-a456-426655440000", "123e4567-e89b-12d3-a456-426655440000"},
	} {
		t.Run(tt.typ+" "+tt.value, func(t *testing.T) {
			t.Parallel()
			b := setup(t, "create table v (id int primary key, f "+tt.typ+")")
			target := destination.Target{
				Object: "v", Mode: destination.Upsert, Key: []destination.Field{{Name: "id", Kind: record.Int}},
				Fields: []destination.Field{{Name: "f", Kind: tt.kind}},
			}
			sent := value(tt.kind, tt.value)
			held, err := b.dest.Held(t.Context(), target, []record.Record{{sent}, {null()}})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				equal(t, "outcomes", []string{"ok", "ok"}, said(b.write(target, put(number(1), sent), put(number(2), null()))))
			}
			var read []record.Record
			keys := []record.Key{record.AppendKey(nil, number(1)), record.AppendKey(nil, number(2)), record.AppendKey(nil, number(3))}
			for r, err := range b.dest.Read(t.Context(), target, keys) {
				if err != nil {
					t.Fatal(err)
				}
				read = append(read, r)
			}
			equal(t, "read", []record.Record{{number(1), held[0][0]}, {number(2), null()}}, read)
			want := tt.read
			if strings.HasPrefix(tt.typ, "decimal") && tt.kind != record.Text {
				want = tt.value
			}
			equal(t, "text", want, string(held[0][0].Data))
			target.Mode = destination.Insert
			equal(t, "the same inserted again", []string{"ok"}, said(b.write(target, put(number(1), sent))))
		})
	}
}

func TestReadManyAndSpelledOtherwise(t *testing.T) {
	t.Parallel()
	b := setup(t, "create table people (id varchar(20) primary key, email text, score int)")
	target := people(destination.Upsert)
	target.Key[0].Kind = record.Text
	var batch []record.Change
	var keys []record.Key
	for i := range 2500 {
		c := put(value(record.Text, "k"+string(number(i).Data)), text("e"), number(i))
		batch, keys = append(batch, c), append(keys, c.Key)
	}
	equal(t, "written", 2500, count(said(b.write(target, batch...)), "ok"))
	n := 0
	for _, err := range b.dest.Read(t.Context(), target, append(keys, record.AppendKey(nil, text("K1")), record.AppendKey(nil, text("\xff")))) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	equal(t, "read", 2500, n)
}
