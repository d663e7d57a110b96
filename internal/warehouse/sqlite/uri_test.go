package sqlite_test

import (
	"testing"

	"exposync/internal/warehouse/sqlite"
)

// Paths of every system, as filepath.ToSlash gives them.
func TestURIOfPaths(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/data/shop.db":            "file:///data/shop.db?mode=ro",
		"/a b/100%/#1?.db":         "file:///a%20b/100%25/%231%3F.db?mode=ro",
		"C:/Users/Zoë/shop.sqlite": "file:///C:/Users/Zo%C3%AB/shop.sqlite?mode=ro",
		"//server/share/shop.db":   "file:////server/share/shop.db?mode=ro",
	} {
		if got := sqlite.SlashURI(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
