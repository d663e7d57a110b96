// Package servicetest gives tests real services to write to: PocketBase and
// stripe-mock, built by fixtures/e2e/servers.sh, each a process of the test's
// own on a free port of 127.0.0.1.
//
// `make test` builds them. Where they were not built, a test is skipped with the
// line to type; in CI (CI is set) it fails.
package servicetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The versions that the tests are written against; fixtures/e2e/servers.sh
// builds them.
const (
	pocketBase = "pocketbase-v0.36.8"
	stripeMock = "stripe-mock-v0.203.0"
)

// binary gives the path of a server's program.
func binary(tb testing.TB, name string) string {
	tb.Helper()
	root, err := moduleRoot()
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(root, ".cache", "servers", name)
	if found, err := exec.LookPath(path); err == nil {
		return found
	}
	if os.Getenv("CI") != "" {
		tb.Fatalf("%s was not built: run fixtures/e2e/servers.sh, as make test does", name)
	}
	tb.Skipf("%s was not built; type: make servers", name)
	return ""
}

// moduleRoot is the folder of go.mod, at or above the test's own.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if filepath.Dir(dir) == dir {
			return "", os.ErrNotExist
		}
		dir = filepath.Dir(dir)
	}
}
