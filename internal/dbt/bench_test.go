package dbt_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"exposync/internal/dbt"
)

// grow writes a manifest of about n nodes: the shop's, many times over.
func grow(tb testing.TB, n int) string {
	tb.Helper()
	f, err := os.Open(filepath.Join(artifactsDir, "1.12-duckdb", "all_green", "manifest.json.gz"))
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
	// Every copy is a project of its own; macros and docs grow as nodes do.
	copies := n / len(nodes)
	for _, section := range []string{"nodes", "sources", "exposures", "macros", "docs", "parent_map", "child_map"} {
		m[section] = repeat(m[section], copies)
	}
	out, err := json.Marshal(m)
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(tb.TempDir(), "manifest.json")
	if err := os.WriteFile(path, out, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// TestManifestLetsTheFileGo: a project keeps names, not the text they stood
// in. One text that is not copied would hold on to all of it.
func TestManifestLetsTheFileGo(t *testing.T) { //nolint:paralleltest // it measures the heap
	path := grow(t, 1_000)
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

// repeat writes the entries of a map n times, each time for another package.
func repeat(object json.RawMessage, n int) json.RawMessage {
	inner := bytes.TrimSuffix(bytes.TrimPrefix(bytes.TrimSpace(object), []byte("{")), []byte("}"))
	var b bytes.Buffer
	b.WriteByte('{')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(bytes.ReplaceAll(inner, []byte(".shop."), []byte(".shop"+strconv.Itoa(i)+".")))
	}
	b.WriteByte('}')
	return b.Bytes()
}

// BenchmarkManifest reads 10,000 nodes. Beside it stand the floors: reading
// the file into memory, and that with the standard library's validation.
func BenchmarkManifest(b *testing.B) {
	path := grow(b, 10_000)
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
