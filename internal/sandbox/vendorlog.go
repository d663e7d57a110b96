package sandbox

import (
	"crypto/sha256"
	"time"

	"github.com/tidwall/gjson"

	"exposync/internal/record"
	"exposync/internal/sandbox/facade"
)

// vendorLog gives one object of the store to a facade. Its records have the
// key {"id":ID}.
type vendorLog struct {
	o   *object
	now func() time.Time
}

// vendorConnection is what the store calls the connection of a vendor. Names
// that begin with _ cannot be reached through the generic API.
func vendorConnection(kind, connection string) string { return "_" + kind + ":" + connection }

func (l vendorLog) Len() int {
	l.o.mu.RLock()
	defer l.o.mu.RUnlock()
	return len(l.o.entries)
}

func (l vendorLog) Known(id string) bool {
	l.o.mu.RLock()
	defer l.o.mu.RUnlock()
	_, known := l.o.index[vendorKey(id).id]
	return known
}

func (l vendorLog) Read(id string) (facade.Version, bool, error) {
	l.o.mu.RLock()
	defer l.o.mu.RUnlock()
	_, v, ok, err := l.o.newest(vendorKey(id).id)
	if err != nil || !ok {
		return facade.Version{}, false, err
	}
	return l.version(v), true, nil
}

func (l vendorLog) Scan(from int, yield func(int, facade.Version) bool) error {
	l.o.mu.RLock()
	defer l.o.mu.RUnlock()
	for i := max(from, 0); i < len(l.o.entries); i++ {
		v, err := l.o.read(l.o.entries[i].offset)
		if err != nil {
			return err
		}
		if !yield(i, l.version(v)) {
			return nil
		}
	}
	return nil
}

// version translates. Of a deleted record it gives the fields it had.
func (l vendorLog) version(v version) facade.Version {
	out := facade.Version{
		ID: gjson.GetBytes(v.body, "key.id").Str, Fields: fieldsOf(v.body), Deleted: v.deleted,
		Created: time.UnixMicro(gjson.GetBytes(v.body, "created").Int()), Updated: time.UnixMicro(v.at),
	}
	if v.deleted && v.previous > 0 {
		if before, err := l.o.read(v.previous); err == nil {
			out.Fields = fieldsOf(before.body)
		}
	}
	return out
}

func (l vendorLog) Append(versions []facade.Version) (func() error, error) {
	l.o.mu.Lock()
	defer l.o.mu.Unlock()
	p := &pending{o: l.o, at: l.now().UnixMicro(), versions: map[recordID]version{}}
	for i := range versions {
		it := vendorKey(versions[i].ID)
		it.created = versions[i].Created.UnixMicro()
		old, offset, _, err := p.newest(it.id)
		if err != nil {
			return nil, err
		}
		var fields []byte
		if !versions[i].Deleted {
			if fields, err = record.AppendCanonicalJSON(nil, versions[i].Fields); err != nil {
				return nil, err
			}
		}
		p.put(&it, old, offset, fields)
	}
	end, err := p.write()
	if err != nil {
		return nil, err
	}
	return func() error { return l.o.syncing.wait(end) }, nil
}

func vendorKey(id string) item {
	key := append(appendString([]byte(`{"id":`), id), '}')
	sum := sha256.Sum256(key)
	return item{key: key, id: recordID(sum[:16])}
}
