package engine

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"slices"

	"exposync/internal/fault"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// savedMagic opens the rows of a saved plan; the digit is its version.
const savedMagic = "exposync-rows-2\n"

// SaveRows writes the planned changes so that Restore can apply exactly them.
// Without values only operation, key hash and row hash are written: such a
// plan can be compared with a new reading, but not be applied by itself. The
// result is the digest of what was written.
func (p *Prepared) SaveRows(w io.Writer, values bool) (string, error) {
	sum := sha256.New()
	out := bufio.NewWriter(io.MultiWriter(w, sum))
	_, _ = out.WriteString(savedMagic)
	for _, list := range []*changes{p.writes, p.deletes, p.settled, p.dropped} {
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
			frame = frame[:factBytes]
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
// account is a fault with code "plan_stale". Rows that are not those of the
// plan are one with "plan_damaged".
func (e *Engine) Restore(ctx context.Context, req Request, saved plan.Plan, rows io.Reader, digest string) (_ *Prepared, err error) {
	if saved.Unsettled {
		return e.Repeat(ctx, req, saved)
	}
	p := &Prepared{req: req, Plan: saved, standing: groups{}}
	defer func() {
		if err != nil {
			_ = p.Close()
			err = orInterrupted(ctx, req.Job.ID, err)
		}
	}()
	id, err := req.account(ctx)
	if err != nil {
		return nil, err
	}
	if moved := movedSince(saved, id); moved != "" {
		return nil, stale(saved.Job, moved)
	}
	moved, err := e.movedMarks(ctx, p, id, saved)
	if err != nil {
		return nil, err
	}
	if moved {
		return nil, stale(saved.Job, "another run changed the ledger since")
	}
	snap, err := req.Warehouse.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = snap.Close() }()
	if err := p.bind(ctx, snap); err != nil {
		return nil, err
	}
	if p.bound.Mapping() != saved.Mapping {
		return nil, stale(saved.Job, "the mapping or the model's columns changed since")
	}
	p.Plan.Recipe = p.recipe()
	if column := p.bound.Since; (column == nil) != (saved.Reading.Column == "") || column != nil && column.Column != saved.Reading.Column {
		return nil, stale(saved.Job, "the source is read in another way now")
	}
	for _, g := range saved.Standing {
		p.standing.add(g)
	}
	if err := e.restoreRows(p, rows, digest); err != nil {
		return nil, err
	}
	return p, e.holdAgain(ctx, p, saved.Holds)
}

// movedMarks opens the marks of a saved plan and reports whether they are
// others than those it was made against. Those of a former name are carried
// over only where they are the same still.
func (e *Engine) movedMarks(ctx context.Context, p *Prepared, id plan.SyncID, saved plan.Plan) (bool, error) {
	if saved.Continues != "" {
		from, generation, err := e.former(ctx, p.req.Job, id)
		if err != nil || generation != saved.Generation || from.Job != saved.Continues {
			return true, err
		}
	}
	p.Plan.Continues = ""
	err := e.open(ctx, p, id)
	if err != nil {
		return false, err
	}
	if p.Plan.Continues == "" {
		p.continued = p.header.Generation
	}
	return p.continued != saved.Generation || p.Plan.Continues != saved.Continues, nil
}

// holdAgain asks the guards anew, because a hold must not depend on a file,
// and keeps what was accepted when the plan was made.
func (e *Engine) holdAgain(ctx context.Context, p *Prepared, saved []plan.Hold) error {
	p.Plan.Holds = nil
	if err := e.hold(ctx, p); err != nil {
		return err
	}
	if !sameHolds(saved, p.Plan.Holds) {
		return stale(p.Plan.Job, "its guards hold something else now")
	}
	p.keepAccepted(saved)
	return nil
}

// keepAccepted lets through what was accepted when the plan was made.
func (p *Prepared) keepAccepted(saved []plan.Hold) {
	for i, h := range p.Plan.Holds {
		was := slices.IndexFunc(saved, func(s plan.Hold) bool { return s.Code == h.Code })
		p.Plan.Holds[i].Accepted = h.Accepted || h.Acceptable && was >= 0 && saved[was].Accepted
	}
}

// sameHolds compares what holds two plans; where a plan is applied may hold
// it, and whether it was tried meanwhile, and that is no fact of the plan.
func sameHolds(a, b []plan.Hold) bool {
	return slices.Equal(codesOf(a), codesOf(b))
}

func codesOf(holds []plan.Hold) []string {
	var out []string
	for _, h := range holds {
		if h.Code != ephemeral && h.Code != unsandboxed {
			out = append(out, h.Code)
		}
	}
	return out
}

// Repeat prepares a job again and makes sure that the plan is the saved one:
// for plans that were saved without values, or while another run was going on.
func (e *Engine) Repeat(ctx context.Context, req Request, saved plan.Plan) (*Prepared, error) {
	p, err := e.Prepare(ctx, req, false)
	if err != nil {
		return nil, err
	}
	if moved := Same(saved, p.Plan); moved != "" {
		_ = p.Close()
		return nil, stale(saved.Job, moved)
	}
	p.keepAccepted(saved.Holds)
	return p, nil
}

func (e *Engine) restoreRows(p *Prepared, rows io.Reader, digest string) error {
	sum := sha256.New()
	in := bufio.NewReader(io.TeeReader(rows, sum))
	magic := make([]byte, len(savedMagic))
	if _, err := io.ReadFull(in, magic); err != nil || string(magic) != savedMagic {
		return damaged(p.Plan.Job)
	}
	p.empty(e.Spool)
	if err := errors.Join(
		restoreList(in, p.writes, record.Create, record.Update),
		restoreList(in, p.deletes, record.Delete),
		restoreList(in, p.settled, 0, opHeld, opSent, opGone),
		restoreList(in, p.dropped, 0),
	); err != nil {
		return errors.Join(damaged(p.Plan.Job), err)
	}
	if _, err := in.ReadByte(); !errors.Is(err, io.EOF) || hex.EncodeToString(sum.Sum(nil)) != digest {
		return damaged(p.Plan.Job)
	}
	if !p.rowsOf() {
		return damaged(p.Plan.Job)
	}
	return nil
}

// rowsOf reports whether the restored rows are those that the plan's header
// tells about.
func (p *Prepared) rowsOf() bool {
	c := p.Plan.Counts
	if !c.ReadAddsUp() || c.OK != 0 || c.Rejected != 0 || c.InDoubt != 0 || c.NotSent != 0 {
		return false
	}
	missing := int64(0) // what was ambiguous is asked for all the same
	if p.Plan.Match != nil {
		missing = p.Plan.Match.Missing
	}
	if p.Plan.FirstRun && p.Plan.First == plan.FirstAdopt && c.Create > missing {
		return false
	}
	return digestOf(p.writes, p.deletes, p.settled, p.dropped) == p.Plan.Digest && p.dropped.n == p.Plan.Reading.Forgotten && p.writes.n == c.Create+c.Update && p.deletes.n == c.Delete &&
		(c.Delete == 0 || p.Plan.Deletes && p.req.Job.Mode == plan.Mirror)
}

// maxFrame is more than any change has: a longer one is damage, and memory
// must not be asked for on its word.
const maxFrame = 1 << 28

func restoreList(in *bufio.Reader, list *changes, ops ...record.Op) error {
	n, err := binary.ReadUvarint(in)
	if err != nil {
		return err
	}
	var frame bytes.Buffer
	for range n {
		size, err := binary.ReadUvarint(in)
		if err != nil || size <= uint64(factBytes) || size > maxFrame {
			return errChanges
		}
		frame.Reset()
		if _, err := io.CopyN(&frame, in, int64(size)); err != nil {
			return err
		}
		ch, _, _, err := decode(frame.Bytes(), nil)
		if err != nil || !slices.Contains(ops, ch.Op) {
			return errChanges
		}
		if err := list.addFrame(frame.Bytes()); err != nil {
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
	case saved.Generation != fresh.Generation, saved.Continues != fresh.Continues:
		return "another run changed the ledger since"
	case saved.Mapping != fresh.Mapping:
		return "the mapping or the model's columns changed since"
	case saved.Reading.Full != fresh.Reading.Full, saved.Reading.Since != fresh.Reading.Since, saved.Reading.Column != fresh.Reading.Column:
		return "another part of the source would be read now"
	case saved.Digest != fresh.Digest, saved.Counts != fresh.Counts:
		return "the rows changed since"
	case saved.First != fresh.First:
		return "its first run would begin in another way"
	case !sameHolds(saved.Holds, fresh.Holds):
		return "its guards hold something else now"
	}
	return ""
}

// Stale is the fault of a saved plan that the world has moved away from.
func Stale(job, why string) error { return stale(job, why) }

// Damaged is the fault of a saved plan whose files are not as they were
// written.
func Damaged(job string) error { return damaged(job) }

func movedSince(saved plan.Plan, id plan.SyncID) string {
	code, from, to := difference(saved.Sync, id)
	if code == "" && saved.Sync.Project == id.Project && saved.Sync.Job == id.Job {
		return ""
	}
	if code == "" {
		return "it was made for job " + saved.Sync.Project + "." + saved.Sync.Job
	}
	return "it was made for " + from + ", now it is " + to
}

func stale(job, why string) *fault.Fault {
	where := ""
	if job != "" {
		where = "job " + job
	}
	return &fault.Fault{
		Code: "plan_stale", Kind: fault.Blocked, Whose: fault.User, Where: where,
		Msg: "the saved plan no longer fits: " + why + "; nothing was sent", Hint: "exposync plan --out FILE, review it, then exposync run --plan FILE",
	}
}

func damaged(job string) *fault.Fault {
	where := ""
	if job != "" {
		where = "job " + job
	}
	return &fault.Fault{
		Code: "plan_damaged", Kind: fault.Config, Whose: fault.User, Where: where,
		Msg: "the rows beside the saved plan are damaged, incomplete or of another plan; nothing was sent", Hint: "make the plan again: exposync plan --out FILE",
	}
}
