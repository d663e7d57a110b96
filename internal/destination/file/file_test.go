package file_test

import (
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"exposync/internal/destination"
	"exposync/internal/destination/file"
	"exposync/internal/fault"
	"exposync/internal/record"
)

func text(s string) record.Value { return record.Value{Kind: record.Text, Data: []byte(s)} }

func null() record.Value { return record.Value{Kind: record.Null} }

func put(key record.Value, values ...record.Value) record.Change {
	k := record.AppendKey(nil, key)
	return record.Change{Op: record.Create, Key: k, KeyHash: k.Hash(), KeyVals: record.Record{key}, Values: values}
}

func remove(key record.Value) record.Change {
	k := record.AppendKey(nil, key)
	return record.Change{Op: record.Delete, Key: k, KeyHash: k.Hash(), KeyVals: record.Record{key}}
}

func target(mode destination.Mode) destination.Target {
	return destination.Target{
		Object: "contacts", Mode: mode, Key: []destination.Field{{Name: "id", Kind: record.Text}},
		Fields: []destination.Field{{Name: "name", Kind: record.Text}, {Name: "clv, net", Kind: record.Decimal, SkipNulls: true}},
	}
}

// bundle is one folder and a clock.
type bundle struct {
	t      *testing.T
	config file.Config
	now    time.Time
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{t: t, now: time.Date(2026, 11, 24, 10, 15, 0, 0, time.UTC)}
	b.config = file.Config{Name: "drop", Dir: filepath.Join(t.TempDir(), "out"), Now: func() time.Time { return b.now }}
	return b
}

func (b *bundle) open(mode destination.Mode) destination.Writer {
	b.t.Helper()
	folder, err := file.New(b.config)
	if err != nil {
		b.t.Fatal(err)
	}
	w, err := folder.Open(b.t.Context(), target(mode))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = w.Close() })
	return w
}

// run delivers one batch the way the engine does.
func (b *bundle) run(mode destination.Mode, batch ...record.Change) []destination.Outcome {
	b.t.Helper()
	w := b.open(mode)
	out := w.Write(b.t.Context(), batch)
	if err := w.(destination.Settler).Settle(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	return out
}

func (b *bundle) names() []string {
	b.t.Helper()
	entries, err := os.ReadDir(b.config.Dir)
	if err != nil && !os.IsNotExist(err) {
		b.t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func (b *bundle) content(name string) string {
	b.t.Helper()
	data, err := os.ReadFile(filepath.Join(b.config.Dir, name))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(data)
}

func TestCSVTellsNullFromEmpty(t *testing.T) {
	t.Parallel()
	b := setup(t)
	out := b.run(
		destination.Mirror,
		put(text("1"), text(`=HYPERLINK("x"),`), record.Value{Kind: record.Decimal, Data: []byte("12.50")}),
		put(text("2"), text(""), record.Value{}), put(text("3"), null(), record.Value{}),
		put(text("4"), text("a\nb"), record.Value{}), remove(text("5")),
		put(text("6"), text("\xff"), record.Value{}),
	)
	if out[0].State != destination.Pending || out[5].Code != "invalid_value" {
		t.Errorf("outcomes %+v", out)
	}
	want := "id,name,\"clv, net\",_op\r\n1,\"=HYPERLINK(\"\"x\"\"),\",12.50,upsert\r\n2,\"\",,upsert\r\n3,,,upsert\r\n4,\"a\nb\",,upsert\r\n5,,,delete\r\n"
	if diff := cmp.Diff(want, b.content(b.names()[0])); diff != "" {
		t.Errorf("file mismatch (-want +got):\n%s", diff)
	}
}

func TestNDJSONLeavesOutWhatIsAbsent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.config.Format, b.config.OpColumn = file.NDJSON, "operation"
	b.run(
		destination.Upsert,
		put(text("1\x00"), text("é\u2028"), record.Value{Kind: record.Decimal, Data: []byte("12345678901234567890.5")}),
		put(text("2"), null(), record.Value{}), put(text("3"), text(""), record.Value{Kind: record.Float, Data: []byte("NaN")}),
	)
	want := `{"id":"1\u0000","name":"é` + "\u2028" + `","clv, net":12345678901234567890.5,"operation":"upsert"}
{"id":"2","name":null,"operation":"upsert"}
{"id":"3","name":"","clv, net":"NaN","operation":"upsert"}
`
	if diff := cmp.Diff(want, b.content(b.names()[0])); diff != "" {
		t.Errorf("file mismatch (-want +got):\n%s", diff)
	}
}

func TestNothingIsSeenBeforeSettle(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.open(destination.Upsert)
	if got := b.names(); got != nil {
		t.Errorf("opening made %v", got)
	}
	w.Write(t.Context(), []record.Change{put(text("1"), text("a"), null())})
	if got := b.names(); len(got) != 1 || !strings.HasSuffix(got[0], ".partial") {
		t.Errorf("before Settle there is %v", got)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := b.names(); got != nil {
		t.Errorf("a writer that was not settled left %v", got)
	}
}

func TestARunWithoutChangesWritesNoFile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run(destination.Upsert)
	b.run(destination.Upsert, put(text("1"), text("\xff"), null()))
	if got := b.names(); got != nil {
		t.Errorf("files %v", got)
	}
}

func TestARepeatedRunReplacesItsFile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one, two := put(text("1"), text("a"), null()), put(text("2"), text("b"), null())
	b.run(destination.Upsert, one, two)
	first := b.names()
	b.now = b.now.Add(time.Hour)
	b.run(destination.Upsert, two, one) // the warehouse's order is not ours
	if diff := cmp.Diff(first, b.names()); diff != "" {
		t.Errorf("the same changes made another file:\n%s", diff)
	}
	b.run(destination.Upsert, put(text("1"), text("b"), null()))
	b.now = b.now.Add(-2 * time.Hour)   // the clock goes back
	b.run(destination.Upsert, one, two) // 1 is a again: it must come last
	names := b.names()
	if len(names) != 3 || names[0] != first[0] || !strings.HasSuffix(names[2], names[0][len(names[0])-20:]) {
		t.Errorf("files %v: the third must be new and sort last", names)
	}
}

func TestLeftoversOfDeadRunsAreSwept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	alive := b.open(destination.Upsert)
	alive.Write(t.Context(), []record.Change{put(text("1"), text("a"), null())})
	kept := append(b.names(), ".contacts-eu-7.partial", ".contacts-x.partial", "contacts-7.partial")
	for _, name := range append(kept[1:], ".contacts-7.partial") {
		if err := os.WriteFile(filepath.Join(b.config.Dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.open(destination.Upsert)
	slices.Sort(kept)
	if diff := cmp.Diff(kept, b.names()); diff != "" {
		t.Errorf("folder mismatch (-want +got):\n%s", diff)
	}
	if err := alive.(destination.Settler).Settle(t.Context()); err != nil {
		t.Errorf("the run that lives: %v", err)
	}
}

func TestFoldersThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	occupied := filepath.Join(t.TempDir(), "occupied")
	if err := os.WriteFile(occupied, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{occupied, filepath.Join(occupied, "below"), "relative"} {
		b.config.Dir = dir
		folder, err := file.New(b.config)
		if err == nil {
			_, err = folder.Open(t.Context(), target(destination.Upsert))
		}
		if !fault.Is(err, "file_dir") {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

func TestNamesThatCannotBe(t *testing.T) {
	t.Parallel()
	b := setup(t)
	folder, err := file.New(b.config)
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range []string{"", ".", "..", "../x", "a/b", `a\b`, "a\x00", "\xff", strings.Repeat("x", 200), "a:b"} {
		tt := target(destination.Upsert)
		tt.Object = object
		if _, err := folder.Open(t.Context(), tt); !fault.Is(err, "file_name") {
			t.Errorf("%q: %v", object, err)
		}
	}
	for _, pattern := range []string{"{object}", "../{object}-{time}-{digest}", "{object}{object}{time}{digest}"} {
		c := b.config
		c.Pattern = pattern
		if _, err := file.New(c); !fault.Is(err, "file_name") {
			t.Errorf("%q: %v", pattern, err)
		}
	}
	b.config.OpColumn = "name"
	folder, err = file.New(b.config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := folder.Open(t.Context(), target(destination.Upsert)); !fault.Is(err, "file_column") {
		t.Errorf("a column twice: %v", err)
	}
}

func TestAFullDiskConfirmsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.open(destination.Upsert)
	w.Write(t.Context(), []record.Change{put(text("1"), text("a"), null())})
	// The folder goes away under the run: the rename must fail.
	if err := os.RemoveAll(b.config.Dir); err != nil {
		t.Fatal(err)
	}
	err := w.(destination.Settler).Settle(t.Context())
	if !fault.Is(err, "file_write") || fault.ExitCode(err) != 5 {
		t.Errorf("Settle: %v", err)
	}
	if again := w.(destination.Settler).Settle(t.Context()); !fault.Is(again, "file_write") {
		t.Errorf("a failed file must stay failed: %v", again)
	}
}

func TestAFolderThatTakesNoFiles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.config.Dir = "/proc/nowhere" // even root cannot create it
	w := b.open(destination.Upsert)
	out := w.Write(t.Context(), []record.Change{put(text("1"), text("a"), null())})
	if out[0].State != destination.Stop || out[0].Code != "file_write" {
		t.Errorf("outcome %+v", out[0])
	}
	if err := w.(destination.Settler).Settle(t.Context()); !fault.Is(err, "file_write") {
		t.Errorf("Settle: %v", err)
	}
}

func TestAnEndedRunSettlesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.open(destination.Upsert)
	w.Write(t.Context(), []record.Change{put(text("1"), text("a"), null())})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.(destination.Settler).Settle(ctx); err == nil {
		t.Error("Settle confirmed after the run ended")
	}
}

// What is written, a CSV reader reads.
func TestCSVReadsBack(t *testing.T) {
	t.Parallel()
	dir, runs := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.StringMatching(`[a,"\r\n =é]*`), 1, 5).Draw(t, "values")
		runs++
		sub := filepath.Join(dir, strconv.Itoa(runs))
		folder, err := file.New(file.Config{Dir: sub, Now: func() time.Time { return time.Unix(0, 0) }})
		if err != nil {
			t.Fatal(err)
		}
		w, err := folder.Open(context.Background(), target(destination.Upsert))
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range values {
			w.Write(context.Background(), []record.Change{put(text(strconv.Itoa(i)), text(v), null())})
		}
		if err := w.(destination.Settler).Settle(context.Background()); err != nil {
			t.Fatal(err)
		}
		names, _ := filepath.Glob(filepath.Join(sub, "*.csv"))
		f, err := os.Open(names[0])
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		rows, err := csv.NewReader(f).ReadAll()
		if err != nil || len(rows) != len(values)+1 {
			t.Fatalf("%d rows of %d: %v", len(rows), len(values)+1, err)
		}
		for i, v := range values {
			if want := strings.ReplaceAll(v, "\r\n", "\n"); rows[i+1][1] != want { // as encoding/csv reads it
				t.Errorf("wrote %q, read %q", v, rows[i+1][1])
			}
		}
	})
}
