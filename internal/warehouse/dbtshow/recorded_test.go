package dbtshow_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/fault"
	"exposync/internal/record"
	"exposync/internal/warehouse"
	"exposync/internal/warehouse/dbtshow"
)

// recordings are the dbts whose output lies in fixtures/dbt/show.
func recordings() []string { return []string{"1.12-duckdb", "2.0-duckdb"} }

// recorded plays what real dbt printed: columns where columns are asked for,
// else the recording of that name.
func recorded(t *testing.T, engine, describe, rows string) *dbtshow.Warehouse {
	t.Helper()
	w := dbtshow.New(dbtshow.Config{
		Program: "dbt", Adapter: "duckdb", Args: []string{"--target", "prod"}, Spool: t.TempDir(),
		Others: []string{`"shop"."prod"."never_built"`},
		Run: func(_ context.Context, stdout, _ io.Writer, args ...string) (int, error) {
			name := rows
			if strings.Contains(strings.Join(args, " "), "get_columns_in_relation") {
				name = describe
			}
			text, err := os.ReadFile(filepath.Join("../../../fixtures/dbt/show", engine+"."+name+".txt"))
			if err != nil {
				return 0, err
			}
			out, code, _ := strings.Cut(string(text), "\nexit ")
			n, err := strconv.Atoi(strings.TrimSpace(code))
			return n, errors.Join(err, write(stdout, out+"\n"))
		},
	})
	t.Cleanup(func() { _ = w.Close() })
	return w
}

func write(to io.Writer, text string) error {
	_, err := io.WriteString(to, text)
	return err
}

func customers(columns ...string) warehouse.Query {
	return warehouse.Query{Relation: `"shop"."prod"."export_customers"`, Columns: columns}
}

func TestRecordedRows(t *testing.T) {
	t.Parallel()
	for _, engine := range recordings() {
		s := snapshot(t, recorded(t, engine, "columns", "rows"))
		columns, err := s.Columns(t.Context(), customers().Relation)
		if err != nil || len(columns) != 9 {
			t.Fatalf("%s: Columns: %v, %v", engine, columns, err)
		}
		if want := (record.Column{Name: "lifetime_value", Type: "DECIMAL(12,2)", Kind: record.Decimal}); columns[5] != want {
			t.Errorf("%s: column %+v, want %+v", engine, columns[5], want)
		}
		if _, err := s.Columns(t.Context(), `"shop"."prod"."never_built"`); !fault.Is(err, "relation_missing") {
			t.Errorf("%s: Columns of a missing table: %v", engine, err)
		}
		var got []record.Record
		for r, err := range s.Rows(t.Context(), customers("customer_id", "email", "lifetime_value", "is_active")) {
			if err != nil {
				t.Fatalf("%s: %v", engine, err)
			}
			got = append(got, r.Clone())
		}
		want := []record.Record{
			{{Kind: record.Int, Data: []byte("1")}, {Kind: record.Text, Data: []byte("a\tZoë 😀 {{ x }}")}, {Kind: record.Decimal, Data: []byte("12.5")}, {Kind: record.Null, Data: []byte{}}},
			{{Kind: record.Int, Data: []byte("2")}, {Kind: record.Text, Data: []byte("")}, {Kind: record.Text, Data: []byte("NULL")}, {Kind: record.Bool, Data: []byte("true")}},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: rows (-want +got):\n%s", engine, diff)
		}
		if n, err := drain(t, snapshot(t, recorded(t, engine, "columns", "no_rows")), customers("customer_id")); n != 0 || err != nil {
			t.Errorf("%s: no rows gave %d rows and %v", engine, n, err)
		}
	}
}

func TestRecordedFailures(t *testing.T) {
	t.Parallel()
	for _, engine := range recordings() {
		for name, want := range map[string]string{
			"missing": "Table with name nothing does not exist!", "compilation": "nothing", "target": "nope", "conversion": "Could not convert",
		} {
			_, err := snapshot(t, recorded(t, engine, name, "")).Columns(t.Context(), customers().Relation)
			if !fault.Is(err, "dbt_show_failed") || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s, %s, asked for columns: %v", engine, name, err)
			}
			if hint := fault.All(err)[0].Hint; !strings.Contains(hint, "dbt show --limit 1 --select export_customers --target prod") {
				t.Errorf("%s: hint %q", engine, hint)
			}
		}
		for name, want := range map[string]string{"missing": "Catalog Error", "conversion": "Conversion Error"} {
			n, err := drain(t, snapshot(t, recorded(t, engine, "columns", name)), customers("customer_id"))
			if n > 0 || !fault.Is(err, "dbt_show_failed") || !strings.Contains(err.Error(), want) {
				t.Errorf("%s, %s, asked for rows: %d rows and %v", engine, name, n, err)
			}
			if strings.Contains(err.Error(), "secret value") {
				t.Errorf("%s: the error quotes a value: %v", engine, err)
			}
		}
	}
}
