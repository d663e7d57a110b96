package dbtshow_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"exposync/internal/fault"
	"exposync/internal/warehouse"
	"exposync/internal/warehouse/dbtshow"
)

// played gives a dbt that knows a table t with a column a of this type and
// prints rows and exit code as given.
func played(t *testing.T, typ, rows string, code int, change func(*dbtshow.Config)) *dbtshow.Warehouse {
	t.Helper()
	c := dbtshow.Config{
		Program: "dbt", Adapter: "redshift", Spool: filepath.Join(t.TempDir(), "spool"),
		Run: func(_ context.Context, stdout, _ io.Writer, args ...string) (int, error) {
			if strings.Contains(strings.Join(args, " "), "get_columns_in_relation") {
				return 0, write(stdout, `EXPOSYNC-ANSWER [{"found": true, "columns": [["a", "`+typ+`"]]}]`+"\n[{\"c0\":1}]\n")
			}
			return code, write(stdout, "EXPOSYNC-ANSWER rows\n"+rows)
		},
	}
	if change != nil {
		change(&c)
	}
	w := dbtshow.New(c)
	t.Cleanup(func() { _ = w.Close() })
	return w
}

func tableT() warehouse.Query {
	return warehouse.Query{Relation: "db.public.t", Columns: []string{"a"}, Key: []string{"a"}}
}

// Half a table must never be taken for a whole one.
func TestIncompleteReads(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rows string
		code int
		want string
	}{
		"killed in the middle":      {"{\n\"show\": [\n{\"c0\": \"1\", \"n\": 3},\n{\"c0\": \"2\", \"n\"", -1, "dbt_show_failed"},
		"killed between rows":       {"[{\"c0\": \"1\", \"n\": 2}", -1, "dbt_show_failed"},
		"cut off":                   {"[{\"c0\": \"1\", \"n\": 2},", 0, "warehouse_read"},
		"cut off without the end":   {"[{\"c0\": \"1\", \"n\": 1}", 0, "warehouse_read"},
		"limited by something":      {"[{\"c0\": \"1\", \"n\": 3}, {\"c0\": \"2\", \"n\": 3}]\n", 0, "warehouse_read"},
		"without a count":           {"[{\"c0\": \"1\"}]\n", 0, "warehouse_read"},
		"without a column":          {"[{\"c1\": \"1\", \"n\": 1}]\n", 0, "warehouse_read"},
		"not JSON":                  {"[{\"c0\": \"1\"; \"n\": 1}]\n", 0, "warehouse_read"},
		"another object":            {"{\"rows\": [{\"c0\": \"1\", \"n\": 1}]}\n", 0, "warehouse_read"},
		"a value of another kind":   {"[{\"c0\": [1], \"n\": 1}]\n", 0, "warehouse_read"},
		"no answer at all":          {"| c0 |\n| 1 |\n", 0, "dbt_show_failed"},
		"an error after an answer":  {"[{\"c0\": \"1\", \"n\": 1}]\n", 1, "dbt_show_failed"},
		"a float that loses digits": {"[{\"c0\": \"0.333\", \"x0\": 1, \"n\": 1}]\n", 0, "dbt_show_lossy"},
		"an unchecked float":        {"[{\"c0\": \"0.333\", \"n\": 1}]\n", 0, "dbt_show_lossy"},
	} {
		typ := "text"
		if c.want == "dbt_show_lossy" {
			typ = "double precision"
		}
		n, err := drain(t, snapshot(t, played(t, typ, c.rows, c.code, nil)), tableT())
		if n > 0 || !fault.Is(err, c.want) {
			t.Errorf("%s: %d rows and %v, want %s", name, n, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "0.333") {
			t.Errorf("%s: the error quotes a value: %v", name, err)
		}
	}
	for _, good := range []string{"[{\"c0\": \"0.5\", \"x0\": 0, \"n\": 1}]\n", "{\"show\": [{\"C0\": \"0.5\", \"X0\": 0, \"N\": \"1\"}]}"} {
		if n, err := drain(t, snapshot(t, played(t, "float8", good, 0, nil)), tableT()); n != 1 || err != nil {
			t.Errorf("%s: %d rows and %v", good, n, err)
		}
	}
}

func TestMaskedByDBT(t *testing.T) {
	t.Parallel()
	masks := func(c *dbtshow.Config) { c.Masked = true }
	w := played(t, "text", `[{"c0": "a***** b", "n": 1}]`+"\n", 0, masks)
	if n, err := drain(t, snapshot(t, w), tableT()); n > 0 || !fault.Is(err, "dbt_show_masked") {
		t.Errorf("a masked value: %d rows and %v", n, err)
	}
	for r, err := range snapshot(t, played(t, "text", `[{"c0": "~1~1~0~01", "n": 1}]`+"\n", 0, masks)).Rows(t.Context(), tableT()) {
		if err != nil || string(r[0].Data) != "**~~1" {
			t.Errorf("stars of the row's own: %q, %v", r[0].Data, err)
		}
	}
}

func TestWarnsOfManyRows(t *testing.T) {
	t.Parallel()
	for count, want := range map[int]int{dbtshow.Rows: 0, dbtshow.Rows + 1: 1} {
		var warned []string
		w, f := open(t, func(c *dbtshow.Config, _ *fake) {
			c.Warn = func(relation string) { warned = append(warned, relation) }
		})
		f.exec(t, "create table many as select 1 as a from generate_series(1, "+strconv.Itoa(count)+")")
		q := warehouse.Query{Relation: f.relation("many"), Columns: []string{"a"}}
		for range 1 + want { // once more, if it was said
			if n, err := drain(t, snapshot(t, w), q); n != count || err != nil {
				t.Fatalf("%d rows and %v, want %d", n, err, count)
			}
		}
		if len(warned) != want {
			t.Errorf("%d rows: warned %v, want %d times", count, warned, want)
		}
	}
}

// One start of dbt for the columns of all, one for the rows of each, whatever
// is asked again.
func TestAsksOnce(t *testing.T) {
	t.Parallel()
	w, f := open(t, func(c *dbtshow.Config, f *fake) {
		c.Others = []string{f.relation("one"), f.relation("two"), "no { relation", f.relation("gone")}
	})
	f.exec(t, "create table one as select 1 as a; create table two as select 2 as b")
	for table, column := range map[string]string{"one": "a", "two": "b"} {
		s := snapshot(t, w)
		q := warehouse.Query{Relation: f.relation(table), Columns: []string{column}, Key: []string{column}}
		for range 2 {
			columns, err := s.Columns(t.Context(), q.Relation)
			if n, e := drain(t, s, q); n != 1 || len(columns) != 1 || errors.Join(err, e) != nil {
				t.Fatalf("%s: %d rows, columns %v, %v", table, n, columns, errors.Join(err, e))
			}
		}
		q.Columns = []string{"other"}
		if _, err := drain(t, s, q); !fault.Is(err, "warehouse_read") {
			t.Errorf("another column after the one read: %v", err)
		}
	}
	if f.calls != 3 {
		t.Errorf("dbt was started %d times, want 3", f.calls)
	}
}

// dbt may write below the private folder alone, and nothing stays there.
func TestPrivateTargetPath(t *testing.T) {
	t.Parallel()
	project := t.TempDir()
	parsed, spool := filepath.Join(project, "target", "partial_parse.msgpack"), filepath.Join(project, ".exposync", "tmp")
	if err := errors.Join(os.Mkdir(filepath.Dir(parsed), 0o700), os.WriteFile(parsed, []byte("parsed"), 0o600)); err != nil {
		t.Fatal(err)
	}
	w, f := open(t, func(c *dbtshow.Config, _ *fake) { c.Parsed, c.Spool = parsed, spool })
	f.exec(t, "create table t as select 1 as a")
	if n, err := drain(t, snapshot(t, w), warehouse.Query{Relation: f.relation("t"), Columns: []string{"a"}}); n != 1 || err != nil {
		t.Fatalf("%d rows and %v", n, err)
	}
	for _, flag := range []string{"--target-path", "--log-path"} {
		at := slices.Index(f.args, flag)
		if at < 0 || !strings.HasPrefix(f.args[at+1], spool+string(filepath.Separator)) {
			t.Errorf("%s is not below %s: %q", flag, spool, f.args)
		}
	}
	copied, err := os.ReadFile(filepath.Join(f.args[slices.Index(f.args, "--target-path")+1], "partial_parse.msgpack"))
	if string(copied) != "parsed" || err != nil {
		t.Errorf("what dbt knows of the project was not handed over: %q, %v", copied, err)
	}
	if info, err := os.Stat(spool); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the spool's folder: %v, %v", info.Mode(), err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(spool); len(left) > 0 || err != nil {
		t.Errorf("left in the spool's folder: %v, %v", left, err)
	}
}

func TestNoDBT(t *testing.T) {
	t.Parallel()
	w := played(t, "text", "", 0, func(c *dbtshow.Config) {
		c.Run = func(context.Context, io.Writer, io.Writer, ...string) (int, error) { return -1, os.ErrNotExist }
	})
	_, err := snapshot(t, w).Columns(t.Context(), "t")
	if !fault.Is(err, "dbt_missing") || !errors.Is(err, os.ErrNotExist) || fault.ExitCode(err) != 2 {
		t.Errorf("Columns without a dbt: %v", err)
	}
}
