package sqlite_test

import (
	"fmt"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/record"
	"exposync/internal/warehouse"
	"exposync/internal/warehouse/sqlite"
)

// Any column of SQLite holds anything. What is left out of a bounded reading
// is below by the value that is read, in whatever way it is written.
func TestSinceLeavesOutWhatIsCertainlyBelow(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		decl   string
		from   record.Value
		values []string
		out    []string // of values, what does not come
	}{
		"timestamps": {
			"timestamp",
			record.Value{Kind: record.Timestamp, Data: []byte("2024-02-29T12:30:05.5")},
			[]string{
				"null", "'2024-02-29 12:30:05.5'", "'2024-02-29T12:30:05.500000'", "'2024-02-29 12:30:05.49'", "'2024-02-29 12:30'",
				"'2024-02-28'", "'2024-02-29 01:00:00+00:00'", "'2023-01-01T00:00:00Z'", "'2023-01-01 00:00:00.1234567'", "'2023-02-30 00:00:00'",
				"'2023-01-01 24:00:00'", "'2023-01-01 00:00:00.'", "'2023-01-01 00:00:00.12x'", "''", "'soon'", "1700000000", "1.5", "x'00'", "'0000-01-01 00:00:00'",
				"'2024-02-29 12:30:04'", "'2023-01-01T00:00:00.999999'", "'0001-01-01 00:00:00'",
			},
			[]string{"'2024-02-29 12:30:04'", "'2023-01-01T00:00:00.999999'", "'0001-01-01 00:00:00'"},
		},
		"dates": {
			"date",
			record.Value{Kind: record.Date, Data: []byte("2024-02-29")},
			[]string{"null", "'2024-02-29'", "'2024-02-28'", "'2023-02-30'", "'2023-01-01 00:00:00'", "''", "7", "'0000-01-01'", "'9999-12-31'"},
			[]string{"'2024-02-28'"},
		},
		"whole numbers": {
			"integer",
			record.Value{Kind: record.Int, Data: []byte("9007199254740993")},
			[]string{"null", "9007199254740993", "9007199254740992", "9223372036854775807", "-9223372036854775808", "9007199254740994.0", "1.5", "'x'", "x'00'"},
			[]string{"9007199254740992", "-9223372036854775808"},
		},
		"decimals": {
			"numeric",
			record.Value{Kind: record.Decimal, Data: []byte("12.5")},
			[]string{"null", "12.5", "12", "13", "12.4", "'12,4'", "'99999999999999999999999.5'"},
			[]string{"12"},
		},
		"a bound beyond 64 bits": {
			"integer",
			record.Value{Kind: record.Int, Data: []byte("-9223372036854775809")},
			[]string{"-9223372036854775808", "0"},
			nil,
		},
		"a year that SQLite cannot write": {
			"date", record.Value{Kind: record.Date, Data: []byte("12024-02-29")}, []string{"'2024-02-29'"}, nil,
		},
		"a text column": {"text", record.Value{Kind: record.Int, Data: []byte("5")}, []string{"'1'", "'a'"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "a.sqlite")
			execute(t, path, fmt.Sprintf("create table t (id int, v %s collate nocase)", c.decl))
			for i, v := range c.values {
				execute(t, path, fmt.Sprintf("insert into t values (%d, %s)", i, v))
			}
			s, err := open(t, sqlite.Config{Paths: map[string]string{"main": path}}).Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			came := map[string]bool{}
			q := warehouse.Query{Relation: "t", Columns: []string{"id", "v"}, Since: warehouse.Since{Column: "v", From: c.from}}
			for r, err := range s.Rows(t.Context(), q) {
				if err != nil {
					t.Fatal(err)
				}
				came[string(r[0].Data)] = true
			}
			var out []string
			for i, v := range c.values {
				if !came[strconv.Itoa(i)] {
					out = append(out, v)
				}
			}
			if diff := cmp.Diff(c.out, out); diff != "" {
				t.Errorf("left out (-want +got):\n%s", diff)
			}
		})
	}
}
