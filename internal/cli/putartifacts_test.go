package cli

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// ArtifactAge is how old artifacts are where a script does not say.
const ArtifactAge = 3*time.Hour + 30*time.Minute

// PutArtifactsOf unpacks what real dbt wrote into a folder, with all times moved
// so that the newest file is of that age.
func PutArtifactsOf(dir, from string, age time.Duration) error {
	paths, err := filepath.Glob(filepath.Join(from, "*.json.gz"))
	if err != nil {
		return err
	}
	files, newest := map[string][]byte{}, time.Time{}
	written := regexp.MustCompile(`"generated_at": ?"([^"]+)"`)
	for _, path := range paths {
		data, err := gunzipped(path)
		if err != nil {
			return err
		}
		files[strings.TrimSuffix(filepath.Base(path), ".gz")] = data
		if m := written.FindSubmatch(data); m != nil {
			if at, err := time.Parse(time.RFC3339Nano, string(m[1])); err == nil && at.After(newest) {
				newest = at
			}
		}
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	by := time.Now().Add(-age).Sub(newest)
	for name, data := range files {
		data = stamps.ReplaceAllFunc(data, func(b []byte) []byte { return moved(b, by) })
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func gunzipped(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}
