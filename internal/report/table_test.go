package report

import "testing"

// A table that is too wide loses the columns that its caller can spare, in
// that order, and never the others.
func TestTableLeavesOutWhatItCan(t *testing.T) {
	t.Parallel()
	rows := [][]string{{"name", "verified", "title"}, {"crm", "2026-11-22", "Contacts"}}
	tests := map[int]string{
		80: "name  verified    title\ncrm   2026-11-22  Contacts\n",
		20: "name  title\ncrm   Contacts\n",
		10: "name\ncrm\n",
		2:  "name\ncrm\n",
	}
	for width, want := range tests {
		if got := Table(Style{Width: width}, rows, 1, 2); got != want {
			t.Errorf("at %d columns:\n%swant\n%s", width, got, want)
		}
	}
}
