package diff

import (
	"fmt"

	"exposync/internal/plan"
)

// Facts are the numbers that guards look at.
type Facts struct {
	Counts       plan.Counts
	Marks        int64 // confirmed before the run
	PreviousRows int64 // source rows of the last complete read, 0 if none
	FirstRun     bool
	Remapped     bool // the mapping differs from that of the marks
	BadKeys      int64
	Retried      int64 // creates that were let through, and tried, before
	// Window: only a part of the source was read. PreviousRows stands for the
	// whole of it then, and is nothing that the rows read could be fewer than.
	Window bool
}

// Guards gives a hold for every limit that the numbers exceed. All of them
// can be accepted.
func Guards(g plan.Guards, f Facts) []plan.Hold {
	var holds []plan.Hold
	add := func(code, format string, args ...any) {
		holds = append(holds, plan.Hold{
			Code: code, Message: fmt.Sprintf(format, args...), Acceptable: true,
			Next: "look at `exposync plan`, then: exposync run --accept " + code,
		})
	}
	c := f.Counts
	rows, known := c.Read, f.Marks
	if f.Window {
		rows, known = max(rows, f.PreviousRows), max(known, f.PreviousRows)
	}
	if g.Keys.Exceeded(f.BadKeys, rows) {
		add("guard_keys", "%d of %d rows have a null or duplicate key (limit %s)", f.BadKeys, rows, g.Keys)
	}
	if !f.Window && f.PreviousRows > c.Read && g.Rows.Exceeded(f.PreviousRows-c.Read, f.PreviousRows) {
		add("guard_rows", "the source has %d rows, last time it had %d (limit: %s fewer)", c.Read, f.PreviousRows, g.Rows)
	}
	if g.Deletes.Exceeded(c.Delete, f.Marks) {
		add("guard_deletes", "%d of %d records would be deleted (limit %s)", c.Delete, f.Marks, g.Deletes)
	}
	if fresh := c.Create - f.Retried; !f.FirstRun && g.Creates.Exceeded(fresh, known) {
		add("guard_creates", "%d records would be created beside %d known ones (limit %s)", fresh, known, g.Creates)
	}
	if f.Remapped && g.Creates.Exceeded(c.Update, f.Marks) {
		add("mapping_changed", "the mapping changed since the last run: %d of %d records would be sent again (limit %s)", c.Update, f.Marks, g.Creates)
	}
	return holds
}
