package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"exposync/internal/destination"
	"exposync/internal/diff"
	"exposync/internal/plan"
)

// hold collects everything that keeps the plan from running and marks what
// was accepted for this run.
func (e *Engine) hold(ctx context.Context, p *Prepared) error {
	siblings, err := e.siblings(ctx, p.req.Job, p.Plan.Sync)
	if err != nil {
		return err
	}
	moved := p.moved(siblings)
	p.Plan.Holds = append(p.Plan.Holds, moved...)
	if len(moved) == 0 && p.req.AskFirst && p.Plan.FirstRun && p.Plan.First == plan.FirstAsk {
		p.Plan.Holds = append(p.Plan.Holds, plan.Hold{
			Code:    "first_run",
			Message: fmt.Sprintf("%s to %s.%s by this sync: %d records would be created", p.sentYet(), p.req.Job.Connection, p.req.Job.Object, p.Plan.Counts.Create),
			Next:    p.firstNext(),
		})
	}
	p.Plan.Holds = append(p.Plan.Holds, diff.Guards(p.req.Job.Guards, diff.Facts{
		Counts: p.Plan.Counts, Marks: p.header.Marks, PreviousRows: p.header.Rows,
		FirstRun: p.Plan.FirstRun || p.header.Marks == 0, Remapped: p.Plan.MappingWas != "", BadKeys: badKeys(&p.Plan),
		Retried: p.Plan.Retried, Window: !p.Plan.Reading.Full,
	})...)
	p.holdEphemeral()
	if err := e.holdUntried(ctx, p); err != nil {
		return err
	}
	if p.rereads() && p.Plan.Counts.Create > 0 {
		p.Plan.Holds = append(p.Plan.Holds, plan.Hold{
			Code: "window_reread", Acceptable: true,
			Message: fmt.Sprintf("the whole source is read (%s), but the ledger forgot what left the window of `cursor`: %d records are new to it, sent before or not",
				orElse(p.Plan.Reading.Why, "cursor was removed"), p.Plan.Counts.Create),
			Next: "exposync run --accept window_reread sends them all; --first adopt takes them all as sent",
		})
	}
	for i, h := range p.Plan.Holds {
		p.Plan.Holds[i].Accepted = h.Acceptable && slices.Contains(p.req.Accept, h.Code)
	}
	return nil
}

// sentYet is what was sent before the first run was answered.
func (p *Prepared) sentYet() string {
	if p.header.First == plan.FirstOpen {
		return "only single records were ever sent"
	}
	return "nothing was ever sent"
}

// ephemeral is the hold of a ledger that is likely to be lost.
const ephemeral = "ephemeral_ledger"

// holdEphemeral holds a job whose ledger is likely to be lost after the run:
// the next one would send everything again, and delete nothing.
func (p *Prepared) holdEphemeral() {
	if !p.req.Ephemeral {
		return
	}
	p.Plan.Holds = append(p.Plan.Holds, plan.Hold{
		Code:    ephemeral,
		Message: "CI=true, and the ledger is a local directory: if it is gone after this job, the next run knows nothing of what was sent",
		Next: "write `ledger: {postgres: \"{{ env_var('LEDGER_URL') }}\"}` (or a bucket) into exposync.yml; or let the CI's cache " +
			"restore and save .exposync and write `ledger: {dir: .exposync, kept: true}`; for this run only: exposync run --accept " + ephemeral,
		Acceptable: true,
	})
}

// firstNext says how to answer. Where the destination can be read by key, it
// can be asked first what it has; that costs reads, so nobody does it unasked.
func (p *Prepared) firstNext() string {
	j := p.req.Job
	if _, ok := p.req.Destination.(destination.Reader); ok {
		return fmt.Sprintf("exposync plan --target %[1]s --select %[2]s --first compare reads %[3]s.%[4]s by key and says how many are there already; then exposync run --target %[1]s --select %[2]s --first compare (or send, adopt), or `first:` in the exposure's metadata",
			j.Target, j.ID, j.Connection, j.Object)
	}
	return fmt.Sprintf("exposync run --target %s --select %s --first send (or adopt), or `first:` in the exposure's metadata", j.Target, j.ID)
}

// moved holds a job whose identity changed while marks of the old identity
// exist: sending everything again to a new place must be somebody's decision.
func (p *Prepared) moved(siblings []plan.SyncID) []plan.Hold {
	if !p.Plan.FirstRun || p.req.Job.Sandbox {
		return nil
	}
	var holds []plan.Hold
	for _, was := range siblings {
		code, from, to := difference(was, p.Plan.Sync)
		if code == "" {
			continue
		}
		holds = append(holds, plan.Hold{
			Code:    code,
			Message: fmt.Sprintf("records were confirmed under %s, now it is %s", from, to),
			Next:    p.wayOut(code),
		})
	}
	return holds
}

// wayOut is how to go on under another identity, what fits best first.
func (p *Prepared) wayOut(code string) string {
	job := fmt.Sprintf("%s --target %s", p.req.Job.ID, p.req.Job.Target)
	keep := "if it is the same place under another name, carry over what was confirmed: exposync ledger rekey " + job
	forget := "forget it: exposync ledger reset " + job
	switch code {
	case "key_changed":
		return "carry over what was confirmed, to the records' new keys: exposync ledger rekey " + job + "; or " + forget + "; or put the key back"
	case "account_changed":
		return "put the credentials back if they are wrong; " + keep + "; else " + forget
	}
	return keep + "; else " + forget + "; or put it back"
}

// difference names the part of an identity that changed, worst first.
func difference(was, is plan.SyncID) (code, from, to string) {
	switch {
	case was.Connection != is.Connection:
		return "connection_changed", "connection " + was.Connection, is.Connection
	case was.Account != is.Account:
		return "account_changed", "account " + was.Account, is.Account
	case was.Object != is.Object:
		return "object_changed", "object " + was.Object, is.Object
	case !slices.Equal(was.Key, is.Key):
		return "key_changed", "key " + strings.Join(was.Key, ", "), strings.Join(is.Key, ", ")
	}
	return "", "", ""
}

func orElse(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
