package warehousetest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"exposync/internal/record"
	"exposync/internal/warehouse"
)

func intKey(n int) record.Key {
	return record.AppendKey(nil, intValue(n))
}

func intValue(n int) record.Value {
	return record.Value{Kind: record.Int, Data: strconv.AppendInt(nil, int64(n), 10)}
}

func textValue(s string) record.Value { return record.Value{Kind: record.Text, Data: []byte(s)} }

func fetchOne(t *testing.T, h Harness) {
	b := h.New(t)
	q := numbers(t, h, b, 1000)
	s := snapshot(t, b)
	if rows := all(t, s.Fetch(t.Context(), q, nil)); len(rows) > 0 {
		t.Errorf("no keys gave %d rows", len(rows))
	}
	rows := all(t, s.Fetch(t.Context(), q, []record.Key{intKey(500), intKey(-1), intKey(1001)}))
	if len(rows) != 1 || string(rows[0][0].Data) != "500" || string(rows[0][1].Data) != "500" {
		t.Errorf("Fetch of 500, -1 and 1001 gave %d rows, want only 500", len(rows))
	}
	q.Columns, q.Key = []string{"s", "n"}, []string{"s"}
	rows = all(t, s.Fetch(t.Context(), q, []record.Key{record.AppendKey(nil, textValue("7"))}))
	if len(rows) != 1 || string(rows[0][1].Data) != "7" {
		t.Errorf("Fetch by text gave %d rows, want one", len(rows))
	}
}

// fetchComposite has keys whose parts all exist, but not together.
func fetchComposite(t *testing.T, h Harness) {
	b := h.New(t)
	relation := b.Relation("pairs")
	b.Exec(t, fmt.Sprintf("create table %s (a int, b text)", relation))
	b.Exec(t, fmt.Sprintf("insert into %s values (1, 'x'), (1, 'y'), (2, 'x'), (2, 'y'), (2, 'y'), (3, null), (null, 'x')", relation))
	q := warehouse.Query{Relation: relation, Columns: []string{"b", "a"}, Key: []string{"a", "b"}}
	pair := func(a int, b string) record.Key { return record.AppendKey(nil, intValue(a), textValue(b)) }
	var got []string
	for _, r := range all(t, snapshot(t, b).Fetch(t.Context(), q, []record.Key{pair(1, "y"), pair(2, "x"), pair(3, "x"), pair(1, "z")})) {
		got = append(got, string(r[1].Data)+string(r[0].Data))
	}
	slices.Sort(got)
	if want := []string{"1y", "2x"}; !slices.Equal(got, want) {
		t.Errorf("Fetch by (a, b) gave %v, want %v", got, want)
	}
	rows := all(t, snapshot(t, b).Fetch(t.Context(), q, []record.Key{pair(2, "y")}))
	if len(rows) != 2 {
		t.Errorf("a key that stands twice gave %d rows, want both", len(rows))
	}
}

func fetchMany(t *testing.T, h Harness) {
	b := h.New(t)
	rows := h.many() * 2 / 5
	q := numbers(t, h, b, rows)
	keys, want := make([]record.Key, 0, warehouse.FetchChunk), map[string]bool{}
	for i := range warehouse.FetchChunk {
		n := 3*i + 2 // some beyond the last row
		keys = append(keys, intKey(n))
		if n <= rows {
			want[strconv.Itoa(n)] = true
		}
	}
	n := len(want)
	for r, err := range snapshot(t, b).Fetch(t.Context(), q, keys) {
		if err != nil {
			t.Fatal(err)
		}
		if !want[string(r[0].Data)] || string(r[0].Data) != string(r[1].Data) {
			t.Fatalf("row %s came twice or was not asked for", r[0].Data)
		}
		delete(want, string(r[0].Data))
	}
	if len(want) > 0 {
		t.Errorf("%d of %d rows did not come", len(want), n)
	}
}

// fetchOddTexts has keys that a careless list of keys would take apart.
func fetchOddTexts(t *testing.T, h Harness) {
	b := h.New(t)
	odd := []string{``, ` `, `a,b`, `{a}`, `"`, `""`, `\`, `\"`, `'`, `''`, `null`, `NULL`, `a'b`, `%`, `_`, `?`, `$1`, "a\nb", "a\tb", `é`, `É`, `e`, `E`, `😀`, `1`, `01`, `1.0`}
	relation, lits := b.Relation("odd"), make([]string, len(odd))
	for i, s := range odd {
		lits[i] = fmt.Sprintf("(%d, '%s')", i, strings.ReplaceAll(s, "'", "''"))
	}
	b.Exec(t, fmt.Sprintf("create table %s (id int, s text)", relation))
	b.Exec(t, fmt.Sprintf("insert into %s values %s", relation, strings.Join(lits, ", ")))
	q := warehouse.Query{Relation: relation, Columns: []string{"id", "s"}, Key: []string{"s"}}
	s := snapshot(t, b)
	var keys []record.Key
	for i, text := range odd {
		key := record.AppendKey(nil, textValue(text))
		rows := all(t, s.Fetch(t.Context(), q, []record.Key{key}))
		if len(rows) != 1 || string(rows[0][0].Data) != strconv.Itoa(i) {
			t.Errorf("Fetch of %q gave %d rows", text, len(rows))
		}
		keys = append(keys, key)
	}
	if rows := all(t, s.Fetch(t.Context(), q, keys)); len(rows) != len(odd) {
		t.Errorf("Fetch of all %d keys gave %d rows", len(odd), len(rows))
	}
}
