package dbt

import "slices"

// Difference is how dbt itself tells a node of two manifests apart: the parts
// of state:modified.
type Difference struct {
	Modified  bool // what state:modified selects
	Body      bool // SQL, Python or seed; state:modified.body
	Configs   bool // configuration as it is written, vars not filled in; state:modified.configs
	Relation  bool // database, schema and alias as they are written; state:modified.relation
	Contract  bool // state:modified.contract
	Persisted bool // descriptions that dbt writes into the warehouse
	// Macros are those of the node's own that were changed, added or removed,
	// or that call one that was.
	Macros []string
}

// Any reports whether anything differs.
func (d Difference) Any() bool {
	return d.Modified || d.Body || d.Configs || d.Relation || d.Contract || d.Persisted || len(d.Macros) > 0
}

// Differences compares the nodes and exposures that two projects have both, as
// state: does. Both have to be read with KeepContents. What does not differ is
// not in the result.
func Differences(then, now *Project) map[string]Difference {
	out := map[string]Difference{}
	if then.Contents == nil || now.Contents == nil {
		return out
	}
	changed := macrosBetween(then.Contents, now.Contents)
	for id, is := range now.Contents.nodes {
		was, ok := then.Contents.nodes[id]
		if !ok {
			continue
		}
		part := func(of ...facet) bool { return is.has&bits(of...) != 0 && !is.sameAs(&was, bits(of...)) }
		d := Difference{
			Body: part(body), Configs: part(configs), Relation: part(relation), Contract: part(contract),
			Persisted: part(description) || part(columnDocs),
		}
		for _, id := range is.macros {
			if changed([]string{id}) {
				d.Macros = append(d.Macros, id)
			}
		}
		slices.Sort(d.Macros)
		d.Modified = is.modified(&was) || len(d.Macros) > 0
		if d.Any() {
			out[id] = d
		}
	}
	return out
}
