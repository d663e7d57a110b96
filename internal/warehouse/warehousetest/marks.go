package warehousetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// marked is one table, of cases: every reader of it must yield these keys and
// hashes, whatever the warehouse, so that another reader or warehouse resends
// nothing. The last row is null but for its key.
func marked() (columns []string, rows [][]string) {
	columns = []string{"id", "note", "amount", "score", "active", "signed_up_on", "changed_at", "seen_at"}
	return columns, [][]string{
		{"int highest", "text four bytes", "decimal with zeros", "float tenth", "bool true", "date", "timestamp micros", "instant east"},
		{"int zero", "text quotes", "decimal small", "float large", "bool false", "date", "timestamp", "instant west"},
		{"int lowest", "text empty", "null", "null", "null", "null", "null", "null"},
	}
}

// marksOfMarked were written down once: a change of the encoding shows here.
func marksOfMarked() []string {
	return []string{
		"6651579c0b92373625dbb96c5fe8e2f4 eba372834a857abe7ae2094bde3d96c9",
		"85a0c13174f6ec46ac0f1eea904633c9 4545d246b81675ac35a0f2d12bd26da9",
		"ac77179b38c76285193ac3ef817c0fc4 80cb755339c93ac62df5d1c270e71d53",
	}
}

func marks(t *testing.T, h Harness) {
	columns, rows := marked()
	b := h.New(t)
	relation := b.Relation("marked")
	defs := make([]string, len(columns))
	for i, name := range columns {
		defs[i] = name + " " + h.Values[rows[0][i]].Type
	}
	b.Exec(t, fmt.Sprintf("create table %s (%s)", relation, strings.Join(defs, ", ")))
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, name := range row {
			if cells[i] = h.Values[name].SQL; cells[i] == "" {
				t.Fatalf("the harness does not say how %q is written", name)
			}
		}
		b.Exec(t, fmt.Sprintf("insert into %s values (%s)", relation, strings.Join(cells, ", ")))
	}
	q := warehouse.Query{Relation: relation, Columns: columns, Key: columns[:2]}
	s := snapshot(t, b)
	hasher := record.NewHasher(columns)
	var got []string
	var keys []record.Key
	for _, r := range all(t, s.Rows(t.Context(), q)) {
		key := record.AppendKey(nil, r[:2]...)
		keys = append(keys, key)
		got = append(got, key.Hash().String()+" "+hasher.Sum(r).String())
	}
	slices.Sort(got)
	if diff := cmp.Diff(marksOfMarked(), got); diff != "" {
		t.Errorf("marks (-want +got):\n%s", diff)
	}
	if fetched := all(t, s.Fetch(t.Context(), q, keys)); len(fetched) != len(rows) {
		t.Errorf("fetched %d rows by their keys, want %d", len(fetched), len(rows))
	}
}
