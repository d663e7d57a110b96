package dbt

import (
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"exposync/internal/fault"
)

// criterion is one atom of a selection, such as 2+tag:crm or
// @config.materialized:view.
type criterion struct {
	raw    string
	method string
	args   []string // config.meta.owner: meta, owner
	value  string
	typed  valueType

	childrensParents bool
	parents          bool
	parentsDepth     int // unlimited unless given
	children         bool
	childrenDepth    int
	indirect         string // eager, cautious, buildable, empty
}

// valueType is what a value of selectors.yml was; on a command line it is
// always a text.
type valueType uint8

const (
	text valueType = iota
	number
	boolean
)

const unlimited = -1

// parseCriterion reads [@][n+][method:]value[+n].
func parseCriterion(raw string) (*criterion, error) {
	c := &criterion{raw: raw, parentsDepth: unlimited, childrenDepth: unlimited, indirect: "eager"}
	rest := raw
	rest, c.childrensParents = strings.CutPrefix(rest, "@")
	if depth, after, ok := strings.Cut(rest, "+"); ok && digits(depth) {
		c.parents, c.parentsDepth, rest = true, depthOf(depth), after
	}
	method, value, ok := strings.Cut(rest, ":")
	if ok && isMethod(method) {
		rest = value
	} else {
		method = ""
	}
	if i := strings.LastIndex(rest, "+"); i >= 0 && digits(rest[i+1:]) {
		c.children, c.childrenDepth, rest = true, depthOf(rest[i+1:]), rest[:i]
	}
	c.value = rest
	if method == "" {
		method = defaultMethod(rest)
	}
	return c, c.finish(method)
}

// finish settles the method and refuses what contradicts itself.
func (c *criterion) finish(method string) error {
	name, args, dotted := strings.Cut(method, ".")
	c.method = name
	if dotted {
		c.args = strings.Split(args, ".")
	}
	if _, known := methods()[name]; !known {
		return unknownMethod(c.raw, name)
	}
	if c.children && c.childrensParents {
		return selectorFault(c.raw, "@ in front and + behind exclude each other: @ has the children and all their parents")
	}
	if strings.Contains(c.raw, "\n") {
		return selectorFault(c.raw, "a selector is one line")
	}
	return nil
}

// defaultMethod is what a value without a method means.
func defaultMethod(value string) string {
	if strings.ContainsRune(value, '/') || strings.ContainsRune(value, filepath.Separator) {
		return "path"
	}
	lower := strings.ToLower(value)
	for _, ending := range []string{".sql", ".py", ".csv"} {
		if strings.HasSuffix(lower, ending) {
			return "file"
		}
	}
	return "fqn"
}

func isMethod(text string) bool {
	return text != "" && strings.IndexFunc(text, func(r rune) bool {
		return r != '.' && r != '_' && !unicode.IsLetter(r) && !unicode.IsNumber(r)
	}) < 0
}

func digits(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

func depthOf(text string) int {
	if text == "" {
		return unlimited
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return math.MaxInt // more than any graph is deep
	}
	return n
}

// SelectorMethods are the methods that a selector can begin with, sorted.
func SelectorMethods() []string { return slices.Sorted(maps.Keys(methods())) }

func unknownMethod(raw, name string) error {
	known := SelectorMethods()
	msg := fmt.Sprintf("there is no selector method %q", name)
	if near := fault.Suggest(name, known); near != "" {
		msg += fmt.Sprintf("; did you mean %q?", near)
	}
	f := selectorFault(raw, msg+" (there are "+strings.Join(known, ", ")+")")
	return f
}

func selectorFault(raw, msg string) *fault.Fault {
	return &fault.Fault{
		Code: "selector_invalid", Kind: fault.Config, Whose: fault.User, Where: fmt.Sprintf("selector %q", raw), Msg: msg,
		Hint: "exposync explain selector_invalid",
	}
}

// joined collects faults; nil if there are none.
func joined(errs ...error) error {
	var list fault.List
	for _, err := range errs {
		if err != nil {
			list = append(list, fault.All(err)...)
		}
	}
	return list.Err()
}
