package engine_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/plan"
	"exposync/internal/record"
)

func (b *bench) samples(n int, showing map[string]plan.Showing) plan.Samples {
	b.Helper()
	e, done := b.engine()
	defer done()
	req := b.request()
	if b.dest != nil {
		req.Destination = b.dest
	}
	p, err := e.Prepare(b.Context(), req, true)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	got, err := p.Samples(b.Context(), n, func(column string) plan.Showing { return showing[column] })
	if err != nil {
		b.Fatal(err)
	}
	return got
}

func showAll() map[string]plan.Showing {
	return map[string]plan.Showing{"id": plan.Show, "name": plan.Show}
}

// three is a sync with one record to create, one to update and one to delete.
func three(t *testing.T) *bench {
	t.Helper()
	b := setup(t)
	b.job.Mode = plan.Mirror
	constant := record.Value{Kind: record.Text, Data: []byte("dbt")}
	b.job.Fields = append(b.job.Fields, plan.Field{Name: "source", Value: &constant})
	b.crm.constant = "dbt"
	b.table.set([2]string{"a", "Ada"}, [2]string{"b", "Bob"}, [2]string{"c", "Cy"})
	b.run()
	b.table.set([2]string{"a", "Ada"}, [2]string{"b", ""}, [2]string{"d", "Ada"})
	return b
}

func TestSamples(t *testing.T) {
	t.Parallel()
	b := three(t)
	want := plan.Samples{Before: "read from the destination", Records: []plan.Sample{
		{
			Op: "create", Key: []plan.Cell{{Field: "external_id", After: `"d"`}},
			Fields: []plan.Cell{{Field: "name", After: `"Ada"`}, {Field: "source", After: `"dbt"`}},
		},
		{
			Op: "update", Key: []plan.Cell{{Field: "external_id", After: `"b"`}}, Known: true,
			Fields: []plan.Cell{{Field: "name", Before: `"Bob"`, After: "null"}},
		},
		{
			Op: "delete", Key: []plan.Cell{{Field: "external_id", After: `"c"`}}, Known: true,
			Fields: []plan.Cell{{Field: "name", Before: `"Cy"`}, {Field: "source", Before: "‹text›"}},
		},
	}}
	if d := cmp.Diff(want, b.samples(3, showAll())); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// Nothing of a masked value shows: not its length, and not whether it is that
// of another record.
func TestSamplesAreMasked(t *testing.T) {
	t.Parallel()
	b := three(t)
	masked := b.samples(3, nil)
	other := three(t)
	other.table.set([2]string{"a", "Ada"}, [2]string{"b", ""}, [2]string{"d", strings.Repeat("long", 99)})
	if d := cmp.Diff(masked, other.samples(3, nil)); d != "" {
		t.Errorf("what is masked depends on the value:\n%s", d)
	}
	if got := masked.Records[0].Key[0].After + masked.Records[0].Fields[0].After; got != "‹text›‹text›" {
		t.Errorf("masked: %s", got)
	}
}

func TestSamplesByHash(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.table.set([2]string{"a", "x"}, [2]string{"b", "y"}, [2]string{"c", "x"})
	values := map[string]string{}
	for _, s := range b.samples(9, map[string]plan.Showing{"id": plan.Show, "name": plan.Hash}).Records {
		values[s.Key[0].After] = s.Fields[0].After
	}
	if values[`"a"`] != values[`"c"`] || values[`"a"`] == values[`"b"`] || !strings.HasPrefix(values[`"b"`], "‹text ") {
		t.Errorf("%v", values)
	}
}

// Every kind of reason why what stands there is not known is told, and then
// all fields are shown.
func TestSamplesWithoutBefore(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(b *bench)
		want   string
	}{
		"cannot be read": {func(b *bench) { b.dest = writeOnly{b.crm} }, "not known (the destination cannot be read by key)"},
		"fails": {func(b *bench) {
			b.dest = unreadable{b.crm, &fault.Fault{Code: "destination_unavailable", Msg: "value b"}}
		}, "not known (reading the destination failed: destination_unavailable)"},
		"fails plainly": {func(b *bench) { b.dest = unreadable{b.crm, errors.New("value b")} }, "not known (reading the destination failed: internal)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := three(t)
			tt.change(b)
			got := b.samples(1, showAll())
			if got.Before != tt.want {
				t.Errorf("before %q, want %q", got.Before, tt.want)
			}
			if u := got.Records[1]; u.Known || len(u.Fields) != 2 || u.Fields[0].Before != "" {
				t.Errorf("%+v", u)
			}
			if d := got.Records[2]; len(d.Fields) != 0 {
				t.Errorf("a delete has no values of its own: %+v", d)
			}
		})
	}
	b := three(t)
	delete(b.crm.records, "b")
	if u := b.samples(1, showAll()).Records[1]; !u.Known || !u.Missing || len(u.Fields) != 2 {
		t.Errorf("a record that is gone there: %+v", u)
	}
	b = setup(t)
	b.table.set(contacts(1)...)
	if got := b.samples(1, showAll()); got.Before != "" {
		t.Errorf("creates have no before: %+v", got)
	}
}

// A plan's samples do not depend on the order of rows, and there are never
// more than asked for.
func TestSamplesOfAPlanAreTheSame(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rows := contacts(500)
	b.table.set(rows...)
	first := b.samples(7, showAll())
	if len(first.Records) != 7 {
		t.Fatalf("%d records", len(first.Records))
	}
	for i, j := 0, len(rows)-1; i < j; i, j = i+1, j-1 {
		rows[i], rows[j] = rows[j], rows[i]
	}
	b.table.set(rows...)
	if d := cmp.Diff(first, b.samples(7, showAll())); d != "" {
		t.Errorf("(-first +second):\n%s", d)
	}
	if got := b.samples(0, showAll()); len(got.Records) != 0 {
		t.Errorf("none were asked for: %+v", got)
	}
}

// A value cannot break the line it stands on, look like a mask, or be endless.
func TestSamplesShowValuesOnOneLine(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.table.set([2]string{"a", "\x1b[2J\n‹text›\u202e" + strings.Repeat("ä", 100)})
	got := b.samples(1, showAll()).Records[0].Fields[0].After
	if want := `"\x1b[2J\n‹text›\u202e` + strings.Repeat("ä", 60-12) + `"…`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// writeOnly is a crm that cannot be read by key.
type writeOnly struct{ crm *crm }

func (w writeOnly) Account(ctx context.Context) (string, error) { return w.crm.Account(ctx) }
func (w writeOnly) Open(ctx context.Context, t destination.Target) (destination.Writer, error) {
	return w.crm.Open(ctx, t)
}
func (w writeOnly) Close() error { return nil }

// unreadable fails whenever it is read.
type unreadable struct {
	*crm
	err error
}

func (u unreadable) Read(context.Context, destination.Target, []record.Key) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) { yield(nil, u.err) }
}

// paced is a crm with a limit for the whole connection.
type paced struct {
	*crm
	perSecond float64
}

func (p paced) PerSecond() float64 { return p.perSecond }

func TestEstimate(t *testing.T) {
	t.Parallel()
	ten := func(record.Change) int { return 10 }
	tests := map[string]struct {
		rows   int
		traits destination.Traits
		limit  float64
		want   plan.Estimate
	}{
		"nothing to do":             {0, destination.Traits{Rows: 10}, 5, plan.Estimate{}},
		"rows":                      {25, destination.Traits{Rows: 10}, 0, plan.Estimate{Calls: 3}},
		"a writer that says none":   {3, destination.Traits{}, 0, plan.Estimate{Calls: 3}},
		"bytes":                     {25, destination.Traits{Rows: 10, Bytes: 35, Size: ten}, 0, plan.Estimate{Calls: 9}},
		"rows before bytes":         {25, destination.Traits{Rows: 2, Bytes: 35, Size: ten}, 0, plan.Estimate{Calls: 13}},
		"each larger than a batch":  {4, destination.Traits{Rows: 10, Bytes: 5, Size: ten}, 0, plan.Estimate{Calls: 4}},
		"many, from the beginning":  {45_000, destination.Traits{Rows: 10, Bytes: 45, Size: ten}, 0, plan.Estimate{Calls: 11_250}},
		"the writer's limit":        {25, destination.Traits{Rows: 10, PerSecond: 2}, 0, plan.Estimate{Calls: 3, PerSecond: 2, Seconds: 1.5}},
		"the connection's limit":    {25, destination.Traits{Rows: 10}, 6, plan.Estimate{Calls: 3, PerSecond: 6, Seconds: 0.5, Shared: true}},
		"the tighter of both":       {25, destination.Traits{Rows: 10, PerSecond: 2}, 6, plan.Estimate{Calls: 3, PerSecond: 2, Seconds: 1.5}},
		"the tighter, if it shares": {25, destination.Traits{Rows: 10, PerSecond: 6}, 2, plan.Estimate{Calls: 3, PerSecond: 2, Seconds: 1.5, Shared: true}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.table.set(contacts(tt.rows)...)
			b.crm.traits = tt.traits
			e, done := b.engine()
			defer done()
			req := b.request()
			req.Destination = paced{b.crm, tt.limit}
			p, err := e.Prepare(b.Context(), req, false)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, p.Plan.Estimate); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if tt.rows > 100 {
				return
			}
			calls := p.Plan.Estimate.Calls
			if res := e.Apply(b.Context(), b.stop, p); res.Counts.Calls != calls {
				t.Errorf("estimated %d calls, made %d", calls, res.Counts.Calls)
			}
			_ = p.Close()
		})
	}
}
