package mapping_test

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"exposync/internal/mapping"
	"exposync/internal/record"
)

// cell writes a value for tests: kind:text, or null.
func cell(s string) record.Value {
	kind, data, ok := strings.Cut(s, ":")
	for k := record.Absent; k <= record.JSON && ok; k++ {
		if k.String() == kind {
			return record.Value{Kind: k, Data: []byte(data)}
		}
	}
	return record.Value{Kind: record.Null}
}

func spell(v record.Value) string {
	if v.Kind == record.Null {
		return "null"
	}
	return v.Kind.String() + ":" + string(v.Data)
}

// table is one row with the kinds of its columns.
type table struct {
	names []string
	kinds []record.Kind
	row   record.Record
}

func (t *table) find(name string) (mapping.Column, bool) {
	i := slices.Index(t.names, name)
	if i < 0 {
		return mapping.Column{}, false
	}
	return mapping.Column{Name: name, Kind: t.kinds[i], Index: i}, true
}

// oneColumn is a table whose column x has the kind of its value.
func oneColumn(s string) *table {
	v := cell(s)
	return &table{names: []string{"x"}, kinds: []record.Kind{v.Kind}, row: record.Record{v}}
}

// derive gives the value, the failure or the problem of a rule.
func derive(t *testing.T, tab *table, column string, rule mapping.Rule) string {
	t.Helper()
	d, problems := mapping.Compile("f", column, &rule, tab.find)
	if len(problems) > 0 {
		return "problem " + problems[0].Code + ": " + problems[0].Msg
	}
	if d == nil {
		return "missing"
	}
	before := tab.row.Clone()
	for range 2 { // buffers that are used again change nothing
		v, failed := d.Value(tab.row)
		if failed != nil {
			return failed.Code + ": " + failed.Reason
		}
		if got := spell(v); got != "null" && v.Kind != d.Kind {
			return "kind " + d.Kind.String() + " for " + got
		}
	}
	if diff := cmp.Diff(before, tab.row, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the row was changed:\n%s", diff)
	}
	v, _ := d.Value(tab.row)
	return spell(v)
}

func TestCastsLoseNothing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		from string
		to   mapping.Cast
		want string
	}{
		{"int:12", mapping.ToInteger, "int:12"},
		{"decimal:12", mapping.ToInteger, "int:12"},
		{"decimal:-12.5", mapping.ToInteger, "cast_lossy: f: cast: integer: the value has a fraction"},
		{"float:1e300", mapping.ToInteger, "cast_lossy: f: cast: integer: the value does not fit into 64 bits"},
		{"decimal:9223372036854775807", mapping.ToInteger, "int:9223372036854775807"},
		{"decimal:9223372036854775808", mapping.ToInteger, "cast_lossy: f: cast: integer: the value does not fit into 64 bits"},
		{"text: 1.0 ", mapping.ToInteger, "int:1"},
		{"text:0012", mapping.ToInteger, "int:12"},
		{"text:12 EUR", mapping.ToInteger, "cast_invalid: f: cast: integer: the value is no number"},
		{"text:", mapping.ToInteger, "cast_invalid: f: cast: integer: the value is no number"},
		{"float:NaN", mapping.ToInteger, "cast_invalid: f: cast: integer: the value is NaN or infinite"},
		{"bool:true", mapping.ToInteger, "int:1"},
		{"date:2026-01-02", mapping.ToInteger, "problem cast_type: cast: integer: nothing of type date becomes that without a loss"},
		{"text:1.50", mapping.ToDecimal, "decimal:1.5"},
		{"float:0.1", mapping.ToDecimal, "decimal:0.1"},
		{"int:5", mapping.ToText, "text:5"},
		{"bool:false", mapping.ToText, "text:false"},
		{"bytes:\xff", mapping.ToText, "cast_invalid: f: cast: text: the bytes are no text in UTF-8"},
		{"text:Yes", mapping.ToBoolean, "bool:true"},
		{"int:0", mapping.ToBoolean, "bool:false"},
		{"int:2", mapping.ToBoolean, "cast_invalid: f: cast: boolean: the value is neither true nor false"},
		{"timestamp:2026-01-02T00:00:00", mapping.ToDate, "date:2026-01-02"},
		{"timestamp:0044-03-15T00:00:00 BC", mapping.ToDate, "date:0044-03-15 BC"},
		{"timestamp:infinity", mapping.ToDate, "date:infinity"},
		{"timestamp:2026-01-02T00:00:01", mapping.ToDate, "cast_lossy: f: cast: date: the value has a time of day"},
		{"text:2026-02-30", mapping.ToDate, "cast_invalid: f: cast: date: the value is no date written as 2006-01-02"},
		{"text:2026-01-02 00:00:00", mapping.ToDate, "date:2026-01-02"},
		{"text:2026-01-02T00:00:00Z", mapping.ToDate, "cast_lossy: f: cast: date: the value has a time zone (cast: instant keeps the moment)"},
		{"instant:2026-01-02T00:00:00Z", mapping.ToDate, "problem cast_type: cast: date: nothing of type instant becomes that without a loss"},
		{"timestamp:2026-01-02T00:00:00", mapping.ToInstant, "problem cast_type: cast: instant: nothing of type timestamp becomes that without a loss"},
		{"date:2026-01-02", mapping.ToTimestamp, "timestamp:2026-01-02T00:00:00"},
		{"date:0044-03-15 BC", mapping.ToTimestamp, "timestamp:0044-03-15T00:00:00 BC"},
		{"text:2026-01-02 10:00+02", mapping.ToTimestamp, "cast_lossy: f: cast: timestamp: the value has a time zone (cast: instant keeps the moment)"},
		{"text:2026-01-02 10:00+02", mapping.ToInstant, "instant:2026-01-02T08:00:00Z"},
		{"text:2026-01-02 10:00", mapping.ToInstant, "cast_invalid: f: cast: instant: the value has no time zone, so nobody can say which moment it is"},
		{"text:2026-01-02 10:00:00.1234567", mapping.ToTimestamp, "cast_invalid: f: cast: timestamp: the value is no date and time, written as 2006-01-02 15:04:05 to microseconds"},
		{"text:10:30", mapping.ToTime, "time:10:30:00"},
		{`text:{"b": 1, "a": [2]}`, mapping.ToJSON, `json:{"a":[2],"b":1}`},
		{"text:{", mapping.ToJSON, "cast_invalid: f: cast: json: the value is no JSON"},
		{"date:2026-01-02", mapping.ToJSON, `json:"2026-01-02"`},
		{"null", mapping.ToInteger, "null"},
	} {
		if got := derive(t, oneColumn(tt.from), "x", mapping.Rule{Cast: tt.to}); got != tt.want {
			t.Errorf("%s to %s:\n got %s\nwant %s", tt.from, tt.to, got, tt.want)
		}
	}
}

// A column need not say what its values are: SQLite's.
func TestCastsFollowTheValue(t *testing.T) {
	t.Parallel()
	tab := oneColumn("text:")
	for from, want := range map[string]string{
		"int:3": "int:3", "float:3.5": "cast_lossy: f: cast: integer: the value has a fraction",
		"bytes:3": "cast_invalid: f: cast: integer: nothing of type bytes becomes that",
	} {
		tab.row[0] = cell(from)
		if got := derive(t, tab, "x", mapping.Rule{Cast: mapping.ToInteger}); got != want {
			t.Errorf("%s: %s, want %s", from, got, want)
		}
	}
}

// What a cast makes, cast back, is what it was: nothing was lost.
func TestWhatACastTakesComesBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		var v string
		switch rapid.IntRange(0, 3).Draw(r, "kind") {
		case 0:
			n, ok := record.AppendDecimal(nil, rapid.StringMatching(`-?[0-9]{1,22}(\.[0-9]{1,6})?`).Draw(r, "number"))
			if !ok {
				r.Skip()
			}
			v = "decimal:" + string(n)
		case 1:
			v = "date:" + string(record.AppendDate(nil, rapid.Int64Range(-900_000, 900_000).Draw(r, "days")))
		case 2:
			v = "timestamp:" + string(record.AppendTimestamp(nil, rapid.SampledFrom([]int64{86_400_000_000, 1_000_003}).Draw(r, "unit")*rapid.Int64Range(-1000, 1000).Draw(r, "micros")))
		default:
			v = "bool:" + rapid.SampledFrom([]string{"true", "false"}).Draw(r, "bool")
		}
		to := mapping.Cast(rapid.SampledFrom(mapping.Casts()).Draw(r, "to"))
		there := derive(t, oneColumn(v), "x", mapping.Rule{Cast: to})
		if strings.HasPrefix(there, "cast_") || strings.HasPrefix(there, "problem") || to == mapping.ToJSON {
			return
		}
		kind, _, _ := strings.Cut(v, ":")
		back := derive(t, oneColumn(there), "x", mapping.Rule{Cast: mapping.Cast(map[string]string{"bool": "boolean"}[kind] + strings.TrimPrefix(kind, "bool"))})
		if back != v {
			r.Fatalf("%s to %s is %s, and back %s", v, to, there, back)
		}
	})
}

func TestNormalizeAndHash(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		from string
		how  mapping.Normalize
		want string
	}{
		{"text:  Anna.Lee@Example.COM ", mapping.Email, "text:anna.lee@example.com"},
		{"text:nobody", mapping.Email, "normalize_failed: f: normalize: email: the value is no e-mail address"},
		{"text:+49 (0)30 / 1234-567", mapping.Phone, "text:49301234567"},
		{"text:0049 30 1234567", mapping.E164, "text:+49301234567"},
		{"text:+1 (555) 123-4567", mapping.E164, "text:+15551234567"},
		{"text:030 1234567", mapping.Phone, "normalize_failed: f: normalize: phone: the value has no country code (+ or 00 in front of it)"},
		{"text:+49 call me", mapping.Phone, "normalize_failed: f: normalize: phone: the value is no telephone number of 7 to 15 digits"},
		{"text: Mary-Jane  O'Neil. ", mapping.Name, "text:maryjane oneil"},
		{"text:ÉMILE", mapping.Name, "text:émile"},
		{"text:12345-6789", mapping.Zip, "text:12345"},
		{"text:SW1A 1AA", mapping.Zip, "text:sw1a1aa"},
		{"text:De", mapping.Country, "text:de"},
		{"text:Germany", mapping.Country, "normalize_failed: f: normalize: country: the value is no country code of two letters"},
		{"text:  ", mapping.Email, "null"},
		{"null", mapping.Email, "null"},
		{"date:2026-01-02", mapping.Email, "problem cast_type: normalize: email: a value of type date has no such form"},
	} {
		if got := derive(t, oneColumn(tt.from), "x", mapping.Rule{Normalize: tt.how}); got != tt.want {
			t.Errorf("%s as %s:\n got %s\nwant %s", tt.from, tt.how, got, tt.want)
		}
	}
	sum := sha256.Sum256([]byte("anna@example.com"))
	rule := mapping.Rule{Normalize: mapping.Email, Hash: mapping.SHA256}
	if got, want := derive(t, oneColumn("text: Anna@Example.com"), "x", rule), "text:"+hex.EncodeToString(sum[:]); got != want {
		t.Errorf("hash %s, want %s", got, want)
	}
	for _, nothing := range []string{"null", "text: "} {
		if got := derive(t, oneColumn(nothing), "x", rule); got != "null" {
			t.Errorf("the hash of %s is %s", nothing, got)
		}
	}
	if got := derive(t, oneColumn("float:1.5"), "x", mapping.Rule{Hash: mapping.SHA256}); !strings.HasPrefix(got, "problem cast_type: hash:") {
		t.Error(got)
	}
}

func TestObjectsAndArrays(t *testing.T) {
	t.Parallel()
	tab := &table{
		names: []string{"city", "zip", "tags", "n"},
		kinds: []record.Kind{record.Text, record.Int, record.JSON, record.Float},
		row:   record.Record{cell("text:Köln \"x\""), cell("null"), cell(`json:["a",1]`), cell("float:NaN")},
	}
	constant := cell("bool:true")
	object := []mapping.Member{
		{Name: "zip", Column: "zip"},
		{Name: "city", Column: "city"},
		{Name: "gone", Column: "zip", SkipNulls: true},
		{Name: "is", Value: &constant},
		{Name: "more", Rule: &mapping.Rule{Array: []mapping.Member{{Column: "tags"}, {Rule: &mapping.Rule{Expr: `upper(city)`}}, {Column: "zip"}}}},
	}
	want := `json:{"city":"Köln \"x\"","is":true,"more":[["a",1],"KÖLN \"X\"",null],"zip":null}`
	if got := derive(t, tab, "", mapping.Rule{Object: object}); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	canonical, err := record.AppendCanonicalJSON(nil, []byte(strings.TrimPrefix(want, "json:")))
	if err != nil || "json:"+string(canonical) != want {
		t.Errorf("it is not canonical: %s %v", canonical, err)
	}
	if got := derive(t, tab, "", mapping.Rule{Array: []mapping.Member{{Column: "n"}}}); !strings.HasPrefix(got, "cast_invalid: f: a value cannot be written as JSON") {
		t.Error(got)
	}
	if got := derive(t, tab, "", mapping.Rule{Object: []mapping.Member{{Name: "a", Column: "none"}}}); got != "missing" {
		t.Error(got)
	}
}
