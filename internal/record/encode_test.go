package record_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"exposync/internal/record"
)

// mixedRow is one row of the kind that export models have.
func mixedRow() record.Record {
	return record.Record{
		value(record.Int, "4711"), value(record.Text, "ada@example.com"), value(record.Text, "Ada Lovelace"),
		value(record.Decimal, "12345.67"), value(record.Bool, "true"), value(record.Date, "2024-02-29"),
		value(record.Instant, "2024-02-29T12:30:05.123456Z"),
		{Kind: record.Null},
	}
}

func mixedNames() []string {
	return []string{"id", "email", "name", "clv", "active", "first_order", "updated_at", "note"}
}

// The hashes of encoding 1, for ever: a release that changes one of them
// resends every record of every user.
func TestEncodingIsStable(t *testing.T) {
	t.Parallel()
	if got, want := record.NewHasher(mixedNames()).Sum(mixedRow()).String(), "1a18dd0c014affed4b173c2486ef9ca8"; got != want {
		t.Errorf("row hash = %s, want %s", got, want)
	}
	if got, want := record.AppendKey(nil, mixedRow()...).Hash().String(), "de25d7f4c77d6913fa7956043c582b1b"; got != want {
		t.Errorf("key hash = %s, want %s", got, want)
	}
}

func TestKindsOfOneMeaningShareAnEncoding(t *testing.T) {
	t.Parallel()
	hash := func(v record.Value) record.Hash { return record.AppendKey(nil, v).Hash() }
	if hash(value(record.Int, "12")) != hash(value(record.Decimal, "12")) || hash(value(record.Int, "12")) != hash(value(record.Float, "12")) {
		t.Error("12 differs between the kinds of numbers")
	}
	if hash(value(record.Int, "12")) == hash(value(record.Text, "12")) {
		t.Error("the number 12 equals the text 12")
	}
	if hash(record.Value{Kind: record.Null}) == hash(value(record.Text, "")) {
		t.Error("null equals the empty text")
	}
}

func TestHasherKnowsFieldsByName(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		order := rapid.Permutation([]int{0, 1, 2, 3, 4, 5, 6, 7}).Draw(t, "order")
		names, row := make([]string, len(order)), make(record.Record, len(order))
		for to, from := range order {
			names[to], row[to] = mixedNames()[from], mixedRow()[from]
		}
		if record.NewHasher(names).Sum(row) != record.NewHasher(mixedNames()).Sum(mixedRow()) {
			t.Fatal("the order of fields changes the hash")
		}
		names, row = append(names, "new"), append(row, record.Value{})
		if record.NewHasher(names).Sum(row) != record.NewHasher(mixedNames()).Sum(mixedRow()) {
			t.Fatal("an absent field changes the hash")
		}
		row[len(row)-1] = record.Value{Kind: record.Null}
		if record.NewHasher(names).Sum(row) == record.NewHasher(mixedNames()).Sum(mixedRow()) {
			t.Fatal("a null field does not change the hash")
		}
	})
}

func records() *rapid.Generator[record.Record] {
	return rapid.Custom(func(t *rapid.T) record.Record {
		return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) record.Value {
			kind := record.Kind(rapid.Uint8Range(0, uint8(record.JSON)).Draw(t, "kind"))
			if kind == record.Absent || kind == record.Null {
				return record.Value{Kind: kind, Data: []byte{}}
			}
			return record.Value{Kind: kind, Data: rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "data")}
		}), 0, 6).Draw(t, "record")
	})
}

func TestRecordsRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := records().Draw(t, "record")
		encoded := record.AppendRecord(nil, want)
		got, rest, err := record.ReadRecord(append(slices.Clone(encoded), "rest"...), nil)
		if err != nil || string(rest) != "rest" {
			t.Fatalf("ReadRecord: %v, rest %q", err, rest)
		}
		if diff := cmp.Diff(want, got.Clone(), equalEmpty()); diff != "" {
			t.Fatalf("record changed:\n%s", diff)
		}
		for n := range encoded { // a file that was cut off
			if _, _, err := record.ReadRecord(encoded[:n], nil); err == nil {
				t.Fatalf("%d of %d bytes were read as a record", n, len(encoded))
			}
		}
	})
}

// Two keys are equal exactly if their values are, wherever one value ends and
// the next begins.
func TestKeysAreEqualAsBytesWhenEqualAsValues(t *testing.T) {
	t.Parallel()
	part := rapid.Custom(func(t *rapid.T) record.Value {
		kind := rapid.SampledFrom([]record.Kind{record.Int, record.Text, record.Bytes, record.Date}).Draw(t, "kind")
		return value(kind, rapid.StringMatching(`[0s]{0,3}`).Draw(t, "data"))
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.SliceOfN(part, 1, 3).Draw(t, "a"), rapid.SliceOfN(part, 1, 3).Draw(t, "b")
		same := slices.EqualFunc(a, b, func(x, y record.Value) bool { return x.Kind == y.Kind && bytes.Equal(x.Data, y.Data) })
		ka, kb := record.AppendKey(nil, a...), record.AppendKey(nil, b...)
		if same != bytes.Equal(ka, kb) || same != (ka.Hash() == kb.Hash()) {
			t.Fatalf("%v and %v: equal %t, their keys %q and %q", a, b, same, ka, kb)
		}
		back, err := ka.Values()
		if err != nil || !bytes.Equal(record.AppendKey(nil, back...), ka) {
			t.Fatalf("key %q gave %v (%v)", ka, back, err)
		}
	})
}

func FuzzReadRecord(f *testing.F) {
	f.Add(record.AppendRecord(nil, mixedRow()))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Add([]byte{1, 7, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, rest, err := record.ReadRecord(b, nil)
		if err != nil {
			return
		}
		again, rest2, err := record.ReadRecord(append(record.AppendRecord(nil, r), rest...), nil)
		if diff := cmp.Diff(r, again, equalEmpty()); err != nil || diff != "" || !bytes.Equal(rest, rest2) {
			t.Fatalf("%q: %v\n%s", b, err, diff)
		}
	})
}

func FuzzKeyValues(f *testing.F) {
	f.Add([]byte(record.AppendKey(nil, mixedRow()...)))
	f.Add([]byte("q\x01a"))
	f.Fuzz(func(t *testing.T, b []byte) {
		values, err := record.Key(b).Values()
		if err != nil {
			return
		}
		again, err := record.AppendKey(nil, values...).Values()
		if diff := cmp.Diff(values, again, equalEmpty()); err != nil || diff != "" {
			t.Fatalf("%q: %v\n%s", b, err, diff)
		}
	})
}

// equalEmpty treats no bytes and zero bytes alike.
func equalEmpty() cmp.Option {
	return cmp.Comparer(func(a, b []byte) bool { return bytes.Equal(a, b) })
}

func TestCloneSharesNothing(t *testing.T) {
	t.Parallel()
	r := mixedRow()
	c := r.Clone()
	for _, v := range r {
		clear(v.Data)
	}
	if diff := cmp.Diff(mixedRow(), c, equalEmpty()); diff != "" {
		t.Errorf("the clone changed with the record:\n%s", diff)
	}
}

func BenchmarkHashRow(b *testing.B) {
	h, row := record.NewHasher(mixedNames()), mixedRow()
	b.ReportAllocs()
	for b.Loop() {
		h.Sum(row)
	}
}

func BenchmarkAppendJSONRow(b *testing.B) {
	row, buf := mixedRow(), []byte(nil)
	b.ReportAllocs()
	for b.Loop() {
		buf = buf[:0]
		for _, v := range row {
			var err error
			if buf, err = record.AppendJSON(buf, v); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkCanonicalJSON(b *testing.B) {
	doc, buf := []byte(`{"city": "Zürich", "zip": "8001", "address": {"street": "Bahnhofstr. 1", "floor": 3}, "tags": ["a", "b"]}`), []byte(nil)
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = record.AppendCanonicalJSON(buf[:0], doc); err != nil {
			b.Fatal(err)
		}
	}
}
