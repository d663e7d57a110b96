package fault_test

import (
	"testing"

	"exposync/internal/fault"
)

func TestSuggest(t *testing.T) {
	t.Parallel()
	known := []string{"upsert", "update", "insert", "mirror", "append", "max_rejected", "to"}
	for word, want := range map[string]string{
		"upsrt":        "upsert",
		"UPDATE":       "update",
		"mirrro":       "mirror",
		"max-rejected": "max_rejected",
		"fields":       "",
		"ot":           "to",
		"":             "",
		"delete":       "",
	} {
		if got := fault.Suggest(word, known); got != want {
			t.Errorf("Suggest(%q) = %q, want %q", word, got, want)
		}
	}
}
