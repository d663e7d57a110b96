package declared

import (
	"errors"
	"regexp"

	"exposync/internal/record"
	"exposync/internal/yamlx"
)

// A request for one record may have the record's key or the destination's id in
// its path or query: /customers/${key}, /contacts/${dest_id}.

var placeWord = regexp.MustCompile(`\$\{(key|dest_id)\}`)

// errNoPlace is what a record gets whose key or id would lead to another
// address than its own.
var errNoPlace = errors.New("the key is empty or made of dots, so no address can hold it")

// opRequest reads the request of an operation.
func (d *decoder) opRequest(o *op, n *yamlx.Node) {
	before := d.more
	d.more = append(append([]string{}, before...), "key", "dest_id")
	d.request(&o.request, n)
	d.more = before
	texts := o.request.path
	for _, q := range o.request.query {
		texts += q.text
	}
	for _, word := range placeWord.FindAllStringSubmatch(texts, -1) {
		o.byKey, o.byID = o.byKey || word[1] == "key", o.byID || word[1] == "dest_id"
	}
}

// checkPlace makes sure that a request with a record's own address is for one
// record.
func (d *decoder) checkPlace(o *op) {
	if (o.byKey || o.byID) && o.limits.rows != 1 {
		d.failAt(o.where, "add limits: {rows: 1}", "ops.%s: ${key} and ${dest_id} in a request stand for one record", o.name)
	}
}

// place is the path and query of the request for one record.
func (s *sender) place(ch *record.Change) (string, error) {
	var more []pair
	if s.op.byKey {
		key, err := appendPlain(nil, ch.KeyVals[0], &s.op.encode)
		if err != nil {
			return "", err
		}
		more = append(more, pair{"key", string(key)})
	}
	if s.op.byID {
		if ch.RemoteID == "" {
			return "", errNoRemoteID
		}
		more = append(more, pair{"dest_id", ch.RemoteID})
	}
	for _, p := range more {
		if p.text == "" || p.text == "." || p.text == ".." {
			return "", errNoPlace
		}
	}
	return s.values.with(more...).target(s.op.request)
}
