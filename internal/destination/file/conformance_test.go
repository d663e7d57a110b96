package file_test

import (
	"bufio"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"exposync/internal/destination/destinationtest"
	"exposync/internal/destination/file"
	"exposync/internal/record"
)

// The suite reads a folder as its consumer does: every file in the order of
// the names, each applied to the records by key.
func TestConformance(t *testing.T) {
	t.Parallel()
	const local = "a file on this machine"
	destinationtest.Run(t, destinationtest.Harness{
		Missing: map[destinationtest.Ability]string{
			destinationtest.Updates:     "a file cannot know what its consumer holds, so Open refuses the mode",
			destinationtest.Inserts:     "a file cannot know what its consumer holds",
			destinationtest.Appends:     "the consumer below applies by key",
			destinationtest.SeesSizes:   local + " arrives as a whole",
			destinationtest.Sheds:       local + " is written or not",
			destinationtest.LosesAnswer: local + " has no answer to lose",
			destinationtest.Hangs:       local + " does not hang",
			destinationtest.Denies:      local + " has no credentials",
			destinationtest.Dies:        local + " does not die; see TestAFullDiskConfirmsNothing",
			destinationtest.JSONNulls:   "JSON has one null",
		},
		New: func(t *testing.T) *destinationtest.Subject {
			t.Helper()
			b := setup(t)
			b.config.Format = file.NDJSON
			folder, err := file.New(b.config)
			if err != nil {
				t.Fatal(err)
			}
			return &destinationtest.Subject{
				Destination: folder, Object: "contacts",
				Rows:  func(t *testing.T) []destinationtest.Row { t.Helper(); return b.consume() },
				Spoil: func(ch *record.Change) { ch.Values[0] = text("\xff") },
			}
		},
	})
}

func (b *bundle) consume() []destinationtest.Row {
	b.t.Helper()
	held := map[string]destinationtest.Row{}
	for _, name := range b.names() {
		f, err := os.Open(filepath.Join(b.config.Dir, name))
		if err != nil {
			b.t.Fatal(err)
		}
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<24)
		for lines.Scan() {
			row := map[string]json.RawMessage{}
			if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
				b.t.Fatal(err)
			}
			apply(held, row)
		}
		_ = f.Close()
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
	if got := len(b.consume()); got != 2 || len(b.names()) != 2 {
		t.Errorf("%d records in %v", got, b.names())
	}
}
