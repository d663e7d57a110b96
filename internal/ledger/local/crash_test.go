package local_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"exposync/internal/ledger"
	"exposync/internal/ledger/local"
)

// Crashes runs do on a watched directory. For every step it builds what kill
// -9 leaves, and several things that loss of power may leave.
func (s *testStore) Crashes(tb testing.TB, do func(l ledger.Ledger), found func(step string, l ledger.Ledger)) {
	tb.Helper()
	l := s.Open(tb)
	p := &platter{dir: s.dir, names: map[string]*inode{}, durable: map[string]*inode{}}
	local.Hook(l, func(op, path string) error {
		if err := p.done(); err != nil {
			return err
		}
		p.op, p.path = op, path
		return p.show(tb, s, fmt.Sprintf("before %s %s", op, filepath.Base(path)), found)
	})
	do(l)
	if err := errors.Join(p.done(), p.show(tb, s, "at the end", found)); err != nil {
		tb.Fatal(err)
	}
}

// platter knows what of a directory would survive loss of power.
type platter struct {
	dir      string
	op, path string            // the step that is under way
	names    map[string]*inode // files and directories as they are now
	durable  map[string]*inode // names that a synced directory has
	moved    [][2]string       // renames, from and to
}

type inode struct {
	dir     bool
	content []byte // as of the last sync
}

// done takes in the step that was under way.
func (p *platter) done() (err error) {
	switch p.op {
	case "create":
		p.names[p.path] = &inode{}
	case "mkdir":
		p.names[p.path] = &inode{dir: true}
	case "sync":
		p.names[p.path].content, err = os.ReadFile(p.path)
	case "rename":
		from, ok := strings.CutSuffix(p.path, ".gone") // a directory that is reset
		if !ok {
			from = p.path + ".tmp"
		}
		move(p.names, from, p.path)
		p.moved = append(p.moved, [2]string{from, p.path})
	case "remove":
		maps.DeleteFunc(p.names, func(path string, _ *inode) bool { return below(path, p.path) })
	case "syncdir":
		in := func(path string, _ *inode) bool { return filepath.Dir(path) == p.path }
		for _, m := range p.moved { // what was in a directory goes with it
			if in(m[1], nil) {
				move(p.durable, m[0], m[1])
			}
		}
		maps.DeleteFunc(p.durable, func(path string, node *inode) bool { return in(path, node) && p.names[path] == nil })
		for path, node := range p.names {
			if in(path, node) {
				p.durable[path] = node
			}
		}
	}
	p.op = ""
	return err
}

// below reports whether path is dir or in it.
func below(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, dir+string(filepath.Separator))
}

// move renames a file, or a directory with all that is in it.
func move(names map[string]*inode, from, to string) {
	for path, node := range maps.Clone(names) {
		if below(path, from) {
			delete(names, path)
			names[to+strings.TrimPrefix(path, from)] = node
		}
	}
}

// show gives every directory that a crash at this instant may leave.
func (p *platter) show(tb testing.TB, s *testStore, step string, found func(string, ledger.Ledger)) error {
	tb.Helper()
	for _, a := range aftermaths() {
		dir := filepath.Join(tb.TempDir(), ".exposync")
		names := p.names
		if a.oldNames {
			names = p.durable
		}
		if err := p.build(dir, names, a.content); err != nil {
			return err
		}
		left := &testStore{dir: dir, sortIn: s.sortIn}
		found(step+": "+a.name, left.Open(tb))
	}
	return nil
}

// aftermath is one way in which a crash treats what was not synced.
type aftermath struct {
	name     string
	oldNames bool // of files, as of the last sync of their directory
	content  func(now, synced []byte) []byte
}

func aftermaths() []aftermath {
	synced := func(_, synced []byte) []byte { return synced }
	rest := func(keep func(rest []byte) []byte) func(now, synced []byte) []byte {
		return func(now, synced []byte) []byte {
			more, ok := bytes.CutPrefix(now, synced)
			if !ok {
				return keep(now)
			}
			return slices.Concat(synced, keep(more))
		}
	}
	half := rest(func(b []byte) []byte { return b[:len(b)/2] })
	return []aftermath{
		{"killed", false, func(now, _ []byte) []byte { return now }},
		{"power lost", true, synced},
		{"power lost, names kept", false, synced},
		{"power lost, half written", false, half},
		{"power lost, half written, old names", true, half},
		{"power lost, zeros", false, rest(func(b []byte) []byte { return make([]byte, len(b)) })},
		{"power lost, later bytes only", false, rest(func(b []byte) []byte {
			lost := min(40, len(b))
			return append(make([]byte, lost), b[lost:]...)
		})},
	}
}

// build lays out a directory, names above names first.
func (p *platter) build(to string, names map[string]*inode, content func(now, synced []byte) []byte) error {
	for _, path := range slices.Sorted(maps.Keys(names)) {
		rel, err := filepath.Rel(p.dir, path)
		if err != nil || strings.HasPrefix(rel, "..") {
			continue
		}
		at := filepath.Join(to, rel)
		if names[path].dir {
			err = os.Mkdir(at, 0o700)
		} else if now := p.current(names[path]); now != nil {
			err = os.WriteFile(at, content(now, names[path].content), 0o600)
		} else {
			err = os.WriteFile(at, names[path].content, 0o600)
		}
		if errors.Is(err, fs.ErrNotExist) {
			continue // the directory above is not durable yet
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// current reads what a file holds now, nil if it has no name any more.
func (p *platter) current(node *inode) []byte {
	for path, n := range p.names {
		if n != node {
			continue
		}
		if now, err := os.ReadFile(path); err == nil {
			return now
		}
	}
	return nil
}
