package hosted

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"exposync/internal/fault"
)

// mostPages is where a list that does not end is given up.
const mostPages = 1000

// endless is the fault of a list whose pages do not end.
func (a *api) endless(c call) error {
	return &fault.Fault{
		Code: "hosted_reply", Kind: fault.Unavailable, Whose: fault.Tool, Where: a.where,
		Msg: fmt.Sprintf("%s: cannot %s: there is a next page after %d of them", a.title, c.what, mostPages),
	}
}

// recent keeps what was created at since or later, oldest first, each run
// once: pages move while they are read. Of a run without a time of creation
// that of its start counts; one that tells neither is kept.
func recent(runs []Run, since time.Time) []Run {
	var out []Run
	seen := map[string]bool{}
	for _, r := range runs {
		at := r.begun()
		if r.ID == "" || seen[r.ID] || !at.IsZero() && at.Before(since) {
			continue
		}
		seen[r.ID] = true
		out = append(out, r)
	}
	slices.SortStableFunc(out, func(a, b Run) int {
		return cmp.Or(a.begun().Compare(b.begun()), byID(a.ID, b.ID))
	})
	return out
}

// tooOld reports whether the pages behind a page hold only what is older than
// since: its runs stand newest first, and the last is too old.
func tooOld(page []Run, since time.Time) bool {
	var times []time.Time
	for _, r := range page {
		if at := r.begun(); !at.IsZero() {
			times = append(times, at)
		}
	}
	n := len(times)
	return n > 0 && times[n-1].Before(since) && !times[0].Before(times[n-1])
}

// begun is when the run came to be, as far as it is told.
func (r Run) begun() time.Time {
	if r.Created.IsZero() {
		return r.Started
	}
	return r.Created
}

// inOrder sorts syncs by id, each once.
func inOrder(syncs []Sync) []Sync {
	slices.SortStableFunc(syncs, func(a, b Sync) int { return byID(a.ID, b.ID) })
	return slices.CompactFunc(syncs, func(a, b Sync) bool { return a.ID == b.ID })
}

// byID sorts numbers as numbers.
func byID(a, b string) int {
	if digits(a) && digits(b) {
		return cmp.Or(len(strings.TrimLeft(a, "0"))-len(strings.TrimLeft(b, "0")), strings.Compare(a, b))
	}
	return strings.Compare(a, b)
}
