package record_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"exposync/internal/record"
)

const day = 24 * 60 * 60 * 1_000_000

// The standard library's calendar is the judge.
func TestMomentsAgreeWithTheStandardLibrary(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		days := rapid.Int64Range(-719_162, 2_932_896).Draw(t, "days") // 0001-01-01 to 9999-12-31
		micros := days*day + rapid.Int64Range(0, day-1).Draw(t, "micros")
		moment := time.UnixMicro(micros).UTC()
		if got, want := string(record.AppendDate(nil, days)), moment.Format("2006-01-02"); got != want {
			t.Fatalf("AppendDate(%d) = %s, want %s", days, got, want)
		}
		if got, want := string(record.AppendTimestamp(nil, micros)), moment.Format("2006-01-02T15:04:05.999999"); got != want {
			t.Fatalf("AppendTimestamp(%d) = %s, want %s", micros, got, want)
		}
		if got, want := string(record.AppendInstant(nil, micros)), moment.Format("2006-01-02T15:04:05.999999Z07:00"); got != want {
			t.Fatalf("AppendInstant(%d) = %s, want %s", micros, got, want)
		}
		if back, ok := record.ParseDate(record.AppendDate(nil, days)); !ok || back != days {
			t.Fatalf("ParseDate of day %d = %d, %t", days, back, ok)
		}
		if back, zoned, ok := record.ParseTimestamp(record.AppendInstant(nil, micros)); !ok || !zoned || back != micros {
			t.Fatalf("ParseTimestamp of instant %d = %d, %t, %t", micros, back, zoned, ok)
		}
		if back, zoned, ok := record.ParseTimestamp(record.AppendTimestamp(nil, micros)); !ok || zoned || back != micros {
			t.Fatalf("ParseTimestamp of %d = %d, %t, %t", micros, back, zoned, ok)
		}
	})
}

func TestDatesBeyondFourDigits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		days int64
		want string
	}{
		{-719_162, "0001-01-01"},
		{-719_163, "0001-12-31 BC"},
		{-2_440_588, "4714-11-24 BC"}, // the first day PostgreSQL knows
		{2_932_897, "10000-01-01"},
		{2_145_042_905, "5874897-12-31"}, // and its last
	} {
		if got := string(record.AppendDate(nil, c.days)); got != c.want {
			t.Errorf("AppendDate(%d) = %s, want %s", c.days, got, c.want)
		}
	}
	if got := string(record.AppendTimestampOf(nil, 106_751_991, day-1)); got != "294247-01-10T23:59:59.999999" {
		t.Errorf("AppendTimestampOf beyond the microseconds of an int64 = %s", got)
	}
	if got := string(record.AppendInstantOf(nil, 106_751_992, day-1)); got != "294247-01-11T23:59:59.999999Z" {
		t.Errorf("AppendInstantOf = %s", got)
	}
	if got := string(record.AppendInstant(nil, -719_163*day+1)); got != "0001-12-31T00:00:00.000001Z BC" {
		t.Errorf("AppendInstant before the common era = %s", got)
	}
	_ = record.AppendTimestamp(nil, math.MinInt64) // any number is some moment
}

func TestAppendTime(t *testing.T) {
	t.Parallel()
	for want, micros := range map[string]int64{
		"00:00:00": 0, "00:00:00.000001": 1, "15:04:05.12": 54_245_120_000, "23:59:59.999999": day - 1, "24:00:00": day,
	} {
		if got := string(record.AppendTime(nil, micros)); got != want {
			t.Errorf("AppendTime(%d) = %s, want %s", micros, got, want)
		}
	}
}

func TestParseTimestamp(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2024-02-29 12:30":                    "2024-02-29T12:30:00",
		"2024-02-29T12:30:05":                 "2024-02-29T12:30:05",
		"2024-02-29 12:30:05.5":               "2024-02-29T12:30:05.5",
		"2024-02-29 12:30:05.123456000":       "2024-02-29T12:30:05.123456",
		"2024-02-29T00:30:05+02":              "2024-02-28T22:30:05Z",
		"2024-02-29T23:30:05.25-0130":         "2024-03-01T01:00:05.25Z",
		"2024-02-29T12:30:05z":                "2024-02-29T12:30:05Z",
		"2024-02-29T12:30:05+05:45":           "2024-02-29T06:45:05Z",
		"2024-02-30 12:30:05":                 "",
		"2024-02-29":                          "",
		"2024-02-29 24:00:00":                 "",
		"2024-02-29 12:60:00":                 "",
		"2024-02-29 12:30:05.":                "",
		"2024-02-29 12:30:05.1234567":         "", // would lose a digit
		"2024-02-29 12:30:05 UTC":             "",
		"2024-02-29 12:30:05+2":               "",
		"2024-02-29 12:30:05+24":              "",
		"2024-2-29 12:30:05":                  "",
		"0000-01-01 00:00:00":                 "",
		"2024-13-01 00:00:00":                 "",
		"2024-02-29x12:30:05":                 "",
		"2024-02-29 12:30:05+02:00:00":        "",
		"":                                    "",
		"2024-02-29 12:30:05\x00":             "",
		"٢٠٢٤-02-29 12:30:05":                 "",
		"1999-12-31T23:59:59.999999999999999": "",
	} {
		micros, zoned, ok := record.ParseTimestamp(text)
		got := ""
		switch {
		case ok && zoned:
			got = string(record.AppendInstant(nil, micros))
		case ok:
			got = string(record.AppendTimestamp(nil, micros))
		}
		if got != want {
			t.Errorf("ParseTimestamp(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestParseTime(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"00:00": 0, "15:04:05.12": 54_245_120_000, "23:59:59.999999": day - 1} {
		if got, ok := record.ParseTime([]byte(text)); !ok || got != want {
			t.Errorf("ParseTime(%q) = %d, %t, want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "1:00", "24:00", "12:00+02", "12:00:00.", "12-00", "ab:cd"} {
		if got, ok := record.ParseTime(text); ok {
			t.Errorf("ParseTime(%q) = %d, want none", text, got)
		}
	}
}
