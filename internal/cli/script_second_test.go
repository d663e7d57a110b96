package cli_test

import (
	"fmt"
	"net/http"
	"os"

	"github.com/rogpeppe/go-internal/testscript"
)

// loseAnswers lets the sink take records and break the connection instead of
// an answer: lose on, lose off.
func loseAnswers(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 || args[0] != "on" && args[0] != "off" {
		ts.Fatalf("usage: lose on|off")
	}
	s := sinkOf(ts)
	s.set(func() {
		s.after = nil
		if args[0] == "on" {
			s.after = func(http.ResponseWriter, string, []map[string]any) bool { panic(http.ErrAbortHandler) }
		}
	})
}

// wantMode wants the permissions of a file: mode 600 FILE.
func wantMode(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: mode OCTAL FILE")
	}
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%o", info.Mode().Perm()); got != args[0] {
		ts.Fatalf("%s has mode %s", args[1], got)
	}
}
