package coverage

import (
	"slices"
	"strings"

	"exposync/internal/dbt"
	"exposync/internal/plan"
)

// Key is a key of an export model, and what proves it.
type Key struct {
	Columns []string // as they were declared
	From    string   // who declares it: a job's ID, unique_key, primary_key, tests
	Tests   []string // unique_ids of the tests that prove a part of it
	// Contract: an enforced contract declares it as primary key, or unique and
	// not null.
	Contract bool
	// Missing says what is not proven: "unique" and "not_null" with the column,
	// such as "not_null on email". It is empty for a key that is proven.
	Missing []string
}

// Proven reports whether the key is known to be unique and without nulls.
func (k Key) Proven() bool { return len(k.Missing) == 0 }

// KeysOf gives the distinct keys of an export model: those of the jobs that
// read it, else what the hosted syncs say, else the model's own: unique_key, a
// primary key, a column with unique and not_null. It is empty if nobody says.
func (f *Facts) KeysOf(n *dbt.Node, jobs []plan.Job) []Key {
	var out []Key
	add := func(columns []string, from string) {
		twin := func(k Key) bool { return sameColumns(k.Columns, columns) }
		if len(columns) > 0 && !slices.ContainsFunc(out, twin) {
			k := f.Prove(n, columns)
			k.From = from
			out = append(out, k)
		}
	}
	for _, j := range jobs {
		if j.Source.Node == n.UniqueID {
			add(j.KeyColumns(), j.ID)
		}
	}
	if f.in.Hosted != nil {
		for _, h := range f.in.Hosted.Syncs {
			if len(h.Key) > 0 && f.ModelOf(h) == n {
				add(h.Key, h.Ref())
			}
		}
	}
	if len(out) == 0 {
		add(n.UniqueKey, "unique_key")
	}
	if len(out) == 0 {
		add(primaryKey(n), "primary_key")
	}
	if id := f.tested(n); len(out) == 0 && id != "" {
		add([]string{id}, "tests") // what dbt 1.8 and later would write into primary_key
	}
	return out
}

// Prove looks for what proves that columns identify a row: unique and not_null
// on each of them, one test of their combination, or the primary key of an
// enforced contract. A test with a `where` looks at a part of the rows and
// proves nothing.
func (f *Facts) Prove(n *dbt.Node, columns []string) Key {
	k := Key{Columns: columns}
	if n.ContractEnforced && sameColumns(primaryConstraint(n), columns) {
		k.Contract = true
		return k
	}
	tests := f.Tests(n.UniqueID)
	for _, t := range tests {
		if t.Where == "" && combines(t) && sameColumns(combination(t), columns) {
			k.Tests = []string{t.UniqueID}
			return k
		}
	}
	if len(columns) > 1 && !f.anyUnique(n, tests, columns) {
		k.Missing = append(k.Missing, "unique_combination_of_columns on "+strings.Join(columns, ", "))
	}
	for _, c := range columns {
		for _, what := range []string{"unique", "not_null"} {
			switch id, ok := f.proof(n, tests, c, what); {
			case ok && id != "":
				k.Tests = append(k.Tests, id)
			case ok:
				k.Contract = true
			case what == "not_null" || len(columns) == 1:
				k.Missing = append(k.Missing, what+" on "+c)
			}
		}
	}
	return k
}

// anyUnique reports whether one of the columns is unique by itself: then so is
// every combination with it.
func (f *Facts) anyUnique(n *dbt.Node, tests []*dbt.Node, columns []string) bool {
	return slices.ContainsFunc(columns, func(c string) bool {
		_, ok := f.proof(n, tests, c, "unique")
		return ok
	})
}

// proof finds the test that proves one property of a column; without a test it
// is a constraint of an enforced contract.
func (f *Facts) proof(n *dbt.Node, tests []*dbt.Node, column, what string) (test string, ok bool) {
	for _, t := range tests {
		if t.Where == "" && slices.Contains(proofs(what), t.TestName) && strings.EqualFold(testColumn(t), column) {
			return t.UniqueID, true
		}
	}
	c := documented(n, column)
	if !n.ContractEnforced || c == nil {
		return "", false
	}
	return "", slices.Contains(c.Constraints, what) || slices.Contains(c.Constraints, "primary_key")
}

// proofs are the generic tests that prove a property of one column: dbt's own,
// and those of dbt_expectations and dbt_constraints.
func proofs(what string) []string {
	if what == "unique" {
		return []string{"unique", "expect_column_values_to_be_unique", "primary_key", "unique_key"}
	}
	return []string{"not_null", "expect_column_values_to_not_be_null", "primary_key"}
}

// testColumn is the column that a test is about; empty if it is about several
// or none.
func testColumn(t *dbt.Node) string {
	if t.ColumnName != "" {
		return strings.Trim(t.ColumnName, `"`+"`")
	}
	return strings.Trim(t.Arg("column_name"), `"`+"`")
}

// combines reports whether a test proves that several columns together are
// unique: of dbt_utils, dbt_expectations and dbt_constraints.
func combines(t *dbt.Node) bool {
	switch t.TestName {
	case "unique_combination_of_columns", "expect_compound_columns_to_be_unique", "primary_key", "unique_key":
		return true
	}
	return false
}

func combination(t *dbt.Node) []string {
	for _, arg := range []string{"combination_of_columns", "column_list", "column_names"} {
		if columns := t.Args(arg); len(columns) > 0 {
			return columns
		}
	}
	return nil
}

// primaryKey is what a model calls its primary key: a constraint, whether or
// not it is enforced, else what dbt infers.
func primaryKey(n *dbt.Node) []string {
	if columns := primaryConstraint(n); len(columns) > 0 {
		return columns
	}
	return n.PrimaryKey
}

func primaryConstraint(n *dbt.Node) []string {
	for _, c := range n.Constraints {
		if c.Type == "primary_key" {
			return c.Columns
		}
	}
	var out []string
	for _, c := range n.Columns {
		if slices.Contains(c.Constraints, "primary_key") {
			out = append(out, c.Name)
		}
	}
	return out
}

// sameColumns compares sets of columns, regardless of case.
func sameColumns(a, b []string) bool {
	fold := func(in []string) []string {
		out := make([]string, len(in))
		for i, s := range in {
			out[i] = strings.ToLower(s)
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	return len(a) > 0 && slices.Equal(fold(a), fold(b))
}
