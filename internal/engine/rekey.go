package engine

import (
	"context"
	"fmt"
	"slices"

	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/plan"
)

// Rekeyed says what carrying a sync over to its present identity does, or did.
type Rekeyed struct {
	From, To            plan.SyncID
	Confirmed, Standing int64 // known under From
	Carried             int64 // of the confirmed ones
	Again               int64 // carried, but their values are not proven any more: they are sent again as updates
	Gone                int64 // keys that the model does not hold any more
	Unclear             int64 // keys that several rows have, old or new, or whose row has no new key
	NewKey              bool  // the key changed: the model was read
	Done                bool
}

// RekeyOptions say how far Rekey goes.
type RekeyOptions struct {
	Do     bool // else it only reads, takes no lease and says what would happen
	Proven bool // the gate is open: the source holds what it should
}

// Rekey carries what a job confirmed under a former identity over to its
// present one. Under another key every mark goes to the new key of its record,
// which the source tells.
func (e *Engine) Rekey(ctx context.Context, req Request, opt RekeyOptions) (out Rekeyed, err error) {
	defer func() { err = orInterrupted(ctx, req.Job.ID, err) }()
	id, err := req.account(ctx)
	if err != nil {
		return out, err
	}
	out.To = id
	if out.From, err = e.rekeyFrom(ctx, req, id); err != nil {
		return out, err
	}
	out.NewKey = !slices.Equal(out.From.Key, id.Key)
	r := &rekeying{e: e, req: req, out: &out}
	defer r.close()
	c := ledger.Carrying{From: out.From, To: id, Target: req.Job.Target}
	if out.NewKey && opt.Do && !opt.Proven {
		return out, &fault.Fault{
			Code: "rekey_gate", Kind: fault.Blocked, Whose: fault.DBT, Where: "job " + req.Job.ID,
			Msg:  "the gate of this sync is shut: a model that is not proven may lack records, and what was confirmed of those would be lost",
			Hint: "exposync gate --select " + req.Job.ID + " says why; build the model, then type the command again",
		}
	}
	if out.NewKey {
		if err := r.read(ctx); err != nil {
			return out, err
		}
		c.Marks = r.marks
		c.Header = rekeyed
	}
	if c.Marks == nil {
		c.Marks = r.same
	}
	if !opt.Do {
		return out, r.look(ctx, c)
	}
	if _, err = ledger.Carry(ctx, e.Ledger, c); err != nil {
		return out, err
	}
	out.Done = true
	return out, nil
}

// rekeyed is the header under another key: nothing was read under that, so the
// next run reads all. What left the window of a cursor is forgotten under either
// key, and reading it would send it again.
func rekeyed(h ledger.Header) ledger.Header {
	if forgetful(h.Cursor) {
		return h
	}
	h.Cursor, h.FullAt = "", 0
	return h
}

// look counts what Carry would do.
func (r *rekeying) look(ctx context.Context, c ledger.Carrying) error {
	v, err := r.e.Ledger.View(ctx, c.From, c.Target)
	if err != nil {
		return err
	}
	defer func() { _ = v.Close() }()
	if err := usable(v.Header(), c.From); err != nil {
		return err
	}
	for _, err := range c.Marks(ctx, v) {
		if err != nil {
			return err
		}
	}
	return nil
}

// rekeyFrom chooses the identity to carry over: the one of the newest run
// among those under which something is known.
func (e *Engine) rekeyFrom(ctx context.Context, req Request, id plan.SyncID) (plan.SyncID, error) {
	v, err := e.Ledger.View(ctx, id, req.Job.Target)
	if err != nil {
		return id, err
	}
	h := v.Header()
	if err := v.Close(); err != nil {
		return id, err
	}
	ids, err := e.siblings(ctx, req.Job, id)
	if err != nil {
		return id, err
	}
	from, half := h.Incomplete()
	switch {
	case half && slices.ContainsFunc(ids, func(s plan.SyncID) bool { return ledger.Equal(s, from.Sync) }):
		return from.Sync, nil // it was interrupted
	case half:
		return id, ledger.IncompleteFault(id)
	case h.Generation > 0:
		return id, nothingToRekey(req, "records are confirmed under the present identity, so there is nothing to carry over")
	case len(ids) == 0:
		return id, nothingToRekey(req, "nothing was confirmed under another identity, so there is nothing to carry over")
	case len(ids) == 1:
		return ids[0], nil
	}
	return e.newest(ctx, req, ids)
}

func (e *Engine) newest(ctx context.Context, req Request, ids []plan.SyncID) (plan.SyncID, error) {
	for _, name := range append([]string{req.Job.ID}, req.Job.Was...) {
		runs, err := e.Ledger.Runs(ctx, req.Job.Project, name)
		if err != nil {
			return plan.SyncID{}, err
		}
		for _, run := range runs {
			if slices.ContainsFunc(ids, func(s plan.SyncID) bool { return ledger.Equal(s, run.Sync) }) {
				return run.Sync, nil
			}
		}
	}
	return plan.SyncID{}, nothingToRekey(req, fmt.Sprintf("records were confirmed under %d other identities, and no run says which was the last", len(ids)))
}

func nothingToRekey(req Request, what string) error {
	return &fault.Fault{
		Code: "rekey_nothing", Kind: fault.Config, Whose: fault.User, Where: "job " + req.Job.ID, Msg: what,
		Hint: "look at what is remembered: exposync ledger show " + req.Job.ID,
	}
}
