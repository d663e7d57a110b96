package destinationtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/destination"
	"exposync/internal/record"
)

// Change makes a change of the suite's target: id is the key, set overrides
// fields of a plain record.
func Change(op record.Op, id string, set map[string]record.Value) record.Change {
	ch := record.Change{Op: op, KeyVals: record.Record{text(id)}}
	ch.Key = record.AppendKey(nil, ch.KeyVals...)
	ch.KeyHash = ch.Key.Hash()
	if op == record.Delete {
		return ch
	}
	names := make([]string, 0, len(Fields()))
	for _, f := range Fields() {
		names = append(names, f.Name)
		v, ok := set[f.Name]
		if !ok {
			v = ordinary(f.Name)
		}
		ch.Values = append(ch.Values, v)
	}
	ch.RowHash = record.NewHasher(names).Sum(ch.Values)
	return ch
}

func create(id string) record.Change { return Change(record.Create, id, nil) }

// creates makes n changes with different keys.
func creates(prefix string, n int) []record.Change {
	out := make([]record.Change, n)
	for i := range out {
		out[i] = create(fmt.Sprintf("%s%04d", prefix, i))
	}
	return out
}

func renamed(op record.Op, id, name string) record.Change {
	return Change(op, id, map[string]record.Value{"name": text(name)})
}

// ordinary is the value of a field that a test does not care about.
func ordinary(field string) record.Value {
	switch field {
	case "score":
		return record.Value{Kind: record.Int, Data: []byte("42")}
	case "amount":
		return record.Value{Kind: record.Decimal, Data: []byte("12.5")}
	case "active":
		return record.Value{Kind: record.Bool, Data: []byte("true")}
	case "day":
		return record.Value{Kind: record.Date, Data: []byte("2024-02-29")}
	case "at":
		return record.Value{Kind: record.Instant, Data: []byte("2024-02-29T23:59:59.123456Z")}
	case "local":
		return record.Value{Kind: record.Timestamp, Data: []byte("2024-02-29T12:00:00")}
	case "doc":
		return record.Value{Kind: record.JSON, Data: []byte(`{"a":[1,2.50,"x"],"b":null}`)}
	}
	return text("Ada")
}

func text(s string) record.Value { return record.Value{Kind: record.Text, Data: []byte(s)} }

func null() record.Value { return record.Value{Kind: record.Null} }

// want checks the states of outcomes, in order.
func want(t *testing.T, out []destination.Outcome, states ...destination.State) {
	t.Helper()
	got := make([]destination.State, len(out))
	for i, o := range out {
		got[i] = o.State
	}
	if !slices.Equal(got, states) {
		t.Errorf("outcomes = %v, want %v\n%+v", got, states, out)
	}
}

// wantAll checks that every outcome has the state.
func wantAll(t *testing.T, out []destination.Outcome, n int, state destination.State) {
	t.Helper()
	if len(out) != n {
		t.Fatalf("%d outcomes for %d changes", len(out), n)
	}
	for i, o := range out {
		if o.State != state {
			t.Fatalf("outcome %d = %+v, want state %d", i, o, state)
		}
	}
}

// holds checks that the destination holds exactly these records, as far as
// the named fields go; all fields if none is named.
func (s *Subject) holds(t *testing.T, changes []record.Change, fields ...string) {
	t.Helper()
	got := s.Rows(t)
	fields = s.kept(fields)
	byID := func(a, b Row) int { return strings.Compare(id(a), id(b)) }
	slices.SortStableFunc(got, byID)
	wanted := make([]Row, len(changes))
	for i, ch := range changes {
		wanted[i] = row(ch)
	}
	slices.SortStableFunc(wanted, byID)
	for _, rows := range [][]Row{got, wanted} {
		for _, r := range rows {
			for name := range r {
				if len(fields) > 0 && name != "id" && !slices.Contains(fields, name) {
					delete(r, name)
				}
			}
		}
	}
	if len(got) == 0 && len(wanted) == 0 {
		return
	}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("the destination does not hold what was confirmed (-want +got):\n%s", diff)
	}
}

// kept are the fields to compare of those that a test asks for: the key, and
// what the destination can hold.
func (s *Subject) kept(fields []string) []string {
	if s.Keeps == nil {
		return fields
	}
	out := []string{"id"}
	for _, f := range s.Keeps {
		if len(fields) == 0 || slices.Contains(fields, f) {
			out = append(out, f)
		}
	}
	return out
}

func id(r Row) string {
	if p := r["id"]; p != nil {
		return *p
	}
	return ""
}

func row(ch record.Change) Row {
	r := Row{"id": textOf(ch.KeyVals[0])}
	for i, f := range Fields() {
		if ch.Values[i].Kind != record.Absent {
			r[f.Name] = textOf(ch.Values[i])
		}
	}
	return r
}

func textOf(v record.Value) *string {
	if v.Kind == record.Null {
		return nil
	}
	s := string(v.Data)
	return &s
}

// leaks checks that no secret shows in what the destination says.
func (s *Subject) leaks(t *testing.T, said ...string) {
	t.Helper()
	for _, secret := range s.Secrets {
		if strings.Contains(strings.Join(said, "\n"), secret) {
			t.Errorf("a secret shows in: %s", said)
		}
	}
}

func (s *Subject) leakless(t *testing.T, out []destination.Outcome) {
	t.Helper()
	for _, o := range out {
		s.leaks(t, o.Code, o.Message)
	}
}
