package servicetest

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The script builds the versions that the tests look for.
func TestVersionsOfTheScript(t *testing.T) {
	t.Parallel()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(filepath.Join(root, "fixtures", "e2e", "servers.sh"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{pocketBase, stripeMock} {
		i := strings.LastIndex(name, "-v")
		if want := " " + name[i+1:] + " " + name[:i] + "\n"; !strings.Contains(string(script), want) {
			t.Errorf("servers.sh does not build %s", name)
		}
	}
}

func TestPocketBaseStoresRecords(t *testing.T) {
	t.Parallel()
	p := NewPocketBase(t)
	p.Collection("things", Field{"name": "size", "type": "number"})
	p.Call(http.MethodPost, "/api/collections/things/records", map[string]any{"id": "thing0000000001", "size": 2}, nil)
	if got := p.Records("things"); len(got) != 1 || got["thing0000000001"]["size"] != 2.0 {
		t.Errorf("Records() = %v", got)
	}
}
