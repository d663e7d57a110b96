package mapping

import (
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"exposync/internal/record"
)

func (x *exprCompiler) unary(n *ast.UnaryNode) node {
	of := x.compile(n.Node)
	if x.bad() {
		return of
	}
	at := n.Location().From
	switch n.Operator {
	case "not", "!":
		if of.typ != boolean && of.typ != nothing {
			return x.wrong(n, "%s takes a boolean, not a %s", n.Operator, of.typ)
		}
		return node{typ: boolean, eval: strict(func(v []val) (val, string) { return truth(!v[0].truth()), "" }, at, of)}
	case "-", "+":
		if of.typ != number && of.typ != nothing {
			return x.wrong(n, "%s takes a number, not a %s", n.Operator, of.typ)
		}
		if n.Operator == "+" {
			return of
		}
		return node{typ: number, eval: strict(func(v []val) (val, string) {
			out, why := arithmetic("-", ratOf("0"), v[0].num)
			return val{num: out}, why
		}, at, of), constant: of.constant}
	}
	return x.wrong(n, "there is no operator %s", n.Operator)
}

// strict makes a function of parts that is null if one of them is.
func strict(do func(v []val) (val, string), at int, parts ...node) eval {
	args := make([]val, len(parts))
	return func(r record.Record) (val, *evalError) {
		null := false
		for i, p := range parts {
			v, failed := p.eval(r)
			if failed != nil {
				return v, failed
			}
			args[i], null = v, null || v.null
		}
		if null {
			return val{null: true}, nil
		}
		out, why := do(args)
		if why == "" && len(out.text) > maxText {
			why = "the text is too long"
		}
		if why != "" {
			return val{}, &evalError{why, at}
		}
		return out, nil
	}
}

func (x *exprCompiler) binary(n *ast.BinaryNode) node {
	if n.Operator == "in" {
		return x.in(n)
	}
	left, right := x.compile(n.Left), x.compile(n.Right)
	if x.bad() {
		return left
	}
	t, same := common(left.typ, right.typ)
	fits := func(types ...typ) bool { return same && slices.Contains(types, t) }
	switch op := n.Operator; op {
	case "??":
		if same {
			return node{typ: t, eval: firstKnown(left, right)}
		}
	case "and", "&&", "or", "||":
		if fits(boolean, nothing) {
			return node{typ: boolean, eval: logic(slices.Contains([]string{"or", "||"}, op), left, right)}
		}
	case "==", "!=":
		if same && (t != document || left.typ != right.typ) {
			return equality(n, t, left, right)
		}
	case "<", "<=", ">", ">=":
		if fits(number, text, date, timeOfDay, timestamp, instant) {
			return compared(n, t, left, right)
		}
	case "+", "-", "*", "/", "%":
		if fits(number, nothing) || fits(text) && op == "+" {
			return computed(n, t, left, right)
		}
	case "contains", "startsWith", "endsWith", "matches":
		if fits(text) {
			return x.search(n, left, right)
		}
	default:
		return x.wrong(n, "there is no operator %s", op)
	}
	return x.wrong(n, "%s cannot join a %s and a %s", n.Operator, left.typ, right.typ)
}

// equality is == and !=, with a value or with nil.
func equality(n *ast.BinaryNode, t typ, left, right node) node {
	if left.typ == nothing || right.typ == nothing {
		return node{typ: boolean, eval: isNull(n.Operator == "==", left, right)}
	}
	return compared(n, t, left, right)
}

// compared is a comparison of two values of one type.
func compared(n *ast.BinaryNode, t typ, left, right node) node {
	holds := map[string]func(order int) bool{
		"==": func(o int) bool { return o == 0 }, "!=": func(o int) bool { return o != 0 },
		"<": func(o int) bool { return o < 0 }, "<=": func(o int) bool { return o <= 0 },
		">": func(o int) bool { return o > 0 }, ">=": func(o int) bool { return o >= 0 },
	}[n.Operator]
	return node{typ: boolean, eval: strict(func(v []val) (val, string) { return truth(holds(order(t, v[0], v[1]))), "" }, n.Location().From, left, right)}
}

// computed is arithmetic, or a text after another one.
func computed(n *ast.BinaryNode, t typ, left, right node) node {
	if t == text {
		return node{typ: text, eval: strict(func(v []val) (val, string) { return val{text: v[0].text + v[1].text}, "" }, n.Location().From, left, right)}
	}
	return node{typ: number, eval: strict(func(v []val) (val, string) {
		out, why := arithmetic(n.Operator, v[0].num, v[1].num)
		return val{num: out}, why
	}, n.Location().From, left, right)}
}

// order compares two values of one type. Texts are compared byte by byte.
func order(t typ, a, b val) int {
	switch t {
	case number:
		return a.num.Cmp(b.num.Rat)
	case date, timestamp, instant:
		if o, ok := record.Compare(record.Value{Kind: t.kind(), Data: []byte(a.text)}, record.Value{Kind: t.kind(), Data: []byte(b.text)}); ok {
			return o
		}
	default:
	}
	return strings.Compare(a.text, b.text)
}

func firstKnown(parts ...node) eval {
	return func(r record.Record) (v val, failed *evalError) {
		for _, p := range parts {
			if v, failed = p.eval(r); failed != nil || !v.null {
				return v, failed
			}
		}
		return v, nil
	}
}

// logic is and, or with nulls as in SQL: what is known may decide alone. What
// need not be known is not computed.
func logic(or bool, left, right node) eval {
	return func(r record.Record) (val, *evalError) {
		a, failed := left.eval(r)
		if failed != nil || !a.null && a.truth() == or {
			return a, failed
		}
		b, failed := right.eval(r)
		if failed != nil || b.null || b.truth() == or {
			return b, failed
		}
		return a, nil
	}
}

// isNull is == nil and != nil, the only comparisons that know a null.
func isNull(want bool, left, right node) eval {
	of := left
	if left.typ == nothing {
		of = right
	}
	return func(r record.Record) (val, *evalError) {
		v, failed := of.eval(r)
		return truth(v.null == want), failed
	}
}

// in reports whether a value is one of a list.
func (x *exprCompiler) in(n *ast.BinaryNode) node {
	list, ok := n.Right.(*ast.ArrayNode)
	if !ok {
		return x.wrong(n, `in takes a list: country in ["DE", "AT"]`)
	}
	parts := []node{x.compile(n.Left)}
	for _, item := range list.Nodes {
		p := x.compile(item)
		if x.bad() {
			return p
		}
		if t, same := common(parts[0].typ, p.typ); !same || t == document {
			return x.wrong(item, "a %s cannot be in a list with a %s", parts[0].typ, p.typ)
		}
		parts = append(parts, p)
	}
	t := parts[0].typ
	return node{typ: boolean, eval: strict(func(v []val) (val, string) {
		return truth(slices.ContainsFunc(v[1:], func(o val) bool { return order(t, v[0], o) == 0 })), ""
	}, n.Location().From, parts...)}
}

func (x *exprCompiler) search(n *ast.BinaryNode, left, right node) node {
	var do func(s, part string) bool
	switch n.Operator {
	case "contains":
		do = strings.Contains
	case "startsWith":
		do = strings.HasPrefix
	case "endsWith":
		do = strings.HasSuffix
	default:
		pattern, ok := n.Right.(*ast.StringNode)
		if !ok {
			return x.wrong(n.Right, "the pattern of matches is a text in quotes")
		}
		re, err := regexp.Compile(pattern.Value)
		if err != nil {
			return x.wrong(n.Right, "%s", err)
		}
		do = func(s, _ string) bool { return re.MatchString(s) }
	}
	return node{typ: boolean, eval: strict(func(v []val) (val, string) { return truth(do(v[0].text, v[1].text)), "" }, n.Location().From, left, right)}
}
