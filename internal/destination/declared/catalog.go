package declared

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"exposync/internal/fault"
	"exposync/internal/yamlx"
)

//go:embed specs/*.yaml
var files embed.FS

// Catalog is the destinations that one project can name: those that are
// embedded, and the user's own, of which one with the name of an embedded one
// stands in its place. A description is read when it is first asked for, so
// that a broken or unused one costs nobody anything. The nil Catalog has the
// embedded ones only. It may be used by several goroutines.
type Catalog struct {
	own      fs.FS
	place    func(file string) string // what messages call a file of own
	reserved []string

	once  sync.Once
	names map[string][]string // files of own by the kind they describe
	mu    sync.Mutex
	read  map[string]*source
}

// source is the description of one kind, parsed as YAML.
type source struct {
	file string
	data []byte
	root *yamlx.Node
	err  error
}

// longest is the most bytes of a description: ten times the longest of ours.
const longest = 1 << 20

// NewCatalog adds the descriptions in the folder own, which need not be there;
// place is what messages call a file in it. A description cannot have one of
// the reserved names, or that of the sandbox.
func NewCatalog(own fs.FS, place func(file string) string, reserved ...string) *Catalog {
	return &Catalog{own: own, place: place, reserved: append(reserved, "sandbox"), read: map[string]*source{}}
}

// Kinds lists the embedded destinations, sorted.
func Kinds() []string { return (*Catalog)(nil).Kinds() }

// Describe tells of an embedded destination.
func Describe(kind string) (About, error) { return (*Catalog)(nil).Describe(kind) }

// Params gives what a connection of an embedded kind may hold.
func Params(kind string) ([]Param, error) { return (*Catalog)(nil).Params(kind) }

// Test runs the fixtures of an embedded destination.
func Test(ctx context.Context, kind string) (Report, error) { return (*Catalog)(nil).Test(ctx, kind) }

// Harmless is Catalog.Harmless for an embedded kind.
func Harmless(kind, base string, given map[string]string) (map[string]string, error) {
	return (*Catalog)(nil).Harmless(kind, base, given)
}

// builtin reads an embedded description with the blocks that a connection puts
// over it.
func builtin(kind string, over *overlay) (*spec, error) { return (*Catalog)(nil).load(kind, over) }

// Kinds lists the destinations that can be named, sorted.
func (c *Catalog) Kinds() []string {
	kinds := embedded()
	for kind := range c.ownFiles() {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

func embedded() []string {
	entries, err := files.ReadDir("specs")
	if err != nil {
		panic("BUG: the descriptions are not embedded: " + err.Error())
	}
	kinds := make([]string, len(entries))
	for i, e := range entries {
		kinds[i] = strings.TrimSuffix(e.Name(), ".yaml")
	}
	return kinds
}

// Origin says where a description comes from.
type Origin string

// The origins of a description.
const (
	BuiltIn    Origin = "built-in"
	Overridden Origin = "overridden" // a user's description stands in place of an embedded one
	User       Origin = "user"
)

// Origin says where the description of a kind comes from.
func (c *Catalog) Origin(kind string) Origin {
	switch _, own := c.ownFiles()[kind]; {
	case !own:
		return BuiltIn
	case slices.Contains(embedded(), kind):
		return Overridden
	}
	return User
}

// File is the file of a kind's description as messages call it.
func (c *Catalog) File(kind string) string {
	if list := c.ownFiles()[kind]; len(list) > 0 {
		return c.place(list[0])
	}
	return kind + ".yaml"
}

// ownFiles are the user's descriptions by kind.
func (c *Catalog) ownFiles() map[string][]string {
	if c == nil || c.own == nil {
		return nil
	}
	c.once.Do(func() {
		c.names = map[string][]string{}
		entries, _ := fs.ReadDir(c.own, ".") // a folder that is not there holds none
		for _, e := range entries {
			kind, ext := strings.TrimSuffix(e.Name(), path.Ext(e.Name())), path.Ext(e.Name())
			if (ext == ".yaml" || ext == ".yml") && kind != "" && !e.IsDir() {
				c.names[kind] = append(c.names[kind], e.Name())
			}
		}
	})
	return c.names
}

// source reads the description of a kind, once.
func (c *Catalog) source(kind string) (*source, error) {
	if !slices.Contains(c.Kinds(), kind) {
		return nil, fmt.Errorf("declared: no destination is called %q", kind)
	}
	if c == nil {
		return embeddedSource(kind)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.read[kind]
	if s == nil {
		if list := c.ownFiles()[kind]; len(list) > 0 {
			s = c.ownSource(kind, list)
		} else {
			s, _ = embeddedSource(kind)
		}
		c.read[kind] = s
	}
	return s, s.err
}

// embeddedSource reads an embedded description.
func embeddedSource(kind string) (*source, error) {
	s := &source{file: kind + ".yaml"}
	if s.data, s.err = files.ReadFile("specs/" + kind + ".yaml"); s.err == nil {
		s.root, s.err = yamlx.Parse(s.file, s.data)
	}
	return s, s.err
}

// ownSource reads a description of the user's.
func (c *Catalog) ownSource(kind string, list []string) *source {
	s := &source{file: c.place(list[0])}
	switch {
	case slices.Contains(c.reserved, kind):
		s.err = c.unusable(s.file, "give the file and its name another name", "%s is no description that can be replaced", kind)
	case len(list) > 1:
		s.err = c.unusable(s.file, "keep one of the two", "%s is described in %s, too", kind, list[1])
	default:
		if s.data, s.err = readFile(c.own, list[0]); s.err != nil {
			s.err = c.unusable(s.file, "check the file's owner and permissions", "cannot be read: %s", reason(s.err))
			return s
		}
		if s.root, s.err = yamlx.Parse(s.file, s.data); s.err != nil {
			return s
		}
		if name, _ := s.root.Get("name").Scalar(); name != "" && name != kind {
			s.err = c.unusable(s.root.Get("name").Where(s.file), "write name: "+kind+", or rename the file",
				"the description is called %s, its file %s", name, list[0])
		}
	}
	return s
}

var errTooLong = errors.New("it is longer than a description can be")

func readFile(own fs.FS, name string) ([]byte, error) {
	f, err := own.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, longest+1))
	if err == nil && len(data) > longest {
		err = errTooLong
	}
	return data, err
}

// reason is an error of a file without its path, which the place has.
func reason(err error) error {
	if inner := (*fs.PathError)(nil); errors.As(err, &inner) {
		return inner.Err
	}
	return err
}

func (c *Catalog) unusable(where, hint, format string, args ...any) error {
	return fault.List{{
		Code: "spec_invalid", Kind: fault.Config, Whose: fault.Setup, Where: where,
		Msg: fmt.Sprintf(format, args...), Hint: hint,
	}}.Err()
}

// load gives the spec of a kind with the blocks that a connection puts over
// it.
func (c *Catalog) load(kind string, over *overlay) (*spec, error) {
	s, err := c.source(kind)
	if err != nil {
		return nil, err
	}
	return decode(s.file, s.root, over)
}

// Digest identifies what a user's description says that a run depends on, so
// not its prose and not its fixtures. It is empty for an embedded one: a new
// version of Exposync changes nobody's fingerprints.
func (c *Catalog) Digest(kind string) string {
	if c.Origin(kind) == BuiltIn {
		return ""
	}
	return c.Acts(kind)
}

// Acts identifies what a description says that a run depends on, an embedded
// one too; it is empty for a kind that is none.
func (c *Catalog) Acts(kind string) string {
	s, err := c.source(kind)
	if s == nil {
		return ""
	}
	text := s.data
	if err == nil && s.root.Kind == yamlx.Map {
		acts := *s.root
		acts.Pairs = slices.DeleteFunc(slices.Clone(acts.Pairs), func(p yamlx.Pair) bool {
			return slices.Contains([]string{"title", "docs", "verified_on", "fixtures"}, p.Key)
		})
		text = appendNode(nil, &acts)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// Problems says what is wrong with a kind's description: a fault.List with the
// code spec_invalid, every problem with its line; nil if nothing is.
func (c *Catalog) Problems(kind string) error {
	_, err := c.load(kind, nil)
	return err
}
