package coverage

import (
	"bytes"
	"time"
)

// Ignore is one entry of ignore: a check that does not count for what declares
// it, and why. Without a reason it does not count, nor after Until.
type Ignore struct {
	Check  string // a dimension's name, or a lint code
	Reason string
	Until  time.Time // the last day, zero: for good
	Where  string    // file:line as far as known
}

// Holds reports whether the suppression counts at a time: it has a reason, and
// its last day (in UTC) has not passed.
func (i Ignore) Holds(now time.Time) bool {
	return i.Reason != "" && (i.Until.IsZero() || now.Before(i.Until.AddDate(0, 0, 1)))
}

// ReadNodeIgnores reads exposync.ignore of a node's meta; mistakes are what
// could not be read, which ignores nothing.
type ReadNodeIgnores func(meta []byte, where string) (ignores []Ignore, mistakes []string)

// IgnoresOf reads the suppressions of a model, source or other node. It gives
// none where Input.NodeIgnores is nil.
func (f *Facts) IgnoresOf(id string) (ignores []Ignore, mistakes []string) {
	n := f.Project.Nodes[id]
	if n == nil || f.in.NodeIgnores == nil || !bytes.Contains(n.Meta, []byte(`"ignore"`)) {
		return nil, nil
	}
	return f.in.NodeIgnores(n.Meta, f.Place(id, "").String())
}
