// Package engine runs jobs: Prepare reads the source, works out what changed
// since the destination last confirmed it and asks the guards; Apply delivers
// exactly that and records every outcome. It knows no dbt and no vendor.
package engine

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/warehouse"
)

// Engine holds what all jobs of a run share.
type Engine struct {
	Ledger ledger.Ledger
	Spool  string // folder for rows on their way; files in it have no name after they were opened
	Now    func() time.Time
	Wait   func(ctx context.Context, d time.Duration) error // returns early with ctx's error
	Rand   func() float64                                   // in [0,1), for jitter
	Log    *slog.Logger
	// Redact takes secrets out of what a destination says, before it is
	// remembered or shown; nil leaves it. It is called from several goroutines.
	Redact func(string) string
	// Progress is told after every batch how many of the planned changes have
	// an outcome. It may be nil; it is called from several goroutines.
	Progress func(job string, done, total int64)
}

// Request is one job with its two ends.
type Request struct {
	Job         plan.Job
	Warehouse   warehouse.Warehouse
	Destination destination.Destination
	Expect      string     // account that the connection must have; empty for any
	First       plan.First // from the command line; wins over the job's
	AskFirst    bool       // a first run must be answered: everything but sandbox and file
	Ephemeral   bool       // the ledger is likely to be gone after this run: hold, unless somebody accepts it
	Accept      []string   // hold codes let through for this run
	RunID       string
	Retry       bool // send permanent rejects again
	// FullRead says why the whole source has to be read, though the job reads
	// it in parts; empty if nothing asks for it.
	FullRead string
	// Parents are the jobs that fields look up, by their IDs.
	Parents     map[string]Parent
	Quarantined bool // send what waits for a release, too
	// Described is the connection's type with what its description says, for
	// the recipe that a sandbox tries; Tried holds the job unless its recipe
	// passed one.
	Described string
	Tried     Tried
}

// account asks the destination who it is and compares with what the
// configuration expects.
func (r *Request) account(ctx context.Context) (plan.SyncID, error) {
	account, err := r.Destination.Account(ctx)
	if err != nil {
		return plan.SyncID{}, err
	}
	if r.Expect != "" && r.Expect != account {
		return plan.SyncID{}, &fault.Fault{
			Code: "wrong_account", Kind: fault.Config, Whose: fault.Setup,
			Where: "connection " + r.Job.Connection,
			Msg:   fmt.Sprintf("the credentials belong to account %q, but expect says %q; nothing was sent", account, r.Expect),
			Hint:  "correct the credentials or `expect: {account: …}` in exposync.yml",
		}
	}
	id := plan.SyncID{
		Project: r.Job.Project, Job: r.Job.ID, Connection: r.Job.Connection,
		Account: account, Object: r.Job.Object,
	}
	for _, k := range r.Job.Key {
		id.Key = append(id.Key, k.Field)
	}
	slices.Sort(id.Key)
	return id, nil
}

// target describes a bound job to the destination.
func target(b plan.Bound, runID string) destination.Target {
	t := destination.Target{Object: b.Job.Object, Mode: destination.Mode(b.Job.Mode), RunID: runID}
	for _, k := range b.Key {
		t.Key = append(t.Key, destination.Field{Name: k.Name, Kind: k.Kind})
	}
	for _, f := range b.Fields {
		t.Fields = append(t.Fields, destination.Field{Name: f.Name, Kind: f.Kind, SkipNulls: f.Nulls == plan.Skip, Partial: f.Write != plan.WriteAlways})
	}
	return t
}

// Sleep waits on a timer; it is what Engine.Wait is outside of tests.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
