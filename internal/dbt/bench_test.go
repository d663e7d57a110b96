package dbt_test

import (
	"encoding/json"
	"os"
	"runtime"
	"testing"

	"exposync/internal/dbt"
	"exposync/internal/dbt/dbttest"
)

// TestManifestLetsTheFileGo: a project keeps names, not the text they stood
// in. One text that is not copied would hold on to all of it.
func TestManifestLetsTheFileGo(t *testing.T) { //nolint:paralleltest // it measures the heap
	path := dbttest.Grow(t, artifactsDir, 1_000, nil)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	before := heap()
	p, err := dbt.LoadManifest(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if kept := (heap() - before) / float64(info.Size()); kept > 0.5 {
		t.Errorf("a project keeps %.2f times the size of its file", kept)
	}
	runtime.KeepAlive(p)
}

// heap gives the bytes in use after a collection.
func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

func readAll(path string) ([]byte, error) {
	return os.ReadFile(path)
}

// BenchmarkManifest reads 10,000 nodes. Beside it stand the floors: reading
// the file into memory, and that with the standard library's validation.
func BenchmarkManifest(b *testing.B) {
	path := dbttest.Grow(b, artifactsDir, 10_000, nil)
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	run := func(name string, once func() error) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(info.Size())
			b.ReportAllocs()
			for b.Loop() {
				if err := once(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("load", func() error { _, err := dbt.LoadManifest(b.Context(), path); return err })
	b.Run("kept", func(b *testing.B) { // what stays in memory: not the file's text
		for b.Loop() {
			before := heap()
			p, err := dbt.LoadManifest(b.Context(), path)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric((heap()-before)/float64(info.Size()), "kept/size")
			runtime.KeepAlive(p)
		}
	})
	run("floor_read", func() error { _, err := readAll(path); return err })
	run("floor_read_valid", func() error {
		data, err := readAll(path)
		if err == nil && !json.Valid(data) {
			b.Error("not valid")
		}
		return err
	})
}
