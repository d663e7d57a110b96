package engine_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"exposync/internal/engine"
	"exposync/internal/fault"
	"exposync/internal/hosted"
	"exposync/internal/plan"
)

// built is when dbt had ended in these tests.
var built = time.Date(2026, 11, 2, 6, 0, 0, 0, time.UTC)

// toolRun is a run as the fake tool has it.
type toolRun struct {
	hosted.Run

	way    []hosted.State // that questions show in turn; the last one stays
	hidden int            // answers that leave it out
	gone   bool
	ours   bool
}

// workspace is a hosted tool with one sync. What it does with a trigger, and
// what it answers to a question, is up to the test.
type workspace struct {
	now      time.Time
	sync     hosted.Sync
	runs     []*toolRun
	triggers []hosted.TriggerOptions
	canceled []string
	polls    int
	noList   bool
	dumb     bool // it takes questions and never answers
	timeless bool // its list tells no times, and holds everything

	onTrigger func(n int) (hosted.Run, error) // n counts from 1; nil starts a run
	onPoll    func(n int) error               // before a run is shown
	onList    func() error
	onWait    func(n int) // n counts from 1
	waits     int
}

func newWorkspace() *workspace { return &workspace{now: built.Add(time.Minute)} }

// begin adds a run that goes the given way; without one it succeeds.
func (w *workspace) begin(way ...hosted.State) *toolRun {
	if len(way) == 0 {
		way = []hosted.State{hosted.Queued, hosted.Running, hosted.Succeeded}
	}
	r := &toolRun{way: way}
	r.ID, r.Created, r.URL = strconv.Itoa(len(w.runs)+1), w.now, "https://tool.example.com/runs/"+strconv.Itoa(len(w.runs)+1)
	w.runs = append(w.runs, r)
	return r
}

// starts answers a trigger with a run that goes the given way.
func (w *workspace) starts(way ...hosted.State) (hosted.Run, error) {
	r := w.begin(way...)
	r.ours = true
	return hosted.Run{ID: r.ID, State: hosted.Queued}, nil
}

func (w *workspace) Account() string { return "tool.example.com" }

func (w *workspace) Inspect(context.Context, string) (hosted.Sync, error) { return w.sync, nil }

func (w *workspace) Trigger(_ context.Context, _ string, o hosted.TriggerOptions) (hosted.Run, error) {
	w.triggers = append(w.triggers, o)
	if w.onTrigger != nil {
		return w.onTrigger(len(w.triggers))
	}
	return w.starts()
}

func (w *workspace) Run(ctx context.Context, _, id string) (hosted.Run, error) {
	if err := ctx.Err(); err != nil {
		return hosted.Run{}, unavailable()
	}
	w.polls++
	if w.dumb {
		before, asked := ctx.Deadline()
		if !asked {
			return hosted.Run{}, errors.New("nothing ends this question")
		}
		w.now = w.now.Add(time.Until(before))
		return hosted.Run{}, unavailable()
	}
	if w.onPoll != nil {
		if err := w.onPoll(w.polls); err != nil {
			return hosted.Run{}, err
		}
	}
	i := slices.IndexFunc(w.runs, func(r *toolRun) bool { return r.ID == id })
	if i < 0 || w.runs[i].gone {
		return hosted.Run{}, &fault.Fault{Code: "hosted_run_gone", Kind: fault.Unavailable, Msg: "there is no run " + id}
	}
	return w.runs[i].show(w.now), nil
}

// show moves a run on.
func (r *toolRun) show(now time.Time) hosted.Run {
	if r.hidden > 0 {
		r.hidden--
		return hosted.Run{ID: r.ID, State: hosted.Queued}
	}
	r.State, r.Status = r.way[0], string(r.way[0])
	if len(r.way) > 1 {
		r.way = r.way[1:]
	}
	if r.Started.IsZero() && r.State != hosted.Queued {
		r.Started = now
	}
	if r.State.Ended() && r.Ended.IsZero() {
		r.Ended = now
	}
	return r.Run
}

func (w *workspace) Recent(ctx context.Context, _ string, since time.Time) ([]hosted.Run, error) {
	switch {
	case ctx.Err() != nil:
		return nil, unavailable()
	case w.noList:
		return nil, &fault.Fault{Code: "hosted_no_list", Kind: fault.Unavailable, Msg: "no list"}
	case w.onList != nil:
		if err := w.onList(); err != nil {
			return nil, err
		}
	}
	var out []hosted.Run
	for _, r := range w.runs {
		switch {
		case r.gone || !w.timeless && r.Created.Before(since):
		case r.hidden > 0:
			r.hidden--
		default:
			out = append(out, r.Run)
		}
	}
	return out, nil
}

// canceler is a workspace that can cancel.
type canceler struct{ *workspace }

func (c canceler) Cancel(_ context.Context, _, run string) error {
	c.canceled = append(c.canceled, run)
	for _, r := range c.runs {
		if r.ID == run {
			r.way = []hosted.State{hosted.Canceled}
		}
	}
	return nil
}

func unavailable() *fault.Fault {
	return &fault.Fault{Code: "hosted_unavailable", Kind: fault.Unavailable, Msg: "it answered 500"}
}

func triggerError(fate hosted.Fate, code string) error {
	return &hosted.TriggerError{Fate: fate, Err: &fault.Fault{Code: code, Kind: fault.Unavailable, Msg: "the trigger failed"}}
}

// busyWith is a refusal that names the run that is going on.
func busyWith(run string) error {
	return &hosted.TriggerError{Fate: hosted.Busy, Running: run, Err: &fault.Fault{Code: "hosted_busy", Kind: fault.Unavailable, Msg: "another run is going on"}}
}

// hostedBench is a job with its tool and its ledger.
type hostedBench struct {
	testing.TB
	tool   *workspace
	as     hosted.Tool // what the engine sees, if it is not tool itself
	ledger *memory
	req    engine.HostedRequest
	stop   chan struct{}
	looked plan.Plan

	waiting context.Context //nolint:containedctx // of the wait that goes on
}

func newHostedBench(tb testing.TB) *hostedBench {
	tb.Helper()
	return &hostedBench{
		TB: tb, tool: newWorkspace(), ledger: newMemory(), stop: make(chan struct{}),
		req: engine.HostedRequest{
			Job: plan.Job{
				ID: "email_crm", Project: "shop", Target: "prod", Connection: "ht", Type: "hightouch", Object: "42",
				Hosted: &plan.Hosted{Sync: "42"}, MaxRejected: plan.Limit{Share: 0.01},
			},
			Invocation: "dbt-1", BuiltAt: built,
		},
	}
}

func (b *hostedBench) engine() *engine.Engine {
	return &engine.Engine{
		Ledger: b.ledger, Now: func() time.Time { return b.tool.now }, Rand: func() float64 { return 0.5 },
		Wait: func(ctx context.Context, d time.Duration) error {
			b.waiting = ctx
			b.tool.waits++
			b.tool.now = b.tool.now.Add(d)
			if b.tool.onWait != nil {
				b.tool.onWait(b.tool.waits)
			}
			return ctx.Err()
		},
	}
}

// run is one process from its start to its end.
func (b *hostedBench) run() plan.Result {
	b.Helper()
	res, err := b.attempt(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return res
}

func (b *hostedBench) attempt(ctx context.Context) (plan.Result, error) {
	b.Helper()
	b.req.Tool = b.tool
	if b.as != nil {
		b.req.Tool = b.as
	}
	e := b.engine()
	p, err := e.PrepareHosted(ctx, b.req, false)
	if err != nil {
		return plan.Result{}, err
	}
	b.looked = p.Plan
	res := e.ApplyHosted(ctx, b.stop, p)
	err = e.SettleHosted(ctx, p)
	return res, errors.Join(err, p.Close())
}

// interrupt presses ^C, and waits until it was heard.
func (b *hostedBench) interrupt() {
	close(b.stop)
	<-b.waiting.Done()
}

// open are the triggers that the ledger holds open.
func (b *hostedBench) open() int {
	b.Helper()
	v, err := b.ledger.View(b.Context(), plan.SyncID{}, "prod")
	if err != nil {
		b.Fatal(err)
	}
	return len(v.Header().Pending())
}

// codesOf are those of the result's problems, in order.
func codesOf(res plan.Result) string {
	var out []string
	for _, f := range res.Problems {
		out = append(out, f.Code)
	}
	return strings.Join(out, " ")
}

// noted reports whether a note holds the words, and how many do.
func noted(res plan.Result, words string) int {
	n := 0
	for _, note := range res.Plan.Notes {
		if strings.Contains(note, words) {
			n++
		}
	}
	return n
}
