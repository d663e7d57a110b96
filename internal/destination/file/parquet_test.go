package file_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/google/go-cmp/cmp"

	"exposync/internal/destination"
	"exposync/internal/destination/destinationtest"
	ours "exposync/internal/destination/file"
	"exposync/internal/record"
)

// read gives a Parquet file as Apache Arrow reads it, which shares no code
// with what wrote it: names and types of the columns, and rows.
func read(tb testing.TB, content []byte) (schema []string, rows []map[string]*string, groups int) {
	tb.Helper()
	reader, err := file.NewParquetReader(bytes.NewReader(content))
	if err != nil {
		tb.Fatal(err)
	}
	groups = reader.NumRowGroups()
	arrows, err := pqarrow.NewFileReader(reader, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		tb.Fatal(err)
	}
	table, err := arrows.ReadTable(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	defer table.Release()
	for _, f := range table.Schema().Fields() {
		schema = append(schema, f.Name+" "+f.Type.String())
	}
	batches := array.NewTableReader(table, 0)
	defer batches.Release()
	for batches.Next() {
		batch := batches.RecordBatch()
		for i := range int(batch.NumRows()) {
			row := map[string]*string{}
			for c, column := range batch.Columns() {
				row[batch.ColumnName(c)] = cell(column, i)
			}
			rows = append(rows, row)
		}
	}
	return schema, rows, groups
}

func cell(column arrow.Array, i int) *string {
	if column.IsNull(i) {
		return nil
	}
	s := column.ValueStr(i)
	switch c := column.(type) {
	case *array.String:
		s = c.Value(i)
	case *array.Binary:
		s = string(c.Value(i))
	case *array.Decimal128:
		s = c.Value(i).ToString(c.DataType().(*arrow.Decimal128Type).Scale)
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	case *array.Date32:
		s = c.Value(i).ToTime().Format("2006-01-02")
	case *array.Time64:
		s = c.Value(i).ToTime(arrow.Microsecond).Format("15:04:05.999999")
	case *array.Timestamp:
		s = time.UnixMicro(int64(c.Value(i))).UTC().Format("2006-01-02T15:04:05.999999")
		if c.DataType().(*arrow.TimestampType).TimeZone != "" {
			s += "Z"
		}
	}
	return &s
}

func consumeParquet(tb testing.TB, files map[string][]byte) []destinationtest.Row {
	tb.Helper()
	held := map[string]destinationtest.Row{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		_, rows, _ := read(tb, files[name])
		for _, row := range rows {
			id, op := *row["id"], row["_op"]
			delete(row, "_op")
			if held[id] = row; op != nil && *op == "delete" {
				delete(held, id)
			}
		}
	}
	return slices.Collect(maps.Values(held))
}

func TestParquetColumnsHaveTypes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.config.Format = ours.Parquet
	files, err := ours.New(b.config)
	if err != nil {
		t.Fatal(err)
	}
	target := destination.Target{Object: "contacts", Mode: destination.Mirror, Key: []destination.Field{{Name: "z", Kind: record.Int}}}
	kinds := []record.Kind{
		record.Bool, record.Int, record.Float, record.Decimal, record.Text, record.Bytes, record.Date, record.Time, record.Timestamp, record.Instant, record.JSON,
	}
	for i, k := range kinds {
		target.Fields = append(target.Fields, destination.Field{Name: fmt.Sprintf("f%d", len(kinds)-i), Kind: k})
	}
	w, err := files.Open(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	row := func(n string, texts ...string) record.Change {
		values := make(record.Record, len(texts))
		for i, s := range texts {
			values[i] = record.Value{Kind: kinds[i], Data: []byte(s)}
			if s == "-" {
				values[i] = null()
			}
		}
		return put(record.Value{Kind: record.Int, Data: []byte(n)}, values...)
	}
	good := []string{"true", "-9223372036854775808", "0.1", "-12.5", "é", "\x00\xff", "1582-10-10", "23:59:59.999999", "0001-01-01T00:00:00", "9999-12-31T23:59:59.999999Z", `{"a":null}`}
	batch := []record.Change{row("1", good...), row("2", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-"), remove(record.Value{Kind: record.Int, Data: []byte("3")})}
	for i, bad := range []string{"yes", "9223372036854775808", "x", "0.0000000001", "\xff", "", "infinity", "24:00:01", "infinity", "2024-01-01T00:00:00", ""} {
		if bad != "" {
			values := slices.Clone(good)
			values[i] = bad
			batch = append(batch, row("9", values...))
		}
	}
	out := w.Write(t.Context(), batch)
	for i, o := range out {
		if rejected := o.State == destination.Rejected && o.Code == "invalid_value"; rejected != (i > 2) {
			t.Errorf("record %d (%s): %+v", i, kinds[max(0, i-3)], o)
		}
	}
	if err := w.(destination.Settler).Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	schema, rows, _ := read(t, []byte(b.content(b.names()[0])))
	if d := cmp.Diff([]string{
		"z int64", "f11 bool", "f10 int64", "f9 float64", "f8 decimal(38, 9)", "f7 utf8", "f6 binary", "f5 date32", "f4 time64[us]",
		"f3 timestamp[us]", "f2 timestamp[us, tz=UTC]", "f1 utf8", "_op utf8",
	}, schema); d != "" {
		t.Errorf("columns (-want +got):\n%s", d)
	}
	if len(rows) != 3 {
		t.Fatalf("%d rows", len(rows))
	}
	for i, want := range good {
		name := target.Fields[i].Name
		if got := rows[0][name]; got == nil || *got != want {
			t.Errorf("%s (%s): %v, want %q", name, kinds[i], got, want)
		}
		if rows[1][name] != nil || rows[2][name] != nil {
			t.Errorf("%s (%s): a null came back as something", name, kinds[i])
		}
	}
	if *rows[2]["_op"] != "delete" || *rows[2]["z"] != "3" || *rows[0]["_op"] != "upsert" {
		t.Errorf("rows %v", rows)
	}
}

// What stays in memory is a row group, however long the file.
func TestParquetRowGroupsAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.config.Format = ours.Parquet
	long := strings.Repeat("x", 10_000)
	w := b.open(destination.Upsert)
	for n := range 8 {
		var batch []record.Change
		for i := range 1000 {
			batch = append(batch, put(text(itoa(n*1000+i)), text(long), null()))
		}
		for _, o := range w.Write(t.Context(), batch) {
			if o.State != destination.Pending {
				t.Fatal(o)
			}
		}
	}
	if err := w.(destination.Settler).Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, rows, groups := read(t, []byte(b.content(b.names()[0])))
	if len(rows) != 8000 || groups < 4 {
		t.Errorf("%d rows in %d row groups", len(rows), groups)
	}
}

// The digest is that of the records, so that a repeated run is recognised.
func TestParquetAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.config.Format = ours.Parquet
	one, two := put(text("1"), text("a"), null()), put(text("2"), text("b"), null())
	b.run(destination.Upsert, one, two)
	b.now = b.now.Add(time.Hour)
	b.run(destination.Upsert, two, one)
	if names := b.names(); len(names) != 1 || !strings.HasSuffix(names[0], ".parquet") {
		t.Errorf("files %v", names)
	}
}
