package destinationtest

import (
	"slices"
	"testing"

	"exposync/internal/destination"
	"exposync/internal/record"
)

func testUpdate(t *testing.T, s *Subject) {
	t.Helper()
	// Something to update comes by another mode, where there is one.
	w, err := s.Destination.Open(t.Context(), s.Target(destination.Upsert))
	there := err == nil
	if there {
		out := deliver(t.Context(), w, []record.Change{create("there")})
		settle(t, w, out)
		wantAll(t, out, 1, destination.OK)
	}
	updated := renamed(record.Update, "there", "Grace")
	out := s.write(t, destination.Update, renamed(record.Update, "missing", "x"), updated, renamed(record.Create, "new", "y"))
	if !there {
		want(t, out, destination.Rejected, destination.Rejected, destination.Rejected)
		s.holds(t, nil)
		return
	}
	want(t, out, destination.Rejected, destination.OK, destination.Rejected)
	for _, i := range []int{0, 2} {
		if out[i].Code != "not_found" {
			t.Errorf("outcome %d = %+v, want code not_found", i, out[i])
		}
	}
	s.holds(t, []record.Change{updated})
}

func testInsert(t *testing.T, s *Subject) {
	t.Helper()
	wantAll(t, s.write(t, destination.Upsert, create("there")), 1, destination.OK)
	out := s.write(t, destination.Insert, create("new"), renamed(record.Create, "there", "other"), create("newer"))
	want(t, out, destination.OK, destination.Rejected, destination.OK)
	if out[1].Code != "exists" {
		t.Errorf("outcome = %+v, want code exists", out[1])
	}
	s.holds(t, []record.Change{create("new"), create("there"), create("newer")})
}

func testAppend(t *testing.T, s *Subject) {
	t.Helper()
	first, second := create("a"), renamed(record.Update, "a", "Grace")
	wantAll(t, s.write(t, destination.Append, first, create("b")), 2, destination.OK)
	wantAll(t, s.write(t, destination.Append, second), 1, destination.OK)
	rows := s.Rows(t)
	if len(rows) != 3 {
		t.Fatalf("%d rows after appending 3 versions: %v", len(rows), rows)
	}
	var names []string
	for _, r := range rows {
		if id(r) == "a" {
			names = append(names, *r["name"])
		}
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"Ada", "Grace"}) {
		t.Errorf("versions of one record = %q", names)
	}
}

func testMirror(t *testing.T, s *Subject) {
	t.Helper()
	w := s.open(t, destination.Mirror)
	deletes := w.Traits().Deletes
	settle(t, w, nil)
	if !deletes {
		t.Fatal("mode mirror without Traits().Deletes")
	}
	wantAll(t, s.write(t, destination.Mirror, create("a"), create("b"), create("c")), 3, destination.OK)
	wantAll(t, s.write(t, destination.Mirror, Change(record.Delete, "b", nil)), 1, destination.OK)
	s.holds(t, []record.Change{create("a"), create("c")})
}

func testMixed(t *testing.T, s *Subject) {
	t.Helper()
	wantAll(t, s.write(t, destination.Mirror, create("a"), create("b"), create("c")), 3, destination.OK)
	updated := renamed(record.Update, "c", "Grace")
	out := s.write(t, destination.Mirror,
		Change(record.Delete, "a", nil), create("d"), Change(record.Delete, "b", nil), updated, create("e"))
	wantAll(t, out, 5, destination.OK)
	s.holds(t, []record.Change{updated, create("d"), create("e")})
}

func testDeleteMissing(t *testing.T, s *Subject) {
	t.Helper()
	wantAll(t, s.write(t, destination.Mirror, create("a")), 1, destination.OK)
	gone := Change(record.Delete, "never", nil)
	wantAll(t, s.write(t, destination.Mirror, gone), 1, destination.OK)
	wantAll(t, s.write(t, destination.Mirror, Change(record.Delete, "a", nil)), 1, destination.OK)
	wantAll(t, s.write(t, destination.Mirror, Change(record.Delete, "a", nil)), 1, destination.OK)
	s.holds(t, nil)
}
