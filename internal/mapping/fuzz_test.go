package mapping_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"exposync/internal/mapping"
	"exposync/internal/record"
)

// fuzzRow is a row of all kinds, with the texts of a fuzzer in it.
func fuzzRow(text, number string) *table {
	t := &table{}
	add := func(name string, v record.Value, kind record.Kind) {
		t.names, t.kinds, t.row = append(t.names, name), append(t.kinds, kind), append(t.row, v)
	}
	add("x", record.Value{Kind: record.Text, Data: []byte(text)}, record.Text)
	add("nothing", record.Value{Kind: record.Null}, record.Text)
	add("born", cell("date:1990-05-06"), record.Date)
	add("yes", cell("bool:true"), record.Bool)
	n := cell("int:7")
	if data, ok := record.AppendDecimal(nil, number); ok {
		n = record.Value{Kind: record.Decimal, Data: data}
	}
	add("n", n, record.Decimal)
	return t
}

// check holds a value against its kind: what the engine hashes and a
// destination writes must be what the kind says.
func checkValue(t *testing.T, rule string, v record.Value) {
	t.Helper()
	var ok bool
	switch v.Kind {
	case record.Int, record.Decimal:
		_, ok = record.AppendDecimal(nil, v.Data)
		ok = ok && record.Finite(v) && (v.Kind != record.Int || !bytes.ContainsAny(v.Data, ".eE"))
	case record.Bool:
		ok = string(v.Data) == "true" || string(v.Data) == "false"
	case record.Date, record.Timestamp, record.Instant:
		var again []byte
		again, ok = record.AppendMoment(nil, v.Kind, v.Data)
		ok = ok && bytes.Equal(again, v.Data)
	case record.JSON:
		var again []byte
		var err error
		again, err = record.AppendCanonicalJSON(nil, v.Data)
		ok = err == nil && json.Valid(v.Data) && bytes.Equal(again, v.Data)
	default:
		ok = true
	}
	if !ok {
		t.Fatalf("%s: %q is no %s", rule, v.Data, v.Kind)
	}
}

// Whatever a text holds, a cast either fails and names no value, or makes a
// value of its kind that casts to itself.
func FuzzCast(f *testing.F) {
	for i, seed := range []string{
		"", " 12 ", "-0", "1e3", "0x10", "12.50", "NaN", "9223372036854775808", "2026-02-30", "2026-01-02 03:04:05+01:00",
		"24:00:00", "true", `{"b":1,"a":[1e2,"\u00e9"]}`, `{"a":1,"a":2}`, "\xff", "٣", "1,5",
	} {
		f.Add(seed, uint8(i))
	}
	casts := mapping.Casts()
	f.Fuzz(func(t *testing.T, text string, which uint8) {
		to := mapping.Cast(casts[int(which)%len(casts)])
		tab := fuzzRow(text, text)
		for _, column := range []string{"x", "n"} {
			d, problems := mapping.Compile("f", column, &mapping.Rule{Cast: to}, tab.find)
			if len(problems) > 0 {
				continue
			}
			v, failed := d.Value(tab.row)
			if failed != nil {
				if failed.Code == "" || len(text) > 6 && strings.Contains(failed.Reason, text) {
					t.Fatalf("%s of %q fails with %+v", to, text, failed)
				}
				continue
			}
			checkValue(t, string(to)+" of "+text, v)
			first := v.Kind.String() + ":" + string(v.Data)
			again := &table{names: []string{"x"}, kinds: []record.Kind{v.Kind}, row: record.Record{{Kind: v.Kind, Data: slices.Clone(v.Data)}}}
			d, problems = mapping.Compile("f", "x", &mapping.Rule{Cast: to}, again.find)
			if len(problems) > 0 {
				t.Fatalf("%s of a %s: %v", to, v.Kind, problems)
			}
			if w, failed := d.Value(again.row); failed != nil || w.Kind.String()+":"+string(w.Data) != first {
				t.Fatalf("%s of %q is %s, and that casts to %s %v", to, text, first, spell(w), failed)
			}
		}
	})
}

// Whatever stands in an expression, it is refused or gives values of its kind:
// the same one for the same row, without a panic and within bounds.
func FuzzExpression(f *testing.F) {
	for _, seed := range []string{
		`x + ' ' + x`, `coalesce(nothing, x, "none")`, `n * n / 3`, `round(n / 7, 2)`, `upper(x) == 'A' ? n : 1`, `len(x) > 3 && yes`,
		`-n % 0`, `concat(x, born, n)`, `((((x))))`, `'a' + 1`, `substr(x, -1, 99999999999)`, `replace(x, '', 'aa')`, `1/0`, `x ?? y`, "\x00", `!yes || !!yes`,
		`repeat(x, 100000000)`, `n ** n`, `split(x, ',')[0]`, `1e1000000000 + n`, `round(n, 100000)`, `regex_replace(x, '(a+)+', 'b')`,
	} {
		f.Add(seed, "Ada Lovelace", "-12.5")
	}
	f.Fuzz(func(t *testing.T, expr, text, number string) {
		if len(expr) > 2000 || len(text) > 2000 || len(number) > 100 {
			return
		}
		tab := fuzzRow(text, number)
		if expr == "" {
			return
		}
		d, problems := mapping.Compile("f", "", &mapping.Rule{Expr: expr}, tab.find)
		if d == nil || len(problems) > 0 {
			return
		}
		before := tab.row.Clone()
		v, failed := d.Value(tab.row)
		if failed != nil {
			if failed.Code == "" || failed.Reason == "" {
				t.Fatalf("%s: fails and does not say why: %+v", expr, failed)
			}
			return
		}
		first := spell(v)
		if v.Kind != record.Null && v.Kind != record.Absent {
			checkValue(t, expr, v)
			if v.Kind != d.Kind {
				t.Fatalf("%s: gives %s, promised %s", expr, v.Kind, d.Kind)
			}
		}
		if w, failed := d.Value(tab.row); failed != nil || spell(w) != first {
			t.Fatalf("%s: gives %s, and then %s %v", expr, first, spell(w), failed)
		}
		for i := range before {
			if spell(before[i]) != spell(tab.row[i]) {
				t.Fatalf("%s: changed the row", expr)
			}
		}
	})
}

// Spellings of one person lead to one digest, the one of the form that vendors
// ask for, made with other tools: anything else matches nobody.
func TestDigestsOfVendors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		how  mapping.Normalize
		from []string
		want string // normalized
		sum  string // SHA-256 of it
	}{
		{mapping.Email, []string{"John_Smith@gmail.com", " john_smith@gmail.com\n", "JOHN_SMITH@GMAIL.COM"}, "john_smith@gmail.com", "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"},
		{mapping.Phone, []string{"+1 (650) 555-4444", "+16505554444", "001 650 555 4444", "+1.650.555.4444"}, "16505554444", "05962a9b2bd6519d32a32e79a0273383b3edb717430fef5e8848821b5fc30c61"},
		{mapping.E164, []string{"+1 (650) 555-4444", "0016505554444"}, "+16505554444", "c6b20fa9f56d2086f8794428f61035bef6956af62dfcadbe75466fd1bc4765ed"},
	} {
		for _, from := range tt.from {
			if got := derive(t, oneColumn("text:"+from), "x", mapping.Rule{Normalize: tt.how}); got != "text:"+tt.want {
				t.Errorf("%s of %q: %s, want %s", tt.how, from, got, tt.want)
			}
			if got := derive(t, oneColumn("text:"+from), "x", mapping.Rule{Normalize: tt.how, Hash: mapping.SHA256}); got != "text:"+tt.sum {
				t.Errorf("hash of %s of %q: %s, want %s", tt.how, from, got, tt.sum)
			}
		}
	}
}
