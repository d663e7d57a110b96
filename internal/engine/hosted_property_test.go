package engine_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"exposync/internal/engine"
	"exposync/internal/hosted"
	"exposync/internal/ledger"
	"exposync/internal/plan"
)

// death ends a process at the instant at which it is thrown.
type death struct{}

// moody is a tool that takes triggers or loses them, answers or does not,
// lists runs late, and is used by other people, too.
type moody struct {
	*workspace

	t      *rapid.T
	b      *hostedBench
	posted map[string]int  // triggers by dbt run
	clear  map[string]int  // of these, those that surely started nothing
	ours   map[string]bool // runs by our triggers
	built  map[string]time.Time
	faulty bool // everything may go wrong
}

func (m *moody) odds(label string, of int) bool {
	return m.faulty && rapid.IntRange(0, of-1).Draw(m.t, label) == 0
}

// dies ends the process now and then.
func (m *moody) dies(where string) {
	if m.odds("dies "+where, 12) {
		panic(death{})
	}
}

func (m *moody) way() []hosted.State {
	var way []hosted.State
	for range rapid.IntRange(0, 3).Draw(m.t, "polls") {
		way = append(way, rapid.SampledFrom([]hosted.State{hosted.Queued, hosted.Running, hosted.Unknown}).Draw(m.t, "on the way"))
	}
	ends := []hosted.State{hosted.Succeeded, hosted.Succeeded, hosted.Partial, hosted.Failed, hosted.Canceled}
	return append(way, rapid.SampledFrom(ends).Draw(m.t, "end"))
}

// somebody triggers now and then.
func (m *moody) somebody() {
	if m.odds("somebody", 10) {
		m.begin(m.way()...)
	}
}

func (m *moody) Trigger(_ context.Context, _ string, o hosted.TriggerOptions) (hosted.Run, error) {
	m.posted[o.Invocation]++
	m.triggers = append(m.triggers, o)
	m.dies("before the trigger arrives")
	m.somebody()
	going := slices.ContainsFunc(m.runs, func(r *toolRun) bool { return !r.State.Ended() })
	switch {
	case m.odds("refuses", 10):
		m.clear[o.Invocation]++
		return hosted.Run{}, triggerError(hosted.NotStarted, "hosted_refused")
	case going && m.odds("busy", 2):
		m.clear[o.Invocation]++
		return hosted.Run{}, busyWith("")
	case m.odds("loses the trigger", 8):
		return hosted.Run{}, triggerError(hosted.MayHaveStarted, "hosted_unavailable")
	}
	way := m.way()
	if going && m.odds("skips", 2) {
		m.clear[o.Invocation]++
		way = []hosted.State{hosted.Skipped}
	}
	r := m.begin(way...)
	m.ours[r.ID] = true
	if m.faulty {
		r.hidden = rapid.IntRange(0, 3).Draw(m.t, "hidden")
	}
	m.dies("after the trigger arrived")
	switch {
	case m.odds("loses the answer", 6):
		return hosted.Run{}, triggerError(hosted.MayHaveStarted, "hosted_unavailable")
	case m.odds("gives no id", 12):
		return hosted.Run{State: hosted.Queued}, nil
	}
	return hosted.Run{ID: r.ID, State: hosted.Queued}, nil
}

func (m *moody) Run(ctx context.Context, sync, id string) (hosted.Run, error) {
	m.somebody()
	m.dies("at a question")
	if m.odds("question fails", 10) {
		return hosted.Run{}, unavailable()
	}
	return m.workspace.Run(ctx, sync, id)
}

func (m *moody) Recent(ctx context.Context, sync string, since time.Time) ([]hosted.Run, error) {
	m.dies("at a list")
	if m.odds("list fails", 15) {
		return nil, unavailable()
	}
	return m.workspace.Recent(ctx, sync, since)
}

// mortal is a ledger whose process may die before or after every write.
type mortal struct {
	*memory

	m *moody
}

func (l mortal) Open(ctx context.Context, id plan.SyncID, target string) (ledger.Sync, error) {
	s, err := l.memory.Open(ctx, id, target)
	return mortalSync{s, l.m}, err
}

type mortalSync struct {
	ledger.Sync

	m *moody
}

func (s mortalSync) Append(ctx context.Context, entries ...ledger.Entry) error {
	s.m.dies("before a write")
	if err := s.Sync.Append(ctx, entries...); err != nil {
		return err
	}
	s.m.dies("after a write")
	return nil
}

func (s mortalSync) Fold(ctx context.Context, h ledger.Header) error {
	s.m.dies("before the fold")
	return s.Sync.Fold(ctx, h)
}

// process runs from its start to its end, or to its death. remembered is told
// the result, as the history would be, before the trigger is settled.
func (m *moody) process(remembered func(plan.Result)) (res plan.Result) {
	defer func() {
		if what := recover(); what != nil {
			if what != (death{}) {
				panic(what)
			}
			m.b.ledger.held = false
		}
	}()
	e := m.b.engine()
	e.Ledger = mortal{m.b.ledger, m}
	m.b.req.Tool = m
	p, err := e.PrepareHosted(context.Background(), m.b.req, false)
	if err != nil {
		m.t.Fatal(err)
	}
	res = e.ApplyHosted(context.Background(), m.b.stop, p)
	m.dies("before it is remembered")
	remembered(res)
	m.dies("before it is settled")
	if err := e.SettleHosted(context.Background(), p); err != nil {
		m.t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		m.t.Fatal(err)
	}
	return res
}

// Whatever a tool does, and whenever a process dies: one trigger for a dbt
// run, unless the tool surely started nothing or somebody asks for another
// one; a success is one that the tool said, of a run of ours or one that began
// after dbt ended; and what is known is not asked for again.
func TestHostedProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		b := newHostedBench(t)
		m := &moody{workspace: b.tool, t: rt, b: b, posted: map[string]int{}, clear: map[string]int{}, ours: map[string]bool{}, built: map[string]time.Time{}, faulty: true}
		asked := map[string]int{} // retries by dbt run
		done := map[string]plan.Result{}
		b.tool.onWait = func(int) { m.somebody() }
		for i := range rapid.IntRange(1, 3).Draw(rt, "dbt runs") {
			b.tool.now = b.tool.now.Add(time.Hour)
			b.req.Invocation, b.req.BuiltAt = fmt.Sprint("dbt-", i), b.tool.now.Add(-time.Minute)
			m.built[b.req.Invocation] = b.req.BuiltAt
			for range rapid.IntRange(1, 4).Draw(rt, "processes") {
				b.req.Again = m.odds("retry", 4)
				b.req.Detach = m.odds("detach", 4)
				b.req.WaitOnly = m.odds("wait", 5)
				m.round(rt, asked, done)
			}
		}
		m.faulty = false // from here on nothing fails
		b.req.Again, b.req.Detach, b.req.WaitOnly = false, false, false
		m.round(rt, asked, done)
		b.req.WaitOnly = true // closes what was remembered and not settled
		res := m.process(func(plan.Result) {})
		if b.open() != 0 && codesOf(res) != "hosted_in_doubt" {
			rt.Fatalf("%d triggers are open after %s %s", b.open(), res.Status, codesOf(res))
		}
	})
}

// round is one process, with what the history says as the command line looks
// at it.
func (m *moody) round(rt *rapid.T, asked map[string]int, done map[string]plan.Result) {
	invocation := m.b.req.Invocation
	if _, answered := done[invocation]; answered && !m.b.req.Again && !m.b.req.WaitOnly {
		return
	}
	before := maps.Clone(m.posted)
	if m.b.req.Again && !m.b.req.WaitOnly {
		asked[invocation] += 2 // it triggers once more if the tool skipped the first
	}
	res := m.process(func(res plan.Result) {
		if res.Hosted != nil && hosted.State(res.Hosted.State).Ended() && codesOf(res) != "hosted_in_doubt" {
			done[res.Hosted.Invocation] = res
		}
	})
	if m.b.req.WaitOnly && !maps.Equal(before, m.posted) {
		rt.Fatalf("wait triggered")
	}
	for id, n := range m.posted {
		if most := 1 + asked[id] + m.clear[id]; n > most {
			rt.Fatalf("%d triggers for %s, at most %d are due", n, id, most)
		}
	}
	if res.Status == plan.Success {
		m.proven(rt, res)
	}
}

// proven fails unless the success is one.
func (m *moody) proven(rt *rapid.T, res plan.Result) {
	i := slices.IndexFunc(m.runs, func(r *toolRun) bool { return res.Hosted != nil && r.ID == res.Hosted.Run })
	if i < 0 {
		rt.Fatalf("a success without a run: %+v", res.Hosted)
	}
	r, built := m.runs[i], m.built[res.Hosted.Invocation]
	if r.State != hosted.Succeeded {
		rt.Fatalf("run %s, %s, counts as a success", r.ID, r.State)
	}
	if !r.Created.After(built) && !r.Started.After(built) {
		rt.Fatalf("run %s of %s answers a dbt run that ended at %s", r.ID, r.Created, built)
	}
	if !engine.Handled(res) {
		rt.Fatalf("a success that is not handled: %+v", res)
	}
}
