package secret

// node is one parsed expression. Evaluation comes later, so that the branch
// of an inline if that is not taken needs no variable.
type node func(Resolver) (value, error)

// parser reads an expression by descent, loosest binding first.
type parser struct {
	tokens []token
	at     int
	depth  int
}

// deepest bounds nesting: parsing and evaluation recurse.
const deepest = 100

func (p *parser) peek() token {
	if p.at < len(p.tokens) {
		return p.tokens[p.at]
	}
	return token{}
}

// accept takes the next token if it is that sign or word.
func (p *parser) accept(want string) bool {
	t := p.peek()
	if t.kind == want || t.kind == "w" && t.text == want {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(want string) error {
	if p.accept(want) {
		return nil
	}
	return unsupported(p.peek().describe())
}

// ternary reads `a if condition else b`.
func (p *parser) ternary() (node, error) {
	if p.depth++; p.depth > deepest {
		return nil, unsupported("an expression nested that deeply")
	}
	defer func() { p.depth-- }()
	yes, err := p.or()
	if err != nil || !p.accept("if") {
		return yes, err
	}
	condition, err := p.or()
	if err != nil {
		return nil, err
	}
	no := constant(value{})
	if p.accept("else") {
		if no, err = p.ternary(); err != nil {
			return nil, err
		}
	}
	return func(r Resolver) (value, error) {
		c, err := condition(r)
		if err != nil {
			return value{}, err
		}
		if c.truth() {
			return yes(r)
		}
		return no(r)
	}, nil
}

func (p *parser) or() (node, error) {
	left, err := p.and()
	for err == nil && p.accept("or") {
		left, err = p.either(left, p.and, true)
	}
	return left, err
}

func (p *parser) and() (node, error) {
	left, err := p.not()
	for err == nil && p.accept("and") {
		left, err = p.either(left, p.not, false)
	}
	return left, err
}

// either gives the left value if its truth is stop, else the right one.
func (p *parser) either(left node, next func() (node, error), stop bool) (node, error) {
	right, err := next()
	return func(r Resolver) (value, error) {
		v, err := left(r)
		if err != nil || v.truth() == stop {
			return v, err
		}
		return right(r)
	}, err
}

func (p *parser) not() (node, error) {
	negate := false
	for p.accept("not") {
		negate = !negate
	}
	inner, err := p.comparison()
	if err != nil || !negate {
		return inner, err
	}
	return func(r Resolver) (value, error) {
		v, err := inner(r)
		return boolean(!v.truth()), err
	}, nil
}

func (p *parser) comparison() (node, error) {
	left, err := p.sum()
	for err == nil && (p.peek().kind == "==" || p.peek().kind == "!=") {
		equal := p.accept("==")
		if !equal {
			p.at++
		}
		left, err = p.binary(left, p.sum, func(a, b value) (value, error) { return boolean(a.equal(b) == equal), nil })
	}
	return left, err
}

func (p *parser) sum() (node, error) {
	left, err := p.concat()
	for err == nil && p.accept("+") {
		left, err = p.binary(left, p.concat, value.plus)
	}
	return left, err
}

func (p *parser) concat() (node, error) {
	left, err := p.filtered()
	for err == nil && p.accept("~") {
		left, err = p.binary(left, p.filtered, func(a, b value) (value, error) {
			return text(a.String() + b.String()), nil
		})
	}
	return left, err
}

func (p *parser) binary(left node, next func() (node, error), op func(a, b value) (value, error)) (node, error) {
	right, err := next()
	return func(r Resolver) (value, error) {
		a, err := left(r)
		if err != nil {
			return value{}, err
		}
		b, err := right(r)
		if err != nil {
			return value{}, err
		}
		return op(a, b)
	}, err
}

// filtered reads a value and the filters behind it, which bind tightest.
func (p *parser) filtered() (node, error) {
	inner, err := p.primary()
	for err == nil && p.accept("|") {
		name := p.peek()
		p.at++
		if name.kind != "w" {
			return nil, unsupported(name.describe())
		}
		var args []node
		if p.accept("(") {
			if args, err = p.arguments(); err != nil {
				return nil, err
			}
		}
		inner, err = filter(name.text, inner, args)
	}
	return inner, err
}

func (p *parser) primary() (node, error) {
	t := p.peek()
	p.at++
	switch t.kind {
	case "s":
		return constant(text(t.text)), nil
	case "n":
		v, err := number(t.text)
		return constant(v), err
	case "-":
		if v, err := number("-" + p.peek().text); err == nil && p.peek().kind == "n" {
			p.at++
			return constant(v), nil
		}
	case "(":
		inner, err := p.ternary()
		if err != nil {
			return nil, err
		}
		return inner, p.expect(")")
	case "w":
		return p.word(t)
	}
	return nil, unsupported(t.describe())
}

// word reads a constant or a call.
func (p *parser) word(t token) (node, error) {
	switch t.text {
	case "true", "True":
		return constant(boolean(true)), nil
	case "false", "False":
		return constant(boolean(false)), nil
	case "none", "None":
		return constant(value{}), nil
	}
	if !p.accept("(") {
		return nil, unsupported("the name " + t.describe())
	}
	args, err := p.arguments()
	if err != nil {
		return nil, err
	}
	return call(t.text, args)
}

// arguments reads up to the closing bracket.
func (p *parser) arguments() ([]node, error) {
	var out []node
	for !p.accept(")") {
		if len(out) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		arg, err := p.ternary()
		if err != nil {
			return nil, err
		}
		out = append(out, arg)
	}
	return out, nil
}

func constant(v value) node { return func(Resolver) (value, error) { return v, nil } }
