package plan_test

import (
	"strings"
	"testing"
	"time"

	"exposync/internal/plan"
	"exposync/internal/record"
)

// Whether a column can say what changed is known before anything is read.
func TestBindChecksTheColumnOfAnIncrementalReading(t *testing.T) {
	t.Parallel()

	hours, steps := plan.Lookback{Age: time.Hour}, plan.Lookback{Steps: 10}
	for _, c := range []struct {
		kind     record.Kind
		lookback plan.Lookback
		want     string // part of the message; empty for none
	}{
		{record.Instant, hours, ""},
		{record.Timestamp, hours, ""},
		{record.Date, hours, ""},
		{record.Int, steps, ""},
		{record.Decimal, plan.Lookback{}, ""},
		{record.Instant, steps, "holds times, but lookback is the number 10"},
		{record.Int, hours, "holds numbers, but lookback is a duration"},
		{record.Text, hours, "is a text"},
		{record.Float, steps, "is a float"},
		{record.Bool, hours, "no order in which it grows: it is of type bool"},
		{record.Time, hours, "it is of type time"},
		{record.JSON, hours, "it is of type json"},
		{record.Bytes, hours, "it is of type bytes"},
	} {
		job := bindable()
		job.Incremental = plan.Incremental{Column: "WHEN", Lookback: c.lookback}
		bound, problems := plan.Bind(job, append(columns("mail", "bee"), record.Column{Name: "when", Kind: c.kind}))
		switch {
		case c.want == "" && (len(problems) > 0 || bound.Since == nil || bound.Columns[bound.Since.Index] != "when" || bound.Since.Kind != c.kind):
			t.Errorf("%s, lookback %s: %v, %+v", c.kind, c.lookback, problems, bound.Since)
		case c.want != "" && (len(problems) != 1 || problems[0].Code != "cursor_type" || !strings.Contains(problems[0].Msg, c.want)):
			t.Errorf("%s, lookback %s: %v", c.kind, c.lookback, problems)
		}
		plain := bindable()
		if whole, _ := plan.Bind(plain, columns("mail", "bee")); whole.Mapping() != bound.Mapping() {
			t.Error("the column of an incremental reading changes the mapping")
		}
	}
	job := bindable()
	job.Incremental.Column = "updatd_at"
	if _, problems := plan.Bind(job, columns("mail", "bee", "updated_at")); len(problems) != 1 || problems[0].Code != "column_missing" || !strings.Contains(problems[0].Hint, "updated_at") {
		t.Errorf("a column that is not there: %v", problems)
	}
}
