package cli_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/pgtest"
)

// column is one type of PostgreSQL with values at its limits.
type column struct {
	name, typ string
	literals  []string // SQL
	show      string   // how two databases are compared; %s is the column; empty for its text
}

// limits has every type that a mart is likely to hold.
func limits() []column {
	return []column{
		{"small", "smallint", []string{"-32768", "32767"}, ""},
		{"whole", "int", []string{"-2147483648", "2147483647"}, ""},
		{"big", "bigint", []string{"-9223372036854775808", "9223372036854775807"}, ""},
		{"num", "numeric", []string{"-99999999999999999999999999999999999999.9999999999", "0.00000000000000000001", "'NaN'", "1.500", "12345678901234567890123456789012345678901234567890"}, "trim_scale(%s)::text"},
		{"money_like", "numeric(12, 2)", []string{"-9999999999.99", "0.10", "0.00"}, ""},
		{"single", "real", []string{"3.4028235e38", "1.17549435e-38", "0.1", "'-Infinity'", "'NaN'"}, ""},
		{"twice", "double precision", []string{"1.7976931348623157e308", "5e-324", "0.1", "-0.30000000000000004", "'Infinity'"}, ""},
		{"flag", "boolean", []string{"true", "false"}, ""},
		{"txt", "text", []string{"''", "'Zoë 北京 🦊 e\u0301'", `E'"quoted", two\nlines\r\n\ttab\\ \x01'`, "repeat('long ', 20000)", "'NULL'", "' padded '"}, ""},
		{"vc", "varchar(10)", []string{"'0123456789'", "''"}, ""},
		{"ch", "char(5)", []string{"'ab'", "''"}, ""},
		{"raw", "bytea", []string{`'\x00ff0a5c22'`, `''`}, ""},
		{"d", "date", []string{"'0001-01-01'", "'9999-12-31'", "'2024-02-29'", "'infinity'", "'0044-03-15 BC'"}, ""},
		{"t", "time", []string{"'00:00'", "'23:59:59.999999'", "'24:00'"}, ""},
		{"ttz", "timetz", []string{"'12:30:00.5+05:45'", "'00:00-12'"}, ""},
		{"ts", "timestamp", []string{"'0001-01-01 00:00:00.000001'", "'294276-12-31 23:59:59.999999'", "'-infinity'"}, ""},
		{"tstz", "timestamptz", []string{"'2026-03-29 02:30:00 Europe/Prague'", "'1969-12-31 23:59:59.999999Z'", "'infinity'"}, "to_char(%[1]s at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')||isfinite(%[1]s)"},
		{"iv", "interval", []string{"'1 year -2 months 3 days -04:05:06.789'", "'0'"}, ""},
		{"id128", "uuid", []string{"'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"}, ""},
		{"doc", "jsonb", []string{`'{"a": [1, null, {"b": "\u00e9\""}], "big": 12345678901234567890.5}'`, "'null'", `'"x"'`, "'[]'"}, ""},
		{"plain", "json", []string{`'{"b": 1, "a": [true, 1e2]}'`}, "%s::jsonb::text"},
		{"net", "inet", []string{"'10.0.0.1'", "'fe80::1/64'"}, ""},
		{"mac", "macaddr", []string{"'08:00:2b:01:02:03'"}, ""},
		{"ints", "int[]", []string{"'{1,NULL,-2147483648}'", "'{}'"}, ""},
		{"texts", "text[]", []string{`array['a,b', '"', 'NULL', null, 'é', '']`}, ""},
		{"feeling", "mood", []string{"'so so'"}, ""},
		{"bits", "bit(3)", []string{"B'101'"}, ""},
		{"span", "int4range", []string{"'[1,5)'", "'empty'"}, ""},
	}
}

// fill makes one row per value of a column, all other columns null, and one
// row of nulls only.
func fill(m *mini, columns []column) {
	m.Helper()
	id := 0
	for _, c := range columns {
		for _, lit := range c.literals {
			id++
			m.exec(fmt.Sprintf("insert into main.export_t (id, %s) values (%d, %s)", c.name, id, lit))
		}
	}
	m.exec(fmt.Sprintf("insert into main.export_t (id) values (%d)", id+1))
}

func tableOf(name string, columns []column) string {
	parts := []string{"id int primary key"}
	for _, c := range columns {
		parts = append(parts, c.name+" "+c.typ)
	}
	return "create type mood as enum ('sad', 'so so'); create table " + name + " (" + strings.Join(parts, ", ") + ")"
}

const allFields = `"key": "id", "fields": "all", "first": "send"}`

// Every value arrives in another PostgreSQL as it was, and is not taken for
// changed afterwards.
func TestValuesArriveInPostgres(t *testing.T) {
	t.Parallel()
	columns := limits()
	theirs := pgtest.New(t)
	m := newMini(t, tableOf("main.export_t", columns), `{"to": "db.public.copy", `+allFields, `db: {type: postgres, url: "{{ env_var('DB_URL') }}"}`)
	m.env = []string{"DB_URL=" + theirs}
	db := connect(t, theirs)
	sqlExec(t, db, tableOf("public.copy", columns))
	fill(m, columns)
	m.want(0, "run")
	for _, c := range columns {
		show := "%s::text"
		if c.show != "" {
			show = c.show
		}
		show = "coalesce(" + fmt.Sprintf(show, c.name) + ", '<null>')"
		want := rows(t, m.source, "select id::text, "+show+" from main.export_t")
		if d := cmp.Diff(want, rows(t, db, "select id::text, "+show+" from copy")); d != "" {
			t.Errorf("%s (-source +destination):\n%.1000s", c.typ, d)
		}
	}
	m.build()
	m.want(0, "run")
	if c := m.last().Counts; c["calls"] != 0 || c["updated"] != 0 {
		t.Errorf("a run without changes: %v", c)
	}
}

// wantText is what a value at its limits is as text, where other destinations
// have no type of their own for it; by column and literal.
func wantText() map[string][]string {
	return map[string][]string{
		"small": {"-32768", "32767"},
		"whole": {"-2147483648", "2147483647"},
		"big":   {"-9223372036854775808", "9223372036854775807"},
		"num": {
			"-99999999999999999999999999999999999999.9999999999", "0.00000000000000000001", "NaN", "1.5",
			"12345678901234567890123456789012345678901234567890",
		},
		"money_like": {"-9999999999.99", "0.1", "0"},
		"flag":       {"true", "false"},
		"txt": {
			"", "Zoë 北京 🦊 e\u0301", "\"quoted\", two\nlines\r\n\ttab\\ \x01", strings.Repeat("long ", 20000), "NULL", " padded ",
		},
		"vc":    {"0123456789", ""},
		"ch":    {"ab   ", "     "},
		"raw":   {"AP8KXCI=", ""},
		"d":     {"0001-01-01", "9999-12-31", "2024-02-29", "infinity", "0044-03-15 BC"},
		"ts":    {"0001-01-01T00:00:00.000001", "294276-12-31T23:59:59.999999", "-infinity"},
		"tstz":  {"2026-03-29T01:30:00Z", "1969-12-31T23:59:59.999999Z", "infinity"},
		"id128": {"00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"},
		"doc":   {`{"a":[1,null,{"b":"é\""}],"big":12345678901234567890.5}`, "null", `"x"`, "[]"},
		"ints":  {`[1,null,-2147483648]`, `[]`},
		"texts": {`["a,b","\"","NULL",null,"é",""]`},
		"net":   {"10.0.0.1", "fe80::1/64"},
	}
}

// eachValue calls check with every value that wantText knows, its row's id
// and its place in the columns.
func eachValue(check func(id int, c column, want string)) {
	id := 0
	want := wantText()
	for _, c := range limits() {
		for i := range c.literals {
			id++
			if texts := want[c.name]; texts != nil {
				check(id, c, texts[i])
			}
		}
	}
}

func TestValuesArriveInFiles(t *testing.T) {
	t.Parallel()
	columns := limits()
	m := newMini(t, tableOf("main.export_t", columns), `{"to": "drop.values", `+allFields, `drop: {type: file, path: out}`)
	fill(m, columns)
	m.want(0, "run")
	files := must(filepath.Glob(filepath.Join(m.dir, "out", "*.csv")))
	if len(files) != 1 {
		t.Fatalf("files: %v", files)
	}
	f := must(os.Open(files[0]))
	defer func() { _ = f.Close() }()
	lines := must(csv.NewReader(f).ReadAll())
	head := lines[0]
	got := map[string][]string{}
	for _, line := range lines[1:] {
		got[line[0]] = line
	}
	eachValue(func(id int, c column, want string) {
		want = strings.ReplaceAll(want, "\r\n", "\n") // as csv.Reader reads what is in quotes
		if cell := got[strconv.Itoa(id)][slices.Index(head, c.name)]; cell != want {
			t.Errorf("%s: %.100q, want %.100q", c.typ, cell, want)
		}
	})
}

func TestValuesArriveInTheSandbox(t *testing.T) {
	t.Parallel()
	columns := limits()
	m := newMini(t, tableOf("main.export_t", columns), `{"to": "crm.values", `+allFields, `crm: {type: sandbox, url: "{{ env_var('SANDBOX_URL') }}"}`)
	base := startSandbox(t, m)
	m.env = []string{"SANDBOX_URL=" + base}
	fill(m, columns)
	m.want(4, "run") // JSON has no NaN and no infinity, and nothing is made up for them
	if r := m.last().Rejects; len(r) != 1 || r[0].Code != "invalid_value" || r[0].Records != 4 {
		t.Errorf("rejects: %+v", r)
	}
	req := must(http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/v1/crm/values/records?limit=1000", nil))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var page struct {
		Records []struct {
			Key    map[string]json.Number     `json:"key"`
			Fields map[string]json.RawMessage `json:"fields"`
		} `json:"records"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&page); err != nil {
		t.Fatal(err)
	}
	got := map[string]map[string]json.RawMessage{}
	for _, r := range page.Records {
		got[r.Key["id"].String()] = r.Fields
	}
	eachValue(func(id int, c column, want string) {
		if want == "NaN" {
			return
		}
		raw := string(got[strconv.Itoa(id)][c.name])
		var text string
		if json.Unmarshal([]byte(raw), &text) != nil || c.typ == "jsonb" {
			text = raw // a number, a boolean, a document
		}
		if text != want {
			t.Errorf("%s: %.100s, want %.100q", c.typ, raw, want)
		}
	})
}
