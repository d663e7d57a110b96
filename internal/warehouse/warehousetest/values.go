package warehousetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// LongText is how long the value of the case "text long" is, in bytes: it
// fits no buffer of a driver.
const LongText = 300_000

// Case is one value and what every reader must make of it.
type Case struct {
	Name string
	Want record.Value
}

// Cases are values at the limits of their types.
func Cases() []Case {
	v := func(name string, kind record.Kind, data string) Case {
		return Case{Name: name, Want: record.Value{Kind: kind, Data: []byte(data)}}
	}
	return []Case{
		v("null", record.Null, ""),
		v("bool true", record.Bool, "true"),
		v("bool false", record.Bool, "false"),
		v("int zero", record.Int, "0"),
		v("int lowest", record.Int, "-9223372036854775808"),
		v("int highest", record.Int, "9223372036854775807"),
		v("float tenth", record.Float, "0.1"),
		v("float whole", record.Float, "12"),
		v("float minus zero", record.Float, "0"),
		v("float large", record.Float, "1000000000000000000000000"),
		v("float small", record.Float, "0.00000000012345"),
		v("float infinity", record.Float, "Infinity"),
		v("float minus infinity", record.Float, "-Infinity"),
		v("float nan", record.Float, "NaN"),
		v("float of 4 bytes", record.Float, "0.1"),
		v("decimal zero", record.Decimal, "0"),
		v("decimal with zeros", record.Decimal, "-12.5"),
		v("decimal hundred", record.Decimal, "100"),
		v("decimal 38,9", record.Decimal, "99999999999999999999999999999.999999999"),
		v("decimal small", record.Decimal, "0.000000001"),
		v("decimal nan", record.Decimal, "NaN"),
		v("text empty", record.Text, ""),
		v("text spaces", record.Text, "  a  "),
		v("text quotes", record.Text, `a'b"c\d{e},f`),
		v("text four bytes", record.Text, "Zoë 😀 日本"),
		v("text control", record.Text, "a\tb\nc\rd\x01\x7f"),
		v("text nul", record.Text, "a\x00b"),
		v("text long", record.Text, strings.Repeat("x", LongText)),
		v("text that looks like null", record.Text, "NULL"),
		v("char padded", record.Text, "ab   "),
		v("uuid", record.Text, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
		v("bytes", record.Bytes, "\x00\x01\xff\\'"),
		v("bytes empty", record.Bytes, ""),
		v("date", record.Date, "2024-02-29"),
		v("date far", record.Date, "12024-12-31"),
		v("date before the common era", record.Date, "0044-03-15 BC"),
		v("date infinity", record.Date, "infinity"),
		v("time", record.Time, "15:04:05.12"),
		v("time midnight", record.Time, "00:00:00"),
		v("time 24", record.Time, "24:00:00"),
		v("timestamp", record.Timestamp, "2024-02-29T12:30:05"),
		v("timestamp micros", record.Timestamp, "1969-12-31T23:59:59.999999"),
		v("timestamp before the common era", record.Timestamp, "0044-03-15T12:00:00 BC"),
		v("timestamp infinity", record.Timestamp, "infinity"),
		v("instant east", record.Instant, "2024-02-29T10:30:05.5Z"),
		v("instant west", record.Instant, "2024-03-01T05:15:05Z"),
		v("instant minus infinity", record.Instant, "-infinity"),
		v("json object", record.JSON, `{"":true,"a":[1,2.50,{"x":null}],"b":"é\n"}`),
		v("json repeated name", record.JSON, `{"a":2}`),
		v("json text", record.JSON, `"a"`),
		v("json number", record.JSON, `1.50`),
		v("json null", record.JSON, `null`),
		v("array of ints", record.JSON, `[1,null,-3]`),
		v("array of arrays", record.JSON, `[[1,2],[3,4]]`),
		v("array of texts", record.JSON, `["a\"b","","NULL",null,"é,{}"]`),
		v("array of decimals", record.JSON, `[1.5,"NaN",99999999999999999999.9]`),
		v("array of instants", record.JSON, `["2024-02-29T10:30:05Z"]`),
		v("array empty", record.JSON, `[]`),
	}
}

func values(t *testing.T, h Harness) {
	b := h.New(t)
	for i, c := range Cases() {
		lit, ok := literal(t, h, c)
		if !ok {
			continue
		}
		table := fmt.Sprintf("v%d", i)
		b.Exec(t, fmt.Sprintf("create table %s (id int, v %s)", b.Relation(table), lit.Type))
		b.Exec(t, fmt.Sprintf("insert into %s values (1, %s)", b.Relation(table), lit.SQL))
	}
	s := snapshot(t, b)
	for i, c := range Cases() {
		if _, ok := h.Values[c.Name]; !ok {
			continue
		}
		q := warehouse.Query{Relation: b.Relation(fmt.Sprintf("v%d", i)), Columns: []string{"v"}}
		rows := all(t, s.Rows(t.Context(), q))
		if len(rows) != 1 || len(rows[0]) != 1 {
			t.Errorf("%s: read %d rows, want one value", c.Name, len(rows))
			continue
		}
		if got, want := rows[0][0], c.Want; got.Kind != want.Kind || string(got.Data) != string(want.Data) {
			t.Errorf("%s: read %s %.100q, want %s %.100q", c.Name, got.Kind, got.Data, want.Kind, want.Data)
		}
		columns, err := s.Columns(t.Context(), q.Relation)
		if err != nil || len(columns) != 2 {
			t.Errorf("%s: Columns: %v, %v", c.Name, columns, err)
		} else if k := columns[1].Kind; c.Want.Kind != record.Null && k != c.Want.Kind {
			t.Errorf("%s: the column %s is said to hold %s, want %s", c.Name, columns[1].Type, k, c.Want.Kind)
		}
	}
}

// valuesAsKeys fetches every value by itself, from among others.
func valuesAsKeys(t *testing.T, h Harness) {
	b := h.New(t)
	for i, c := range Cases() {
		lit, ok := literal(t, h, c)
		if !ok || c.Want.Kind == record.Null {
			continue
		}
		table := b.Relation(fmt.Sprintf("k%d", i))
		b.Exec(t, fmt.Sprintf("create table %s (id int, v %s)", table, lit.Type))
		b.Exec(t, fmt.Sprintf("insert into %s values (1, null), (2, %s)", table, lit.SQL))
	}
	s := snapshot(t, b)
	for i, c := range Cases() {
		if _, ok := h.Values[c.Name]; !ok || c.Want.Kind == record.Null {
			continue
		}
		q := warehouse.Query{Relation: b.Relation(fmt.Sprintf("k%d", i)), Columns: []string{"id", "v"}, Key: []string{"v"}}
		rows := all(t, s.Fetch(t.Context(), q, []record.Key{record.AppendKey(nil, c.Want)}))
		if len(rows) != 1 || string(rows[0][0].Data) != "2" || string(rows[0][1].Data) != string(c.Want.Data) {
			t.Errorf("%s: fetched %d rows by its key, want the second", c.Name, len(rows))
		}
	}
}

func literal(t *testing.T, h Harness, c Case) (Literal, bool) {
	t.Helper()
	lit, ok := h.Values[c.Name]
	if ok == slices.Contains(h.Lacks, c.Name) {
		t.Errorf("%s: the harness must either say how it is written or that it is lacking", c.Name)
	}
	return lit, ok
}
