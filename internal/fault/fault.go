// Package fault is how Exposync tells a person that something is wrong: a
// public code, the place, whose fault it is, and the next command to type.
// Every fault has a page that `exposync explain CODE` prints.
//
// A fault never holds a secret or the value of a record.
package fault

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Kind decides the exit code of a fault.
type Kind uint8

// The kinds, with the exit code each leads to.
const (
	Bug         Kind = iota // 1: a mistake of Exposync's own
	Config                  // 2: flags, exposync.yml, profiles.yml, an exposure's metadata
	Blocked                 // 3: held or blocked by the gate or a guard
	Partial                 // 4: some records were not confirmed
	Unavailable             // 5: a warehouse, destination or tool did not answer
	Check                   // 6: a check that was asked for failed
	Interrupted             // 130: stopped by the user
)

// Whose says who has to act.
type Whose string

// Who can be at fault.
const (
	Ours        Whose = "exposync"
	DBT         Whose = "dbt"
	Mapping     Whose = "mapping"
	Setup       Whose = "configuration"
	Warehouse   Whose = "warehouse"
	Destination Whose = "destination"
	Tool        Whose = "tool" // a hosted tool, such as Hightouch
	Network     Whose = "network"
	User        Whose = "command line"
)

// Fault is one problem, complete enough to act on.
type Fault struct {
	Code  string // public, snake_case, has a page: see Explain
	Kind  Kind
	Whose Whose
	Where string // file:line, node id or "target.connections.crm"; may be empty
	Msg   string // what is wrong: lower case, no final period
	Hint  string // what to do or type next; may be empty
	Err   error  // cause; its text is appended to Msg
}

// Error gives the fault on one line: "where: message (code)".
func (f *Fault) Error() string {
	var b strings.Builder
	if f.Where != "" {
		b.WriteString(f.Where)
		b.WriteString(": ")
	}
	b.WriteString(f.Msg)
	if f.Err != nil {
		b.WriteString(": ")
		b.WriteString(f.Err.Error())
	}
	fmt.Fprintf(&b, " (%s)", f.Code)
	return b.String()
}

// Unwrap gives the cause.
func (f *Fault) Unwrap() error { return f.Err }

// List is several faults, reported together instead of one at a time.
type List []*Fault

// Error joins the faults, one a line.
func (l List) Error() string {
	lines := make([]string, len(l))
	for i, f := range l {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// Err is nil for an empty list, so that a typed nil never becomes an error.
func (l List) Err() error {
	if len(l) == 0 {
		return nil
	}
	return l
}

// All gives every fault inside err, in order; an error that holds none
// becomes a single fault with code "internal", and so does each one of several
// joined errors.
func All(err error) List {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all List
		for _, e := range joined.Unwrap() {
			all = append(all, All(e)...)
		}
		return all
	}
	if list, ok := errors.AsType[List](err); ok {
		return list
	}
	if one, ok := errors.AsType[*Fault](err); ok {
		return List{one}
	}
	return List{{Code: "internal", Kind: Bug, Whose: Ours, Msg: err.Error()}}
}

// Is reports whether err holds a fault with that code.
func Is(err error, code string) bool {
	if err == nil {
		return false
	}
	return slices.ContainsFunc(All(err), func(f *Fault) bool { return f.Code == code })
}

// ExitCode is the exit code of one kind.
func (k Kind) ExitCode() int {
	switch k {
	case Config:
		return 2
	case Blocked:
		return 3
	case Partial:
		return 4
	case Unavailable:
		return 5
	case Check:
		return 6
	case Interrupted:
		return 130
	case Bug:
	}
	return 1
}

// ExitCode is the exit code of err: that of its worst fault, 0 for nil.
func ExitCode(err error) int {
	code := 0
	for _, f := range All(err) {
		code = Worse(code, f.Kind.ExitCode())
	}
	return code
}

// Worse gives the exit code that wins when both happened:
// 130, 1, 2, 5, 4, 3, 6, 0.
func Worse(a, b int) int {
	order := []int{130, 1, 2, 5, 4, 3, 6, 0}
	if slices.Index(order, a) <= slices.Index(order, b) {
		return a
	}
	return b
}
