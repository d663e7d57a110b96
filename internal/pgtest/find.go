package pgtest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// errMissing is what a test says where PostgreSQL is not installed.
var errMissing = errors.New("no PostgreSQL server binaries (initdb, postgres, psql) on PATH, below /usr/lib/postgresql " +
	"or where other systems put them; type: apt-get install -y postgresql")

// binaries gives the folder of the newest PostgreSQL. PATH goes first, so
// that a developer can choose a version.
func binaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil && complete(filepath.Dir(path)) {
			return filepath.Dir(path), nil
		}
	}
	best, version := "", 0.0
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin",
	} {
		dirs, err := filepath.Glob(pattern)
		if err != nil {
			return "", err
		}
		for _, dir := range dirs {
			if v := versionOf(dir); complete(dir) && (best == "" || v > version) {
				best, version = dir, v
			}
		}
	}
	if best == "" {
		return "", errMissing
	}
	return best, nil
}

// versionOf reads the version in a folder such as /usr/lib/postgresql/15/bin.
func versionOf(dir string) float64 {
	name := filepath.Base(filepath.Dir(dir))
	v, err := strconv.ParseFloat(strings.TrimLeft(name, "abcdefghijklmnopqrstuvwxyz-@"), 64)
	if err != nil {
		return 0
	}
	return v
}

func complete(dir string) bool {
	for _, name := range []string{"initdb", "postgres", "psql"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.IsDir() {
			return false
		}
	}
	return true
}
