package sandbox

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/tidwall/gjson"
)

// The limits of reading.
const (
	maxPage     = 1000
	maxSearched = 200_000 // records that one request looks through
	maxVersions = 200
)

// shown is a record as it is read.
type shown struct {
	ID        string          `json:"id"`
	Key       json.RawMessage `json:"key"`
	Fields    json.RawMessage `json:"fields"`
	Version   uint32          `json:"version"`
	UpdatedAt time.Time       `json:"updated_at"`
	Deleted   bool            `json:"deleted,omitempty"`
}

// page is a part of a list. Next is empty at its end.
type page struct {
	Records []shown `json:"records"`
	Next    string  `json:"next"`
}

// listing says which records to read.
type listing struct {
	after   int64 // a place in the order, exclusive; -1 for the start
	limit   int
	recent  bool // newest change first, instead of in the order of creation
	deleted bool // deleted ones too
	search  []byte
}

func readListing(r *http.Request) (listing, error) {
	q := r.URL.Query()
	l := listing{after: -1, limit: 100, recent: q.Get("order") == "recent", deleted: q.Get("deleted") == "true"}
	l.search = bytes.ToLower([]byte(q.Get("q")))
	var err error
	if text := q.Get("after"); text != "" {
		if l.after, err = strconv.ParseInt(text, 10, 64); err != nil || l.after < 0 {
			return l, problem("bad_after", "after is the next of an earlier page")
		}
	}
	if text := q.Get("limit"); text != "" {
		if l.limit, err = strconv.Atoi(text); err != nil || l.limit < 1 || l.limit > maxPage {
			return l, problem("bad_limit", "limit is from 1 to 1000")
		}
	}
	return l, nil
}

// records lists. An object that nobody wrote to has no records.
func (s *Sandbox) records(w http.ResponseWriter, r *http.Request, c *call) {
	l, err := readListing(r)
	if err != nil {
		failWith(w, err)
		return
	}
	out := page{Records: []shown{}}
	if o := s.store.object(address{r.PathValue("connection"), r.PathValue("object")}); o != nil {
		if out, err = o.list(l); err != nil {
			failWith(w, err)
			return
		}
	}
	reply(w, out, c.rules)
}

// list reads one page.
func (o *object) list(l listing) (page, error) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	out := page{Records: []shown{}}
	looked := 0
	for place := range o.places(l) {
		e := o.entries[place.entry]
		if e.deleted && !l.deleted {
			continue
		}
		if len(out.Records) == l.limit || looked == maxSearched {
			return out, nil
		}
		looked++
		v, err := o.read(e.offset)
		if err != nil {
			return out, err
		}
		out.Next = strconv.FormatInt(place.at, 10)
		if len(l.search) > 0 && !bytes.Contains(bytes.ToLower(v.body), l.search) {
			continue
		}
		out.Records = append(out.Records, o.shown(v))
	}
	out.Next = ""
	return out, nil
}

// place is a record in the order of a listing.
type place struct {
	entry int
	at    int64 // what `after` is compared with
}

// places yields the records behind l.after: in the order of creation, or by
// the newest change, which is the order of offsets from the end.
func (o *object) places(l listing) func(yield func(place) bool) {
	if !l.recent {
		return func(yield func(place) bool) {
			for i := l.after + 1; i < int64(len(o.entries)); i++ {
				if !yield(place{entry: int(i), at: i}) {
					return
				}
			}
		}
	}
	return func(yield func(place) bool) {
		before := l.after
		for {
			chunk := o.newestBefore(before, max(l.limit+1, 1000))
			for _, p := range chunk {
				if !yield(p) {
					return
				}
				before = p.at
			}
			if len(chunk) == 0 {
				return
			}
		}
	}
}

// newestBefore gives the n records that were changed last before an offset;
// a negative one is the end of the file.
func (o *object) newestBefore(before int64, n int) []place {
	var out []place
	newer := func(a, b place) int { return int(min(max(b.at-a.at, -1), 1)) }
	for i, e := range o.entries {
		if before >= 0 && e.offset >= before {
			continue
		}
		out = append(out, place{entry: i, at: e.offset})
		if len(out) == 2*n { // keep the better half
			slices.SortFunc(out, newer)
			out = out[:n]
		}
	}
	slices.SortFunc(out, newer)
	return out[:min(n, len(out))]
}

func (o *object) shown(v version) shown {
	out := shown{
		ID: v.id.String(), Version: v.number, UpdatedAt: time.UnixMicro(v.at).UTC(), Deleted: v.deleted,
		Key: []byte(gjson.GetBytes(v.body, "key").Raw), Fields: fieldsOf(v.body),
	}
	if v.deleted && v.previous > 0 { // show what it was
		if before, err := o.read(v.previous); err == nil {
			out.Fields = fieldsOf(before.body)
		}
	}
	return out
}

// past is one version in a record's history.
type past struct {
	Version uint32          `json:"version"`
	At      time.Time       `json:"at"`
	What    string          `json:"what"`             // created, updated, deleted
	Fields  json.RawMessage `json:"fields,omitempty"` // all of them, after the change; none after a delete
}

// history answers with a record and its versions.
func (s *Sandbox) history(w http.ResponseWriter, r *http.Request, c *call) {
	var id recordID
	raw, err := hex.DecodeString(r.PathValue("id"))
	o := s.store.object(address{r.PathValue("connection"), r.PathValue("object")})
	if err != nil || len(raw) != len(id) || o == nil {
		fail(w, http.StatusNotFound, "not_found", "there is no such record")
		return
	}
	copy(id[:], raw)
	out, ok, err := o.history(id)
	switch {
	case err != nil:
		failWith(w, err)
	case !ok:
		fail(w, http.StatusNotFound, "not_found", "there is no such record")
	default:
		reply(w, out, c.rules)
	}
}

// story is a record with its versions, newest first.
type story struct {
	shown

	Versions []past `json:"versions"`
	More     bool   `json:"more,omitempty"` // there are older ones
}

func (o *object) history(id recordID) (story, bool, error) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	_, v, ok, err := o.newest(id)
	if err != nil || !ok {
		return story{}, false, err
	}
	versions, more, err := o.past(v)
	return story{o.shown(v), versions, more}, true, err
}

// past follows a record's versions back.
func (o *object) past(v version) (out []past, more bool, err error) {
	for {
		p := past{Version: v.number, At: time.UnixMicro(v.at).UTC(), What: "deleted"}
		if !v.deleted {
			p.What, p.Fields = "created", fieldsOf(v.body)
		}
		if v.previous == 0 {
			return append(out, p), false, nil
		}
		before, err := o.read(v.previous)
		if err != nil {
			return nil, false, err
		}
		if !v.deleted && !before.deleted {
			p.What = "updated"
		}
		if out = append(out, p); len(out) == maxVersions {
			return out, true, nil
		}
		v = before
	}
}
