package declared

import (
	"context"
	"maps"
	"slices"
)

// About is what a description says of itself.
type About struct {
	Name       string      `json:"name"`
	Title      string      `json:"title"`
	Docs       string      `json:"docs,omitempty"`
	VerifiedOn string      `json:"verified_on,omitempty"` // the day on which the service's documentation was read
	Params     []Param     `json:"params"`
	Auth       []string    `json:"auth"`              // the ways to prove who sends
	Identity   string      `json:"identity"`          // how the account is known
	Objects    []string    `json:"objects,omitempty"` // that there are; * stands for any name
	Operations []Operation `json:"operations"`
	Reads      bool        `json:"reads"`     // by key, for first: compare
	Discovers  bool        `json:"discovers"` // fields are checked before the first write
	PerSecond  float64     `json:"per_second,omitempty"`
	Fixtures   int         `json:"fixtures"`
}

// Operation is one way of writing.
type Operation struct {
	Object      string `json:"object,omitempty"` // that it is for; empty: all
	Name        string `json:"name"`
	Rows        int    `json:"rows"`
	Bytes       int    `json:"bytes,omitempty"`
	Concurrency int    `json:"concurrency"`
	Idempotent  bool   `json:"idempotent"` // sending twice does no harm
	Job         bool   `json:"job"`        // it goes on at the service
}

// Describe tells of an embedded description.
func Describe(kind string) (About, error) {
	s, err := builtin(kind, nil)
	if err != nil {
		return About{}, err
	}
	a := About{
		Name: s.name, Title: s.title, Docs: s.docs, VerifiedOn: s.verified, Params: s.params, Identity: "its address",
		Reads: s.reads(), Discovers: s.discovers(), PerSecond: s.rate.perSecond(), Fixtures: len(s.fixtures),
	}
	if s.check != nil {
		a.Identity = s.check.identity + " of " + s.check.request.method + " " + s.check.request.path
	}
	for _, x := range s.auth {
		a.Auth = append(a.Auth, x.kind)
	}
	if len(s.objects) == 0 {
		a.Operations = s.operations("")
	}
	for _, o := range s.objects {
		a.Objects = append(a.Objects, o.pattern)
		a.Operations = append(a.Operations, o.spec.operations(o.pattern)...)
	}
	return a, nil
}

// operations are those of a spec, by name.
func (s *spec) operations(object string) (out []Operation) {
	for _, name := range slices.Sorted(maps.Keys(s.ops)) {
		o := s.ops[name]
		out = append(out, Operation{object, name, o.limits.rows, o.limits.bytes, o.limits.concurrency, o.safe(), o.job != nil})
	}
	return out
}

func (s *spec) discovers() bool {
	return slices.ContainsFunc(s.eachSpec(), func(s *spec) bool { return s.discover != nil })
}

// TestFile runs the fixtures of a description that stands in a file.
func TestFile(ctx context.Context, file string, data []byte) (Report, error) {
	s, err := parse(file, data, nil)
	if err != nil {
		return Report{}, err
	}
	return s.test(ctx), nil
}
