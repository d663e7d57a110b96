package coverage

import (
	"cmp"
	"slices"
	"strings"

	"exposync/internal/plan"
)

// Measure answers every question about the project that the facts are of.
// Equal input gives equal output.
func Measure(f *Facts) Report {
	f = f.selected()
	p := f.Project
	r := Report{
		Project: p.Name, DBTVersion: p.DBTVersion, Adapter: p.Adapter, Invocation: p.InvocationID, GeneratedAt: p.GeneratedAt,
	}
	ignores := f.collectIgnores()
	for _, q := range questions() {
		r.Dimensions = append(r.Dimensions, f.dimension(q, ignores))
	}
	r.Ignored = ignores.list()
	r.Total = total(r.Dimensions)
	r.Shown = f.notices()
	r.Notes = f.notes(r.Dimensions)
	r.Exposures = f.lineages(r.Dimensions)
	r.Checks = checks(f.in.Settings, &r)
	return r
}

// selected narrows the facts to what was selected: the exposures, and of the
// export models those that were selected or that such an exposure depends on.
func (f *Facts) selected() *Facts {
	if f.in.Selected == nil {
		return f
	}
	s := *f
	chosen := func(e *Exposure) bool { return !f.in.Selected(e.UniqueID) }
	s.Applications = slices.DeleteFunc(slices.Clone(f.Applications), chosen)
	s.Synced = slices.DeleteFunc(slices.Clone(f.Synced), chosen)
	s.Exports = nil
	used := f.used(s.Applications)
	for _, n := range f.Exports {
		if f.in.Selected(n.UniqueID) || slices.ContainsFunc(used, func(u Use) bool { return u.Model == n }) {
			s.Exports = append(s.Exports, n)
		}
	}
	return &s
}

// question is one dimension: what is looked at, and what is found.
type question struct {
	name, title, unit string
	answer            func(f *Facts) answer
	parts             func(items []item) []Part // nil without sub-scores
}

// questions lists the dimensions in the order of Names.
func questions() []question {
	return []question{
		{Exports, "export models with an exposure", "export model", exports, nil},
		{Targets, "exposures on an export model", "exposure", targets, nil},
		{Bound, "exposures that name their sync", "exposure", bound, nil},
		{Hosted, "hosted syncs with an exposure", "hosted sync", hosted, nil},
		{Described, "owner, url, text, maturity, sla", "field", described, fieldParts},
		{Keys, "exports with tested keys", "export model", keys, nil},
		{Parity, "row counts equal to the parent", "export model", parity, nil},
		{Values, "enum columns with listed values", "column", values, nil},
		{Documented, "sent columns described and typed", "column", documentedColumns, documentedParts},
		{Fresh, "root sources with freshness", "source", fresh, nil},
		{Proven, "nodes and tests in this run", "node", proven, nil},
		{Views, "dependencies not views on views", "model", views, nil},
		{Mapped, "export columns that are sent", "column", mapped, nil},
	}
}

// answer is what one question finds.
type answer struct {
	items  []item
	absent string // what has to be there first; empty if it was measured
	note   string
}

// item is one thing that a question looks at.
type item struct {
	subject, column string
	unit            string // what is counted; empty: subject and column
	name            string // of the subject, as people say it
	hits            int    // proofs; more than 0 means covered
	parts           []part
	via             []*Exposure // why it is looked at
	message, fix    string      // of a miss
	evidence        string      // of a miss: what is known all the same
	missing         []string    // of a miss: the parts that are not there
	lazy            func() (message, fix string)
}

// part is one of several things that an item needs.
type part struct {
	name string
	ok   bool
}

func (i item) covered() bool { return i.hits > 0 }

func (i item) key() string {
	if i.unit != "" {
		return i.unit
	}
	return i.subject + "\x00" + i.column
}

// dimension answers one question and takes out what is suppressed.
func (f *Facts) dimension(q question, ignores *ignores) Dimension {
	a := q.answer(f)
	set := f.in.Settings
	d := Dimension{
		Letter: letter(q.name), Name: q.name, Code: Code(q.name), Title: q.title, Unit: q.unit,
		Measured: a.absent == "", Note: cmp.Or(a.absent, a.note), Weight: set.weight(q.name),
	}
	_, d.Required = set.Required[q.name]
	if t, ok := set.FailUnder[q.name]; ok {
		d.FailUnder = &t.Share
	}
	var kept []item
	seen := map[string]bool{}
	for _, i := range a.items {
		if i.covered() {
			kept = append(kept, i)
			continue
		}
		if by := ignores.of(q.name, i); by != nil {
			m := f.miss(q.name, i)
			if id := m.ID(); !seen[id] {
				seen[id] = true
				d.Suppressed = append(d.Suppressed, Suppressed{Miss: m, Reason: by.Reason, Until: by.Until, Where: by.Where})
			}
			continue
		}
		kept = append(kept, i)
		if m := f.miss(q.name, i); !seen[m.ID()] {
			seen[m.ID()] = true
			d.Misses = append(d.Misses, m)
		}
	}
	d.count(kept)
	if q.parts != nil {
		d.Parts = q.parts(kept)
	}
	sortMisses(d.Misses)
	slices.SortFunc(d.Suppressed, func(a, b Suppressed) int { return compareMisses(a.Miss, b.Miss) })
	return d
}

// count counts units: one is covered if everything of it is.
func (d *Dimension) count(items []item) {
	missed := map[string]bool{}
	for _, i := range items {
		missed[i.key()] = missed[i.key()] || !i.covered()
		d.Hits += i.hits
	}
	d.Total = len(missed)
	for _, m := range missed {
		if !m {
			d.Covered++
		}
	}
	d.Share = share(d.Covered, d.Total)
	d.Tables = tables(items, missed)
}

// tables lists what was looked at by subject.
func tables(items []item, missed map[string]bool) []Table {
	var out []Table
	at := map[string]int{}
	units := map[string]bool{}
	for _, i := range items {
		n, known := at[i.subject]
		if !known {
			n = len(out)
			at[i.subject] = n
			out = append(out, Table{Name: i.subject})
		}
		t := &out[n]
		t.Hits += i.hits
		if key := i.key(); !units[key] {
			units[key] = true
			t.Total++
			if !missed[key] {
				t.Covered++
			}
		}
		if i.column != "" {
			t.add(i)
		}
	}
	slices.SortFunc(out, func(a, b Table) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func (t *Table) add(i item) {
	n := slices.IndexFunc(t.Columns, func(c TableColumn) bool { return c.Name == i.column })
	if n < 0 {
		n = len(t.Columns)
		t.Columns = append(t.Columns, TableColumn{Name: i.column})
	}
	c := &t.Columns[n]
	c.Hits, c.Total = c.Hits+i.hits, c.Total+1
	if i.covered() {
		c.Covered++
	}
}

// miss makes the finding of an item that is not covered.
func (f *Facts) miss(name string, i item) Miss {
	if i.lazy != nil {
		i.message, i.fix = i.lazy()
	}
	place := f.Place(i.subject, i.column)
	return Miss{
		Dimension: name, Name: i.name, Evidence: i.evidence, Missing: i.missing,
		Finding: plan.Finding{
			Code: Code(name), Severity: plan.SeverityWarning, Subject: i.subject, Column: i.column,
			File: place.File, Line: place.Line, Col: place.Col, Message: i.message, Fix: i.fix, Owner: f.responsible(i),
		},
	}
}

// responsible is the owner of what is missed, else that of the exposures for
// which it matters, if they have one owner.
func (f *Facts) responsible(i item) string {
	if own := f.Owner(i.subject); own != "" {
		return own
	}
	owner := ""
	for _, e := range i.via {
		switch o := f.Owner(e.UniqueID); {
		case owner == "":
			owner = o
		case o != owner:
			return ""
		}
	}
	return owner
}

func sortMisses(m []Miss) { slices.SortFunc(m, compareMisses) }

func compareMisses(a, b Miss) int {
	return cmp.Or(
		cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Subject, b.Subject),
		cmp.Compare(slices.Index(Names(), a.Dimension), slices.Index(Names(), b.Dimension)), cmp.Compare(a.Column, b.Column),
	)
}

// total weighs the dimensions that have a share.
func total(dims []Dimension) Total {
	var t Total
	sum, weights := 0.0, 0.0
	for _, d := range dims {
		t.Hits, t.Covered, t.Total = t.Hits+d.Hits, t.Covered+d.Covered, t.Total+d.Total
		if d.Share != nil && d.Weight > 0 {
			sum += *d.Share * d.Weight
			weights += d.Weight
		}
	}
	if weights > 0 {
		s := sum / weights
		t.Share = &s
	}
	return t
}

// checks says of everything that was asked for whether it holds.
func checks(set Settings, r *Report) []Check {
	var out []Check
	add := func(name string, got *float64, required string, isRequired bool) bool {
		t, asked := set.FailUnder[name]
		c := Check{Name: name, Got: got, OK: true, Where: cmp.Or(t.Where, required)}
		if asked {
			c.Want = &t.Share
			c.OK = got == nil || *got >= t.Share-1e-9 // 0.7 of a float is no less than 70%
		}
		if isRequired && got == nil {
			c.OK = false
		}
		if asked || isRequired {
			out = append(out, c)
		}
		return c.OK
	}
	add("total", r.Total.Share, "", false)
	for i := range r.Dimensions {
		d := &r.Dimensions[i]
		where, required := set.Required[d.Name]
		if add(d.Name, d.Share, where, required) {
			continue
		}
		d.Failed = true
		for m := range d.Misses {
			d.Misses[m].Severity = plan.SeverityError
		}
	}
	return out
}

// Failed reports whether anything that was asked for does not hold: a
// threshold, a required dimension, or a miss that the baseline did not have.
func (r Report) Failed() bool {
	return slices.ContainsFunc(r.Checks, func(c Check) bool { return !c.OK }) || r.Against != nil && len(r.Against.New) > 0
}

// Dimension gives the dimension of a name or letter; nil if there is none.
func (r *Report) Dimension(name string) *Dimension {
	for i := range r.Dimensions {
		if d := &r.Dimensions[i]; d.Name == name || d.Letter == name {
			return d
		}
	}
	return nil
}

// Misses gives the misses of all dimensions, by file, line and subject.
func (r Report) Misses() []Miss {
	var out []Miss
	for _, d := range r.Dimensions {
		out = append(out, d.Misses...)
	}
	sortMisses(out)
	return out
}

// quoted writes names as a sentence has them: a, b and c.
func quoted(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
