//go:build duckdb

package duckdb_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"exposync/internal/record"
	"exposync/internal/warehouse"
	"exposync/internal/warehouse/duckdb"
)

// builder makes this test binary build the file of the benchmark, so that what
// that costs does not count.
const builder = "DUCKDB_TEST_BUILDER"

func TestBuildForBenchmark(t *testing.T) { //nolint:paralleltest // alone in its process
	path, count, ok := strings.Cut(os.Getenv(builder), ",")
	if !ok {
		t.Skip("started by the benchmark")
	}
	duckdb.Write(t, path, `create table t as select n as id, 'user' || n || '@example.com' as email, 'Ada ' || n as name,
		(n % 100000)::decimal(12,2) / 7 as clv, n % 3 = 0 as active, date '2020-01-01' + (n % 2000)::int as first_order,
		timestamptz '2020-01-01' + n * interval '1 second' as updated_at, case when n % 4 > 0 then n * 0.1::double end as score
		from range(`+count+`) as r(n)`, "create view v as select t.* from t join (select id, max(email) as other from t group by id) o using (id)")
}

// BenchmarkRead reads and hashes rows of 8 columns from a table, and from a
// view that has to join and group them all, beside the floor: DuckDB's chunks,
// looked at by nobody. Each reports the highest memory of the process so far.
// EXPOSYNC_BENCH_ROWS says how many rows (1,000,000).
func BenchmarkRead(b *testing.B) {
	rows := 1_000_000
	if n, err := strconv.Atoi(os.Getenv("EXPOSYNC_BENCH_ROWS")); err == nil {
		rows = n
	}
	path := filepath.Join(b.TempDir(), "shop.duckdb")
	cmd := exec.CommandContext(b.Context(), os.Args[0], "-test.run", "^TestBuildForBenchmark$")
	cmd.Env = append(os.Environ(), builder+"="+path+","+strconv.Itoa(rows))
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	w := duckdb.New(duckdb.Config{Files: []duckdb.File{{Name: "shop", Path: path}}, Spool: b.TempDir()})
	defer func() { _ = w.Close() }()
	s := snapshot(b, w)
	columns := []string{"id", "email", "name", "clv", "active", "first_order", "updated_at", "score"}
	b.Run("Floor", func(b *testing.B) {
		for b.Loop() {
			if n := duckdb.CountChunks(b, s, relation("shop", "t")); n != rows {
				b.Fatalf("%d rows", n)
			}
		}
		report(b, rows)
	})
	for _, name := range []string{"t", "v"} {
		b.Run("Hashed/"+name, func(b *testing.B) {
			b.ReportAllocs()
			hasher := record.NewHasher(columns)
			for b.Loop() {
				n := 0
				for r, err := range s.Rows(b.Context(), warehouse.Query{Relation: relation("shop", name), Columns: columns}) {
					if err != nil {
						b.Fatal(err)
					}
					hasher.Sum(r)
					n++
				}
				if n != rows {
					b.Fatalf("%d rows", n)
				}
			}
			report(b, rows)
		})
		b.Run("Fetch/"+name, func(b *testing.B) {
			keys := make([]record.Key, warehouse.FetchChunk)
			for i := range keys {
				keys[i] = record.AppendKey(nil, record.Value{Kind: record.Int, Data: strconv.AppendInt(nil, int64(i*7%rows), 10)})
			}
			for b.Loop() {
				n := 0
				for _, err := range s.Fetch(b.Context(), warehouse.Query{Relation: relation("shop", name), Columns: columns, Key: []string{"id"}}, keys) {
					if err != nil {
						b.Fatal(err)
					}
					n++
				}
				if n != len(keys) {
					b.Fatalf("%d rows", n)
				}
			}
			report(b, len(keys))
		})
	}
}

// report adds rows a second and the peak of memory.
func report(b *testing.B, rows int) {
	b.Helper()
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	status, _ := os.ReadFile("/proc/self/status")
	if _, after, ok := strings.Cut(string(status), "VmHWM:"); ok {
		if kb, err := strconv.Atoi(strings.Fields(after)[0]); err == nil {
			b.ReportMetric(float64(kb)/1024, "peak-MB")
		}
	}
}
