package impact

// traced reports whether the column goes by its name from a node down to the
// export: each node on some way between them has a column of that name.
func (c *comparison) traced(which int, export, column, from string) bool {
	key := traceKey{which, export, fold(column)}
	if c.traces == nil {
		c.traces = map[traceKey]map[string]bool{}
	}
	found, ok := c.traces[key]
	if !ok {
		found = c.trace(which, export, column)
		c.traces[key] = found
	}
	return found[from]
}

type traceKey struct {
	which          int
	export, column string
}

// trace finds the nodes above an export from which a column comes down by its
// name. A change of a node is one of a column that the node itself may have on
// the other side only, so it is found where its children have the column.
func (c *comparison) trace(which int, export, column string) map[string]bool {
	p := c.side(which).Project
	out := map[string]bool{}
	if !c.known(which, export).has(column) {
		return out
	}
	queue := []string{export}
	for len(queue) > 0 {
		id := queue[0]
		queue = queue[1:]
		for _, parent := range p.Parents[id] {
			if out[parent] {
				continue
			}
			out[parent] = true
			if c.known(which, parent).has(column) {
				queue = append(queue, parent)
			}
		}
	}
	return out
}
