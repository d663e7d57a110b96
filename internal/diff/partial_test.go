package diff_test

import (
	"fmt"
	"iter"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/diff"
	"exposync/internal/plan"
	"exposync/internal/record"
)

func marksOf(marks ...record.Mark) iter.Seq2[record.Mark, error] {
	return func(yield func(record.Mark, error) bool) {
		for _, m := range marks {
			if !yield(m, nil) {
				return
			}
		}
	}
}

// Of a window, a mark without a row is at most asked about or dropped.
func TestMarksOutsideOfAWindow(t *testing.T) {
	t.Parallel()
	hash := func(b byte) record.Hash { return record.Hash{b} }
	standing := func(state record.StandingState, permanent bool) *record.Standing {
		return &record.Standing{State: state, RowHash: hash(9), Permanent: permanent, Code: "x"}
	}
	for name, c := range map[string]struct {
		mark  record.Mark
		rules diff.Rules
		want  string
	}{
		"confirmed":               {record.Mark{RowHash: hash(9)}, diff.Rules{}, ""},
		"confirmed, forgetful":    {record.Mark{RowHash: hash(9)}, diff.Rules{Forgetful: true}, "drop"},
		"transient":               {record.Mark{Standing: standing(record.Rejected, false)}, diff.Rules{Forgetful: true}, "ask"},
		"permanent":               {record.Mark{Standing: standing(record.Rejected, true)}, diff.Rules{Forgetful: true}, "stand"},
		"permanent, retried":      {record.Mark{Standing: standing(record.Rejected, true)}, diff.Rules{RetryRejected: true}, "ask"},
		"permanent, remapped":     {record.Mark{Standing: standing(record.Rejected, true)}, diff.Rules{Remapped: true}, "ask"},
		"quarantined":             {record.Mark{Standing: standing(record.Quarantined, false)}, diff.Rules{RetryRejected: true}, "stand"},
		"in doubt":                {record.Mark{Standing: standing(record.InDoubt, false)}, diff.Rules{}, "stand"},
		"in doubt, idempotent":    {record.Mark{Standing: standing(record.InDoubt, false)}, diff.Rules{Idempotent: true}, "ask"},
		"confirmed and refused":   {record.Mark{RowHash: hash(8), Standing: standing(record.Rejected, false)}, diff.Rules{}, "ask"},
		"a delete that was tried": {record.Mark{RowHash: hash(8), Standing: &record.Standing{State: record.Rejected}}, diff.Rules{}, "ask"},
	} {
		for _, mode := range plan.Modes() {
			c.mark.KeyHash, c.rules.Mode, c.rules.Partial = hash(1), mode, true
			got := ""
			tally, err := diff.Partition(nil, marksOf(c.mark), c.rules, func(d diff.Decision) error {
				switch {
				case d.Op != 0 || d.Forget:
					got += "change"
				case d.Ask:
					got += "ask"
				case d.Drop:
					got += "drop"
				default:
					got += "stand"
				}
				return nil
			})
			if err != nil || got != c.want || (tally.Standing == 1) != (c.want == "stand") || tally.Read+tally.Delete != 0 {
				t.Errorf("%s, %s: %q, want %q; %+v, %v", name, mode, got, c.want, tally, err)
			}
		}
	}
}

// What was asked about is decided as if it were all of the source, but nothing
// is deleted, and what stands against a key stays until it has an outcome.
func TestSettle(t *testing.T) {
	t.Parallel()
	hash := func(b byte) record.Hash { return record.Hash{b} }
	refused := &record.Standing{State: record.Rejected, RowHash: hash(9), Permanent: true}
	marks := []record.Mark{
		{KeyHash: hash(1), Standing: refused},                   // its row is there
		{KeyHash: hash(2), RowHash: hash(7), Standing: refused}, // there, with other values
		{KeyHash: hash(3), RowHash: hash(9), Standing: refused}, // there, as confirmed
		{KeyHash: hash(4), Standing: refused},                   // gone, never confirmed
		{KeyHash: hash(5), RowHash: hash(7), Standing: refused}, // gone, confirmed
		{KeyHash: hash(6), Standing: refused},                   // there twice
	}
	var seen []diff.Seen
	for _, key := range []byte{6, 3, 2, 1, 6} {
		seen = append(seen, diff.Seen{KeyHash: hash(key), RowHash: hash(9)})
	}
	var got []string
	tally, err := diff.Settle(seen, marksOf(marks...), diff.Rules{Mode: plan.Mirror, Partial: true, Remapped: true}, func(d diff.Decision) error {
		got = append(got, fmt.Sprintf("%d %s forget %t", d.Mark.KeyHash[0], d.Op, d.Forget))
		return nil
	})
	want := []string{
		"1 create forget false", "2 update forget false", "3 unknown forget true", "4 unknown forget true", "5 unknown forget false",
	}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("decisions (-want +got):\n%s%v", d, err)
	}
	if d := cmp.Diff(diff.Tally{Read: 5, Unchanged: 1, Create: 1, Update: 1, Duplicate: 2, Standing: 1}, tally); d != "" {
		t.Errorf("tally (-want +got):\n%s", d)
	}
}

func TestGuardsOfAWindow(t *testing.T) {
	t.Parallel()
	f := diff.Facts{Counts: plan.Counts{Read: 10, Create: 10}, Marks: 5, PreviousRows: 100_000, BadKeys: 1, Window: true}
	if holds := diff.Guards(plan.DefaultGuards(), f); len(holds) > 0 {
		t.Errorf("a window of a large table: %v", holds)
	}
	f.BadKeys, f.Counts.Create = 600, 60_000
	if holds := diff.Guards(plan.DefaultGuards(), f); len(holds) != 2 || holds[0].Code != "guard_keys" || holds[1].Code != "guard_creates" {
		t.Errorf("a window with too many of them: %v", holds)
	}
}
