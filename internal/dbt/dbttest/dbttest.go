// Package dbttest gives tests manifests as large as those of big companies,
// grown from one that real dbt wrote.
package dbttest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// Edit changes one copy of a section's text, the i-th; nil changes nothing.
type Edit func(i int, copied []byte) []byte

// Grow writes the shop's manifest, found in the folder artifacts, many times
// over into one of about n nodes, and gives its path. Every copy is a package
// of its own, and macros and docs grow as nodes do.
func Grow(tb testing.TB, artifacts string, n int, edit Edit) string {
	tb.Helper()
	m, nodes := shop(tb, artifacts)
	for _, section := range []string{"nodes", "sources", "exposures", "unit_tests", "macros", "docs", "parent_map", "child_map"} {
		if len(m[section]) > 0 {
			m[section] = repeat(m[section], n/nodes, edit)
		}
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

// shop reads the sections of the manifest that is copied, and counts its nodes.
func shop(tb testing.TB, artifacts string) (sections map[string]json.RawMessage, nodes int) {
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
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &sections); err != nil {
		tb.Fatal(err)
	}
	if err := json.Unmarshal(sections["nodes"], &all); err != nil {
		tb.Fatal(err)
	}
	return sections, len(all)
}

// repeat writes the entries of a map n times, each time for another package.
func repeat(object json.RawMessage, n int, edit Edit) json.RawMessage {
	inner := bytes.TrimSuffix(bytes.TrimPrefix(bytes.TrimSpace(object), []byte("{")), []byte("}"))
	if len(bytes.TrimSpace(inner)) == 0 {
		return object
	}
	var b bytes.Buffer
	b.WriteByte('{')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		copied := bytes.ReplaceAll(inner, []byte(".shop."), []byte(".shop"+strconv.Itoa(i)+"."))
		if edit != nil {
			copied = edit(i, copied)
		}
		b.Write(copied)
	}
	b.WriteByte('}')
	return b.Bytes()
}
