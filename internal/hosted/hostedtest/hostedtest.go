// Package hostedtest is what every hosted tool has to do, as tests: an adapter
// is done when Run passes over a stand-in of its tool. The engine waits,
// adopts, gives up and resumes; here it is tested that the adapter gives it
// what it needs for that: fates, lists, continued runs.
package hostedtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"exposync/internal/fault"
	"exposync/internal/hosted"
)

// Harness describes one tool at its stand-in.
type Harness struct {
	// New gives a workspace of its own. It cleans up through t.
	New func(t *testing.T) *Subject
	// Missing names scenarios and abilities that the tool or its stand-in does
	// not have, with the reason. All others are tested.
	Missing map[string]string
	// Busy is what the tool does with a trigger while a run is going on.
	Busy Policy
	// Logs reports whether tokens end by themselves, so that a 401 is followed
	// by a new one.
	Logs bool
	// Nameless: the answer to a trigger does not name the run.
	Nameless bool
}

// Policy is what a tool does with a trigger while a run is going on.
type Policy string

// The policies.
const (
	Queues  Policy = "starts a run behind it, or beside it"
	Refuses Policy = "refuses it"
	Skips   Policy = "starts a run that does nothing"
)

// Names of what may be missing, beside scenarios.
const (
	Lists       = "a list of runs"
	Listing     = "a list of syncs"
	RunningName = "the name of the run that is going on"
	Schedules   = "the schedule of a sync"
	Disables    = "whether a sync is disabled"
	Cancels     = "a call that ends a run"
	CancelWord  = "a word for a run that was stopped"
	FullResyncs = "a full resync"
	Counts      = "counts of rejected rows"
)

// Subject is one workspace under test.
type Subject struct {
	Tool hosted.Tool
	Sync string
	// Play lets the next run, or the sync, go by a scenario of the stand-in.
	Play func(t *testing.T, scenario string)
	// Seen tells the runs that the stand-in has, by id, oldest first, and how
	// many triggers reached it.
	Seen func(t *testing.T) (runs []string, triggers int)
	// Somebody starts a run beside us that does not end, and gives its id.
	Somebody func(t *testing.T) string
	// Finish ends the runs that are going on.
	Finish func(t *testing.T)
	// Flags are what was asked for with the newest trigger; nil where the
	// stand-in does not tell.
	Flags func(t *testing.T) []string
	Now   func() time.Time
	Pass  func(d time.Duration)
	Notes func() []string
	// Log is what was logged so far.
	Log func() string
	// Secrets must show nowhere.
	Secrets []string
}

// Run tests a tool.
func Run(t *testing.T, h Harness) {
	t.Helper()
	for _, test := range slices.Concat(ends(), triggers(), polls(), looks(), peers()) {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, need := range test.needs {
				if reason, missing := h.Missing[need]; missing {
					if reason == "" {
						t.Fatalf("%s is declared missing without a reason", need)
					}
					t.Skipf("%s: %s", need, reason)
				}
			}
			s := h.New(t)
			test.run(t, &bench{Subject: s, h: h})
			quiet(t, s)
		})
	}
}

// quiet checks that nothing that was said or logged holds a secret.
func quiet(t *testing.T, s *Subject) {
	t.Helper()
	for _, text := range append(s.Notes(), s.Log()) {
		for _, secret := range s.Secrets {
			if strings.Contains(text, secret) {
				t.Errorf("a secret shows: %s", text)
			}
		}
	}
}

type check struct {
	name  string
	needs []string
	run   func(t *testing.T, b *bench)
}

// bench is a subject with what the tests do again and again.
type bench struct {
	*Subject
	h    Harness
	keys int // of triggers
}

// trigger starts a run and gives its id; where the tool does not name it, it
// is the one that appears in the list.
func (b *bench) trigger(t *testing.T) string {
	t.Helper()
	since := b.since()
	before := b.listed(t, since)
	b.keys++
	r, err := b.Tool.Trigger(t.Context(), b.Sync, hosted.TriggerOptions{Key: fmt.Sprintf("5f2d7b1e-8a9b-5c3d-9e4f-%012d", b.keys)})
	if err != nil {
		t.Fatalf("Trigger(): %v", err)
	}
	if r.State.Ended() {
		t.Fatalf("a run that was just started is %s", r.State)
	}
	if r.ID != "" || !b.h.Nameless {
		if r.ID == "" {
			t.Fatal("Trigger() names no run")
		}
		return r.ID
	}
	for range 10 {
		fresh := slices.DeleteFunc(b.listed(t, since), func(id string) bool { return slices.Contains(before, id) })
		if len(fresh) > 0 {
			return fresh[len(fresh)-1]
		}
	}
	t.Fatal("the run that was started does not appear")
	return ""
}

// since is a moment before now, with the slack that the engine allows clocks.
func (b *bench) since() time.Time { return b.Now().Add(-5 * time.Second) }

// listed gives the ids of Recent, or nil where the tool lists none.
func (b *bench) listed(t *testing.T, since time.Time) []string {
	t.Helper()
	if _, missing := b.h.Missing[Lists]; missing {
		return nil
	}
	runs, err := b.Tool.Recent(t.Context(), b.Sync, since)
	if err != nil {
		t.Fatalf("Recent(): %v", err)
	}
	var out []string
	for _, r := range runs {
		out = append(out, r.ID)
	}
	return out
}

// end asks for a run until it has ended.
func (b *bench) end(t *testing.T, run string) hosted.Run {
	t.Helper()
	for range 40 {
		r, err := b.Tool.Run(t.Context(), b.Sync, run)
		if err != nil {
			t.Fatalf("Run(): %v", err)
		}
		if r.ID != run {
			t.Fatalf("Run(%s) gives %s", run, r.ID)
		}
		if r.State.Ended() {
			return r
		}
		b.Pass(time.Second)
	}
	t.Fatal("the run never ends")
	return hosted.Run{}
}

// failure gives the fault in an error and holds it against what all have in
// common.
func (b *bench) failure(t *testing.T, err error) *fault.Fault {
	t.Helper()
	f := (*fault.Fault)(nil)
	if !errors.As(err, &f) {
		t.Fatalf("the error is no fault: %v", err)
	}
	text := err.Error() + " " + f.Hint
	for _, secret := range b.Secrets {
		if strings.Contains(text, secret) {
			t.Errorf("a secret shows: %s", text)
		}
	}
	if _, ok := fault.Explain(f.Code); !ok || strings.ContainsAny(text, "\n\r") || !strings.Contains(f.Msg, "cannot ") {
		t.Errorf("not a fault that names the call, on one line, with a page: %+v", f)
	}
	return f
}

// refused triggers and gives what became of it.
func (b *bench) refused(t *testing.T) *hosted.TriggerError {
	t.Helper()
	r, err := b.Tool.Trigger(t.Context(), b.Sync, hosted.TriggerOptions{})
	if err == nil {
		t.Fatalf("Trigger() gives %+v, which is none", r)
	}
	_ = b.failure(t, err) // looks for secrets
	out := (*hosted.TriggerError)(nil)
	if !errors.As(err, &out) {
		t.Fatalf("the error tells no fate: %v", err)
	}
	return out
}
