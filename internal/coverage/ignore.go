package coverage

import (
	"bytes"
	"fmt"
	"time"

	"exposync/internal/yamlx"
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

// ReadIgnores reads the list behind `ignore:` of meta. What cannot be
// understood comes back as an Ignore without a reason, which does not count and
// is reported; a date that is none counts as passed.
func ReadIgnores(list *yamlx.Node, where string) []Ignore {
	if list == nil {
		return nil
	}
	items := list.Items
	if list.Kind != yamlx.List {
		items = []*yamlx.Node{list}
	}
	var out []Ignore
	for n, item := range items {
		i := Ignore{Where: where}
		if len(items) > 1 {
			i.Where = fmt.Sprintf("%s, ignore[%d]", where, n)
		}
		i.Check, _ = item.Get("check").Scalar()
		i.Reason, _ = item.Get("reason").Str()
		if until, ok := item.Get("until").Scalar(); ok {
			at, err := time.Parse(time.DateOnly, until)
			if err != nil {
				at = time.Unix(0, 0).UTC()
			}
			i.Until = at
		}
		out = append(out, i)
	}
	return out
}

// IgnoresOf reads the suppressions of a model, source or other node, from
// exposync.ignore of its meta.
func (f *Facts) IgnoresOf(id string) []Ignore {
	n := f.Project.Nodes[id]
	if n == nil || !bytes.Contains(n.Meta, []byte(`"ignore"`)) {
		return nil
	}
	meta, err := yamlx.ParseJSON(n.Meta)
	if err != nil { // the manifest is valid JSON
		return nil
	}
	list := meta.At("exposync", "ignore")
	if list == nil {
		return nil
	}
	return ReadIgnores(list, f.Place(id, "").String())
}
