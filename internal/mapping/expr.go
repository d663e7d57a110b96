package mapping

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/parser/lexer"

	"exposync/internal/record"
)

// Expressions are written in the language of expr-lang, which parses them.
// Types are checked and values made here, for what that language's own machine
// does not promise: numbers are exact whatever their size, a null behaves as in
// SQL, and nothing of a result changes with a version of a library.

// maxExpr and maxText bound an expression and any text that it makes.
const (
	maxExpr = 10_000
	maxText = 1 << 20
)

// typ is the type of a part of an expression.
type typ uint8

const (
	nothing typ = iota // the word nil
	number
	text
	boolean
	date
	timeOfDay
	timestamp
	instant
	document // JSON
)

func (t typ) String() string {
	return [...]string{"null", "number", "text", "boolean", "date", "time", "timestamp", "instant", "json"}[t]
}

func (t typ) kind() record.Kind {
	return [...]record.Kind{
		record.Null, record.Decimal, record.Text, record.Bool, record.Date, record.Time, record.Timestamp, record.Instant, record.JSON,
	}[t]
}

func typeOf(k record.Kind) (typ, bool) {
	switch k {
	case record.Int, record.Float, record.Decimal:
		return number, true
	case record.Text:
		return text, true
	case record.Bool:
		return boolean, true
	case record.Date:
		return date, true
	case record.Time:
		return timeOfDay, true
	case record.Timestamp:
		return timestamp, true
	case record.Instant:
		return instant, true
	case record.JSON:
		return document, true
	case record.Null, record.Absent:
		return nothing, true
	case record.Bytes:
	}
	return nothing, false
}

// val is a value within an expression.
type val struct {
	null bool
	num  rat    // of a number
	text string // canonical, of everything else
}

func (v val) truth() bool { return !v.null && v.text == "true" }

func truth(b bool) val { return val{text: strconv.FormatBool(b)} }

// evalError is what goes wrong with one row. It names no value.
type evalError struct {
	why string
	at  int // runes from the start of the expression
}

// eval makes the value of a part from a row.
type eval func(record.Record) (val, *evalError)

// node is a part of an expression, checked.
type node struct {
	typ      typ
	eval     eval
	constant bool
}

// Check parses an expression. The error says what is wrong and where, in the
// words of people who write mappings.
func Check(expression string) error {
	_, err := parse(expression)
	return err
}

func parse(expression string) (ast.Node, error) {
	if len(expression) > maxExpr {
		return nil, fmt.Errorf("the expression has more than %d characters: make the value in the export model", maxExpr)
	}
	config := conf.CreateNew()
	for name := range config.Builtins { // none of theirs: see functions
		config.Disabled[name] = true
	}
	tree, err := parser.ParseWithConfig(expression, config)
	if err != nil {
		if at := (*file.Error)(nil); errors.As(err, &at) {
			return nil, errors.New(place(expression, at.From) + ": " + at.Message)
		}
		return nil, err
	}
	return tree.Node, nil
}

// place is where a part of an expression stands.
func place(expression string, at int) string {
	before := []rune(expression)
	before = before[:min(at, len(before))]
	line, column := 1, 1
	for _, r := range before {
		if column++; r == '\n' {
			line, column = line+1, 1
		}
	}
	if line == 1 {
		return fmt.Sprintf("at column %d", column)
	}
	return fmt.Sprintf("at line %d, column %d", line, column)
}

// Tokens writes an expression without the blanks that mean nothing. name spells
// a column as the warehouse does.
func Tokens(expression string, name func(string) string) string {
	tokens, err := lexer.Lex(file.NewSource(expression))
	if err != nil { // it does not parse, and never runs
		return expression
	}
	var b strings.Builder
	for i, t := range tokens {
		value := t.Value
		called := i+1 < len(tokens) && tokens[i+1].Is(lexer.Bracket, "(")
		if t.Kind == lexer.Identifier && !called {
			value = name(value)
		}
		fmt.Fprintf(&b, "%.1s%q ", string(t.Kind), value)
	}
	return strings.TrimSpace(b.String())
}

// exprCompiler checks one expression and makes its functions.
type exprCompiler struct {
	c      *compiler
	source string
}

func (c *compiler) expression(expression string) step {
	root, err := parse(expression)
	if err != nil {
		c.problem("expr_invalid", "", "expr: %s", err)
		return step{}
	}
	x := &exprCompiler{c: c, source: expression}
	n := x.compile(root)
	if len(c.problems) > 0 || c.missed {
		return step{}
	}
	return step{kind: n.typ.kind(), make: func(r record.Record) (record.Value, *Failure) {
		v, failed := n.eval(r)
		if failed == nil {
			out, why := v.value(n.typ)
			if why == "" {
				return out, nil
			}
			failed = &evalError{why, root.Location().From}
		}
		return record.Value{}, c.fail("expr_failed", "expr: "+place(expression, failed.at)+": "+failed.why)
	}}
}

// value is the result of an expression; why says why it is none.
func (v val) value(t typ) (out record.Value, why string) {
	if v.null || t == nothing {
		return record.Value{Kind: record.Null}, ""
	}
	if t == number {
		digits, ok := v.num.digits()
		if !ok {
			return out, "the result has no end as a decimal number, or too many digits: round(…, 2) says how many digits to keep"
		}
		return record.Value{Kind: record.Decimal, Data: []byte(digits)}, ""
	}
	return record.Value{Kind: t.kind(), Data: []byte(v.text)}, ""
}

// wrong reports a mistake at a part.
func (x *exprCompiler) wrong(n ast.Node, format string, args ...any) node {
	if !x.c.missed { // what follows from a missing column is said already
		x.c.problem("expr_invalid", "", "expr: %s: %s", place(x.source, n.Location().From), fmt.Sprintf(format, args...))
	}
	return node{eval: func(record.Record) (val, *evalError) { return val{null: true}, nil }}
}

// bad reports whether a mistake was found, so that what follows from it is
// not one of its own.
func (x *exprCompiler) bad() bool { return x.c.missed || len(x.c.problems) > 0 }

func constant(t typ, v val) node {
	return node{typ: t, constant: true, eval: func(record.Record) (val, *evalError) { return v, nil }}
}

func (x *exprCompiler) compile(n ast.Node) node {
	switch n := n.(type) {
	case *ast.NilNode:
		return constant(nothing, val{null: true})
	case *ast.BoolNode:
		return constant(boolean, truth(n.Value))
	case *ast.StringNode:
		return constant(text, val{text: n.Value})
	case *ast.IntegerNode:
		return constant(number, val{num: ratOf(strconv.Itoa(n.Value))})
	case *ast.FloatNode:
		return constant(number, val{num: ratOf(strconv.FormatFloat(n.Value, 'f', -1, 64))})
	case *ast.IdentifierNode:
		return x.column(n, n.Value)
	case *ast.UnaryNode:
		return x.unary(n)
	case *ast.BinaryNode:
		return x.binary(n)
	case *ast.ConditionalNode:
		return x.conditional(n)
	case *ast.CallNode:
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok {
			return x.call(n, callee.Value, n.Arguments)
		}
	case *ast.BuiltinNode:
		return x.call(n, n.Name, n.Arguments)
	}
	return x.wrong(n, "only columns, constants, operators, conditions and functions can be used")
}

func (x *exprCompiler) column(n ast.Node, name string) node {
	col, ok := x.c.find(name)
	if !ok {
		return x.wrong(n, "there is no column %s", name)
	}
	t, ok := typeOf(col.Kind)
	if !ok {
		return x.wrong(n, "the column %s holds bytes, which no expression can use", name)
	}
	at, from := col.Index, n.Location().From
	return node{typ: t, eval: func(r record.Record) (val, *evalError) {
		v, why := valOf(t, r[at])
		if why != "" {
			return v, &evalError{why, from}
		}
		return v, nil
	}}
}

// valOf is a cell as a value of its column's type. A column need not say what
// its cells hold.
func valOf(t typ, v record.Value) (val, string) {
	actual, ok := typeOf(v.Kind)
	switch {
	case v.Kind == record.Null || v.Kind == record.Absent:
		return val{null: true}, ""
	case t == number && actual == number:
		if !record.Finite(v) {
			return val{}, "the value is NaN or infinite"
		}
		return val{num: ratOf(string(v.Data))}, ""
	case ok && t == actual, ok && t == text:
		return val{text: string(v.Data)}, ""
	}
	return val{}, "the value is of type " + v.Kind.String() + ", which its column is not"
}

func (x *exprCompiler) conditional(n *ast.ConditionalNode) node {
	cond, yes, no := x.compile(n.Cond), x.compile(n.Exp1), x.compile(n.Exp2)
	if x.bad() {
		return cond
	}
	if cond.typ != boolean && cond.typ != nothing {
		return x.wrong(n.Cond, "a condition is a boolean, not a %s", cond.typ)
	}
	t, ok := common(yes.typ, no.typ)
	if !ok {
		return x.wrong(n.Cond, "the result would be a %s or a %s: make both the same, with text(…) or number(…)", yes.typ, no.typ)
	}
	return node{typ: t, eval: func(r record.Record) (val, *evalError) {
		c, failed := cond.eval(r)
		switch {
		case failed != nil:
			return c, failed
		case c.truth():
			return yes.eval(r)
		}
		return no.eval(r)
	}}
}

// common is the type that two values share; nil has every type.
func common(a, b typ) (typ, bool) {
	switch {
	case a == nothing:
		return b, true
	case b == nothing, a == b:
		return a, true
	}
	return a, false
}
