package warehouse_test

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/fault"
	"exposync/internal/record"
	"exposync/internal/warehouse"
)

func row(id, name string) record.Record {
	return record.Record{{Kind: record.Text, Data: []byte(name)}, {Kind: record.Int, Data: []byte(id)}}
}

func rowsOf(end error, rows ...record.Record) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
		if end != nil {
			yield(nil, end)
		}
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	q := warehouse.Query{Relation: "t", Columns: []string{"name", "id"}, Key: []string{"id"}}
	key := func(id string) record.Key {
		return record.AppendKey(nil, record.Value{Kind: record.Decimal, Data: []byte(id)})
	}
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		rows iter.Seq2[record.Record, error]
		q    warehouse.Query
		want []record.Record
		err  bool
	}{
		"some":               {rowsOf(nil, row("1", "a"), row("2", "b"), row("3", "c"), row("3", "d")), q, []record.Record{row("1", "a"), row("3", "c"), row("3", "d")}, false},
		"an error comes on":  {rowsOf(broken, row("1", "a")), q, []record.Record{row("1", "a")}, true},
		"key is not read":    {rowsOf(nil, row("1", "a")), warehouse.Query{Columns: q.Columns, Key: []string{"other"}}, nil, true},
		"nothing to be read": {rowsOf(nil), q, nil, false},
	} {
		var got []record.Record
		var failure error
		for r, err := range warehouse.Match(c.rows, c.q, []record.Key{key("1"), key("3"), key("9")}) {
			if failure = err; err == nil {
				got = append(got, r)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" || c.err != (failure != nil) {
			t.Errorf("%s: error %v, rows (-want +got):\n%s", name, failure, diff)
		}
	}
	read := 0
	for _, err := range warehouse.Match(rowsOf(nil, row("1", "a"), row("3", "c")), q, []record.Key{key("1"), key("3")}) {
		if read++; err != nil || read == 1 {
			break
		}
	}
	if read != 1 {
		t.Errorf("%d rows were yielded after a break", read)
	}
}

func TestFaultsOfReading(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cause := errors.New("the cable was cut")
	err := warehouse.Broken(ctx, "t", cause)
	if !fault.Is(err, "warehouse_read") || !errors.Is(err, cause) || fault.ExitCode(err) != 5 {
		t.Errorf("Broken = %v (exit code %d)", err, fault.ExitCode(err))
	}
	if missing := error(warehouse.Missing("t")); !errors.Is(warehouse.Broken(ctx, "t", missing), missing) {
		t.Error("Broken hides a fault that is more exact")
	}
	cancel()
	if err := warehouse.Broken(ctx, "t", cause); !errors.Is(err, context.Canceled) || len(fault.All(err)) != 1 || fault.Is(err, "warehouse_read") {
		t.Errorf("Broken of a canceled read = %v", err)
	}
	for _, code := range []string{
		"warehouse_unreachable", "warehouse_auth", "warehouse_settings", "warehouse_read", "relation_missing", "relation_denied",
	} {
		if page, ok := fault.Explain(code); !ok || page.Title == "" || page.Means == "" || page.Next == "" {
			t.Errorf("%s has no complete page", code)
		}
	}
}
