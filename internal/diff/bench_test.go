package diff_test

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"exposync/internal/diff"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// BenchmarkPartition merges one of 256 parts of a million rows of which none
// changed.
func BenchmarkPartition(b *testing.B) {
	const rows = 1_000_000 / 256
	random := rand.New(rand.NewPCG(1, 2))
	scanned, marks := make([]diff.Seen, rows), make([]record.Mark, rows)
	for i := range scanned {
		var h record.Hash
		binary.BigEndian.PutUint64(h[:], uint64(i)<<40|random.Uint64()>>24)
		scanned[i] = diff.Seen{KeyHash: h, RowHash: record.Hash{1}}
		marks[i] = record.Mark{KeyHash: h, RowHash: record.Hash{1}}
	}
	random.Shuffle(rows, func(i, j int) { scanned[i], scanned[j] = scanned[j], scanned[i] })
	var seen []diff.Seen
	for b.Loop() {
		seen = append(seen[:0], scanned...)
		tally, err := diff.Partition(seen, marksOf(marks...), diff.Rules{Mode: plan.Mirror}, func(diff.Decision) error { return nil })
		if err != nil || tally.Unchanged != rows {
			b.Fatal(tally, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
}
