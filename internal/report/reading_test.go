package report

import (
	"testing"

	"exposync/internal/plan"
)

func TestReadingText(t *testing.T) {
	t.Parallel()
	changed := plan.Job{Incremental: plan.Incremental{Column: "at"}}
	events := plan.Job{Incremental: plan.Incremental{Column: "at", Forget: true}}
	for _, c := range []struct {
		job  plan.Job
		p    plan.Plan
		want string
	}{
		{plan.Job{}, plan.Plan{Reading: plan.Reading{Rows: 5, Full: true}}, ""},
		{
			changed,
			plan.Plan{PreviousRows: 1_000_000, Reading: plan.Reading{Rows: 1204, Bytes: 96_300, Column: "at", Since: "2026-11-26T10:00:05.5Z"}},
			"read 1,204 of about 1,000,000 rows, 96 KB (changed since 2026-11-26 10:00)",
		},
		{changed, plan.Plan{Reading: plan.Reading{Rows: 1_234_567, Bytes: 2_500_000_000, Column: "at", Full: true}}, "read all 1,234,567 rows, 2.5 GB"},
		{events, plan.Plan{PreviousRows: 7, Reading: plan.Reading{Rows: 0, Column: "at", Since: "-12"}}, "read 0 rows, 0 B (events since -12)"},
		{events, plan.Plan{Reading: plan.Reading{Rows: 999, Bytes: 1_250_000, Column: "at", Since: "2026-11-26"}}, "read 999 rows, 1.2 MB (events since 2026-11-26)"},
	} {
		if got := readingText(c.job, c.p); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}
