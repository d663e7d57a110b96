package coverage

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"exposync/internal/dbt"
	"exposync/internal/yamlx"
)

// sending is a column that some exposures send.
type sending struct {
	Sent
	via []*Exposure
}

// sent gives the columns that the synced exposures send, each once.
func (f *Facts) sent() []sending {
	var out []sending
	at := map[[2]string]int{}
	for _, e := range f.Synced {
		for _, s := range f.MappedOf(e) {
			id := [2]string{s.Model.UniqueID, strings.ToLower(s.Column)}
			n, known := at[id]
			if !known {
				n = len(out)
				at[id] = n
				out = append(out, sending{Sent: s})
			}
			out[n].via = append(out[n].via, e)
		}
	}
	slices.SortStableFunc(out, func(a, b sending) int { return cmp.Compare(a.Model.UniqueID, b.Model.UniqueID) })
	return out
}

// values asks (h): has a column that holds one of a few words a list of them?
func values(f *Facts) answer {
	var a answer
	for _, s := range f.sent() {
		tests := f.AcceptedValues(s.Model, s.Column)
		if len(tests) == 0 && !f.EnumLike(s.Model, s.Column) {
			continue
		}
		i := item{subject: s.Model.UniqueID, column: s.Column, name: Label(s.Model), hits: len(tests), via: s.via}
		i.lazy = func() (string, string) {
			return Label(s.Model) + "." + s.Column + " holds one of a few words, and no test lists them", f.valuesSnippet(s.Sent)
		}
		a.items = append(a.items, i)
	}
	return a
}

// AcceptedValues gives the tests that list what a column may hold.
func (f *Facts) AcceptedValues(n *dbt.Node, column string) []string {
	var out []string
	for _, t := range f.Tests(n.UniqueID) {
		lists := t.TestName == "accepted_values" || t.TestName == "expect_column_values_to_be_in_set"
		if lists && strings.EqualFold(testColumn(t), column) {
			out = append(out, t.UniqueID)
		}
	}
	return out
}

// EnumLike reports whether a column holds one of a few words: its meta says so
// (enum or picklist), or its name is among the patterns of the settings. A
// boolean is none.
func (f *Facts) EnumLike(n *dbt.Node, column string) bool {
	c := f.Column(n, column)
	kind := ""
	if c.Documented != nil {
		kind = c.Documented.DataType
		if marked(c.Documented.Meta) {
			return true
		}
	}
	if c.There != nil {
		kind = cmp.Or(c.There.Type, kind)
	}
	if strings.HasPrefix(strings.ToLower(kind), "bool") {
		return false
	}
	patterns := f.in.Settings.EnumColumns
	if patterns == nil {
		patterns = DefaultEnumColumns()
	}
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, err := path.Match(strings.ToLower(p), strings.ToLower(column))
		return err == nil && ok
	})
}

// marked reports whether a column's meta says that it is an enum.
func marked(meta []byte) bool {
	if len(meta) == 0 {
		return false
	}
	n, err := yamlx.ParseJSON(meta)
	if err != nil { // the manifest is valid JSON
		return false
	}
	for _, key := range []string{"enum", "picklist"} {
		if v := n.Get(key); !v.IsNull() {
			off, isBool := v.Bool()
			return !isBool || off
		}
	}
	return false
}

// documentedColumns asks (i): is a column that is sent described and typed, in
// a model with an enforced contract? A column that two exposures send counts
// twice.
func documentedColumns(f *Facts) answer {
	var a answer
	for _, s := range f.sent() {
		c := f.Column(s.Model, s.Column)
		i := item{subject: s.Model.UniqueID, column: s.Column, name: Label(s.Model), via: s.via, parts: []part{
			{"description", c.Documented != nil && strings.TrimSpace(c.Documented.Description) != ""},
			{"data_type", c.Documented != nil && c.Documented.DataType != ""},
			{"contract", s.Model.ContractEnforced},
		}}
		for _, p := range i.parts {
			if !p.ok {
				i.missing = append(i.missing, p.name)
			}
		}
		i.lazy = func() (string, string) {
			return Label(s.Model) + "." + s.Column + " has no " + quoted(i.missing) + f.unknownColumn(s.Model, c), f.columnSnippet(s.Sent, c)
		}
		if len(i.missing) == 0 {
			i.hits = len(i.parts)
		}
		for _, e := range s.via {
			i.unit = e.UniqueID + "\x00" + i.subject + "\x00" + i.column
			a.items = append(a.items, i)
		}
	}
	return a
}

// unknownColumn says that a column does not exist, as far as the catalog tells.
func (f *Facts) unknownColumn(n *dbt.Node, c Column) string {
	if f.in.Catalog.Has(n.UniqueID) && c.There == nil {
		return "; the catalog does not have it"
	}
	return ""
}

// documentedParts counts each of the three by itself.
func documentedParts(items []item) []Part {
	out := []Part{{Name: "description"}, {Name: "data_type"}, {Name: "contract"}}
	for _, i := range items {
		for n, p := range i.parts {
			out[n].Total++
			if p.ok {
				out[n].Covered++
			}
		}
	}
	for n := range out {
		out[n].Share = share(out[n].Covered, out[n].Total)
	}
	return out
}

// mapped asks (m): does any sync send the column of an export that has one?
func mapped(f *Facts) answer {
	used := map[string]map[string]int{} // model, column: how many syncs
	via := map[string][]*Exposure{}
	for _, e := range f.Synced {
		for _, s := range f.reading(e) {
			id := s.Model.UniqueID
			if used[id] == nil {
				used[id] = map[string]int{}
			}
			used[id][strings.ToLower(s.Column)]++
			if !slices.Contains(via[id], e) {
				via[id] = append(via[id], e)
			}
		}
	}
	var a answer
	var unknown []string
	for _, id := range slices.Sorted(maps.Keys(used)) {
		n := f.Project.Nodes[id]
		columns, known := f.Columns(n)
		if !known {
			unknown = append(unknown, Label(n))
			continue
		}
		for _, c := range columns {
			i := item{subject: id, column: c.Name, name: Label(n), hits: used[id][strings.ToLower(c.Name)], via: via[id]}
			i.lazy = func() (string, string) {
				return "no sync sends " + Label(n) + "." + c.Name, mapSnippet(c.Name)
			}
			a.items = append(a.items, i)
		}
	}
	if len(unknown) > 0 {
		a.note = "no columns are known of " + quoted(unknown) + ": document them, or run dbt docs generate"
	}
	return a
}

// reading gives what the jobs of an exposure make use of: what they send, and
// the column by which a job reads changes only.
func (f *Facts) reading(e *Exposure) []Sent {
	out := f.MappedOf(e)
	for _, j := range e.Jobs {
		if n := f.Project.Nodes[j.Source.Node]; n != nil && j.Incremental.Column != "" {
			out = append(out, Sent{n, f.Column(n, j.Incremental.Column).Name})
		}
	}
	return out
}
