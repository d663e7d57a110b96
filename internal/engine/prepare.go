package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"

	"exposync/internal/destination"
	"exposync/internal/diff"
	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// Prepared is a plan with the rows to carry it out. It holds the sync's lease
// unless it was only looked at. Close it.
type Prepared struct {
	Plan plan.Plan

	req      Request
	bound    plan.Bound
	sync     ledger.Sync
	header   ledger.Header
	writer   destination.Writer
	writes   *changes // creates and updates
	deletes  *changes
	settled  *changes // ledger entries without a delivery: adopted and forgotten keys
	standing groups
	complete bool // the source was read to its end in this run
}

// Close releases the lease, the writer and the spooled rows.
func (p *Prepared) Close() error {
	for _, c := range []*changes{p.writes, p.deletes, p.settled} {
		if c != nil {
			c.close()
		}
	}
	if p.writer != nil {
		_ = p.writer.Close()
	}
	if p.sync != nil {
		return p.sync.Close()
	}
	return nil
}

// Prepare works out everything that Apply will do, and writes nothing to the
// destination. With look it takes no lease and leaves the ledger as it is.
func (e *Engine) Prepare(ctx context.Context, req Request, look bool) (_ *Prepared, err error) {
	id, err := req.account(ctx)
	if err != nil {
		return nil, err
	}
	p := &Prepared{req: req, standing: groups{}}
	defer func() {
		if err != nil {
			_ = p.Close()
		}
	}()
	open := e.Ledger.Open
	if look {
		open = e.Ledger.View
	}
	if p.sync, err = open(ctx, id, req.Job.Target); err != nil {
		return nil, err
	}
	p.header = p.sync.Header()
	p.Plan = plan.Plan{
		Job: req.Job.ID, Sync: id, Generation: p.header.Generation, MadeAt: e.Now(),
		FirstRun:     p.header.Marks == 0 && p.header.Standing == 0,
		PreviousRows: p.header.Rows,
	}
	if err := e.read(ctx, p); err != nil {
		return nil, err
	}
	return p, e.hold(ctx, p)
}

// read opens one snapshot of the source, and closes it before anything is
// delivered.
func (e *Engine) read(ctx context.Context, p *Prepared) error {
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
	if p.writer, err = p.req.Destination.Open(ctx, target(bound, p.req.RunID)); err != nil {
		return err
	}
	if p.req.Job.Mode == plan.Mirror && !p.writer.Traits().Deletes {
		return &fault.Fault{
			Code: "deletes_unsupported", Kind: fault.Config, Whose: fault.Mapping, Where: p.req.Job.Where,
			Msg:  fmt.Sprintf("job %s: mode mirror deletes records, but a destination of type %s cannot", p.req.Job.ID, p.req.Job.Type),
			Hint: "use mode: upsert",
		}
	}
	p.Plan.Mapping = bound.Mapping()
	if was := p.header.Mapping; was != "" && was != p.Plan.Mapping {
		p.Plan.MappingWas = was
	}
	p.Plan.First = p.req.Job.First
	if p.req.First != plan.FirstAsk {
		p.Plan.First = p.req.First
	}
	s := newScan(e, p, snap)
	defer s.spill.close()
	return s.run(ctx)
}

// scan is one reading of the source and its comparison with the marks.
type scan struct {
	e      *Engine
	p      *Prepared
	snap   warehouse.Snapshot
	query  warehouse.Query
	mapper *mapper
	spill  *spill
	digest hash.Hash

	keepRows bool // rows go to the spill, because nearly all of them will be sent
	badKeys  int64
	tally    diff.Tally
	fetching []diff.Decision // decided without their rows, which are fetched by key
	asking   []diff.Decision // creates of a first run to compare with the destination
}

func newScan(e *Engine, p *Prepared, snap warehouse.Snapshot) *scan {
	s := &scan{
		e: e, p: p, snap: snap, digest: sha256.New(), mapper: newMapper(p.bound),
		spill:    &spill{dir: e.Spool},
		keepRows: p.Plan.FirstRun || p.Plan.MappingWas != "",
		query:    warehouse.Query{Relation: p.req.Job.Source.Relation, Columns: p.bound.Columns},
	}
	for _, k := range p.bound.Key {
		s.query.Key = append(s.query.Key, k.Column)
	}
	p.writes, p.deletes, p.settled = &changes{dir: e.Spool}, &changes{dir: e.Spool}, &changes{dir: e.Spool}
	return s
}

func (s *scan) run(ctx context.Context) error {
	if err := s.rows(ctx); err != nil {
		return err
	}
	rules := diff.Rules{
		Mode: s.p.req.Job.Mode, Idempotent: s.p.writer.Traits().Idempotent, RetryRejected: s.p.req.Retry,
	}
	for part := range ledger.Partitions {
		seen, err := s.spill.load(part)
		if err != nil {
			return err
		}
		tally, err := diff.Partition(seen, s.p.sync.Marks(ctx, part), rules,
			func(d diff.Decision) error { return s.decide(ctx, d) })
		if err != nil {
			return err
		}
		s.tally.Add(tally)
	}
	if err := s.fetch(ctx); err != nil {
		return err
	}
	if err := s.compare(ctx); err != nil {
		return err
	}
	s.p.complete = true
	return s.count()
}

// rows reads the source once, to its end.
func (s *scan) rows(ctx context.Context) error {
	var row []byte
	for r, err := range s.snap.Rows(ctx, s.query) {
		if err != nil {
			return err
		}
		key, ok := s.mapper.key(r)
		if !ok {
			s.badKeys++
			continue
		}
		values := s.mapper.values(r)
		row = row[:0]
		if s.keepRows {
			row = record.AppendRecord(row, values)
		}
		if err := s.spill.add(key.Hash(), s.mapper.hasher.Sum(values), key, row); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// decide puts one decision where it belongs.
func (s *scan) decide(ctx context.Context, d diff.Decision) error {
	if d.Mark.Standing != nil { // a mark is valid until the next one only
		standing := *d.Mark.Standing
		d.Mark.Standing = &standing
	}
	switch {
	case d.Op == 0 && d.Forget:
		return s.p.settled.add(record.Change{KeyHash: d.Mark.KeyHash, Key: d.Mark.Key}, nil)
	case d.Op == 0:
		s.p.standing.add(d.Mark.Standing.Code, d.Mark.Standing.Reason, 1, 0)
		return nil
	case d.Op == record.Delete:
		s.note(d)
		return s.p.deletes.add(changeOf(d, record.Hash{}), nil)
	case d.Op == record.Create && s.p.Plan.FirstRun && s.p.Plan.First == plan.FirstAdopt:
		return s.adopt(d)
	case d.Op == record.Create && s.p.Plan.FirstRun && s.p.Plan.First == plan.FirstCompare:
		s.asking = append(s.asking, d)
		if len(s.asking) >= compareChunk {
			return s.compare(ctx)
		}
		return nil
	case s.keepRows:
		return s.write(d, d.Seen.RowHash, d.Seen.Row)
	}
	s.note(d)
	s.fetching = append(s.fetching, d)
	if len(s.fetching) >= warehouse.FetchChunk {
		return s.fetch(ctx)
	}
	return nil
}

// write plans one create or update whose row is at hand.
func (s *scan) write(d diff.Decision, row record.Hash, encoded []byte) error {
	s.note(d)
	return s.p.writes.add(changeOf(d, row), encoded)
}

func (s *scan) adopt(d diff.Decision) error {
	s.p.Plan.Counts.Adopted++
	return s.p.settled.add(record.Change{KeyHash: d.Seen.KeyHash, RowHash: d.Seen.RowHash, Key: d.Seen.Key}, nil)
}

// note adds a decision to the digest and the counts of what will be sent.
func (s *scan) note(d diff.Decision) {
	key := d.Seen.KeyHash
	if d.Op == record.Delete {
		key = d.Mark.KeyHash
	}
	s.digest.Write([]byte{byte(d.Op)})
	s.digest.Write(key[:])
	s.digest.Write(d.Seen.RowHash[:])
	switch d.Op {
	case record.Create:
		s.p.Plan.Counts.Create++
	case record.Update:
		s.p.Plan.Counts.Update++
	case record.Delete:
		s.p.Plan.Counts.Delete++
	}
}

// fetch reads the rows that were decided without them, by key, in the same
// snapshot. Asking in chunks bounds memory, whatever the number of changes.
func (s *scan) fetch(ctx context.Context) error {
	if len(s.fetching) == 0 {
		return nil
	}
	due := make(map[record.Hash]diff.Decision, len(s.fetching))
	keys := make([]record.Key, len(s.fetching))
	for i, d := range s.fetching {
		due[d.Seen.KeyHash], keys[i] = d, d.Seen.Key
	}
	s.fetching = s.fetching[:0]
	var row []byte
	for r, err := range s.snap.Fetch(ctx, s.query, keys) {
		if err != nil {
			return err
		}
		key, ok := s.mapper.key(r)
		if !ok {
			continue
		}
		d, wanted := due[key.Hash()]
		if !wanted {
			continue
		}
		delete(due, key.Hash())
		values := s.mapper.values(r)
		row = record.AppendRecord(row[:0], values)
		if err := s.p.writes.add(changeOf(d, s.mapper.hasher.Sum(values)), row); err != nil {
			return err
		}
	}
	if len(due) > 0 {
		return &fault.Fault{
			Code: "rows_vanished", Kind: fault.Unavailable, Whose: fault.Warehouse, Where: s.p.req.Job.Source.Node,
			Msg:  fmt.Sprintf("%d rows that were read once could not be read again by their key in the same transaction", len(due)),
			Hint: "the model gives different rows every time it is read (random(), clock_timestamp(), limit without order): make it a table, then run dbt build",
		}
	}
	return nil
}

// count closes the counts of the plan and checks that they add up.
func (s *scan) count() error {
	p, c := s.p, &s.p.Plan.Counts
	c.Read = s.tally.Read + s.badKeys
	c.Unchanged = s.tally.Unchanged + c.Adopted
	c.Invalid = s.badKeys + s.tally.Duplicate
	c.HeldBack, c.Quarantined, c.Standing = s.tally.HeldBack, s.tally.Quarantined, s.tally.Standing
	p.Plan.Deletes = p.req.Job.Mode == plan.Mirror
	if p.Plan.Deletes && c.Invalid > 0 {
		p.Plan.Deletes = false
		p.Plan.Notes = append(p.Plan.Notes, fmt.Sprintf(
			"%d rows have a null or duplicate key: nothing is deleted in this run", c.Invalid))
		p.deletes.close()
		p.deletes, c.Delete = &changes{dir: s.e.Spool}, 0
	}
	p.Plan.Digest = hex.EncodeToString(s.digest.Sum(nil))
	if !c.ReadAddsUp() {
		return &fault.Fault{
			Code: "internal", Kind: fault.Bug, Whose: fault.Ours, Where: "job " + p.req.Job.ID,
			Msg: fmt.Sprintf("the counts of the plan do not add up: %+v; nothing was sent", *c),
		}
	}
	return nil
}

// changeOf makes the change of a decision; row is the hash of its values.
func changeOf(d diff.Decision, row record.Hash) record.Change {
	ch := record.Change{
		Op: d.Op, Key: d.Seen.Key, KeyHash: d.Seen.KeyHash, RowHash: row, RemoteID: d.Mark.RemoteID,
	}
	if d.Op == record.Delete {
		ch.Key, ch.KeyHash = d.Mark.Key, d.Mark.KeyHash
	}
	if s := d.Mark.Standing; s != nil && s.RowHash == row {
		ch.Attempts, ch.Since = s.Attempts, s.Since
	}
	ch.Key = slices.Clip(ch.Key)
	return ch
}
