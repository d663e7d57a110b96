package declared

import (
	"errors"
	"slices"
	"strings"

	"exposync/internal/destination"
	"exposync/internal/record"
	"exposync/internal/yamlx"
)

// The address of a request may name its records: ${key} and ${dest_id} one,
// ${keys} and ${dest_ids} all of them, parted by commas.

func singleNames() []string { return []string{"key", "dest_id"} }

func recordNames() []string { return append(singleNames(), "keys", "dest_ids") }

// names reports whether the address holds one of the names.
func (r request) names(names ...string) bool {
	texts := []string{r.path}
	for _, q := range r.query {
		texts = append(texts, q.text)
	}
	return slices.ContainsFunc(names, func(name string) bool {
		return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, "${"+name+"}") })
	})
}

// inPath reports whether the path holds one of the names.
func (r request) inPath(names ...string) bool { return request{path: r.path}.names(names...) }

// dots reports whether a text, alone between two slashes, leads elsewhere.
func dots(text string) bool { return text == "." || text == ".." }

// recordRequest reads a request whose address may name records.
func (d *decoder) recordRequest(r *request, n *yamlx.Node) {
	d.more = recordNames()
	defer func() { d.more = nil }()
	d.request(r, n)
}

// noBody checks an operation whose records stand in the address alone.
func (d *decoder) noBody(o *op, n *yamlx.Node) {
	if !o.row.IsNull() || !o.envelope.IsNull() {
		d.fail(n, "", "ops.%s: with format none there is no row and no envelope", o.name)
	}
	if !o.request.names(recordNames()...) {
		d.fail(n, "${key}, ${dest_id}, ${keys} or ${dest_ids} in request.path or request.query", "ops.%s: with format none the address has to name the records", o.name)
	}
}

// address prepares the path of requests.
func (s *sender) address(c *compiler) {
	if s.op.request.names(recordNames()...) {
		s.late, s.values = &s.op.request, c.values
		if s.op.request.names("key", "keys") && len(s.target.Key) != 1 {
			c.failf("this destination identifies a record by one key field, the job has %d", len(s.target.Key))
		}
		if _, err := s.named("", "").target(*s.late); err != nil {
			c.failf("%s", err)
		}
		return
	}
	var err error
	if s.path, err = c.values.target(s.op.request); err != nil {
		c.failf("%s", err)
	}
}

var (
	errEmptyKey = errors.New("the key is empty, so the address of the request cannot name the record")
	errDots     = errors.New("the key is one that the address of a request cannot hold")
	errComma    = errors.New("the key holds the comma that parts keys in the address of the request")
)

// unaddressed is the outcome of a record that the address cannot name.
func (s *sender) unaddressed(ch *record.Change) (destination.Outcome, bool) {
	if s.late == nil {
		return destination.Outcome{}, false
	}
	o := destination.Outcome{State: destination.Rejected, Code: "invalid_key"}
	key := ""
	if s.late.names("key", "keys") {
		if key = s.op.encode.plainKey(ch.KeyVals[0]); key == "" {
			o.Message = errEmptyKey.Error()
			return o, true
		}
	}
	switch {
	case dots(key) && s.late.inPath("key", "keys"), dots(ch.RemoteID) && s.late.inPath("dest_id", "dest_ids"):
		o.Message = errDots.Error()
	case s.late.names("keys") && strings.Contains(key, ","):
		o.Message = errComma.Error()
	case s.late.names("dest_ids") && strings.Contains(ch.RemoteID, ","):
		o.Message = errComma.Error()
	case s.late.names("dest_id", "dest_ids") && ch.RemoteID == "":
		o.Code, o.Message = "no_remote_id", errNoRemoteID.Error()
	default:
		return o, false
	}
	return o, true
}

// addressOf is the path and query of a request for these records.
func (s *sender) addressOf(batch []record.Change, p *parcel) string {
	if s.late == nil {
		return s.path
	}
	var keys, ids []string
	for _, i := range p.at {
		ids = append(ids, batch[i].RemoteID)
		if len(batch[i].KeyVals) == 1 {
			keys = append(keys, s.op.encode.plainKey(batch[i].KeyVals[0]))
		}
	}
	all, allIDs := strings.Join(keys, ","), strings.Join(ids, ",")
	target, _ := s.named(all, allIDs).target(*s.late) // address made sure that it can be filled
	return target
}

func (s *sender) named(keys, ids string) values {
	return s.values.with(pair{"key", keys}, pair{"keys", keys}, pair{"dest_id", ids}, pair{"dest_ids", ids})
}
