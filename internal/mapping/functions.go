package mapping

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"

	"exposync/internal/record"
)

// function is one that expressions can call. Same arguments, same result: there
// is no clock and no chance among them.
type function struct {
	takes []typ // of each argument
	least int   // arguments that must be there
	gives typ
	do    func(v []val) (val, string)
}

// functions are those whose result is null if an argument is.
func functions() map[string]function {
	one := func(from, to typ, do func(s string) (string, string)) function {
		return function{takes: []typ{from}, least: 1, gives: to, do: func(v []val) (val, string) {
			s, why := do(v[0].text)
			return val{text: s}, why
		}}
	}
	plainly := func(do func(string) string) function {
		return one(text, text, func(s string) (string, string) { return do(s), "" })
	}
	count := func(do func(s string, n int) string) function {
		return function{takes: []typ{text, number}, least: 2, gives: text, do: func(v []val) (val, string) {
			n, ok := v[1].num.whole()
			if !ok || n < 0 {
				return val{}, "the number of characters is no whole number from 0 on"
			}
			return val{text: do(v[0].text, n)}, ""
		}}
	}
	numeric := func(do func(r rat) rat) function {
		return function{takes: []typ{number}, least: 1, gives: number, do: func(v []val) (val, string) { return val{num: do(v[0].num)}, "" }}
	}
	return map[string]function{
		"lower":   plainly(strings.ToLower),
		"upper":   plainly(strings.ToUpper),
		"trim":    plainly(strings.TrimSpace),
		"left":    count(func(s string, n int) string { r := []rune(s); return string(r[:min(n, len(r))]) }),
		"right":   count(func(s string, n int) string { r := []rune(s); return string(r[max(len(r)-n, 0):]) }),
		"replace": {takes: []typ{text, text, text}, least: 3, gives: text, do: replace},
		"split_part": {takes: []typ{text, text, number}, least: 3, gives: text, do: func(v []val) (val, string) {
			n, ok := v[2].num.whole()
			if !ok || n < 1 || v[1].text == "" {
				return val{}, "split_part takes a separator, and the number of a part from 1 on"
			}
			parts := strings.Split(v[0].text, v[1].text)
			if n > len(parts) {
				return val{}, ""
			}
			return val{text: parts[n-1]}, ""
		}},
		"length": {takes: []typ{text}, least: 1, gives: number, do: func(v []val) (val, string) {
			return val{num: ratOf(strconv.Itoa(utf8.RuneCountInString(v[0].text)))}, ""
		}},
		"number": {takes: []typ{text}, least: 1, gives: number, do: func(v []val) (val, string) {
			r, ok := plain(v[0].text)
			if !ok {
				return val{}, "the text is no number"
			}
			return val{num: r}, ""
		}},
		"round": {takes: []typ{number, number}, least: 1, gives: number, do: func(v []val) (val, string) {
			places := 0
			if len(v) > 1 {
				n, ok := v[1].num.whole()
				if !ok || n < 0 || n > 100 {
					return val{}, "round takes a number of digits from 0 to 100"
				}
				places = n
			}
			return val{num: v[0].num.round(places)}, ""
		}},
		"floor": numeric(rat.floor),
		"ceil":  numeric(rat.ceil),
		"abs":   numeric(rat.abs),
		"date": one(text, date, func(s string) (string, string) {
			out, ok := record.AppendMoment(nil, record.Date, strings.TrimSpace(s))
			if !ok {
				return "", "the text is no date written as 2006-01-02"
			}
			return string(out), ""
		}),
	}
}

// special are functions that take any type, or know what a null is.
func special() []string { return []string{"coalesce", "column", "concat", "nullif", "text"} }

// Functions lists all functions of expressions.
func Functions() []string {
	return slices.Sorted(slices.Values(slices.Concat(slices.Collect(maps.Keys(functions())), special())))
}

func (x *exprCompiler) call(n ast.Node, name string, args []ast.Node) node {
	if name == "column" {
		if s, ok := arg(args, 0).(*ast.StringNode); ok && len(args) == 1 {
			return x.column(n, s.Value)
		}
		return x.wrong(n, `column takes the name of a column in quotes: column("First Name")`)
	}
	f, known := functions()[name]
	if !known && !slices.Contains(special(), name) {
		return x.wrong(n, "there is no function %s; there are %s", name, strings.Join(Functions(), ", "))
	}
	parts := make([]node, len(args))
	for i, a := range args {
		parts[i] = x.compile(a)
	}
	if x.bad() {
		return node{eval: constant(nothing, val{null: true}).eval}
	}
	if !known {
		return x.specially(n, name, parts)
	}
	if len(parts) < f.least || len(parts) > len(f.takes) {
		return x.wrong(n, "%s takes %s, not %d", name, arguments(f), len(parts))
	}
	for i, p := range parts {
		if _, ok := common(p.typ, f.takes[i]); !ok {
			return x.wrong(args[i], "%s takes a %s here, not a %s", name, f.takes[i], p.typ)
		}
	}
	return node{typ: f.gives, eval: strict(f.do, n.Location().From, parts...)}
}

func arg(args []ast.Node, i int) ast.Node {
	if i < len(args) {
		return args[i]
	}
	return nil
}

func arguments(f function) string {
	switch {
	case f.least < len(f.takes):
		return strconv.Itoa(f.least) + " or " + strconv.Itoa(len(f.takes)) + " arguments"
	case f.least == 1:
		return "1 argument"
	}
	return strconv.Itoa(f.least) + " arguments"
}

func (x *exprCompiler) specially(n ast.Node, name string, parts []node) node {
	at := n.Location().From
	t, same := nothing, true
	for _, p := range parts {
		if same {
			t, same = common(t, p.typ)
		}
	}
	switch {
	case name == "text" && len(parts) == 1:
		from := parts[0].typ
		return node{typ: text, eval: strict(func(v []val) (val, string) {
			out, why := v[0].value(from)
			return val{text: string(out.Data)}, why
		}, at, parts...)}
	case name == "coalesce" && len(parts) > 0 && same:
		return node{typ: t, eval: firstKnown(parts...)}
	case name == "nullif" && len(parts) == 2 && same && t != document:
		return node{typ: t, eval: nullIf(t, parts[0], parts[1])}
	case name == "concat" && len(parts) > 0 && same && (t == text || t == nothing):
		known := make([]node, len(parts)) // a null is an empty text, as in SQL
		for i, p := range parts {
			known[i] = node{typ: text, eval: firstKnown(p, constant(text, val{}))}
		}
		return node{typ: text, eval: strict(func(v []val) (val, string) {
			var b strings.Builder
			for _, s := range v {
				b.WriteString(s.text)
			}
			return val{text: b.String()}, ""
		}, at, known...)}
	}
	return x.wrong(n, "%s", map[string]string{
		"text":     "text takes 1 argument",
		"coalesce": "coalesce takes values of one type",
		"nullif":   "nullif takes 2 values of one type",
		"concat":   "concat takes texts: text(…) makes one of anything",
	}[name])
}

// nullIf is a value, but null where it is equal to another one.
func nullIf(t typ, of, other node) eval {
	return func(r record.Record) (val, *evalError) {
		a, failed := of.eval(r)
		if failed != nil || a.null {
			return a, failed
		}
		if b, failed := other.eval(r); failed != nil || !b.null && order(t, a, b) == 0 {
			return val{null: true}, failed
		}
		return a, nil
	}
}

// replace puts one text for another, and keeps the result within bounds before
// it is made.
func replace(v []val) (val, string) {
	s, was, is := v[0].text, v[1].text, v[2].text
	if was == "" {
		return val{}, "replace takes a text to look for that is not empty"
	}
	if len(is) > len(was) && len(s)+strings.Count(s, was)*(len(is)-len(was)) > maxText {
		return val{}, "the text is too long"
	}
	return val{text: strings.ReplaceAll(s, was, is)}, ""
}
