package warehousetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/fault"
	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// numbers makes a table n, s with that many rows.
func numbers(t *testing.T, h Harness, b Bench, count int) warehouse.Query {
	t.Helper()
	relation := b.Relation("numbers")
	b.Exec(t, "create table "+relation+" as "+fmt.Sprintf(h.Numbers, count))
	return warehouse.Query{Relation: relation, Columns: []string{"n", "s"}, Key: []string{"n"}}
}

func quoting(t *testing.T, h Harness) {
	b := h.New(t)
	odd := []string{
		"plain", "Upper", "LOUD", "with space", `with"quote`, "with'apostrophe", "select", "größe", "a.b", "%s", "$1", "?", "semi;colon", "--", `back\slash`,
	}
	relation, defs, marks := b.Relation(`Odd "table"`), make([]string, len(odd)), make([]string, len(odd))
	for i, name := range odd {
		defs[i] = `"` + strings.ReplaceAll(name, `"`, `""`) + `" int`
		marks[i] = strconv.Itoa(i)
	}
	b.Exec(t, fmt.Sprintf("create table %s (%s)", relation, strings.Join(defs, ", ")))
	b.Exec(t, fmt.Sprintf("insert into %s values (%s)", relation, strings.Join(marks, ", ")))
	s := snapshot(t, b)
	if diff := cmp.Diff(odd, names(t.Context(), t, s, relation)); diff != "" {
		t.Fatalf("Columns (-want +got):\n%s", diff)
	}
	slices.Reverse(odd) // the record follows the query, not the table
	slices.Reverse(marks)
	q := warehouse.Query{Relation: relation, Columns: odd, Key: odd}
	want := make(record.Record, len(odd))
	for i := range odd {
		want[i] = record.Value{Kind: record.Int, Data: []byte(marks[i])}
	}
	for name, rows := range map[string][]record.Record{
		"Rows":  all(t, s.Rows(t.Context(), q)),
		"Fetch": all(t, s.Fetch(t.Context(), q, []record.Key{record.AppendKey(nil, want...)})),
	} {
		if diff := cmp.Diff([]record.Record{want}, rows); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func noRows(t *testing.T, h Harness) {
	b := h.New(t)
	q := numbers(t, h, b, 0)
	s := snapshot(t, b)
	if got := names(t.Context(), t, s, q.Relation); !slices.Equal(got, q.Columns) {
		t.Errorf("Columns of an empty table = %v", got)
	}
	if rows := all(t, s.Rows(t.Context(), q)); len(rows) > 0 {
		t.Errorf("an empty table gave %d rows", len(rows))
	}
	if rows := all(t, s.Fetch(t.Context(), q, []record.Key{intKey(1)})); len(rows) > 0 {
		t.Errorf("an empty table gave %d rows by key", len(rows))
	}
}

func missing(t *testing.T, h Harness) {
	b := h.New(t)
	relation := b.Relation("never_built")
	if _, err := snapshot(t, b).Columns(t.Context(), relation); !fault.Is(err, "relation_missing") {
		t.Errorf("Columns of a missing table: %v", err)
	}
	q := warehouse.Query{Relation: relation, Columns: []string{"n"}, Key: []string{"n"}}
	if _, err := drained(t, snapshot(t, b).Rows(t.Context(), q), func(int) {}); !fault.Is(err, "relation_missing") {
		t.Errorf("Rows of a missing table: %v", err)
	}
	if _, err := drained(t, snapshot(t, b).Fetch(t.Context(), q, []record.Key{intKey(1)}), func(int) {}); !fault.Is(err, "relation_missing") {
		t.Errorf("Fetch from a missing table: %v", err)
	}
	q = numbers(t, h, b, 1)
	q.Columns = []string{"n", "gone"}
	if n, err := drained(t, snapshot(t, b).Rows(t.Context(), q), func(int) {}); err == nil {
		t.Errorf("a column that does not exist gave %d rows", n)
	}
}

func view(t *testing.T, h Harness) {
	b := h.New(t)
	q := numbers(t, h, b, 100)
	v := b.Relation("v")
	b.Exec(t, fmt.Sprintf("create view %s as select n, s from %s where n > 90", v, q.Relation))
	s := snapshot(t, b)
	q.Relation = v
	if rows := all(t, s.Rows(t.Context(), q)); len(rows) != 10 {
		t.Errorf("the view gave %d rows, want 10", len(rows))
	}
	if rows := all(t, s.Fetch(t.Context(), q, []record.Key{intKey(1), intKey(95)})); len(rows) != 1 {
		t.Errorf("the view gave %d rows by key, want 1", len(rows))
	}
}

func repeatable(t *testing.T, h Harness) {
	b := h.New(t)
	q := numbers(t, h, b, 10)
	s := snapshot(t, b) // nothing was read yet, and yet it is settled
	if h.Late {
		all(t, s.Rows(t.Context(), q))
	}
	b.Exec(t, "insert into "+q.Relation+" values (11, '11')")
	b.Exec(t, "delete from "+q.Relation+" where n = 1")
	for range 2 {
		rows := all(t, s.Rows(t.Context(), q))
		if len(rows) != 10 || !slices.ContainsFunc(rows, func(r record.Record) bool { return string(r[0].Data) == "1" }) {
			t.Errorf("the snapshot has %d rows, want the 10 it started with", len(rows))
		}
		b.Exec(t, "update "+q.Relation+" set s = 'changed' where n = 2")
	}
	rows := all(t, s.Fetch(t.Context(), q, []record.Key{intKey(1), intKey(2), intKey(11)}))
	if len(rows) != 2 || slices.ContainsFunc(rows, func(r record.Record) bool { return string(r[1].Data) == "changed" }) {
		t.Errorf("Fetch sees another state than the snapshot: %d rows", len(rows))
	}
	if rows := all(t, snapshot(t, b).Rows(t.Context(), q)); len(rows) != 10 ||
		!slices.ContainsFunc(rows, func(r record.Record) bool { return string(r[0].Data) == "11" }) {
		t.Errorf("a new snapshot has %d rows and not the new one", len(rows))
	}
}

func sideBySide(t *testing.T, h Harness) {
	b := h.New(t)
	q := numbers(t, h, b, 1000)
	one, two := snapshot(t, b), snapshot(t, b)
	n := 0
	for _, err := range one.Rows(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 500 {
			if rows := all(t, two.Rows(t.Context(), q)); len(rows) != 1000 {
				t.Errorf("the second snapshot has %d rows", len(rows))
			}
		}
	}
	if n != 1000 {
		t.Errorf("the first snapshot has %d rows", n)
	}
}

func closing(t *testing.T, h Harness) {
	b := h.New(t)
	q := numbers(t, h, b, 1000)
	s, err := b.Warehouse.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first(t, s.Rows(t.Context(), q))
	if err := b.Warehouse.Close(); err != nil {
		t.Errorf("Close with an open snapshot: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing a closed snapshot: %v", err)
	}
}

func breaking(t *testing.T, h Harness) {
	b := h.New(t)
	rows := h.many() / 6
	q := numbers(t, h, b, rows)
	s := snapshot(t, b)
	ctx, cancel := context.WithCancel(t.Context())
	first(t, s.Rows(ctx, q))
	cancel() // of a call that is over: it may not spoil the next
	if got := names(t.Context(), t, s, q.Relation); len(got) != 2 {
		t.Errorf("Columns after a break = %v", got)
	}
	first(t, s.Fetch(t.Context(), q, []record.Key{intKey(1), intKey(2)}))
	if all := all(t, s.Rows(t.Context(), q)); len(all) != rows {
		t.Errorf("Rows after a break gave %d rows", len(all))
	}
	first(t, s.Rows(t.Context(), q))
	if found := all(t, s.Fetch(t.Context(), q, []record.Key{intKey(rows)})); len(found) != 1 {
		t.Errorf("Fetch after a break gave %d rows", len(found))
	}
}

func canceledBefore(t *testing.T, h Harness) {
	b := h.New(t)
	q := numbers(t, h, b, 10)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Warehouse.Snapshot(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Snapshot: %v, want context.Canceled", err)
	}
	s := snapshot(t, b)
	if _, err := s.Columns(ctx, q.Relation); !errors.Is(err, context.Canceled) {
		t.Errorf("Columns: %v, want context.Canceled", err)
	}
	if n, err := drained(t, snapshot(t, b).Rows(ctx, q), func(int) {}); n > 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("Rows: %d rows and %v, want context.Canceled", n, err)
	}
	if n, err := drained(t, snapshot(t, b).Fetch(ctx, q, []record.Key{intKey(1)}), func(int) {}); n > 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("Fetch: %d rows and %v, want context.Canceled", n, err)
	}
}

// canceledMidway needs more rows than any buffer holds.
func canceledMidway(t *testing.T, h Harness) {
	b := h.New(t)
	q := numbers(t, h, b, h.many())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n, err := drained(t, snapshot(t, b).Rows(ctx, q), func(n int) {
		if n == 10 {
			cancel()
		}
	})
	if n >= h.many() || !errors.Is(err, context.Canceled) {
		t.Errorf("after a cancel at row 10: %d rows and %v, want context.Canceled", n, err)
	}
}

// dying makes sure that half a table is never taken for a whole one.
func dying(t *testing.T, h Harness) {
	b, kill := h.Doomed(t)
	q := numbers(t, h, b, h.many())
	s, err := b.Warehouse.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n, err := drained(t, s.Rows(t.Context(), q), func(n int) {
		if n == 10 {
			kill()
		}
	})
	if n >= h.many() || !fault.Is(err, "warehouse_read") || fault.ExitCode(err) != fault.Unavailable.ExitCode() {
		t.Errorf("a server that died at row 10: %d rows and %v, want warehouse_read", n, err)
	}
	if _, err := drained(t, s.Rows(t.Context(), q), func(int) {}); err == nil {
		t.Error("a second read of the dead server ended without an error")
	}
	if err := s.Close(); err != nil {
		t.Errorf("close the snapshot of a dead server: %v", err)
	}
	if _, err := b.Warehouse.Snapshot(t.Context()); !fault.Is(err, "warehouse_unreachable") {
		t.Errorf("a new snapshot of a dead server: %v, want warehouse_unreachable", err)
	}
}
