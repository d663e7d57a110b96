package impact_test

import (
	"bytes"
	"strconv"
	"testing"
	"time"

	"exposync/internal/dbt"
	"exposync/internal/dbt/dbttest"
	"exposync/internal/impact"
)

// grow writes the shop twice, many times over: about n nodes, each copy with
// names of its own. In every changed-th copy of the second one the SQL of two
// models and a column differ.
func grow(tb testing.TB, n, changed int) (before, after string) {
	tb.Helper()
	named := func(i int, copied []byte) []byte {
		for _, name := range []string{"email_crm_export", "support_desk_export", "finance_erp_export"} {
			copied = bytes.ReplaceAll(copied, []byte(`"name": "`+name+`"`), []byte(`"name": "`+name+strconv.Itoa(i)+`"`))
		}
		return copied
	}
	edited := func(i int, copied []byte) []byte {
		if copied = named(i, copied); changed == 0 || i%changed != 0 {
			return copied
		}
		copied = bytes.ReplaceAll(copied, []byte(`"raw_code": "select\n    customer_id,`), []byte(`"raw_code": "select\n    customer_id , `))
		return bytes.ReplaceAll(copied, []byte(`"data_type": "boolean"`), []byte(`"data_type": "text"`))
	}
	return dbttest.Grow(tb, artifacts, n, named), dbttest.Grow(tb, artifacts, n, edited)
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
