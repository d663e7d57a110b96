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
func (s *testStore) Crashes(t testing.TB, do func(l ledger.Ledger), found func(step string, l ledger.Ledger)) {
	t.Helper()
	l := s.Open(t)
	p := &platter{dir: s.dir, names: map[string]*inode{}, durable: map[string]*inode{}}
	local.Hook(l, func(op, path string) error {
		if err := p.done(); err != nil {
			return err
		}
		p.op, p.path = op, path
		return p.show(t, s, fmt.Sprintf("before %s %s", op, filepath.Base(path)), found)
	})
	do(l)
	if err := errors.Join(p.done(), p.show(t, s, "at the end", found)); err != nil {
		t.Fatal(err)
	}
}

// platter knows what of a directory would survive loss of power.
type platter struct {
	dir      string
	op, path string            // the step that is under way
	names    map[string]*inode // files and directories as they are now
	durable  map[string]*inode // names that a synced directory has
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
		from := p.path + ".tmp"
		p.names[p.path] = p.names[from]
		delete(p.names, from)
	case "remove":
		delete(p.names, p.path)
	case "syncdir":
		in := func(path string, _ *inode) bool { return filepath.Dir(path) == p.path }
		maps.DeleteFunc(p.durable, in)
		for path, node := range p.names {
			if in(path, node) {
				p.durable[path] = node
			}
		}
	}
	p.op = ""
	return err
}

// show gives every directory that a crash at this instant may leave.
func (p *platter) show(t testing.TB, s *testStore, step string, found func(string, ledger.Ledger)) error {
	written := func(now, _ []byte) []byte { return now }
	synced := func(_, synced []byte) []byte { return synced }
	half := func(now, synced []byte) []byte {
		if bytes.HasPrefix(now, synced) {
			return now[:len(synced)+(len(now)-len(synced))/2]
		}
		return now[:len(now)/2]
	}
	zeros := func(now, synced []byte) []byte {
		if !bytes.HasPrefix(now, synced) {
			return make([]byte, len(now))
		}
		return append(slices.Clone(synced), make([]byte, len(now)-len(synced))...)
	}
	late := func(now, synced []byte) []byte { // the first of the unsynced bytes never arrived, later ones did
		if !bytes.HasPrefix(now, synced) {
			return synced
		}
		lost := min(40, len(now)-len(synced))
		return slices.Concat(synced, make([]byte, lost), now[len(synced)+lost:])
	}
	for _, v := range []struct {
		name    string
		names   map[string]*inode
		content func(now, synced []byte) []byte
	}{
		{"killed", p.names, written},
		{"power lost", p.durable, synced},
		{"power lost, names kept", p.names, synced},
		{"power lost, half written", p.names, half},
		{"power lost, half written, old names", p.durable, half},
		{"power lost, zeros", p.names, zeros},
		{"power lost, later bytes only", p.names, late},
	} {
		dir := filepath.Join(t.TempDir(), ".exposync")
		if err := p.build(dir, v.names, v.content); err != nil {
			return err
		}
		left := &testStore{dir: dir, sortIn: s.sortIn}
		found(step+": "+v.name, left.Open(t))
	}
	return nil
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
