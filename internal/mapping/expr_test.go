package mapping_test

import (
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"exposync/internal/mapping"
	"exposync/internal/record"
)

func people() *table {
	t := &table{}
	for _, c := range []struct{ name, value string }{
		{"first_name", "text:Anna"},
		{"last_name", "text:Lee"},
		{"nick", "text!"},
		{"n", "int:9007199254740993"},
		{"price", "decimal:0.1"},
		{"score", "float:2.5"},
		{"none", "decimal!"},
		{"active", "bool:true"},
		{"born", "date:1990-05-06"},
		{"seen", "instant:2026-01-02T10:00:00Z"},
		{"doc", `json:{"a":1}`},
		{"raw", "bytes:x"},
		{"First Name", "text:Zoe"},
		{"unknown", "bool!"},
	} {
		v := cell(c.value)
		if kind, null := strings.CutSuffix(c.value, "!"); null { // a null of that kind
			t.kinds, v = append(t.kinds, cell(kind+":").Kind), record.Value{Kind: record.Null}
		} else {
			t.kinds = append(t.kinds, v.Kind)
		}
		t.names, t.row = append(t.names, c.name), append(t.row, v)
	}
	return t
}

func TestExpressions(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		`first_name + ' ' + last_name`:          "text:Anna Lee",
		`first_name + nick`:                     "null",
		`concat(first_name, nick, '!')`:         "text:Anna!",
		`coalesce(first_name + nick, "nobody")`: "text:nobody",
		`nick ?? last_name ?? ''`:               "text:Lee",
		`n + 1`:                                 "decimal:9007199254740994",
		`n * n`:                                 "decimal:81129638414606699710187514626049",
		`price + 0.2`:                           "decimal:0.3",
		`price * 3 == 0.3`:                      "bool:true",
		`round(n / 7, 2)`:                       "decimal:1286742750677284.71",
		`round(2.5)`:                            "decimal:3",
		`round(-2.5)`:                           "decimal:-3",
		`-7 % 3`:                                "decimal:-1",
		`floor(-0.5) + ceil(0.2) - abs(-1)`:     "decimal:-1",
		`none + 1`:                              "null",
		`none > 1`:                              "null",
		`none > 1 ? "a" : "b"`:                  "text:b",
		`none == nil`:                           "bool:true",
		`nil != none`:                           "bool:false",
		`unknown or active`:                     "bool:true",
		`active or unknown`:                     "bool:true",
		`unknown and active`:                    "null",
		`unknown and false`:                     "bool:false",
		`not unknown`:                           "null",
		`active ? nil : first_name`:             "null",
		`score == 2.5 && first_name in ["Anna", "Bob"]`: "bool:true",
		`n not in [1, 2]`: "bool:true",
		`lower(trim(" A ")) + upper("b") + left("été", 2)`: "text:aBét",
		`right("abc", 2) + split_part("a-b-c", "-", 2)`:    "text:bcb",
		`replace(first_name, "n", "m")`:                    "text:Amma",
		`length("été")`:                                    "decimal:3",
		`number(" 12.50 ") + 1`:                            "decimal:13.5",
		`text(n) + text(active) + text(born)`:              "text:9007199254740993true1990-05-06",
		`born < date("1991-01-01")`:                        "bool:true",
		`seen`:                                             "instant:2026-01-02T10:00:00Z",
		`doc`:                                              `json:{"a":1}`,
		`column("First Name")`:                             "text:Zoe",
		`nullif(first_name, "Anna")`:                       "null",
		`first_name matches "^A.*a$"`:                      "bool:true",
		`first_name contains "nn" and last_name startsWith "L" and not (last_name endsWith "x")`: "bool:true",
		`first_name | lower()`:           "text:anna",
		`1 / 3`:                          "expr_failed: f: expr: at column 3: the result has no end as a decimal number, or too many digits: round(…, 2) says how many digits to keep",
		`n / (price - 0.1)`:              "expr_failed: f: expr: at column 3: division by zero",
		`number(first_name)`:             "expr_failed: f: expr: at column 1: the text is no number",
		"first_name +\n date(last_name)": "problem expr_invalid: expr: at column 12: + cannot join a text and a date",
		`first_name + n`:                 "problem expr_invalid: expr: at column 12: + cannot join a text and a number",
		`first_name == 1`:                "problem expr_invalid: expr: at column 12: == cannot join a text and a number",
		`active ? 1 : "x"`:               "problem expr_invalid: expr: at column 1: the result would be a number or a text: make both the same, with text(…) or number(…)",
		`n ? 1 : 2`:                      "problem expr_invalid: expr: at column 1: a condition is a boolean, not a number",
		`lower(n)`:                       "problem expr_invalid: expr: at column 7: lower takes a text here, not a number",
		`lower()`:                        "problem expr_invalid: expr: at column 1: lower takes 1 argument, not 0",
		`raw`:                            "problem expr_invalid: expr: at column 1: the column raw holds bytes, which no expression can use",
		`doc.a`:                          "problem expr_invalid: expr: at column 5: only columns, constants, operators, conditions and functions can be used",
		`2 ** 3`:                         "problem expr_invalid: expr: at column 3: there is no operator **",
		`1..1000000000`:                  "problem expr_invalid: expr: at column 2: there is no operator ..",
		`now()`:                          "problem expr_invalid: expr: at column 1: there is no function now; there are " + strings.Join(mapping.Functions(), ", "),
		`first_nam`:                      "missing",
		`first_name +`:                   "problem expr_invalid: expr: at column 12: unexpected token EOF",
		`first_name matches "("`:         "problem expr_invalid: expr: at column 20: error parsing regexp: missing closing ): `(`",
		`map([1], # + 1)`:                "",
		`let x = 1; x`:                   "",
		`$env`:                           "",
	} {
		got := derive(t, people(), "", mapping.Rule{Expr: expression})
		if want == "" {
			if !strings.HasPrefix(got, "problem expr_invalid") && got != "missing" {
				t.Errorf("%s: %s", expression, got)
			}
			continue
		}
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", expression, got, want)
		}
	}
}

// A cast after an expression.
func TestExpressionThenCast(t *testing.T) {
	t.Parallel()
	if got := derive(t, people(), "", mapping.Rule{Expr: "n - 1", Cast: mapping.ToInteger}); got != "int:9007199254740992" {
		t.Error(got)
	}
	if got := derive(t, people(), "", mapping.Rule{Expr: "price", Cast: mapping.ToInteger}); !strings.HasPrefix(got, "cast_lossy") {
		t.Error(got)
	}
}

// Nothing that an expression says makes it large or slow.
func TestExpressionsAreBounded(t *testing.T) {
	t.Parallel()
	grow := `"a"`
	for range 60 {
		grow = "replace(" + grow + `, "a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")`
	}
	twice := `(first_name + first_name)`
	for range 12 {
		twice = strings.Replace("concat(X, X)", "X", twice, 1)
		twice = strings.Replace(twice, "X", "first_name", 1)
	}
	product := "n" + strings.Repeat(" * n", 2000)
	for name, expression := range map[string]string{"replace": grow, "product": product, "nested": twice, "long": strings.Repeat("n + ", 5000) + "n"} {
		start := time.Now()
		got := derive(t, people(), "", mapping.Rule{Expr: expression})
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%s took %s", name, took)
		}
		if name != "nested" && !strings.HasPrefix(got, "expr_failed") && !strings.HasPrefix(got, "problem") {
			t.Errorf("%s: %.80s", name, got)
		}
	}
}

// Arithmetic agrees with exact arithmetic, whatever the size of the numbers.
func TestArithmeticIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		digits := rapid.StringMatching(`-?[1-9][0-9]{0,30}(\.[0-9]{1,10})?`)
		a, b := digits.Draw(r, "a"), digits.Draw(r, "b")
		op := rapid.SampledFrom([]string{"+", "-", "*"}).Draw(r, "op")
		x, _ := new(big.Rat).SetString(a)
		y, _ := new(big.Rat).SetString(b)
		want := map[string]func(a, b *big.Rat) *big.Rat{"+": new(big.Rat).Add, "-": new(big.Rat).Sub, "*": new(big.Rat).Mul}[op](x, y)
		canonical := func(s string) record.Value {
			out, _ := record.AppendDecimal(nil, s)
			return record.Value{Kind: record.Decimal, Data: out}
		}
		tab := &table{names: []string{"a", "b"}, kinds: []record.Kind{record.Decimal, record.Decimal}, row: record.Record{canonical(a), canonical(b)}}
		got := derive(t, tab, "", mapping.Rule{Expr: "a " + op + " b"})
		if exact := "decimal:" + string(canonical(want.FloatString(25)).Data); got != exact {
			r.Fatalf("%s %s %s is %s, not %s", a, op, b, exact, got)
		}
	})
}

// No expression panics, and no failure tells a value.
func FuzzExpressions(f *testing.F) {
	for _, seed := range []string{`first_name + "x"`, `n/0`, `a ?? b`, `[1,2]`, `if active { n } else { price }`, `round(n, -1)`, `-(-n)`, `{"a": 1}`, `n in [none]`, `split_part(first_name, "", 0)`, `b"x"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		tab := people()
		d, _ := mapping.Compile("f", "", &mapping.Rule{Expr: expression}, tab.find)
		if d == nil {
			return
		}
		one, failed := d.Value(tab.row)
		if failed != nil && strings.Contains(failed.Reason, "9007199254740993") && !strings.Contains(expression, "9007199254740993") {
			t.Error(failed.Reason)
		}
		first := spell(one)
		if two, again := d.Value(tab.row); first != spell(two) || (failed == nil) != (again == nil) {
			t.Errorf("%q gives %s, then %s", expression, first, spell(two))
		}
	})
}

func TestFingerprints(t *testing.T) {
	t.Parallel()
	upper := func(s string) string { return strings.ToUpper(s) }
	same := func(s string) string { return s }
	text := func(r mapping.Rule, name func(string) string) string { return r.Text("a", name) }
	for _, tt := range []struct {
		a, b mapping.Rule
		same bool
	}{
		{mapping.Rule{Expr: "a+b"}, mapping.Rule{Expr: "a  +\n b"}, true},
		{mapping.Rule{Expr: "a+b"}, mapping.Rule{Expr: "b+a"}, false},
		{mapping.Rule{Expr: `"a b"`}, mapping.Rule{Expr: `"a  b"`}, false},
		{mapping.Rule{Expr: `"a"`}, mapping.Rule{Expr: `'a'`}, true},
		{mapping.Rule{Expr: `a`}, mapping.Rule{Expr: `"a"`}, false},
		{mapping.Rule{Cast: "text"}, mapping.Rule{Cast: "integer"}, false},
		{mapping.Rule{Cast: "text", Where: "x:1"}, mapping.Rule{Cast: "text", Where: "y:2"}, true},
		{mapping.Rule{Hash: "sha256"}, mapping.Rule{Hash: "sha256", Normalize: "email"}, false},
		{mapping.Rule{Object: []mapping.Member{{Name: "x", Column: "a"}, {Name: "y", Column: "b"}}}, mapping.Rule{Object: []mapping.Member{{Name: "y", Column: "b"}, {Name: "x", Column: "a"}}}, true},
		{mapping.Rule{Array: []mapping.Member{{Column: "a"}, {Column: "b"}}}, mapping.Rule{Array: []mapping.Member{{Column: "b"}, {Column: "a"}}}, false},
		{mapping.Rule{Array: []mapping.Member{{Column: "a"}}}, mapping.Rule{Array: []mapping.Member{{Column: "a", SkipNulls: true}}}, false},
	} {
		if got := text(tt.a, same) == text(tt.b, same); got != tt.same {
			t.Errorf("%+v and %+v: same %t (%s | %s)", tt.a, tt.b, got, text(tt.a, same), text(tt.b, same))
		}
	}
	if got := text(mapping.Rule{Expr: `lower(a) + "a"`}, upper); got != `expr "I\"lower\" B\"(\" I\"A\" B\")\" O\"+\" S\"a\" E\"\""` {
		t.Error(got)
	}
}
