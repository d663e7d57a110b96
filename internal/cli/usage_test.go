package cli_test

import (
	"strings"
	"testing"
)

// A word that no command takes is the user's mistake.
func TestUnknownWordsAreUsage(t *testing.T) {
	t.Parallel()
	m := &mini{TB: t, dir: t.TempDir()}
	for _, args := range [][]string{{"ledger", "rest"}, {"run", "email"}} {
		if out := m.want(2, args...); !strings.Contains(out, "error usage") || !strings.Contains(out, "next exposync "+args[0]) {
			t.Errorf("%v says:\n%s", args, out)
		}
	}
}
