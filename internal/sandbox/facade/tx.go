package facade

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// Tx is a look at an object, or a change of it. What it wrote, it finds.
type Tx struct {
	o       *Object
	pending map[string]*Version
	order   []string // ids in pending
	made    int      // records that are new
	undone  []func()
}

// Get gives a record by its id; false if there is none or it is deleted.
func (tx *Tx) Get(id string) (Record, bool, error) {
	v, ok, err := tx.version(id)
	if err != nil || !ok || v.Deleted {
		return Record{}, false, err
	}
	return record(&v), true, nil
}

// Deleted gives a record that is deleted, as it was before.
func (tx *Tx) Deleted(id string) (Record, bool, error) {
	v, ok, err := tx.version(id)
	if err != nil || !ok || !v.Deleted {
		return Record{}, false, err
	}
	return record(&v), true, nil
}

// Find gives the record whose property has a value. Of several the one that
// was given it last is found.
func (tx *Tx) Find(p Property, value string) (Record, bool, error) {
	ix, err := tx.index(p)
	if err != nil {
		return Record{}, false, err
	}
	id, ok := ix[hash(fold(p, value))]
	if !ok {
		return Record{}, false, nil
	}
	return tx.Get(id)
}

// Create writes a record with the next id that shape gives: it is called with
// 1, 2, 3 … in the order of creation. See Digits and the others.
func (tx *Tx) Create(shape func(n int64) string, fields Fields) (Record, error) {
	n := int64(tx.o.log.Len() + tx.made)
	for {
		n++
		id := shape(n)
		if _, pending := tx.pending[id]; pending || tx.o.log.Known(id) {
			continue
		}
		if _, err := tx.Put(id, fields); err != nil {
			return Record{}, err
		}
		return record(tx.pending[id]), nil
	}
}

// Put writes all fields of a record, which is new or not, and reports whether
// that changed anything.
func (tx *Tx) Put(id string, fields Fields) (changed bool, err error) {
	body, err := json.Marshal(fields)
	if err != nil {
		return false, fmt.Errorf("write a record of %s: %w", tx.o.name, err)
	}
	old, known, err := tx.version(id)
	if err != nil {
		return false, err
	}
	if known && !old.Deleted && bytes.Equal(old.Fields, body) {
		return false, nil
	}
	now := tx.o.now()
	v := Version{ID: id, Fields: body, Created: now, Updated: now}
	if known && !old.Deleted {
		v.Created = old.Created
	}
	if !known {
		tx.made++
	}
	tx.set(&v, &old, known)
	return true, nil
}

// Delete deletes a record; false if there is none.
func (tx *Tx) Delete(id string) (bool, error) {
	old, known, err := tx.version(id)
	if err != nil || !known || old.Deleted {
		return false, err
	}
	v := old
	v.Deleted, v.Updated = true, tx.o.now()
	tx.set(&v, &old, known)
	return true, nil
}

func (tx *Tx) version(id string) (Version, bool, error) {
	if v := tx.pending[id]; v != nil {
		return *v, true, nil
	}
	return tx.o.log.Read(id)
}

// set notes a version and puts it into the indexes that there are.
func (tx *Tx) set(v, old *Version, known bool) {
	if tx.pending == nil {
		panic("BUG: a record was changed within View")
	}
	if tx.pending[v.ID] == nil {
		tx.order = append(tx.order, v.ID)
	}
	tx.pending[v.ID] = v
	before, after := ParseFields(old.Fields), ParseFields(v.Fields)
	if !known || old.Deleted {
		before = nil
	}
	if v.Deleted {
		after = nil
	}
	for p, ix := range tx.o.indexes {
		tx.move(p, ix, v.ID, before, after)
	}
}

// index gives the index of a property, with what this change wrote before it
// was made.
func (tx *Tx) index(p Property) (index, error) {
	if ix := tx.o.indexes[p]; ix != nil {
		return ix, nil
	}
	ix, err := tx.o.index(p)
	if err != nil {
		return nil, err
	}
	for _, id := range tx.order {
		before, after := Fields(nil), Fields(nil)
		old, known, err := tx.o.log.Read(id)
		if err != nil {
			return nil, err
		}
		if known && !old.Deleted {
			before = ParseFields(old.Fields)
		}
		if v := tx.pending[id]; !v.Deleted {
			after = ParseFields(v.Fields)
		}
		tx.move(p, ix, id, before, after)
	}
	return ix, nil
}

// move lets an index find a record by its new value and no longer by its old.
func (tx *Tx) move(p Property, ix index, id string, before, after Fields) {
	if value, ok := before.value(p); ok && ix[hash(value)] == id {
		tx.put(ix, hash(value), "")
	}
	if value, ok := after.value(p); ok {
		tx.put(ix, hash(value), id)
	}
}

// put changes an index and notes how to take it back.
func (tx *Tx) put(ix index, at hashed, id string) {
	was, had := ix[at]
	tx.undone = append(tx.undone, func() {
		if had {
			ix[at] = was
		} else {
			delete(ix, at)
		}
	})
	if id == "" {
		delete(ix, at)
		return
	}
	ix[at] = id
}

func (tx *Tx) undo() {
	for _, back := range slices.Backward(tx.undone) {
		back()
	}
}
