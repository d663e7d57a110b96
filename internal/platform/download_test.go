package platform_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"exposync/internal/fault"
	"exposync/internal/platform"
	"exposync/internal/platform/platformtest"
)

func TestDownloadIsByStep(t *testing.T) {
	t.Parallel()
	a := setup(t)
	a.Put(platformtest.Run{ID: 7, Job: 5, Status: 10, Finished: ago(1), Steps: []platformtest.Step{
		{Name: "Invoke dbt with `dbt build`", Status: 10, Files: map[string][]byte{"run_results.json": []byte(`{"of": "build"}`)}},
		{Name: "Invoke dbt with `dbt docs generate`", Status: 10, Files: map[string][]byte{"run_results.json": []byte(`{"of": "docs"}`)}},
	}})
	path := filepath.Join(t.TempDir(), "run_results.json")
	found, err := a.Download(t.Context(), 7, 1, platform.RunResults, path)
	got, _ := os.ReadFile(path)
	if !found || err != nil || string(got) != `{"of": "build"}` {
		t.Errorf("Download() = %t, %v: %s", found, err, got)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	// what is not there changes nothing
	if found, err := a.Download(t.Context(), 7, 1, platform.Sources, path); found || err != nil {
		t.Errorf("Download() of nothing = %t, %v", found, err)
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

// What comes is not an artifact: the file that was there stays.
func TestDownloadKeepsTheOldFileUntilTheNewOneIsWhole(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer func(w http.ResponseWriter)
		code   string
	}{
		"a login page": {func(w http.ResponseWriter) { _, _ = w.Write([]byte(" <html>Log in " + token)) }, "dbt_cloud_reply"},
		"nothing":      {func(w http.ResponseWriter) { w.WriteHeader(http.StatusOK) }, "dbt_cloud_reply"},
		"half of it": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(`{"metadata":`))
		}, "http_unreachable"},
		"a wrong token":   {func(w http.ResponseWriter) { platformtest.Refuse(w, 401, token) }, "dbt_cloud_auth"},
		"a lacking right": {func(w http.ResponseWriter) { platformtest.Refuse(w, 403, token) }, "dbt_cloud_denied"},
		"down":            {func(w http.ResponseWriter) { platformtest.Refuse(w, 500, token) }, "http_unavailable"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := setup(t)
			a.SetTrouble(func(w http.ResponseWriter, _ *http.Request) bool { tt.answer(w); return true })
			path := filepath.Join(t.TempDir(), "manifest.json")
			if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			found, err := a.Download(t.Context(), 7, 1, platform.Manifest, path)
			if found || !fault.Is(err, tt.code) || strings.Contains(err.Error(), token) {
				t.Errorf("Download() = %t, %v", found, err)
			}
			got, _ := os.ReadFile(path)
			if entries, _ := os.ReadDir(filepath.Dir(path)); string(got) != "old" || len(entries) != 1 {
				t.Errorf("now %q, with %d files", got, len(entries))
			}
		})
	}
}

// A manifest above what rest keeps in memory, once broken on the way.
func TestDownloadOfALargeFile(t *testing.T) {
	t.Parallel()
	a := setup(t)
	large := append([]byte(`{"pad": "`), bytes.Repeat([]byte("x"), 40<<20)...)
	a.Put(platformtest.Run{ID: 7, Status: 10, Finished: ago(1), Steps: []platformtest.Step{{Files: map[string][]byte{"manifest.json": large}}}})
	n := 0
	a.SetTrouble(func(w http.ResponseWriter, _ *http.Request) bool {
		if n++; n > 1 {
			return false
		}
		w.Header().Set("Content-Length", "50000000")
		_, _ = w.Write(large[:1<<20])
		return true
	})
	path := filepath.Join(t.TempDir(), "manifest.json")
	found, err := a.Download(t.Context(), 7, 1, platform.Manifest, path)
	got, _ := os.ReadFile(path)
	if !found || err != nil || !bytes.Equal(got, large) || n != 2 {
		t.Errorf("Download() = %t, %v: %d bytes after %d requests", found, err, len(got), n)
	}
}

func TestDownloadIntoNowhere(t *testing.T) {
	t.Parallel()
	a := setup(t)
	path := filepath.Join(t.TempDir(), "gone", "manifest.json")
	if _, err := a.Download(t.Context(), 7, 1, platform.Manifest, path); !fault.Is(err, "http_unkept") || len(a.Seen()) != 0 {
		t.Errorf("Download() error = %v", err)
	}
}
