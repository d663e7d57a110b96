package warehousetest

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// sinceValues holds every value that has an order against a bound of every
// other value of its kind, and against bounds that are a little lower.
func sinceValues(t *testing.T, h Harness) {
	b := h.New(t)
	var ordered []Case
	for _, c := range Cases() {
		lit, ok := h.Values[c.Name]
		if _, orders := record.Compare(c.Want, c.Want); !ok || !orders && string(c.Want.Data) != "NaN" || c.Want.Kind == record.Float {
			continue
		}
		table := b.Relation(fmt.Sprintf("b%d", len(ordered)))
		b.Exec(t, fmt.Sprintf("create table %s (id int, v %s)", table, lit.Type))
		b.Exec(t, fmt.Sprintf("insert into %s values (1, null), (2, %s)", table, lit.SQL))
		ordered = append(ordered, c)
	}
	if len(ordered) < 8 {
		t.Fatalf("only %d of the values have an order", len(ordered))
	}
	s := snapshot(t, b)
	for i, c := range ordered {
		for _, from := range bounds(c, ordered) {
			q := warehouse.Query{
				Relation: b.Relation(fmt.Sprintf("b%d", i)), Columns: []string{"id", "v"},
				Since: warehouse.Since{Column: "v", From: from},
			}
			came := ids(t, s, q)
			if !came["1"] {
				t.Errorf("%s: since %s: the null did not come", c.Name, from.Data)
			}
			if order, ok := record.Compare(c.Want, from); (!ok || order >= 0) && !came["2"] {
				t.Errorf("%s: %s did not come since %s", c.Name, c.Want.Data, from.Data)
			}
		}
	}
}

// ids gives the first column of all rows that come.
func ids(t *testing.T, s warehouse.Snapshot, q warehouse.Query) map[string]bool {
	t.Helper()
	came := map[string]bool{}
	for _, r := range all(t, s.Rows(t.Context(), q)) {
		came[string(r[0].Data)] = true
	}
	return came
}

// bounds gives the bounds that a value is held against: all finite values of
// its kind, and a little less.
func bounds(c Case, ordered []Case) []record.Value {
	var out []record.Value
	for _, other := range ordered {
		if v := other.Want; v.Kind == c.Want.Kind && record.Finite(v) {
			out = append(out, v)
			for _, by := range []time.Duration{time.Microsecond, 36 * time.Hour} {
				if lower, ok := record.Earlier(v, by); ok {
					out = append(out, lower)
				}
			}
			if lower, ok := record.Minus(v, 1); ok {
				out = append(out, lower)
			}
		}
	}
	return out
}

// sinceSaves makes sure that a bound leaves rows out, and none that it must
// not.
func sinceSaves(t *testing.T, h Harness) {
	b := h.New(t)
	q := numbers(t, h, b, 1000)
	s := snapshot(t, b)
	columns, err := s.Columns(t.Context(), q.Relation)
	if err != nil {
		t.Fatal(err)
	}
	typed := columns[0].Kind == record.Int // SQLite says no type of what a select computes
	for from, most := range map[int]int{-5: 1000, 1: 1000, 901: 110, 1000: 11, 1001: 10} {
		q.Since = warehouse.Since{Column: "n", From: intValue(from)}
		came, rows := map[string]bool{}, all(t, s.Rows(t.Context(), q))
		for _, r := range rows {
			came[string(r[0].Data)] = true
		}
		for n := max(from, 1); n <= 1000; n++ {
			if !came[strconv.Itoa(n)] {
				t.Errorf("since %d: %d did not come", from, n)
			}
		}
		if typed && len(rows) > most || len(came) != len(rows) {
			t.Errorf("since %d: %d rows came, %d of them different", from, len(rows), len(came))
		}
		keys := []record.Key{intKey(1000)}
		if from <= 1000 {
			if rows := all(t, s.Fetch(t.Context(), q, keys)); len(rows) != 1 {
				t.Errorf("since %d: Fetch of a key that is not below gave %d rows", from, len(rows))
			}
		}
	}
	q.Since = warehouse.Since{}
	if rows := all(t, s.Fetch(t.Context(), q, []record.Key{intKey(3), intKey(999)})); len(rows) != 2 {
		t.Errorf("after bounded reads, Fetch without a bound gave %d rows", len(rows))
	}
	if rows := all(t, s.Rows(t.Context(), q)); len(rows) != 1000 {
		t.Errorf("after bounded reads, all rows are %d", len(rows))
	}
}
