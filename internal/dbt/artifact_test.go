package dbt_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"exposync/internal/dbt"
	"exposync/internal/fault"
)

const small = `{"metadata":{"dbt_schema_version":"https://schemas.getdbt.com/dbt/manifest/v12.json","dbt_version":"1.9.0","project_name":"p"},"nodes":{}}`

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestBadArtifacts(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, code string }{
		{"empty", "", "artifact_empty"},
		{"blank", " \n\t", "artifact_empty"},
		{"mark only", "\ufeff", "artifact_empty"},
		{"cut in a string", small[:60], "artifact_truncated"},
		{"cut after a value", small[:len(small)-1], "artifact_truncated"},
		{"cut in a literal", `{"nodes":{"a":{"config":{"enabled":tr`, "artifact_truncated"},
		{"brace only", "{", "artifact_truncated"},
		{"zip cut", zipped(t, small)[:40], "artifact_truncated"},
		{"zip of a cut file", zipped(t, small[:60]), "artifact_truncated"},
		{"zip head only", "\x1f\x8b", "artifact_truncated"},
		{"zip broken", "\x1f\x8b\x08\x00" + strings.Repeat("x", 50), "artifact_invalid"},
		{"zip of nothing", zipped(t, ""), "artifact_empty"},
		{"two objects", small + small, "artifact_invalid"},
		{"merge conflict", "<<<<<<< HEAD\n" + small, "artifact_wrong_kind"},
		{"merge conflict inside", strings.Replace(small, `"nodes"`, "\n=======\n"+`"nodes"`, 1), "artifact_invalid"},
		{"page", "<!doctype html><title>Sign in</title>", "artifact_wrong_kind"},
		{"binary", "\x7fELF\x02\x01\x01\x00\x00", "artifact_invalid"},
		{"binary later", "{\"a\":\x00\x00}", "artifact_invalid"},
		{"UTF-16", "\xff\xfe{\x00}\x00", "artifact_invalid"},
		{"text", "Not found", "artifact_invalid"},
		{"list", "[]", "artifact_invalid"},
		{"string", `"manifest"`, "artifact_invalid"},
		{"NaN", `{"metadata":NaN}`, "artifact_invalid"},
		{"empty object", "{}", "artifact_wrong_kind"},
		{"other JSON", `{"error":"not found"}`, "artifact_wrong_kind"},
		{"run results", `{"metadata":{"dbt_schema_version":"https://schemas.getdbt.com/dbt/run-results/v6.json"},"results":[]}`, "artifact_wrong_kind"},
		{"catalog", strings.Replace(small, "manifest/v12", "catalog/v1", 1), "artifact_wrong_kind"},
		{"no metadata", `{"nodes":{}}`, "artifact_wrong_kind"},
		{"nodes is null", strings.Replace(small, `"nodes":{}`, `"nodes":null`, 1), "artifact_wrong_kind"},
		{"nodes is a list", strings.Replace(small, `"nodes":{}`, `"nodes":[]`, 1), "artifact_wrong_kind"},
		{"node is null", strings.Replace(small, `"nodes":{}`, `"nodes":{"model.p.a":null}`, 1), "artifact_invalid"},
		{"node is a list", strings.Replace(small, `"nodes":{}`, `"nodes":{},"exposures":{"exposure.p.a":[]}`, 1), "artifact_invalid"},
		{"sources is a list", strings.Replace(small, `"nodes":{}`, `"nodes":{},"sources":[]`, 1), "artifact_invalid"},
		{"edges are a map", strings.Replace(small, `"nodes":{}`, `"nodes":{"model.p.a":{"depends_on":{"nodes":{}}}}`, 1), "artifact_invalid"},
		{"edge is a number", strings.Replace(small, `"nodes":{}`, `"nodes":{"model.p.a":{"depends_on":{"nodes":[1]}}}`, 1), "artifact_invalid"},
		{"dbt 0.18", `{"metadata":{"project_id":"x","adapter_type":"postgres"},"nodes":{}}`, "manifest_too_old"},
		{"version 0", strings.Replace(small, "v12", "v0", 1), "manifest_too_old"},
		{"too deep", `{"a":` + strings.Repeat("[", 9_000_000), "artifact_invalid"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := write(t, "manifest.json", tt.text)
			synctest.Test(t, func(t *testing.T) {
				_, err := dbt.LoadManifest(t.Context(), path)
				all := fault.All(err)
				if len(all) != 1 || all[0].Code != tt.code || all[0].Where != path || all[0].Hint == "" {
					t.Fatalf("LoadManifest() = %v, want %s", err, tt.code)
				}
				if _, known := fault.Explain(tt.code); !known {
					t.Errorf("code %s has no page", tt.code)
				}
			})
		})
	}
}

func TestBadResults(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"metadata":{},"results":{}}`:     "artifact_wrong_kind",
		`{"results":[]}`:                   "artifact_wrong_kind",
		`{"metadata":{},"results":[null]}`: "artifact_invalid",
		`{"metadata":{},"results":["a"]}`:  "artifact_invalid",
		small:                              "artifact_wrong_kind",
	} {
		path := write(t, "x.json", text)
		synctest.Test(t, func(t *testing.T) {
			if _, err := dbt.LoadRunResults(t.Context(), path); code(err) != want {
				t.Errorf("LoadRunResults(%s) = %v, want %s", text, err, want)
			}
			if _, err := dbt.LoadSources(t.Context(), path); code(err) != want {
				t.Errorf("LoadSources(%s) = %v, want %s", text, err, want)
			}
		})
	}
}

func TestGoodEncodings(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"plain": small, "marked": "\ufeff" + small, "zipped": zipped(t, small), "zipped and marked": zipped(t, "\ufeff"+small),
		"spaced": "\r\n " + small + "\r\n",
	} {
		p, err := dbt.LoadManifest(t.Context(), write(t, "manifest.json", text))
		if err != nil || p.Name != "p" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMissingArtifactsFailAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ended, cancel := context.WithCancel(t.Context())
	cancel() // a wait would end with the context's error
	if _, err := dbt.LoadManifest(ended, filepath.Join(dir, "manifest.json")); code(err) != "artifact_missing" {
		t.Errorf("missing file: %v", err)
	}
	synctest.Test(t, func(t *testing.T) {
		if _, err := dbt.LoadManifest(t.Context(), dir); code(err) != "artifact_invalid" {
			t.Errorf("folder: %v", err)
		}
	})
}

// TestHalfWrittenIsReadAgain: dbt finishes the file while a reader waits.
func TestHalfWrittenIsReadAgain(t *testing.T) {
	t.Parallel()
	for _, half := range []string{"", small[:70]} {
		path := write(t, "manifest.json", half)
		synctest.Test(t, func(t *testing.T) {
			// In the bubble's time, between the third try and the last.
			time.AfterFunc(500*time.Millisecond, func() {
				if err := os.WriteFile(path, []byte(small), 0o600); err != nil {
					t.Error(err)
				}
			})
			if p, err := dbt.LoadManifest(t.Context(), path); err != nil || p.Name != "p" {
				t.Errorf("LoadManifest() = %v, want the finished file", err)
			}
		})
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	path := write(t, "manifest.json", small[:70])
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := dbt.LoadManifest(ctx, path); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("LoadManifest() = %v, want the context's error", err)
		}
	})
}
