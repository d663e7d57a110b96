package facade

import (
	"crypto/sha256"
	"fmt"
	"sync"
	"time"
)

// Object is one kind of thing that a service keeps records of.
type Object struct {
	name string
	log  Log
	now  func() time.Time

	mu      sync.RWMutex
	indexes map[Property]index
	failed  error // of a write: memory and disk may differ since
}

// Property is a field that identifies records.
type Property struct {
	Name string
	Fold bool // upper and lower case are the same
}

// index finds ids by the hash of a value.
type index map[hashed]string

type hashed [16]byte

// Record is the newest version of a record.
type Record struct {
	ID      string
	Fields  Fields // the caller's own; changing it changes nothing else
	Created time.Time
	Updated time.Time
}

// Update calls change with the object locked for it. What change wrote is on
// disk when Update returns nil. If change fails, nothing is written, and
// Update returns its error.
func (o *Object) Update(change func(tx *Tx) error) error {
	durable, err := o.update(change)
	if err != nil {
		return err
	}
	return durable()
}

func (o *Object) update(change func(tx *Tx) error) (func() error, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failed != nil {
		return nil, o.failed
	}
	tx := &Tx{o: o, pending: map[string]*Version{}}
	if err := change(tx); err != nil {
		tx.undo()
		return nil, err
	}
	if len(tx.order) == 0 {
		return func() error { return nil }, nil
	}
	versions := make([]Version, len(tx.order))
	for i, id := range tx.order {
		versions[i] = *tx.pending[id]
	}
	durable, err := o.log.Append(versions)
	if err != nil {
		o.failed = fmt.Errorf("write records of %s: %w", o.name, err)
		return nil, o.failed
	}
	return durable, nil
}

// View calls look with the object locked against changes. It must not change
// anything.
func (o *Object) View(look func(tx *Tx) error) error {
	o.mu.Lock() // not RLock: looking may make an index
	defer o.mu.Unlock()
	return look(&Tx{o: o})
}

// Page gives up to limit records that are not deleted, in the order in which
// they were created, and the cursor of the next page: empty at the end. The
// first page has the cursor 0.
func (o *Object) Page(after, limit int) (records []Record, next int, err error) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	next = -1
	err = o.log.Scan(after, func(position int, v Version) bool {
		if v.Deleted {
			return true
		}
		if len(records) == limit {
			next = position
			return false
		}
		records = append(records, record(&v))
		return true
	})
	return records, next, err
}

// Len is the number of records that there ever were, deleted ones included.
func (o *Object) Len() int {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.log.Len()
}

// index gives the index of a property, made on first use.
func (o *Object) index(p Property) (index, error) {
	if ix := o.indexes[p]; ix != nil {
		return ix, nil
	}
	ix := index{}
	err := o.log.Scan(0, func(_ int, v Version) bool {
		if value, ok := ParseFields(v.Fields).value(p); ok && !v.Deleted {
			ix[hash(value)] = v.ID
		}
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("look through %s: %w", o.name, err)
	}
	o.indexes[p] = ix
	return ix, nil
}

func hash(value string) hashed {
	sum := sha256.Sum256([]byte(value))
	return hashed(sum[:16])
}

func record(v *Version) Record {
	return Record{ID: v.ID, Fields: ParseFields(v.Fields), Created: v.Created.UTC(), Updated: v.Updated.UTC()}
}
