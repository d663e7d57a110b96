package dbt

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"exposync/internal/fault"
)

// TestFileThatChangesWhileItIsRead: what was read may be half old, half new.
func TestFileThatChangesWhileItIsRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "manifest.json")
	for name, change := range map[string]func() error{
		"nothing": func() error { return nil },
		"time":    func() error { return os.Chtimes(path, time.Time{}, time.Unix(1, 0)) },
		"size":    func() error { return os.WriteFile(path, []byte(`{"a": 1}`), 0o600) },
		"gone":    func() error { return os.Remove(path) },
	} {
		if err := os.WriteFile(path, []byte(`{}`), 0o600); err != nil {
			t.Fatal(err)
		}
		looks := 0
		_, err := read(path, func(p string) (fs.FileInfo, error) {
			if looks++; looks == 2 { // after reading
				if err := change(); err != nil {
					t.Error(err)
				}
			}
			return os.Stat(p)
		})
		want := map[string]string{"time": "artifact_truncated", "size": "artifact_truncated", "gone": "artifact_missing"}[name]
		if want == "" && err != nil || want != "" && !fault.Is(err, want) {
			t.Errorf("%s changed: %v, want %q", name, err, want)
		}
	}
}
