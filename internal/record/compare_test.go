package record_test

import (
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"exposync/internal/record"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	for _, group := range []struct {
		kind      record.Kind
		ascending []string
	}{
		{record.Int, []string{"-9223372036854775809", "-12", "-1", "0", "1", "9", "10", "9223372036854775807", "9223372036854775808"}},
		{record.Decimal, []string{"-Infinity", "-100", "-12.5", "-12.49", "-0.1", "0", "0.000000001", "0.1", "0.11", "9.9", "10", "99999999999999999999999999999.999999999", "Infinity"}},
		{record.Float, []string{"-Infinity", "-1000000000000000000000000", "0.00000000012345", "0.1", "Infinity"}},
		{record.Date, []string{"-infinity", "0045-03-15 BC", "0044-03-15 BC", "0044-03-16 BC", "0001-01-01", "0999-12-31", "1000-01-01", "2024-02-29", "9999-12-31", "10000-01-01", "12024-12-31", "infinity"}},
		{record.Timestamp, []string{"-infinity", "0044-03-15T12:00:00 BC", "0044-03-15T12:00:00.1 BC", "1969-12-31T23:59:59.999999", "1970-01-01T00:00:00", "1970-01-01T00:00:00.000001", "1970-01-01T00:00:00.1", "1970-01-01T00:00:01", "10000-01-01T00:00:00", "infinity"}},
		{record.Instant, []string{"-infinity", "0044-03-15T12:00:00Z BC", "2024-02-29T10:30:05Z", "2024-02-29T10:30:05.000001Z", "2024-02-29T10:30:05.5Z", "2024-02-29T10:30:06Z", "infinity"}},
	} {
		for i, a := range group.ascending {
			for j, b := range group.ascending {
				got, ok := record.Compare(value(group.kind, a), value(group.kind, b))
				if want := big.NewInt(int64(i)).Cmp(big.NewInt(int64(j))); !ok || got != want {
					t.Errorf("Compare(%s, %s) = %d, %t, want %d", a, b, got, ok, want)
				}
			}
		}
	}
	if order, ok := record.Compare(value(record.Int, "2"), value(record.Decimal, "1.5")); !ok || order != 1 {
		t.Errorf("an int and a decimal compare as %d, %t", order, ok)
	}
	for _, pair := range [][2]record.Value{
		{value(record.Text, "a"), value(record.Text, "b")},
		{value(record.Timestamp, "2024-02-29T10:30:05"), value(record.Instant, "2024-02-29T10:30:05Z")},
		{value(record.Decimal, "NaN"), value(record.Decimal, "1")},
		{value(record.Null, ""), value(record.Int, "1")},
		{value(record.Date, "2024"), value(record.Date, "2024-01-01")},
	} {
		if order, ok := record.Compare(pair[0], pair[1]); ok {
			t.Errorf("%s %s and %s %s compare as %d", pair[0].Kind, pair[0].Data, pair[1].Kind, pair[1].Data, order)
		}
	}
}

func TestEarlierAndMinus(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		v    record.Value
		by   time.Duration
		want string
	}{
		{value(record.Date, "2024-03-01"), 24 * time.Hour, "2024-02-29"},
		{value(record.Date, "2024-03-01"), 25 * time.Hour, "2024-02-28"},
		{value(record.Timestamp, "2024-03-01T00:00:00"), time.Microsecond, "2024-02-29T23:59:59.999999"},
		{value(record.Instant, "2024-03-01T01:00:00.5Z"), 72 * time.Hour, "2024-02-27T01:00:00.5Z"},
		{value(record.Instant, "0001-01-01T00:00:00Z"), time.Second, "0001-12-31T23:59:59Z BC"},
	} {
		if got, ok := record.Earlier(c.v, c.by); !ok || string(got.Data) != c.want || got.Kind != c.v.Kind {
			t.Errorf("Earlier(%s, %s) = %s, %t, want %s", c.v.Data, c.by, got.Data, ok, c.want)
		}
	}
	for _, c := range []struct {
		v    record.Value
		n    int64
		want string
	}{
		{value(record.Int, "100"), 30, "70"},
		{value(record.Int, "-9223372036854775808"), 1, "-9223372036854775809"},
		{value(record.Decimal, "12.5"), 13, "-0.5"},
	} {
		if got, ok := record.Minus(c.v, c.n); !ok || string(got.Data) != c.want || got.Kind != c.v.Kind {
			t.Errorf("Minus(%s, %d) = %s, %t, want %s", c.v.Data, c.n, got.Data, ok, c.want)
		}
	}
	for _, v := range []record.Value{value(record.Date, "infinity"), value(record.Text, "2024-01-01"), value(record.Int, "1")} {
		if got, ok := record.Earlier(v, time.Hour); ok {
			t.Errorf("Earlier(%s) = %s", v.Data, got.Data)
		}
	}
	for _, v := range []record.Value{value(record.Decimal, "NaN"), value(record.Decimal, "-Infinity"), value(record.Float, "1"), value(record.Date, "2024-01-01")} {
		if got, ok := record.Minus(v, 1); ok {
			t.Errorf("Minus(%s) = %s", v.Data, got.Data)
		}
	}
}

// Moments compare as the times that they are.
func TestMomentsCompareAsTimes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := func(name string) time.Time {
			return time.UnixMicro(rapid.Int64Range(-70_000_000_000_000_000, 300_000_000_000_000_000).Draw(t, name)).UTC()
		}
		a, b := at("a"), at("b")
		kind := rapid.SampledFrom([]record.Kind{record.Timestamp, record.Instant}).Draw(t, "kind")
		if got, ok := record.Compare(record.MomentOf(kind, a), record.MomentOf(kind, b)); !ok || got != a.Compare(b) {
			t.Fatalf("Compare(%s, %s) = %d, %t, want %d", a, b, got, ok, a.Compare(b))
		}
		by := time.Duration(rapid.Int64Range(0, 1_000_000_000_000).Draw(t, "by")) * time.Microsecond
		if got, ok := record.Earlier(record.MomentOf(kind, a), by); !ok || string(got.Data) != string(record.MomentOf(kind, a.Add(-by)).Data) {
			t.Fatalf("%s less %s is %s, %t", a, by, got.Data, ok)
		}
	})
}
