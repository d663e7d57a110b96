package facade

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Documents keeps values and blobs by name, for what is no record: jobs with
// their uploads and results, definitions of fields. Names are of letters,
// digits, "-", "_" and "."; what is saved is on disk when the call returns, and
// is whole or not there at all.
type Documents struct {
	dir      string
	syncDirs func(...string) error

	mu sync.Mutex
}

// Save keeps v as JSON, in the place of what had this name.
func (d *Documents) Save(name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("keep %s: %w", name, err)
	}
	_, err = d.SaveBlob(name, strings.NewReader(string(data)))
	return err
}

// Load reads a value into v; false if there is none with this name.
func (d *Documents) Load(name string, v any) (bool, error) {
	data, err := os.ReadFile(d.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		return false, fmt.Errorf("read %s: %w", name, err)
	}
	return true, nil
}

// SaveBlob keeps all that r gives, in the place of what had this name, and
// gives its length. If r fails, what had the name stays.
func (d *Documents) SaveBlob(name string, r io.Reader) (int64, error) {
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return 0, fmt.Errorf("keep %s: %w", name, err)
	}
	f, err := os.CreateTemp(d.dir, "~*")
	if err != nil {
		return 0, fmt.Errorf("keep %s: %w", name, err)
	}
	n, err := io.Copy(f, r)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		d.mu.Lock()
		err = os.Rename(f.Name(), d.path(name))
		d.mu.Unlock()
	}
	if err == nil {
		err = d.syncDirs(filepath.Dir(d.dir), d.dir)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return n, fmt.Errorf("keep %s: %w", name, err)
	}
	return n, nil
}

// OpenBlob gives a blob to read; fs.ErrNotExist if there is none.
func (d *Documents) OpenBlob(name string) (io.ReadCloser, error) { return os.Open(d.path(name)) }

// Remove forgets a value or blob; nothing if there is none.
func (d *Documents) Remove(name string) error {
	if err := os.Remove(d.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// List gives the names that begin with prefix, sorted.
func (d *Documents) List(prefix string) ([]string, error) {
	files, err := os.ReadDir(d.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []string
	for _, f := range files {
		if name, ours := d.nameOf(f.Name()); ours && strings.HasPrefix(name, prefix) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out, nil
}

// path gives a name's file. Capitals are marked, so that two names stay two
// where case does not count; a temporary file begins with ~.
func (d *Documents) path(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		switch {
		case c >= 'A' && c <= 'Z':
			b.WriteByte('^')
			b.WriteByte(c + 'a' - 'A')
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_', c == '.':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return filepath.Join(d.dir, "d"+b.String())
}

func (d *Documents) nameOf(file string) (string, bool) {
	rest, ours := strings.CutPrefix(file, "d")
	var b strings.Builder
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '^' && i+1 < len(rest):
			i++
			b.WriteByte(rest[i] - 'a' + 'A')
		case c == '%' && i+2 < len(rest):
			var n int
			if _, err := fmt.Sscanf(rest[i+1:i+3], "%02x", &n); err != nil {
				return "", false
			}
			b.WriteByte(byte(n)) //nolint:gosec // two digits
			i += 2
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ours
}
