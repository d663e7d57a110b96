package tools

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Script says how runs of a sync go. The zero Script is the usual run.
type Script struct {
	// Times is how many triggers it is for; 0 is all that come.
	Times int `json:"times,omitempty"`

	// Answer is how the trigger is answered; empty is as usual.
	Answer Answer `json:"answer,omitempty"`
	// RetryAfter is that header of answers with status 429, such as "3600"; "none"
	// leaves it out where the tool sends it.
	RetryAfter string `json:"retry_after,omitempty"`
	// Busy starts a run of the tool's own schedule first, so that the trigger
	// finds the sync running.
	Busy bool `json:"busy,omitempty"`
	// Others is how many runs somebody else starts at the same moment.
	Others int `json:"others,omitempty"`

	// Hidden is how many lists leave the run out before it is in them.
	Hidden int `json:"hidden,omitempty"`
	// Polls are the answers to the first questions about just this run; an empty
	// one is as usual. With Stay the last goes on for ever.
	Polls []Answer `json:"polls,omitempty"`
	Stay  bool     `json:"stay,omitempty"`
	// Stages are the words that answers show in turn before the end, also such
	// as the tool does not have; nil are the tool's own, and an empty list ends
	// the run at once.
	Stages []string `json:"stages,omitempty"`
	// Each is how many answers show each of the stages; 0 is one.
	Each int `json:"each,omitempty"`

	// End is how the run ends; empty is Success, or Partial where rows fail.
	End End `json:"end,omitempty"`
	// Word is the tool's word for that; empty is its usual one.
	Word string `json:"word,omitempty"`
	// Then is how the run ends that follows an interrupted one; empty is Success,
	// and "none" lets none follow.
	Then End    `json:"then,omitempty"`
	Rows *Rows  `json:"rows,omitempty"`
	Why  string `json:"why,omitempty"` // the tool's reason for an end that is no success

	// NoTimes leaves out when it started and ended, after the end, too.
	NoTimes bool `json:"no_times,omitempty"`
	// IDs is "number" or "string": how the run's id is written, where the tool
	// has both.
	IDs string `json:"ids,omitempty"`
}

// Answer is how a request is answered instead of as usual. As the answer to a
// trigger it starts nothing, unless it ends in "-done".
type Answer string

// The answers. To those that can be either, "-done" is added.
const (
	Denied    Answer = "401"       // the credential is refused; if it was issued here, a new one is good
	TooMany   Answer = "429"       // too many requests for now
	Broken    Answer = "500"       // the service fails
	Down      Answer = "503"       // the service does not work for now
	Hang      Answer = "hang"      // no answer, until the caller gives up
	Reset     Answer = "reset"     // the connection is closed
	Login     Answer = "login"     // a redirect to a page to sign in, which has the status 200
	Wrong     Answer = "error-200" // status 200, and an error in the body
	Hollow    Answer = "no-id"     // status 200 as after a trigger, and no id
	NotJSON   Answer = "bad-json"  // half of a JSON document
	Gone      Answer = "gone"      // there is no such run
	Swallowed Answer = "swallowed" // the usual answer, and nothing was started
	done             = "-done"     // the request took effect
	noRetry          = "none"      // in RetryAfter
	none      End    = "none"      // in Then
)

func answers() []Answer {
	return []Answer{Denied, TooMany, Broken, Down, Hang, Reset, Login, Wrong, Hollow, NotJSON, Gone, Swallowed}
}

// parts splits an answer into what it is and whether the request took effect.
func (a Answer) parts() (what Answer, took bool) {
	text, took := strings.CutSuffix(string(a), done)
	return Answer(text), took || a == ""
}

func (a Answer) valid() bool {
	what, _ := a.parts()
	return a == "" || slices.Contains(answers(), what)
}

// End is how a run ends.
type End string

// The ends. No tool has a word for all of them.
const (
	Success     End = "success"
	Partial     End = "partial"     // some rows were refused
	Failed      End = "failed"      // it ended early
	Canceled    End = "canceled"    // somebody stopped it
	Skipped     End = "skipped"     // the tool did not run it, because another run was going on
	Interrupted End = "interrupted" // the tool goes on in another run
	Never       End = "never"       // it stays in the last of its stages until Workspace.End
)

// Rows count what a run did.
type Rows struct {
	Added   int `json:"added"`
	Changed int `json:"changed"`
	Removed int `json:"removed"`
	// Failed is how many of these the destination refused.
	Failed int `json:"failed"`
}

// usual are the rows of a run for which nothing else was said.
var usual = Rows{Added: 60, Changed: 30, Removed: 10}

// rejected is how many rows fail in a partial run for which nothing else was
// said.
const rejected = 3

// Planned is how many rows it was about to sync.
func (r Rows) Planned() int { return r.Added + r.Changed + r.Removed }

// OK is how many the destination took.
func (r Rows) OK() int { return r.Planned() - r.Failed }

// split gives n rows as added, changed and removed ones: as many as there are,
// from the first kind on.
func (r Rows) split(n int) (added, changed, removed int) {
	added = min(n, r.Added)
	changed = min(n-added, r.Changed)
	return added, changed, min(n-added-changed, r.Removed)
}

func (r Rows) valid() bool {
	return r.Added >= 0 && r.Changed >= 0 && r.Removed >= 0 && r.Failed >= 0 && r.Failed <= r.Planned()
}

// merge lets what other says stand before what s says.
func (s Script) merge(other Script) Script {
	s.Times = cmp.Or(other.Times, s.Times)
	s.Answer, s.RetryAfter = cmp.Or(other.Answer, s.Answer), cmp.Or(other.RetryAfter, s.RetryAfter)
	s.Busy, s.Others, s.Hidden = s.Busy || other.Busy, cmp.Or(other.Others, s.Others), cmp.Or(other.Hidden, s.Hidden)
	if other.Polls != nil {
		s.Polls, s.Stay = other.Polls, other.Stay
	}
	if other.Stages != nil {
		s.Stages = other.Stages
	}
	s.Each = cmp.Or(other.Each, s.Each)
	s.End, s.Word, s.Then = cmp.Or(other.End, s.End), cmp.Or(other.Word, s.Word), cmp.Or(other.Then, s.Then)
	s.Rows, s.Why = cmp.Or(other.Rows, s.Rows), cmp.Or(other.Why, s.Why)
	s.NoTimes, s.IDs = s.NoTimes || other.NoTimes, cmp.Or(other.IDs, s.IDs)
	return s
}

// check finds what a tool cannot act out.
func (s Script) check(d *dialect) error {
	for _, a := range append([]Answer{s.Answer}, s.Polls...) {
		if !a.valid() {
			return fmt.Errorf("%q is no answer: there are %v, and each with -done", a, answers())
		}
	}
	for _, e := range []End{s.End, s.Then} {
		if e == "" || e == Never || e == none && e == s.Then {
			continue
		}
		if _, has := d.ends[e]; !has {
			return fmt.Errorf("this tool has no run that ends as %q", e)
		}
	}
	switch {
	case s.Rows != nil && !s.Rows.valid():
		return errors.New("rows are not negative, and no more fail than there are")
	case s.IDs != "" && s.IDs != "number" && s.IDs != "string":
		return errors.New("ids are a number or a string")
	case s.Times < 0 || s.Others < 0 || s.Hidden < 0 || s.Each < 0:
		return errors.New("times, others, hidden and each are not negative")
	}
	return nil
}
