package cli_test

import (
	"os"
	"path/filepath"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

// damageLedger damages a file of every sync in .exposync: damage FILE BYTE
// flips a bit of that byte, damage FILE gone removes the file, damage FILE
// CONTENT replaces it.
func damageLedger(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: damage FILE BYTE|gone|CONTENT")
	}
	paths, err := filepath.Glob(ts.MkAbs(filepath.Join(".exposync/syncs/*", args[0])))
	ts.Check(err)
	if dirs, _ := filepath.Glob(ts.MkAbs(".exposync/syncs/*")); len(paths) == 0 && len(dirs) > 0 && args[1] != "gone" {
		paths = []string{filepath.Join(dirs[0], args[0])}
	}
	if len(paths) == 0 {
		ts.Fatalf("there is no %s", args[0])
	}
	for _, path := range paths {
		at, err := strconv.Atoi(args[1])
		switch {
		case args[1] == "gone":
			ts.Check(os.Remove(path))
		case err != nil:
			ts.Check(os.WriteFile(path, []byte(args[1]), 0o600))
		default:
			content, err := os.ReadFile(path)
			ts.Check(err)
			content[at] ^= 1
			ts.Check(os.WriteFile(path, content, 0o600))
		}
	}
}

// appendLine adds a line to a file: append FILE LINE.
func appendLine(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: append FILE LINE")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(ts.ReadFile(args[0])+args[1]+"\n"), 0o600))
}

// copyDir copies a folder: copy-dir FROM TO.
func copyDir(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: copy-dir FROM TO")
	}
	ts.Check(os.CopyFS(ts.MkAbs(args[1]), os.DirFS(ts.MkAbs(args[0]))))
}
