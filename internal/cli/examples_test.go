package cli_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The examples of descriptions agree with their fixtures, as a user tests them.
func TestExampleDestinations(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../fixtures/destinations/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range files {
		out, err := exec.CommandContext(t.Context(), "exposync", "destination", "test", file).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "ok ") || strings.Contains(string(out), "FAIL") {
			t.Errorf("%s: %v\n%s", file, err, out)
		}
	}
}
