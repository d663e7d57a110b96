package file_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"exposync/internal/destination/destinationtest"
	"exposync/internal/destination/file"
	"exposync/internal/record"
)

// The suite reads a place as its consumer does: every file in the order of the
// names, each applied to the records by key.
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, format := range []file.Format{file.NDJSON, file.Parquet} {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			destinationtest.Run(t, harness(format, func(t *testing.T) (*file.Files, func() map[string][]byte, error) {
				t.Helper()
				b := setup(t)
				b.config.Format = format
				files, err := file.New(b.config)
				return files, b.files, err
			}))
		})
	}
}

// harness is what files can do, wherever they are.
func harness(format file.Format, open func(*testing.T) (*file.Files, func() map[string][]byte, error)) destinationtest.Harness {
	const whole = "a file is sent at the end, as a whole"
	h := destinationtest.Harness{
		Missing: map[destinationtest.Ability]string{
			destinationtest.Updates:     "a file cannot know what its consumer holds, so Open refuses the mode",
			destinationtest.Inserts:     "a file cannot know what its consumer holds",
			destinationtest.Appends:     "the consumer below applies by key",
			destinationtest.SeesSizes:   whole,
			destinationtest.Sheds:       whole + "; see the tests of each place",
			destinationtest.LosesAnswer: whole + "; see the tests of each place",
			destinationtest.Hangs:       whole,
			destinationtest.Denies:      "see the tests of each place",
			destinationtest.Dies:        whole + "; see TestAFullDiskConfirmsNothing",
			destinationtest.JSONNulls:   "JSON has one null",
		},
		New: func(t *testing.T) *destinationtest.Subject {
			t.Helper()
			files, content, err := open(t)
			if err != nil {
				t.Fatal(err)
			}
			return &destinationtest.Subject{
				Destination: files, Object: "contacts",
				Rows: func(t *testing.T) []destinationtest.Row {
					t.Helper()
					if format == file.Parquet {
						return consumeParquet(t, content())
					}
					return consume(t, content())
				},
				Spoil: func(ch *record.Change) { ch.Values[0] = text("\xff") },
			}
		},
	}
	if format == file.Parquet {
		h.Missing[destinationtest.KeepsAbsent] = "a column has a value or null"
		delete(h.Missing, destinationtest.JSONNulls) // a document is a text
	}
	return h
}

// files are the complete files of the folder.
func (b *bundle) files() map[string][]byte {
	b.t.Helper()
	out := map[string][]byte{}
	for _, name := range b.names() {
		out[name] = []byte(b.content(name))
	}
	return out
}

func consume(tb testing.TB, files map[string][]byte) []destinationtest.Row {
	tb.Helper()
	held := map[string]destinationtest.Row{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for line := range strings.Lines(string(files[name])) {
			row := map[string]json.RawMessage{}
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				tb.Fatal(err)
			}
			apply(held, row)
		}
	}
	return slices.Collect(maps.Values(held))
}

func apply(held map[string]destinationtest.Row, row map[string]json.RawMessage) {
	id := string(row["id"])
	if string(row["_op"]) == `"delete"` {
		delete(held, id)
		return
	}
	if held[id] == nil {
		held[id] = destinationtest.Row{}
	}
	for name, raw := range row {
		if name != "_op" {
			held[id][name] = canonical(name, raw)
		}
	}
}

// canonical is a JSON value as the suite wants it: only doc holds JSON.
func canonical(name string, raw json.RawMessage) *string {
	s := string(raw)
	if s == "null" {
		return nil
	}
	if name != "doc" && strings.HasPrefix(s, `"`) {
		if err := json.Unmarshal(raw, &s); err != nil {
			panic(err)
		}
	}
	return &s
}

// TestKilledBetweenRenameAndLedger plays the crash that the suite cannot: the
// file is there, the ledger does not know, and the next run has one change
// more. Applied in order, nothing is lost.
func TestKilledBetweenRenameAndLedger(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.config.Format = file.NDJSON
	one, two := put(text("1"), text("a"), record.Value{}), put(text("2"), text("b"), record.Value{})
	b.run("upsert", one)
	b.now = b.now.Add(time.Minute)
	b.run("upsert", one, two)
	if got := len(consume(t, b.files())); got != 2 || len(b.names()) != 2 {
		t.Errorf("%d records in %v", got, b.names())
	}
}
