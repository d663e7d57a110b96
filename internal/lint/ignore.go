package lint

import (
	"fmt"
	"time"

	"exposync/internal/coverage"
	"exposync/internal/yamlx"
)

// readIgnores reads the list behind `ignore:` leniently, as it stands in a
// file: what cannot be understood comes back without a reason, which does not
// count and is reported; a date that is none counts as passed.
func readIgnores(list *yamlx.Node, where string) []coverage.Ignore {
	if list == nil {
		return nil
	}
	items := list.Items
	if list.Kind != yamlx.List {
		items = []*yamlx.Node{list}
	}
	var out []coverage.Ignore
	for n, item := range items {
		i := coverage.Ignore{Where: where}
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
