package engine

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"

	"exposync/internal/fault"
	"exposync/internal/plan"
)

// savedMagic opens the rows of a saved plan; the digit is its version.
const savedMagic = "exposync-rows-1\n"

// SaveRows writes the planned changes so that Restore can apply exactly them.
// Without values only operation, key hash and row hash are written: such a
// plan can be compared with a new reading, but not be applied by itself. The
// result is the digest of what was written.
func (p *Prepared) SaveRows(w io.Writer, values bool) (string, error) {
	sum := sha256.New()
	out := bufio.NewWriter(io.MultiWriter(w, sum))
	_, _ = out.WriteString(savedMagic)
	for _, list := range []*changes{p.writes, p.deletes, p.settled} {
		if err := saveList(out, list, values); err != nil {
			return "", err
		}
	}
	if err := out.Flush(); err != nil {
		return "", spoolFault(err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func saveList(out *bufio.Writer, list *changes, values bool) error {
	var head []byte
	head = binary.AppendUvarint(head, uint64(list.n)) //nolint:gosec // a count
	_, _ = out.Write(head)
	for frame, err := range list.frames() {
		if err != nil {
			return err
		}
		if !values {
			frame = frame[:33] // op, key hash, row hash
		}
		head = binary.AppendUvarint(head[:0], uint64(len(frame)))
		_, _ = out.Write(head)
		if _, err := out.Write(frame); err != nil {
			return spoolFault(err)
		}
	}
	return nil
}

// Restore prepares a saved plan for Apply without reading the source again.
// The world must not have moved: a ledger of another generation or another
// account is a fault with code "plan_stale".
func (e *Engine) Restore(ctx context.Context, req Request, saved plan.Plan, rows io.Reader, digest string) (_ *Prepared, err error) {
	id, err := req.account(ctx)
	if err != nil {
		return nil, err
	}
	p := &Prepared{req: req, Plan: saved, standing: groups{}, complete: true}
	defer func() {
		if err != nil {
			_ = p.Close()
		}
	}()
	if moved := movedSince(saved, id); moved != "" {
		return nil, stale(saved.Job, moved)
	}
	if p.sync, err = e.Ledger.Open(ctx, id, req.Job.Target); err != nil {
		return nil, err
	}
	if p.header = p.sync.Header(); p.header.Generation != saved.Generation || p.header.Leftover {
		return nil, stale(saved.Job, "another run changed the ledger since")
	}
	if err := e.restoreColumns(ctx, p); err != nil {
		return nil, err
	}
	if p.bound.Mapping() != saved.Mapping {
		return nil, stale(saved.Job, "the mapping or the model's columns changed since")
	}
	return p, e.restoreRows(p, rows, digest)
}

// restoreColumns binds the job to the source's columns and opens the writer.
func (e *Engine) restoreColumns(ctx context.Context, p *Prepared) error {
	snap, err := p.req.Warehouse.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = snap.Close() }()
	columns, err := snap.Columns(ctx, p.req.Job.Source.Relation)
	if err != nil {
		return err
	}
	bound, problems := plan.Bind(p.req.Job, columns)
	if err := problems.Err(); err != nil {
		return err
	}
	p.bound = bound
	p.writer, err = p.req.Destination.Open(ctx, target(bound, p.req.RunID))
	return err
}

func (e *Engine) restoreRows(p *Prepared, rows io.Reader, digest string) error {
	sum := sha256.New()
	in := bufio.NewReader(io.TeeReader(rows, sum))
	magic := make([]byte, len(savedMagic))
	if _, err := io.ReadFull(in, magic); err != nil || string(magic) != savedMagic {
		return damaged(p.Plan.Job)
	}
	p.writes, p.deletes, p.settled = &changes{dir: e.Spool}, &changes{dir: e.Spool}, &changes{dir: e.Spool}
	for _, list := range []*changes{p.writes, p.deletes, p.settled} {
		if err := restoreList(in, list); err != nil {
			return errors.Join(damaged(p.Plan.Job), err)
		}
	}
	if _, err := in.ReadByte(); !errors.Is(err, io.EOF) || hex.EncodeToString(sum.Sum(nil)) != digest {
		return damaged(p.Plan.Job)
	}
	return nil
}

func restoreList(in *bufio.Reader, list *changes) error {
	n, err := binary.ReadUvarint(in)
	if err != nil {
		return err
	}
	for range n {
		size, err := binary.ReadUvarint(in)
		if err != nil || size < 33 || size > 1<<30 {
			return errChanges
		}
		frame := make([]byte, size)
		if _, err := io.ReadFull(in, frame); err != nil {
			return err
		}
		if _, err := decode(frame); err != nil {
			return err
		}
		if err := list.addFrame(frame); err != nil {
			return err
		}
	}
	return nil
}

// Same reports how a new plan differs from a saved one; empty if applying it
// does exactly what was reviewed.
func Same(saved, fresh plan.Plan) string {
	switch {
	case movedSince(saved, fresh.Sync) != "":
		return movedSince(saved, fresh.Sync)
	case saved.Generation != fresh.Generation:
		return "another run changed the ledger since"
	case saved.Mapping != fresh.Mapping:
		return "the mapping or the model's columns changed since"
	case saved.Digest != fresh.Digest:
		return "the rows changed since"
	}
	return ""
}

// Stale is the fault of a saved plan that the world has moved away from.
func Stale(job, why string) error { return stale(job, why) }

func movedSince(saved plan.Plan, id plan.SyncID) string {
	code, from, to := difference(saved.Sync, id)
	if code == "" && saved.Sync.Project == id.Project && saved.Sync.Job == id.Job {
		return ""
	}
	return "it was made for " + from + ", now it is " + to
}

func stale(job, why string) *fault.Fault {
	return &fault.Fault{
		Code: "plan_stale", Kind: fault.Blocked, Whose: fault.User, Where: "job " + job,
		Msg: "the saved plan no longer fits: " + why + "; nothing was sent", Hint: "exposync plan --out FILE, review it, then exposync run --plan FILE",
	}
}

func damaged(job string) *fault.Fault {
	return &fault.Fault{
		Code: "plan_damaged", Kind: fault.Config, Whose: fault.User, Where: "job " + job,
		Msg: "the rows beside the saved plan are damaged, incomplete or of another plan; nothing was sent", Hint: "make the plan again: exposync plan --out FILE",
	}
}
