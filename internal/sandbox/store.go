package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// store is all objects of all connections: a folder each, a file each.
type store struct {
	dir string
	now func() time.Time

	mu      sync.RWMutex
	objects map[address]*object
}

// address names an object.
type address struct{ connection, object string }

const extension = ".log"

func openStore(dir string, now func() time.Time) (*store, error) {
	s := &store{dir: dir, now: now, objects: map[address]*object{}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, dirFault(dir, err)
	}
	if err := s.load(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *store) load() error {
	connections, err := os.ReadDir(s.dir)
	if err != nil {
		return dirFault(s.dir, err)
	}
	for _, c := range connections {
		connection, ok := unescape(c.Name())
		if !ok || !c.IsDir() {
			continue // nothing of ours
		}
		files, err := os.ReadDir(filepath.Join(s.dir, c.Name()))
		if err != nil {
			return dirFault(s.dir, err)
		}
		for _, f := range files {
			name, ours := strings.CutSuffix(f.Name(), extension)
			if name, ok = unescape(name); !ours || !ok {
				continue
			}
			o, err := openObject(filepath.Join(s.dir, c.Name(), f.Name()), connection, name)
			if err != nil {
				return err
			}
			s.objects[address{connection, name}] = o
		}
	}
	return nil
}

// object gives an object, nil if there is none.
func (s *store) object(a address) *object {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.objects[a]
}

// make gives an object and makes it when it is new.
func (s *store) make(a address) (*object, error) {
	if o := s.object(a); o != nil {
		return o, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.objects[a]; o != nil {
		return o, nil
	}
	dir := filepath.Join(s.dir, escape(a.connection))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, dirFault(dir, err)
	}
	o, err := openObject(filepath.Join(dir, escape(a.object)+extension), a.connection, a.object)
	if err != nil {
		return nil, err
	}
	if err := syncDirs(dir, s.dir); err != nil {
		return nil, dirFault(dir, err)
	}
	s.objects[a] = o
	return o, nil
}

// drop forgets an object with its history; false if there is none.
func (s *store) drop(a address) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.objects[a]
	if o == nil {
		return false, nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failed = errDropped
	closed := o.file.Close() // Windows removes no open file
	if err := os.Remove(o.path); err != nil {
		return false, dirFault(o.path, err)
	}
	delete(s.objects, a)
	return true, errors.Join(closed, syncDirs(filepath.Dir(o.path)))
}

var errDropped = errors.New("the object was deleted meanwhile")

// list gives all objects, by connection and name.
func (s *store) list() []*object {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]*object, 0, len(s.objects))
	for _, o := range s.objects {
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b *object) int {
		if c := strings.Compare(a.connection, b.connection); c != 0 {
			return c
		}
		return strings.Compare(a.name, b.name)
	})
	return out
}

func (s *store) close() error {
	var errs []error
	for _, o := range s.list() {
		o.mu.Lock()
		errs = append(errs, o.file.Close())
		o.failed = os.ErrClosed
		o.mu.Unlock()
	}
	return errors.Join(errs...)
}

// maxName is how long a connection's or object's name may be, in bytes: each
// may become three in the name of a file.
const maxName = 80

// escape writes a name so that every system can have it as a file, and so that
// two names stay two where case does not count.
func escape(name string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-' {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}

func unescape(name string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if name[i] != '%' {
			b.WriteByte(name[i])
			continue
		}
		if i+2 >= len(name) {
			return "", false
		}
		c, err := parseHex([]byte(name[i+1 : i+3]))
		if err != nil {
			return "", false
		}
		b.WriteByte(byte(c)) //nolint:gosec // two digits
		i += 2
	}
	return b.String(), b.Len() > 0
}
