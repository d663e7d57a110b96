package impact_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"exposync/internal/dbt"
	"exposync/internal/impact"
)

// grow writes the shop many times over: about n nodes, each copy with names of
// its own. In every changed-th copy the SQL of two models and a column differ.
func grow(tb testing.TB, n, changed int) (before, after string) {
	tb.Helper()
	f, err := os.Open(filepath.Join(artifacts, "1.12-duckdb", "all_green", "manifest.json.gz"))
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	zip, err := gzip.NewReader(f)
	if err != nil {
		tb.Fatal(err)
	}
	text, err := io.ReadAll(zip)
	if err != nil {
		tb.Fatal(err)
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(text, &m); err != nil {
		tb.Fatal(err)
	}
	var nodes map[string]json.RawMessage
	if err := json.Unmarshal(m["nodes"], &nodes); err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	for _, name := range []string{"before", "after"} {
		out := map[string]json.RawMessage{"metadata": m["metadata"], "macros": m["macros"], "docs": m["docs"]}
		for _, section := range []string{"nodes", "sources", "exposures", "parent_map", "child_map", "unit_tests"} {
			out[section] = repeat(m[section], n/len(nodes), func(i int, copied []byte) []byte {
				if name == "before" || changed == 0 || i%changed != 0 {
					return copied
				}
				copied = bytes.ReplaceAll(copied, []byte(`"raw_code": "select\n    customer_id,`), []byte(`"raw_code": "select\n    customer_id , `))
				return bytes.ReplaceAll(copied, []byte(`"data_type": "boolean"`), []byte(`"data_type": "text"`))
			})
		}
		doc, err := json.Marshal(out)
		if err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".json"), doc, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return filepath.Join(dir, "before.json"), filepath.Join(dir, "after.json")
}

// repeat writes the entries of a map n times, each time under other names.
func repeat(object json.RawMessage, n int, edit func(i int, copied []byte) []byte) json.RawMessage {
	inner := bytes.TrimSuffix(bytes.TrimPrefix(bytes.TrimSpace(object), []byte("{")), []byte("}"))
	var b bytes.Buffer
	b.WriteByte('{')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		copied := bytes.ReplaceAll(inner, []byte(".shop."), []byte(".shop"+strconv.Itoa(i)+"."))
		copied = bytes.ReplaceAll(copied, []byte(`"name": "email_crm_export"`), []byte(`"name": "email_crm_export`+strconv.Itoa(i)+`"`))
		copied = bytes.ReplaceAll(copied, []byte(`"name": "support_desk_export"`), []byte(`"name": "support_desk_export`+strconv.Itoa(i)+`"`))
		copied = bytes.ReplaceAll(copied, []byte(`"name": "finance_erp_export"`), []byte(`"name": "finance_erp_export`+strconv.Itoa(i)+`"`))
		b.Write(edit(i, copied))
	}
	b.WriteByte('}')
	return b.Bytes()
}

// BenchmarkImpact compares two manifests of 10,000 nodes. x/read is how long
// that takes in units of reading both: at most 1.
func BenchmarkImpact(b *testing.B) {
	for name, changed := range map[string]int{"alike": 0, "a_tenth": 10, "all": 1} {
		b.Run(name, func(b *testing.B) {
			was, is := grow(b, 10_000, changed)
			start := time.Now()
			before, after := readOne(b, was), readOne(b, is)
			reading := time.Since(start)
			jobs := time.Now()
			left, right := side(before), side(after)
			building := time.Since(jobs)
			changes := 0
			for b.Loop() {
				got := impact.Compare(left, right, impact.Options{})
				changes = len(got.Changes)
			}
			each := b.Elapsed() / time.Duration(b.N)
			b.ReportMetric(float64(each)/float64(reading), "x/read")
			b.ReportMetric(float64(building)/float64(reading), "jobs/read")
			b.ReportMetric(float64(changes), "changes")
		})
	}
}

func readOne(b *testing.B, path string) *dbt.Project {
	b.Helper()
	p, err := dbt.LoadManifest(b.Context(), path, impact.Keep)
	if err != nil {
		b.Fatal(err)
	}
	return p
}
