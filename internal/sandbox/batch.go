package sandbox

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/tidwall/gjson"

	"exposync/internal/record"
)

// The limits of one batch.
const (
	maxRecords = 1000
	maxBytes   = 4 << 20
)

// batch is the body of a request to write, in canonical JSON.
type batch struct {
	mode    string
	records []item
}

// item is one record of a batch.
type item struct {
	delete bool
	key    []byte // canonical JSON object
	fields []byte // canonical JSON object
	id     recordID
	bad    string // why it cannot be written; empty if it can

	created int64 // microseconds since 1970; only of a vendor's records
}

// result is the answer for one record.
type result struct {
	status  string
	id      recordID
	code    string
	message string
}

// readBatch reads a body. What is wrong with the batch as a whole is an error,
// what is wrong with one record is said there.
func readBatch(body []byte) (*batch, error) {
	canonical, err := record.AppendCanonicalJSON(make([]byte, 0, len(body)), body)
	if err != nil {
		return nil, problem("not_json", "the body is not JSON")
	}
	b := &batch{}
	var records gjson.Result
	gjson.ParseBytes(canonical).ForEach(func(name, value gjson.Result) bool {
		switch name.Str {
		case "mode":
			b.mode = value.Str
		case "records":
			records = value
		default:
			err = problem("unknown_member", "the body has a member other than mode and records")
		}
		return err == nil
	})
	switch {
	case err != nil:
		return nil, err
	case b.mode != "upsert" && b.mode != "update" && b.mode != "insert" && b.mode != "append":
		return nil, problem("bad_mode", "mode is upsert, update, insert or append")
	case !records.IsArray():
		return nil, problem("no_records", "records is a list")
	}
	records.ForEach(func(_, value gjson.Result) bool {
		b.records = append(b.records, readItem(value, b.mode))
		return len(b.records) <= maxRecords
	})
	if len(b.records) > maxRecords {
		return nil, errTooMany
	}
	return b, nil
}

func readItem(value gjson.Result, mode string) item {
	var it item
	if !value.IsObject() {
		return item{bad: "a record is an object"}
	}
	op := ""
	value.ForEach(func(name, v gjson.Result) bool {
		switch name.Str {
		case "op":
			op = v.Str
		case "key":
			it.key = objectText(v)
		case "fields":
			it.fields = objectText(v)
		default:
			it.bad = "a record has op, key and fields only"
		}
		return true
	})
	it.delete = op == "delete"
	switch {
	case it.bad != "":
	case op != "upsert" && op != "delete":
		it.bad = "op is upsert or delete"
	case mode == "append" && it.delete:
		it.bad = "mode append deletes nothing"
	case mode != "append" && (len(it.key) <= len("{}") || hasNull(it.key)):
		it.bad = "a key has at least one field, and none that is null"
	}
	if it.fields == nil {
		it.fields = []byte("{}")
	}
	if it.key == nil {
		it.key = []byte("{}")
	}
	sum := sha256.Sum256(it.key)
	it.id = recordID(sum[:16])
	return it
}

// objectText gives a JSON object's text; nil for anything else.
func objectText(v gjson.Result) []byte {
	if !v.IsObject() {
		return nil
	}
	return []byte(v.Raw)
}

func hasNull(object []byte) bool {
	found := false
	gjson.ParseBytes(object).ForEach(func(_, v gjson.Result) bool {
		found = v.Type == gjson.Null
		return !found
	})
	return found
}

// apply writes a batch to an object and returns when it is on disk. refuse
// may reject single records for a test's sake.
func (o *object) apply(b *batch, now time.Time, refuse func(*item) (code, message string)) ([]result, error) {
	results := make([]result, len(b.records))
	o.mu.Lock()
	p := &pending{o: o, at: now.UnixMicro(), versions: map[recordID]version{}}
	for i := range b.records {
		it := &b.records[i]
		if it.bad != "" {
			results[i] = result{status: rejected, id: it.id, code: "invalid", message: it.bad}
			continue
		}
		if code, message := refuse(it); code != "" {
			results[i] = result{status: rejected, id: it.id, code: code, message: message}
			continue
		}
		var err error
		if results[i], err = p.apply(b.mode, it, i); err != nil {
			o.mu.Unlock()
			return nil, err
		}
	}
	end, err := p.write()
	o.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return results, o.syncing.wait(end)
}

// pending is what one batch is about to write: lines, and the newest versions
// among them.
type pending struct {
	o        *object
	at       int64
	lines    []byte
	starts   []int
	versions map[recordID]version
	order    []version
}

const rejected = "rejected"

func (p *pending) apply(mode string, it *item, i int) (result, error) {
	if mode == "append" {
		it.id = p.appendID(it.id, i)
		p.put(it, version{}, 0, it.fields)
		return result{status: "appended", id: it.id}, nil
	}
	old, offset, exists, err := p.newest(it.id)
	if err != nil {
		return result{}, err
	}
	there := exists && !old.deleted
	switch {
	case it.delete && !there:
		return result{status: "deleted", id: it.id}, nil
	case it.delete:
		p.put(it, old, offset, nil)
		return result{status: "deleted", id: it.id}, nil
	case mode == "update" && !there:
		return result{status: rejected, id: it.id, code: "not_found", message: "no record has this key"}, nil
	case mode == "insert" && there:
		return result{status: rejected, id: it.id, code: "exists", message: "a record with this key exists already"}, nil
	case !there:
		p.put(it, old, offset, it.fields)
		return result{status: "created", id: it.id}, nil
	}
	before := fieldsOf(old.body)
	after := merge(before, it.fields)
	if bytes.Equal(before, after) {
		return result{status: "unchanged", id: it.id}, nil
	}
	p.put(it, old, offset, after)
	return result{status: "updated", id: it.id}, nil
}

// appendID makes an identity for a record that has none: no two appended
// records are the same, whatever their keys.
func (p *pending) appendID(key recordID, i int) recordID {
	text := append(key[:], "append "...)
	text = strconv.AppendInt(text, p.o.end, 10)
	text = strconv.AppendInt(append(text, ' '), int64(i), 10)
	sum := sha256.Sum256(text)
	return recordID(sum[:16])
}

// newest gives a record's newest version, also if this batch just made it.
func (p *pending) newest(id recordID) (version, int64, bool, error) {
	if v, ok := p.versions[id]; ok {
		return v, p.offset(v), true, nil
	}
	e, v, ok, err := p.o.newest(id)
	return v, e.offset, ok, err
}

// offset is where a version of this batch will stand.
func (p *pending) offset(v version) int64 {
	for i, made := range slices.Backward(p.order) {
		if made.id == v.id {
			return p.o.end + int64(p.starts[i])
		}
	}
	return 0
}

func (p *pending) put(it *item, old version, offset int64, fields []byte) {
	v := version{id: it.id, deleted: fields == nil, previous: offset, number: old.number + 1, at: p.at}
	v.body = append(v.body, '{')
	if it.created > 0 {
		v.body = strconv.AppendInt(append(v.body, `"created":`...), it.created, 10)
		v.body = append(v.body, ',')
	}
	if fields != nil {
		v.body = append(append(v.body, `"fields":`...), fields...)
		v.body = append(v.body, ',')
	}
	v.body = append(append(append(v.body, `"key":`...), it.key...), '}')
	p.starts = append(p.starts, len(p.lines))
	p.lines = v.appendLine(p.lines)
	p.order = append(p.order, v)
	p.versions[v.id] = v
}

// write appends the lines and, once they are in the file, the index.
func (p *pending) write() (int64, error) {
	start := p.o.end
	if len(p.lines) == 0 {
		return start, nil // what is unchanged is on disk already, or will be before this answer
	}
	end, err := p.o.write(p.lines)
	if err != nil {
		return 0, err
	}
	for i := range p.order {
		p.o.add(&p.order[i], start+int64(p.starts[i]))
	}
	return end, nil
}

// apiError is an answer to a request that is wrong as a whole.
type apiError struct{ code, message string }

func (e *apiError) Error() string { return fmt.Sprintf("%s (%s)", e.message, e.code) }

func problem(code, message string) error { return &apiError{code, message} }

var errTooMany = errors.New("more than 1000 records, or more than 4 MiB")
