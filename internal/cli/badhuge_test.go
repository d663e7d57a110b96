//go:build unix

package cli_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A manifest of 200 MB, grown from one that real dbt wrote by repeating its
// nodes under other names, is read within seconds and in a few times its size.
func TestHugeManifest(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it reads 200 MB")
	}
	size, most := int64(200<<20), int64(5) // bytes, and how many times that in memory
	if raced() {
		size, most = 40<<20, 20
	}
	dir := t.TempDir()
	from := "../../fixtures/dbt/artifacts/1.12-duckdb/all_green/"
	nodes := growManifest(t, from+"manifest.json.gz", filepath.Join(dir, "manifest.json"), size)
	if err := os.WriteFile(filepath.Join(dir, "run_results.json.gz"), must(os.ReadFile(from+"run_results.json.gz")), 0o600); err != nil {
		t.Fatal(err)
	}
	m := &mini{TB: t, dir: dir}
	for _, args := range [][]string{{"ls", "--output", "json"}, {"gate", "--output", "json"}} {
		cmd := m.command(t.Context(), append(args, "--manifest", "manifest.json")...)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, io.Discard
		started := time.Now()
		err := cmd.Run()
		took := time.Since(started)
		rss := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
		if runtime.GOOS == "linux" {
			rss <<= 10
		}
		t.Logf("%-4s %d nodes, %d MiB: %.1fs, peak RSS %d MiB", args[0], nodes, size>>20, took.Seconds(), rss>>20)
		if code := cmd.ProcessState.ExitCode(); code != 0 && code != 3 { // the fixture may be older than a day
			t.Errorf("%s: %v", args[0], err)
		}
		var doc struct {
			Exposures []json.RawMessage `json:"exposures"`
		}
		if err := json.Unmarshal(out.Bytes(), &doc); err != nil || len(doc.Exposures) != 4 {
			t.Errorf("%s: %d exposures, %v", args[0], len(doc.Exposures), err)
		}
		if took > 30*time.Second || rss > most*size {
			t.Errorf("%s took %.1fs and %d MiB", args[0], took.Seconds(), rss>>20)
		}
	}
}

// raced reports whether this binary has the race detector, which takes many
// times the memory.
func raced() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// growManifest writes a manifest of that many bytes and gives its number of
// nodes. The copies hang below each other as the originals do.
func growManifest(t *testing.T, from, to string, size int64) (nodes int) {
	t.Helper()
	z := must(gzip.NewReader(bytes.NewReader(must(os.ReadFile(from)))))
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(must(io.ReadAll(z)), &doc); err != nil {
		t.Fatal(err)
	}
	var originals map[string]json.RawMessage
	if err := json.Unmarshal(doc["nodes"], &originals); err != nil {
		t.Fatal(err)
	}
	delete(doc, "nodes")
	delete(doc, "parent_map") // both follow from depends_on
	delete(doc, "child_map")
	f := must(os.Create(to))
	w := bufio.NewWriterSize(f, 1<<20)
	written, _ := fmt.Fprintf(w, `{"nodes":{`)
	total := int64(written)
	ids := slices.Sorted(maps.Keys(originals))
	for round := 0; total < size; round++ {
		suffix := fmt.Sprintf("_%d", round)
		for _, id := range ids {
			node, name := string(originals[id]), id
			if round > 0 {
				for _, other := range ids {
					node = strings.ReplaceAll(node, `"`+other+`"`, `"`+other+suffix+`"`)
				}
				name += suffix
			}
			if nodes > 0 {
				_ = w.WriteByte(',')
			}
			n, err := fmt.Fprintf(w, "%q:%s", name, node)
			if err != nil {
				t.Fatal(err)
			}
			total += int64(n)
			nodes++
		}
	}
	_, _ = w.WriteString("}")
	for _, section := range slices.Sorted(maps.Keys(doc)) {
		_, _ = fmt.Fprintf(w, ",%q:%s", section, doc[section])
	}
	_, _ = w.WriteString("}")
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return nodes
}
