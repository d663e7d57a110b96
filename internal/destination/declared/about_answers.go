package declared

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"exposync/internal/destination"
)

// Answer is one answer of the service, taken from a fixture, and what the
// records of the request become.
type Answer struct {
	Operation string   `json:"operation"`
	Name      string   `json:"name"`
	Status    string   `json:"status"` // of a request; empty for a job
	Records   []string `json:"records"`
}

// Reject is what a refused record looks like.
type Reject struct {
	Operation string `json:"operation"`
	Name      string `json:"name"`
	Status    int    `json:"status,omitempty"`
	Body      string `json:"body"` // the answer
	Code      string `json:"code"`
	Message   string `json:"message,omitempty"`
}

// answers lists what the fixtures show.
func (s *spec) answers(ctx context.Context) []Answer {
	var out []Answer
	for i := range s.fixtures {
		f := &s.fixtures[i]
		a := Answer{Operation: f.op, Name: f.name, Records: f.want}
		if f.script == nil {
			a.Status = strconv.Itoa(f.answer.status)
		}
		if r := s.try(ctx, f, &trial{reached: map[*rule]bool{}}); r.OK {
			out = append(out, a)
		}
	}
	return out
}

// reject finds a fixture in which a record is refused, best one in which
// another one is not.
func (s *spec) reject(ctx context.Context) *Reject {
	refused := func(want string) bool { return strings.HasPrefix(want, "fail/") }
	var best *fixture
	for i := range s.fixtures {
		f := &s.fixtures[i]
		if !slices.ContainsFunc(f.want, refused) {
			continue
		}
		if best == nil || !slices.Contains(best.want, "ok") && slices.Contains(f.want, "ok") {
			best = f
		}
	}
	if best == nil {
		return nil
	}
	outcomes, err := s.play(ctx, best, nil)
	if err != nil {
		return nil
	}
	i := slices.IndexFunc(outcomes, func(o destination.Outcome) bool { return o.State == destination.Rejected })
	if i < 0 {
		return nil
	}
	r := &Reject{Operation: best.op, Name: best.name, Code: outcomes[i].Code, Message: outcomes[i].Message}
	a := best.answer
	for _, x := range best.script {
		if strings.Contains(x.body, strings.TrimSuffix(r.Code, "…")) {
			a = x // the one that says it
		}
	}
	r.Status, r.Body = a.status, lines(a.body)
	return r
}
