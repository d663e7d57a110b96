package gate_test

import (
	"fmt"
	"testing"

	"exposync/internal/gate"
)

// large is a project of 10,000 models in layers, 20,000 tests and 200
// exposures, of which each stands on a few thousand models.
func large(tb testing.TB) *world {
	tb.Helper()
	const layers, width = 20, 500
	w := newWorld(tb)
	name := func(layer, i int) string { return fmt.Sprintf("l%02d_%03d", layer, (i+width)%width) }
	var rows []string
	for layer := range layers {
		for i := range width {
			var parents []string
			if layer > 0 {
				parents = []string{name(layer-1, i), name(layer-1, i+1), name(layer-1, i+7)}
			}
			n := name(layer, i)
			w.node("table "+n, parents...).test("unique_"+n, n).test("not_null_"+n, n)
			rows = append(rows, n+" success", "unique_"+n+" pass", "not_null_"+n+" pass")
		}
	}
	for i := range 200 {
		w.exposure(fmt.Sprintf("e%d", i), name(layers-1, i*2))
	}
	return w.ran("build", rows...)
}

func BenchmarkGate(b *testing.B) {
	w := large(b)
	b.Run("collect", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			w.facts()
		}
	})
	facts := w.facts()
	b.Run("evaluate", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			gate.Evaluate(facts, w.policies, now)
		}
	})
	judgements := gate.Evaluate(facts, w.policies, now)
	b.Run("why", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for _, j := range judgements {
				gate.Why(facts, j, now)
			}
		}
	})
}
