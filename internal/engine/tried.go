package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"exposync/internal/ledger"
	"exposync/internal/plan"
)

// Tried asks that a job's recipe has passed a sandbox before it is sent here.
type Tried struct {
	Required bool
	Target   string // a target that is a sandbox, for the command to type
}

// unsandboxed is the hold of a job whose recipe passed no sandbox.
const unsandboxed = "sandbox_required"

// recipe is the fingerprint of what a sandbox tries: how the service is
// described, the object, and the mapping with its key and its nulls. It is the
// same for every target; "r1:" is its version.
func (p *Prepared) recipe() string {
	if p.req.Described == "" {
		return ""
	}
	text := fmt.Sprintf("%s\nobject %q\n%s", p.req.Described, p.req.Job.Object, p.bound.Mapping())
	sum := sha256.Sum256([]byte(text))
	return "r1:" + hex.EncodeToString(sum[:16])
}

// holdUntried holds a job that has to pass a sandbox first, and notes the run
// that it passed in.
func (e *Engine) holdUntried(ctx context.Context, p *Prepared) error {
	p.Plan.Pass = nil
	if !p.req.Tried.Required {
		return nil
	}
	var last *ledger.Run
	for _, name := range append([]string{p.req.Job.ID}, p.req.Job.Was...) {
		runs, err := e.Ledger.Runs(ctx, p.req.Job.Project, name)
		if err != nil {
			return err
		}
		for i := range runs {
			if pass := passed(&runs[i], p.Plan.Recipe); pass != nil {
				p.Plan.Pass = pass
				return nil
			}
			if last == nil && runs[i].Sandbox {
				last = &runs[i]
			}
		}
	}
	p.Plan.Holds = append(p.Plan.Holds, plan.Hold{
		Code: unsandboxed, Acceptable: true,
		Message: "`require: sandbox`: what would be sent has not passed a sandbox: " + why(last, p.Plan.Recipe),
		Next:    p.tryNext(last),
	})
	return nil
}

// passed tells that a run proves a recipe: it went into a sandbox, sent
// something, and all of it was confirmed. A later run that was let through for
// such a run hands it on, so that it outlives the history of its job.
func passed(r *ledger.Run, recipe string) *plan.Pass {
	if recipe == "" || r.Recipe != recipe {
		return nil
	}
	if !r.Sandbox {
		return r.Pass
	}
	if r.Counts.OK == 0 || short(r) != "" {
		return nil
	}
	return &plan.Pass{Run: r.ID, Target: r.Target, By: r.By, At: r.EndedAt, OK: r.Counts.OK}
}

// short says in what a run into a sandbox fell short; empty if in nothing.
func short(r *ledger.Run) string {
	c := r.Counts
	var parts []string
	for _, part := range []struct {
		n    int64
		what string
	}{
		{c.Rejected, "rejected"}, {c.InDoubt, "in doubt"}, {c.NotSent, "not sent"}, {c.Standing, "refused earlier"}, {c.Invalid, "invalid"},
	} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.what))
		}
	}
	if len(parts) == 0 && r.Status != plan.Success {
		parts = append(parts, "ended as "+string(r.Status))
	}
	return strings.Join(parts, ", ")
}

// why says what is missing, by the last run into a sandbox.
func why(last *ledger.Run, recipe string) string {
	if last == nil {
		return "this job never ran into one"
	}
	by := ""
	if last.By != "" {
		by = " by " + last.By
	}
	run := fmt.Sprintf("the last run into %s, %s%s at %s, ", last.Target, last.ID, by, last.EndedAt.UTC().Format(time.RFC3339))
	switch {
	case last.Recipe != recipe:
		return run + "had another mapping, key, object or description of the service"
	case short(last) != "":
		return run + "had records that did not arrive: " + short(last)
	}
	return run + "sent nothing, so it proves nothing"
}

func (p *Prepared) tryNext(last *ledger.Run) string {
	target := p.req.Tried.Target
	try := fmt.Sprintf("dbt build --target %[1]s; exposync run --target %[1]s --select %[2]s", target, p.req.Job.ID)
	if last != nil && last.Recipe == p.Plan.Recipe && last.Counts.OK == 0 && short(last) == "" {
		try = fmt.Sprintf("exposync ledger reset %[2]s --target %[1]s, so that the sandbox gets everything again; then exposync run --target %[1]s --select %[2]s", target, p.req.Job.ID)
	}
	return try + "; then this run again. For this run only: exposync run --accept " + unsandboxed
}
