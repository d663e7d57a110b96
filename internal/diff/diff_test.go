package diff_test

import (
	"errors"
	"iter"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"exposync/internal/diff"
	"exposync/internal/plan"
	"exposync/internal/record"
)

func hash(b byte) record.Hash { return record.Hash{0, b} }

func marks(list ...record.Mark) iter.Seq2[record.Mark, error] {
	slices.SortFunc(list, func(a, b record.Mark) int { return int(a.KeyHash[1]) - int(b.KeyHash[1]) })
	return func(yield func(record.Mark, error) bool) {
		for _, m := range list {
			if !yield(m, nil) {
				return
			}
		}
	}
}

func row(key, value byte) diff.Seen {
	return diff.Seen{KeyHash: hash(key), RowHash: hash(value), Key: record.Key{key}}
}

func mark(key, value byte) record.Mark {
	return record.Mark{KeyHash: hash(key), RowHash: hash(value), Key: record.Key{key}}
}

func standing(m record.Mark, s record.Standing) record.Mark {
	m.Standing = &s
	return m
}

func TestPartition(t *testing.T) {
	t.Parallel()
	never := record.Mark{KeyHash: hash(1), Key: record.Key{1}} // known, but never confirmed
	rejected := record.Standing{State: record.Rejected, RowHash: hash(9), Permanent: true}
	tests := map[string]struct {
		rules diff.Rules
		seen  []diff.Seen
		marks []record.Mark
		want  string // operations in order: + ~ - for sends, f forget, s stands
		tally diff.Tally
	}{
		"new":                              {seen: []diff.Seen{row(1, 9)}, want: "+", tally: diff.Tally{Read: 1, Create: 1}},
		"equal":                            {seen: []diff.Seen{row(1, 9)}, marks: []record.Mark{mark(1, 9)}, tally: diff.Tally{Read: 1, Unchanged: 1}},
		"changed":                          {seen: []diff.Seen{row(1, 8)}, marks: []record.Mark{mark(1, 9)}, want: "~", tally: diff.Tally{Read: 1, Update: 1}},
		"changed, insert only":             {rules: diff.Rules{Mode: plan.Insert}, seen: []diff.Seen{row(1, 8)}, marks: []record.Mark{mark(1, 9)}, tally: diff.Tally{Read: 1, HeldBack: 1}},
		"gone, upsert":                     {rules: diff.Rules{Mode: plan.Upsert}, marks: []record.Mark{mark(1, 9)}},
		"gone, mirror":                     {rules: diff.Rules{Mode: plan.Mirror}, marks: []record.Mark{mark(1, 9)}, want: "-", tally: diff.Tally{Delete: 1}},
		"gone, mirror, adopted":            {rules: diff.Rules{Mode: plan.Mirror}, marks: []record.Mark{{KeyHash: hash(1), RowHash: hash(9), Adopted: true}}},
		"gone, never confirmed":            {rules: diff.Rules{Mode: plan.Mirror}, marks: []record.Mark{standing(never, rejected)}, want: "f"},
		"twice":                            {seen: []diff.Seen{row(1, 8), row(1, 9)}, want: "", tally: diff.Tally{Read: 2, Duplicate: 2}},
		"twice, marked, mirror":            {rules: diff.Rules{Mode: plan.Mirror}, seen: []diff.Seen{row(1, 8), row(1, 9)}, marks: []record.Mark{mark(1, 9)}, tally: diff.Tally{Read: 2, Duplicate: 2}},
		"rejected, same values":            {seen: []diff.Seen{row(1, 9)}, marks: []record.Mark{standing(never, rejected)}, want: "s", tally: diff.Tally{Read: 1, HeldBack: 1, Standing: 1}},
		"rejected, changed":                {seen: []diff.Seen{row(1, 8)}, marks: []record.Mark{standing(never, rejected)}, want: "+", tally: diff.Tally{Read: 1, Create: 1}},
		"rejected, retry asked":            {rules: diff.Rules{RetryRejected: true}, seen: []diff.Seen{row(1, 9)}, marks: []record.Mark{standing(never, rejected)}, want: "+", tally: diff.Tally{Read: 1, Create: 1}},
		"rejected for now":                 {seen: []diff.Seen{row(1, 9)}, marks: []record.Mark{standing(never, record.Standing{State: record.Rejected, RowHash: hash(9)})}, want: "+", tally: diff.Tally{Read: 1, Create: 1}},
		"quarantined":                      {seen: []diff.Seen{row(1, 9)}, marks: []record.Mark{standing(never, record.Standing{State: record.Quarantined, RowHash: hash(9)})}, want: "s", tally: diff.Tally{Read: 1, Quarantined: 1, Standing: 1}},
		"in doubt, idempotent":             {rules: diff.Rules{Idempotent: true}, seen: []diff.Seen{row(1, 9)}, marks: []record.Mark{standing(never, record.Standing{State: record.InDoubt, RowHash: hash(9)})}, want: "+", tally: diff.Tally{Read: 1, Create: 1}},
		"in doubt, would be doubled":       {seen: []diff.Seen{row(1, 8)}, marks: []record.Mark{standing(never, record.Standing{State: record.InDoubt, RowHash: hash(9)})}, want: "s", tally: diff.Tally{Read: 1, HeldBack: 1, Standing: 1}},
		"update rejected, source is back":  {seen: []diff.Seen{row(1, 7)}, marks: []record.Mark{standing(mark(1, 7), rejected)}, want: "f", tally: diff.Tally{Read: 1, Unchanged: 1}},
		"delete rejected for good, mirror": {rules: diff.Rules{Mode: plan.Mirror}, marks: []record.Mark{standing(mark(1, 7), record.Standing{State: record.Rejected, Permanent: true})}, want: "s", tally: diff.Tally{Standing: 1}},
		"delete rejected for now, mirror":  {rules: diff.Rules{Mode: plan.Mirror}, marks: []record.Mark{standing(mark(1, 7), record.Standing{State: record.Rejected})}, want: "-", tally: diff.Tally{Delete: 1}},

		// The destination may hold 8, or nothing, though 7 was confirmed and the source holds 7 again.
		"update in doubt, source is back":          {rules: diff.Rules{Idempotent: true}, seen: []diff.Seen{row(1, 7)}, marks: []record.Mark{standing(mark(1, 7), doubt(8))}, want: "~", tally: diff.Tally{Read: 1, Update: 1}},
		"update in doubt, back, would be doubled":  {seen: []diff.Seen{row(1, 7)}, marks: []record.Mark{standing(mark(1, 7), doubt(8))}, want: "s", tally: diff.Tally{Read: 1, HeldBack: 1, Standing: 1}},
		"delete in doubt, row is back":             {rules: diff.Rules{Mode: plan.Mirror, Idempotent: true}, seen: []diff.Seen{row(1, 7)}, marks: []record.Mark{standing(mark(1, 7), doubt(0))}, want: "~", tally: diff.Tally{Read: 1, Update: 1}},
		"update in doubt, gone, mirror":            {rules: diff.Rules{Mode: plan.Mirror, Idempotent: true}, marks: []record.Mark{standing(mark(1, 7), doubt(8))}, want: "-", tally: diff.Tally{Delete: 1}},
		"create in doubt, gone":                    {rules: diff.Rules{Mode: plan.Mirror, Idempotent: true}, marks: []record.Mark{standing(never, doubt(8))}, want: "f"},
		"create in doubt, gone, would be doubled":  {rules: diff.Rules{Mode: plan.Append}, marks: []record.Mark{standing(never, doubt(8))}, want: "s", tally: diff.Tally{Standing: 1}},
		"update rejected, gone, nothing to delete": {rules: diff.Rules{Mode: plan.Upsert}, marks: []record.Mark{standing(mark(1, 7), rejected)}, want: "f"},
		"update in doubt, gone, kept in mind":      {rules: diff.Rules{Mode: plan.Upsert, Idempotent: true}, marks: []record.Mark{standing(mark(1, 7), doubt(8))}},

		// Another mapping may be what the rejected record was waiting for, even where the values stay.
		"rejected, mapping changed":    {rules: diff.Rules{Remapped: true}, seen: []diff.Seen{row(1, 9)}, marks: []record.Mark{standing(never, rejected)}, want: "+f", tally: diff.Tally{Read: 1, Create: 1}},
		"quarantined, mapping changed": {rules: diff.Rules{Remapped: true}, seen: []diff.Seen{row(1, 9)}, marks: []record.Mark{standing(never, record.Standing{State: record.Quarantined, RowHash: hash(9)})}, want: "+f", tally: diff.Tally{Read: 1, Create: 1}},
		"in doubt, mapping changed":    {rules: diff.Rules{Remapped: true}, seen: []diff.Seen{row(1, 9)}, marks: []record.Mark{standing(never, doubt(9))}, want: "s", tally: diff.Tally{Read: 1, HeldBack: 1, Standing: 1}},

		// Who owns what was adopted, and what a doubt means, is said by the job.
		"gone, adopted, owned all":            {rules: diff.Rules{Mode: plan.Mirror, OwnAll: true}, marks: []record.Mark{{KeyHash: hash(1), RowHash: hash(9), Adopted: true}}, want: "-", tally: diff.Tally{Delete: 1}},
		"gone, adopted, owned all, no mirror": {rules: diff.Rules{Mode: plan.Upsert, OwnAll: true}, marks: []record.Mark{{KeyHash: hash(1), RowHash: hash(9), Adopted: true}}},
		"gone, never confirmed, owned all":    {rules: diff.Rules{Mode: plan.Mirror, OwnAll: true}, marks: []record.Mark{standing(never, rejected)}, want: "f"},
		"quarantined, asked for":              {rules: diff.Rules{RetryQuarantined: true}, seen: []diff.Seen{row(1, 9)}, marks: []record.Mark{standing(never, record.Standing{State: record.Quarantined, RowHash: hash(9)})}, want: "+", tally: diff.Tally{Read: 1, Create: 1}},
		"in doubt, resend":                    {rules: diff.Rules{Mode: plan.Append, OnInDoubt: plan.Resend}, seen: []diff.Seen{row(1, 9)}, marks: []record.Mark{standing(never, doubt(9))}, want: "+", tally: diff.Tally{Read: 1, Create: 1}},
		"in doubt, resend, gone":              {rules: diff.Rules{Mode: plan.Append, OnInDoubt: plan.Resend}, marks: []record.Mark{standing(never, doubt(9))}, want: "f"},
		"in doubt, assumed":                   {rules: diff.Rules{Mode: plan.Append, OnInDoubt: plan.AssumeSent}, seen: []diff.Seen{row(1, 9)}, marks: []record.Mark{standing(never, doubt(9))}, want: "a", tally: diff.Tally{Read: 1, Unchanged: 1}},
		"in doubt, assumed, changed since":    {rules: diff.Rules{Mode: plan.Append, OnInDoubt: plan.AssumeSent}, seen: []diff.Seen{row(1, 8)}, marks: []record.Mark{standing(never, doubt(9))}, want: "a~", tally: diff.Tally{Read: 1, Update: 1}},
		"in doubt, assumed, gone, not ours":   {rules: diff.Rules{Mode: plan.Mirror, OnInDoubt: plan.AssumeSent}, marks: []record.Mark{standing(never, doubt(9))}, want: "a"},
		"in doubt, assumed, gone, ours":       {rules: diff.Rules{Mode: plan.Mirror, OnInDoubt: plan.AssumeSent}, marks: []record.Mark{standing(mark(1, 7), doubt(9))}, want: "a-", tally: diff.Tally{Delete: 1}},
		"delete in doubt, assumed, back":      {rules: diff.Rules{Mode: plan.Mirror, OnInDoubt: plan.AssumeSent}, seen: []diff.Seen{row(1, 7)}, marks: []record.Mark{standing(mark(1, 7), doubt(0))}, want: "a+", tally: diff.Tally{Read: 1, Create: 1}},
		"in doubt, idempotent, not assumed":   {rules: diff.Rules{Idempotent: true, OnInDoubt: plan.AssumeSent}, seen: []diff.Seen{row(1, 9)}, marks: []record.Mark{standing(never, doubt(9))}, want: "+", tally: diff.Tally{Read: 1, Create: 1}},
		"twice, in doubt, not assumed":        {rules: diff.Rules{Mode: plan.Append, OnInDoubt: plan.AssumeSent}, seen: []diff.Seen{row(1, 8), row(1, 9)}, marks: []record.Mark{standing(never, doubt(9))}, tally: diff.Tally{Read: 2, Duplicate: 2}},

		"many, in key order": {rules: diff.Rules{Mode: plan.Mirror}, seen: []diff.Seen{row(5, 1), row(2, 1), row(3, 1)}, marks: []record.Mark{mark(1, 1), mark(3, 2), mark(9, 1)}, want: "-+~+-", tally: diff.Tally{Read: 3, Create: 2, Update: 1, Delete: 2}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			tally, err := diff.Partition(tt.seen, marks(tt.marks...), tt.rules, func(d diff.Decision) error {
				got += symbol(d)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("decisions = %q, want %q", got, tt.want)
			}
			if d := cmp.Diff(tt.tally, tally); d != "" {
				t.Errorf("tally (-want +got):\n%s", d)
			}
		})
	}
}

func doubt(b byte) record.Standing {
	return record.Standing{State: record.InDoubt, RowHash: hash(b)}
}

func symbol(d diff.Decision) string {
	word := map[record.Op]string{record.Create: "+", record.Update: "~", record.Delete: "-"}[d.Op]
	if d.Assume {
		return "a"
	}
	if d.Forget {
		return word + "f"
	}
	if d.Op == 0 {
		return "s"
	}
	return word
}

func TestPartitionRefusesMarksOutOfOrder(t *testing.T) {
	t.Parallel()
	for name, second := range map[string]byte{"descending": 1, "twice": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := diff.Partition([]diff.Seen{row(1, 9), row(2, 9)}, func(yield func(record.Mark, error) bool) {
				_ = yield(mark(2, 9), nil) && yield(mark(second, 9), nil)
			}, diff.Rules{Mode: plan.Mirror}, func(d diff.Decision) error {
				if d.Op == record.Delete {
					t.Error("a record of the source would be deleted")
				}
				return nil
			})
			if err == nil {
				t.Error("marks out of order must stop the plan")
			}
		})
	}
}

func TestPartitionStopsAtABrokenMark(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	_, err := diff.Partition(nil, func(yield func(record.Mark, error) bool) { yield(record.Mark{}, broken) },
		diff.Rules{}, func(diff.Decision) error { return nil })
	if !errors.Is(err, broken) {
		t.Errorf("err = %v", err)
	}
}

// Applying what Partition decides to a map of marks must leave exactly the
// source, whatever order the rows come in.
func TestPartitionLeadsToTheSource(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		source := rapid.MapOf(rapid.Byte(), rapid.ByteRange(1, 5)).Draw(t, "source")
		known := rapid.MapOf(rapid.Byte(), rapid.ByteRange(1, 5)).Draw(t, "marks")
		var seen []diff.Seen
		for k, v := range source {
			seen = append(seen, row(k, v))
		}
		var before []record.Mark
		for k, v := range known {
			before = append(before, mark(k, v))
		}
		after := map[byte]byte{}
		maps.Copy(after, known)
		tally, err := diff.Partition(seen, marks(before...), diff.Rules{Mode: plan.Mirror}, func(d diff.Decision) error {
			if d.Op == record.Delete {
				delete(after, d.Mark.KeyHash[1])
			} else {
				after[d.Seen.KeyHash[1]] = d.Seen.RowHash[1]
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(source, after); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		if tally.Read != int64(len(source)) || tally.Read != tally.Unchanged+tally.Create+tally.Update {
			t.Errorf("tally does not add up: %+v", tally)
		}
	})
}

func TestGuards(t *testing.T) {
	t.Parallel()
	g := plan.DefaultGuards()
	tests := map[string]struct {
		facts diff.Facts
		want  []string
	}{
		"nothing":                       {facts: diff.Facts{Counts: plan.Counts{Read: 100}, Marks: 100, PreviousRows: 100}},
		"10 deletes of 100 are fine":    {facts: diff.Facts{Counts: plan.Counts{Read: 90, Delete: 10}, Marks: 100, PreviousRows: 100}},
		"11 deletes of 100 hold":        {facts: diff.Facts{Counts: plan.Counts{Read: 100, Delete: 11}, Marks: 100, PreviousRows: 100}, want: []string{"guard_deletes"}},
		"101 deletes of 10100 are fine": {facts: diff.Facts{Counts: plan.Counts{Read: 10000, Delete: 101}, Marks: 10100, PreviousRows: 10000}},
		"a source that shrank":          {facts: diff.Facts{Counts: plan.Counts{Read: 79}, Marks: 100, PreviousRows: 100}, want: []string{"guard_rows"}},
		"20 fewer of 50 are fine":       {facts: diff.Facts{Counts: plan.Counts{Read: 30}, PreviousRows: 50}},
		"an empty source":               {facts: diff.Facts{PreviousRows: 1000, Marks: 1000, Counts: plan.Counts{Delete: 1000}}, want: []string{"guard_rows", "guard_deletes"}},
		"creates":                       {facts: diff.Facts{Counts: plan.Counts{Read: 400, Create: 201}, Marks: 199, PreviousRows: 400}, want: []string{"guard_creates"}},
		"creates that come back":        {facts: diff.Facts{Counts: plan.Counts{Read: 400, Create: 201}, Marks: 199, PreviousRows: 400, Retried: 190}},
		"creates on a first run":        {facts: diff.Facts{Counts: plan.Counts{Read: 1000, Create: 1000}, FirstRun: true}},
		"bad keys":                      {facts: diff.Facts{Counts: plan.Counts{Read: 1000}, BadKeys: 6}, want: []string{"guard_keys"}},
		"few bad keys":                  {facts: diff.Facts{Counts: plan.Counts{Read: 1000}, BadKeys: 5}},
		"a changed mapping":             {facts: diff.Facts{Counts: plan.Counts{Read: 1000, Update: 1000}, Marks: 1000, PreviousRows: 1000, Remapped: true}, want: []string{"mapping_changed"}},
		"updates without it":            {facts: diff.Facts{Counts: plan.Counts{Read: 1000, Update: 1000}, Marks: 1000, PreviousRows: 1000}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, h := range diff.Guards(g, tt.facts) {
				got = append(got, h.Code)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}
