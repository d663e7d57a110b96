package facade

import (
	"hash/fnv"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// Service is one connection of one vendor: what Routes builds its handler on.
// It is safe for concurrent use.
type Service struct {
	// Kind and Connection are the connection's type and name.
	Kind, Connection string
	// Strict tells that only declared fields exist: a vendor with a schema
	// refuses others. Otherwise it makes those it does not know.
	Strict    bool
	Documents *Documents
	Tokens    *Tokens
	// Schema is the lock of whoever reads and changes definitions of fields.
	Schema sync.Mutex

	config  Config
	mu      sync.Mutex
	objects map[string]*Object
}

// NewService makes the service of a connection.
func NewService(c Config) *Service {
	return &Service{
		Kind: c.Kind, Connection: c.Connection, Strict: c.Strict, config: c, objects: map[string]*Object{},
		Documents: &Documents{dir: filepath.Join(c.Dir, "documents"), syncDirs: c.SyncDirs},
		Tokens:    &Tokens{now: c.Now, revoked: map[string]bool{}},
	}
}

// Now is the time, in UTC.
func (s *Service) Now() time.Time { return s.config.Now().UTC() }

// Object gives an object by the vendor's name for it, and makes it when it is
// new. Names have 1 to 80 bytes.
func (s *Service) Object(name string) (*Object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.objects[name]; o != nil {
		return o, nil
	}
	log, err := s.config.Log(name)
	if err != nil {
		return nil, err
	}
	o := &Object{name: name, log: log, now: s.Now, indexes: map[Property]index{}}
	s.objects[name] = o
	return o, nil
}

// URL gives the absolute address of one of the vendor's paths, for links in
// answers. It follows the address that the request came to.
func (s *Service) URL(r *http.Request, path string) string {
	return "http://" + r.Host + Mount(s.Kind, s.Connection) + path
}

// Mount is the path below which a connection's facade answers.
func Mount(kind, connection string) string {
	return "/as/" + url.PathEscape(kind) + "/" + url.PathEscape(connection)
}

// Account is a number of eight digits that stays the same for a connection:
// the id of the account that it stands in for.
func (s *Service) Account() int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s.Kind + "/" + s.Connection))
	return 10_000_000 + int(h.Sum32()%90_000_000)
}

// requestID makes an id of a request for its answer: the same request gets
// the same text.
func requestID(r *http.Request) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(r.Method + r.URL.String() + strconv.FormatInt(r.ContentLength, 10)))
	return strconv.FormatUint(h.Sum64(), 16)
}
