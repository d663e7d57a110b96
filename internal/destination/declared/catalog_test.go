package declared

import (
	"context"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/fault"
)

const tiny = `name: tiny
title: Tiny
params: {url: {kind: url, required: true, doc: where}}
vars: {base_url: "${url}"}
ops:
  upsert: {request: {path: /x}, row: $fields, response: [{status: "200", outcome: ok}]}
fixtures:
  - {name: taken, op: upsert, rows: [a], status: 200, body: {}, want: [ok]}
`

// counting is a folder that counts which of its files are opened.
type counting struct {
	fs.FS
	mu     sync.Mutex
	opened []string
}

func (c *counting) Open(name string) (fs.File, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if name != "." {
		c.opened = append(c.opened, name)
	}
	return c.FS.Open(name)
}

func own(files fstest.MapFS) *Catalog {
	return NewCatalog(files, func(file string) string { return "destinations/" + file }, "postgres")
}

func folder(list map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for name, text := range list {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

// A user's description adds a kind, or stands in the place of an embedded one.
func TestCatalog(t *testing.T) {
	t.Parallel()
	c := own(folder(map[string]string{
		"tiny.yaml": tiny, "http.yml": strings.Replace(tiny, "name: tiny", "name: http", 1), "notes.txt": "no", "old/crm.yaml": tiny, ".yaml": tiny,
	}))
	kinds := append(Kinds(), "tiny")
	slices.Sort(kinds)
	if diff := cmp.Diff(kinds, c.Kinds()); diff != "" {
		t.Errorf("kinds: %s", diff)
	}
	origins := map[string]Origin{}
	for _, kind := range []string{"tiny", "http", "hubspot"} {
		origins[kind] = c.Origin(kind)
		if err := c.Problems(kind); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if diff := cmp.Diff(map[string]Origin{"tiny": User, "http": Overridden, "hubspot": BuiltIn}, origins); diff != "" {
		t.Errorf("origins: %s", diff)
	}
	about, err := c.Describe("http")
	if err != nil || about.Title != "Tiny" || about.File != "destinations/http.yml" || about.Origin != Overridden {
		t.Errorf("Describe(http) = %+v, %v", about, err)
	}
	report, err := c.Test(context.Background(), "tiny")
	if err != nil || !report.OK() {
		t.Errorf("Test(tiny) = %+v, %v", report, err)
	}
	d, err := New(Config{Kind: "tiny", Catalog: c, Name: "crm", Params: map[string]string{"url": "https://crm.example.com"}})
	if err != nil || d.spec.title != "Tiny" {
		t.Errorf("New(tiny) = %v", err)
	}
	if _, err := New(Config{Kind: "tiny", Name: "crm"}); err == nil {
		t.Error("another project's kind was opened")
	}
}

// Only what is asked for is read, and only once.
func TestCatalogIsLazy(t *testing.T) {
	t.Parallel()
	files := &counting{FS: folder(map[string]string{"tiny.yaml": tiny, "broken.yaml": "a: [", "other.yaml": tiny})}
	c := NewCatalog(files, func(file string) string { return file })
	_, _ = c.Kinds(), c.Origin("broken")
	if len(files.opened) > 0 {
		t.Errorf("%v was opened to list the kinds", files.opened)
	}
	for range 3 {
		if _, err := c.Params("tiny"); err != nil {
			t.Fatal(err)
		}
		c.Digest("tiny")
	}
	if diff := cmp.Diff([]string{"tiny.yaml"}, files.opened); diff != "" {
		t.Errorf("opened: %s", diff)
	}
}

// What is wrong with a user's description has its file and line.
func TestCatalogProblems(t *testing.T) {
	t.Parallel()
	c := own(folder(map[string]string{
		"broken.yaml": "name: broken\nops:\n  upsert:\n    requst: {path: /x}\n    row: $fields\n    response: [{outcome: ok}]\n",
		"syntax.yaml": "name: [\n", "renamed.yaml": tiny, "postgres.yaml": tiny, "sandbox.yaml": tiny,
		"twice.yaml": tiny, "twice.yml": tiny, "huge.yaml": "# " + strings.Repeat("x", longest), "empty.yaml": "",
	}))
	tests := map[string][]string{
		"broken": {
			"spec_invalid destinations/broken.yaml:4: ops.upsert: unknown key \"requst\"",
			"spec_invalid destinations/broken.yaml:4: ops.upsert needs request.path",
		},
		"syntax":   {"yaml_syntax destinations/syntax.yaml:2"},
		"renamed":  {"spec_invalid destinations/renamed.yaml:1: the description is called tiny, its file renamed.yaml"},
		"postgres": {"spec_invalid destinations/postgres.yaml: postgres is no description that can be replaced"},
		"sandbox":  {"spec_invalid destinations/sandbox.yaml: sandbox is no description that can be replaced"},
		"twice":    {"spec_invalid destinations/twice.yaml: twice is described in twice.yml, too"},
		"huge":     {"spec_invalid destinations/huge.yaml: cannot be read: it is longer than a description can be"},
		"empty":    {"spec_invalid destinations/empty.yaml:1: a destination must be a map, not nothing"},
	}
	for kind, want := range tests {
		list := fault.All(c.Problems(kind))
		if len(list) != len(want) {
			t.Errorf("%s: %v", kind, list)
			continue
		}
		for i, f := range list {
			if got := f.Code + " " + f.Where + ": " + f.Msg; !strings.HasPrefix(got, want[i]) || f.Kind != fault.Config {
				t.Errorf("%s:\n got %s\nwant %s", kind, got, want[i])
			}
		}
		if _, err := c.Params(kind); err == nil {
			t.Errorf("%s has parameters", kind)
		}
		if c.Digest(kind) == "" {
			t.Errorf("%s: no digest", kind)
		}
	}
	unreadable := NewCatalog(refusing{folder(map[string]string{"tiny.yaml": tiny})}, func(file string) string { return file })
	if err := unreadable.Problems("tiny"); err == nil || !strings.Contains(err.Error(), "cannot be read: permission denied") {
		t.Errorf("a file that cannot be opened: %v", err)
	}
}

// refusing lists its files and opens none.
type refusing struct{ fstest.MapFS }

func (r refusing) Open(name string) (fs.File, error) {
	if name == "." {
		return r.MapFS.Open(name)
	}
	return nil, &fs.PathError{Op: "open", Path: "/secret/place/" + name, Err: fs.ErrPermission}
}

// A description's digest is that of what a run depends on.
func TestCatalogDigest(t *testing.T) {
	t.Parallel()
	of := func(text string) string { return own(folder(map[string]string{"tiny.yaml": text})).Digest("tiny") }
	was := of(tiny)
	for name, same := range map[string]string{
		"a comment":    "# more\n" + tiny,
		"the title":    strings.Replace(tiny, "Tiny", "Very tiny", 1),
		"a fixture":    tiny + "  - {name: again, op: upsert, rows: [b], status: 200, body: {}, want: [ok]}\n",
		"the day":      tiny + "verified_on: 2026-11-27\n",
		"line endings": strings.ReplaceAll(tiny, "\n", "\r\n"),
	} {
		if of(same) != was {
			t.Errorf("%s changed the digest", name)
		}
	}
	for name, other := range map[string]string{
		"the path": strings.Replace(tiny, "/x", "/y", 1), "a rule": strings.Replace(tiny, `"200"`, `"2xx"`, 1),
		"a limit": tiny + "limits: {rows: 7}\n", "a parameter": strings.Replace(tiny, "required: true", "required: false", 1),
	} {
		if of(other) == was {
			t.Errorf("%s did not change the digest", name)
		}
	}
	if (*Catalog)(nil).Digest("http") != "" || own(nil).Digest("http") != "" {
		t.Error("an embedded description has a digest")
	}
	if err := own(nil).Problems("hubspot"); err != nil {
		t.Errorf("without a folder: %v", err)
	}
}
