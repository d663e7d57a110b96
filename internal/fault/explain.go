package fault

import (
	"maps"
	"slices"
)

// Page explains one code: what `exposync explain CODE` prints.
type Page struct {
	Title string // one line
	Means string // what happened and why Exposync stops or warns
	Next  string // what to do, with commands to type
}

// Explain gives the page of a public code: a fault, a verdict's reason or a
// hold.
func Explain(code string) (Page, bool) {
	for _, table := range tables() {
		if p, ok := table[code]; ok {
			return p, true
		}
	}
	return Page{}, false
}

// Codes lists every code that has a page, sorted.
func Codes() []string {
	var all []string
	for _, table := range tables() {
		all = append(all, slices.Collect(maps.Keys(table))...)
	}
	slices.Sort(all)
	return all
}

// tables is the one list of code tables, in the order of the data flow.
func tables() []map[string]Page {
	return []map[string]Page{
		dbtPages(),
		platformPages(),
		selectPages(),
		configPages(),
		mappingPages(),
		gatePages(),
		warehousePages(),
		runPages(),
		ledgerPages(),
		ledgerDatabasePages(),
		identityPages(),
		destinationPages(),
		hostedPages(),
		hostedRunPages(),
		coveragePages(),
		lintPages(),
		impactPages(),
		impactDeclaredPages(),
	}
}
