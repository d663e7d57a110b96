package engine

import (
	"context"
	"fmt"

	"exposync/internal/diff"
	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// scan is one reading of the source and its comparison with the marks.
type scan struct {
	e      *Engine
	p      *Prepared
	snap   warehouse.Snapshot
	query  warehouse.Query
	mapper *mapper
	spill  *spill
	window *window
	rules  diff.Rules

	keepRows bool // rows go to the spill, because nearly all of them will be sent
	badKeys  int64
	unfit    unfits
	filling  filling
	row      []byte        // of the row that is read
	looked   record.Record // of the row whose ids are looked up
	tally    diff.Tally
	fetching []diff.Decision // decided without their rows, which are fetched by key
	asking   []diff.Decision // creates of a first run to compare with the destination
	held     int64           // of them: ambiguous
	assumed  int64           // changes in doubt that count as sent
	adopted  int64           // deletes of records that were adopted
	arena    []byte          // keys and rows of fetching and asking
	asked    []record.Mark   // due, but not among the rows that were read
}

func newScan(e *Engine, p *Prepared, snap warehouse.Snapshot) *scan {
	s := &scan{
		e: e, p: p, snap: snap, mapper: newMapper(p.bound),
		spill:    &spill{dir: e.Spool},
		keepRows: p.Plan.FirstRun || p.Plan.MappingWas != "" || len(p.lookups) > 0 || p.bound.DerivesKey(),
		window:   e.window(p),
	}
	s.query = wholeQuery(p.bound)
	s.query.Since = s.window.since()
	p.empty(e.Spool)
	return s
}

// wholeQuery asks for a job's columns of every row.
func wholeQuery(b plan.Bound) warehouse.Query {
	q := warehouse.Query{Relation: b.Job.Source.Relation, Columns: b.Columns}
	if b.DerivesKey() { // no row is fetched by such a key
		return q
	}
	for _, k := range b.Key {
		q.Key = append(q.Key, k.Column)
	}
	return q
}

func (s *scan) run(ctx context.Context) error {
	if err := s.rows(ctx); err != nil {
		return err
	}
	if err := s.lookUp(ctx); err != nil {
		return err
	}
	s.rules = diff.Rules{
		Mode: s.p.req.Job.Mode, Idempotent: s.p.writer.Traits().Idempotent, RetryRejected: s.p.req.Retry,
		Remapped: s.p.Plan.MappingWas != "", RetryQuarantined: s.p.req.Quarantined,
		OwnAll: s.p.req.Job.Owned == plan.OwnedAll, OnInDoubt: s.p.req.Job.OnInDoubt,
		Partial: s.window.partial(), Forgetful: s.p.req.Job.Incremental.Forget,
	}
	for part := range ledger.Partitions {
		seen, err := s.spill.load(part)
		if err != nil {
			return err
		}
		tally, err := diff.Partition(seen, s.p.sync.Marks(ctx, part), s.rules,
			func(d diff.Decision) error { return s.take(ctx, d) })
		if err != nil {
			return err
		}
		s.tally.Add(tally)
	}
	if err := s.settleAsked(ctx); err != nil {
		return err
	}
	if err := s.fetch(ctx); err != nil {
		return err
	}
	if err := s.compare(ctx); err != nil {
		return err
	}
	if err := s.fillEmpty(ctx); err != nil {
		return err
	}
	return s.count()
}

// rows reads the source once, to its end.
func (s *scan) rows(ctx context.Context) error {
	for r, err := range s.snap.Rows(ctx, s.query) {
		if err != nil {
			return err
		}
		if !s.window.admit(r) {
			continue
		}
		key, ok := s.mapper.key(r)
		if !ok {
			s.badKeys++
			if f := s.mapper.failed; f != nil {
				s.p.standing.add(plan.RejectGroup{Code: f.Code, Reason: f.Reason, Records: 1, State: StateNoKey})
			}
			continue
		}
		values, failed := s.mapper.values(r)
		switch {
		case failed != nil:
			err = s.spill.add(key.Hash(), s.unfit.hash(failed), key, nil)
		case len(s.p.lookups) > 0:
			err = s.route(0, key, values)
		default:
			s.row = s.row[:0]
			if s.keepRows {
				s.row = record.AppendRecord(s.row, values)
			}
			err = s.spill.add(key.Hash(), s.mapper.sum(values), key, s.row)
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// take puts one decision where it belongs, whether it sends something or not.
func (s *scan) take(ctx context.Context, d diff.Decision) error {
	if d.Aside() {
		return s.aside(ctx, d)
	}
	return s.decide(ctx, d)
}

// decide puts one decision where it belongs. What a decision points to is
// valid until the next one only.
func (s *scan) decide(ctx context.Context, d diff.Decision) error {
	if d.Op == 0 && !d.Forget {
		s.p.standing.add(known(*d.Mark.Standing))
		return nil
	}
	if d.Forget && (d.Op == 0 || !ambiguous(d.Mark)) { // another mapping does not say which record is meant
		if err := s.p.settled.add(record.Change{KeyHash: d.Mark.KeyHash, Key: d.Mark.Key}, 0, nil); err != nil {
			return err
		}
		d.Mark.Standing = nil
	}
	switch d.Op {
	case record.Create, record.Update:
		return s.due(ctx, d)
	case record.Delete:
		s.p.Plan.Counts.Delete++
		if d.Mark.Adopted {
			s.adopted++
		}
		return s.p.deletes.add(changeOf(d), flagsOf(d.Mark), nil)
	}
	return nil
}

// due plans one create or update: at once where its row is at hand, else when
// it was fetched. Of which create the destination has to be asked, or nobody
// needs to know, is the first run's answer; an ambiguous one is always asked
// for.
func (s *scan) due(ctx context.Context, d diff.Decision) error {
	unclear := ambiguous(d.Mark)
	answered := d.Op == record.Create && (s.p.Plan.FirstRun || s.p.rereads() && s.p.req.First == plan.FirstAdopt)
	switch {
	case answered && s.p.Plan.First == plan.FirstAdopt && !unclear:
		return s.adopt(d)
	case !s.keepRows && len(d.Seen.Row) == 0:
		s.fetching = append(s.fetching, s.lasting(d))
		if len(s.fetching) < warehouse.FetchChunk {
			return nil
		}
		return s.fetch(ctx)
	case answered && s.p.Plan.First == plan.FirstCompare, d.Op == record.Create && unclear:
		return s.ask(ctx, d)
	}
	return s.write(ctx, d, d.Seen.Row)
}

// aside takes a decision that sends nothing by itself.
func (s *scan) aside(ctx context.Context, d diff.Decision) error {
	switch {
	case d.Unfit:
		s.p.standing.add(s.unfit.group(d.Seen.RowHash))
		return nil
	case d.Assume:
		return s.assume(d.Mark)
	case d.Ask:
		return s.recall(ctx, d.Mark)
	}
	return s.p.dropped.add(record.Change{KeyHash: d.Mark.KeyHash}, 0, nil)
}

// lasting copies a decision, so that it does not keep its whole partition in
// memory.
func (s *scan) lasting(d diff.Decision) diff.Decision {
	keep := func(b []byte) []byte {
		at := len(s.arena)
		s.arena = append(s.arena, b...)
		return s.arena[at:len(s.arena):len(s.arena)]
	}
	d.Seen.Key, d.Seen.Row, d.Mark.Key = keep(d.Seen.Key), keep(d.Seen.Row), nil
	if d.Mark.Standing != nil {
		standing := *d.Mark.Standing
		d.Mark.Standing = &standing
	}
	return d
}

// release frees what lasting copied, once nobody holds it.
func (s *scan) release() {
	if len(s.asking)+len(s.fetching) == 0 {
		s.arena = s.arena[:0]
	}
}

// write plans one create or update whose row is at hand, less the fields that
// are not sent with it.
func (s *scan) write(ctx context.Context, d diff.Decision, encoded []byte) error {
	if len(s.mapper.fills) == 0 && (len(s.mapper.creates) == 0 || d.Op == record.Create) {
		return s.put(d, encoded)
	}
	values, _, err := record.ReadRecord(encoded, nil)
	if err != nil {
		return err
	}
	if d.Op != record.Create {
		s.mapper.leave(values)
	}
	if len(s.mapper.fills) > 0 {
		return s.fill(ctx, d, values)
	}
	return s.put(d, record.AppendRecord(nil, values))
}

// put plans one create or update.
func (s *scan) put(d diff.Decision, encoded []byte) error {
	if d.Op == record.Create {
		s.p.Plan.Counts.Create++
		if d.Mark.Standing != nil {
			s.p.Plan.Retried++
		}
	} else {
		s.p.Plan.Counts.Update++
	}
	return s.p.writes.add(changeOf(d), flagsOf(d.Mark), encoded)
}

func (s *scan) adopt(d diff.Decision) error {
	s.p.Plan.Counts.Adopted++
	return s.p.settled.add(record.Change{KeyHash: d.Seen.KeyHash, RowHash: d.Seen.RowHash, Key: d.Seen.Key}, 0, nil)
}

// fetch reads the rows that were decided without them, by key, in the same
// snapshot. Asking in chunks bounds memory, whatever the number of changes.
func (s *scan) fetch(ctx context.Context) error {
	if len(s.fetching) == 0 {
		return nil
	}
	decisions := s.fetching
	due := make(map[record.Hash]int, len(decisions))
	keys := make([]record.Key, len(decisions))
	for i, d := range decisions {
		due[d.Seen.KeyHash], keys[i] = i, d.Seen.Key
	}
	defer func() {
		s.fetching = s.fetching[:0]
		s.release()
	}()
	var row []byte
	for r, err := range s.snap.Fetch(ctx, s.query, keys) {
		if err != nil {
			return err
		}
		s.window.weigh(r)
		key, ok := s.mapper.key(r)
		if !ok {
			continue
		}
		i, wanted := due[key.Hash()]
		if !wanted {
			continue
		}
		d := decisions[i]
		values, failed := s.mapper.values(r)
		if failed != nil || s.mapper.sum(values) != d.Seen.RowHash {
			break // it stays due: see below
		}
		delete(due, d.Seen.KeyHash)
		row = record.AppendRecord(row[:0], values)
		if d.Op == record.Create && ambiguous(d.Mark) {
			d.Seen.Row = row
			err = s.ask(ctx, d)
		} else {
			err = s.write(ctx, d, row)
		}
		if err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(due) > 0 {
		return &fault.Fault{
			Code: "rows_vanished", Kind: fault.Unavailable, Whose: fault.Warehouse, Where: s.p.req.Job.Source.Node,
			Msg:  fmt.Sprintf("at least one of %d rows that were read once is missing or different when it is read again by its key in the same transaction", len(keys)),
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
	badKeys := s.badKeys + s.tally.Duplicate
	c.Invalid = badKeys + s.tally.Unfit
	c.HeldBack, c.Quarantined, c.Standing = s.tally.HeldBack+s.held, s.tally.Quarantined, s.tally.Standing+s.held
	p.Plan.Deletes = p.req.Job.Mode == plan.Mirror && p.Plan.Reading.Full
	if p.Plan.Deletes && badKeys > 0 {
		p.Plan.Deletes = false
		p.Plan.Notes = append(p.Plan.Notes, fmt.Sprintf(
			"null or duplicate keys in %d rows: nothing is deleted in this run", badKeys))
		p.deletes.close()
		c.Delete = 0
	}
	s.notes()
	p.Plan.Reading.Forgotten = p.dropped.n
	p.Plan.Standing = p.standing.list()
	s.window.finish(p)
	p.Plan.Digest = digestOf(p.writes, p.deletes, p.settled, p.dropped)
	if !c.ReadAddsUp() {
		return &fault.Fault{
			Code: "internal", Kind: fault.Bug, Whose: fault.Ours, Where: "job " + p.req.Job.ID,
			Msg: fmt.Sprintf("the counts of the plan do not add up: %+v; nothing was sent", *c),
		}
	}
	return nil
}

// changeOf makes the change of a decision.
func changeOf(d diff.Decision) record.Change {
	ch := record.Change{
		Op: d.Op, Key: d.Seen.Key, KeyHash: d.Seen.KeyHash, RowHash: d.Seen.RowHash, RemoteID: d.Mark.RemoteID,
	}
	if d.Op == record.Delete {
		ch.Key, ch.KeyHash = d.Mark.Key, d.Mark.KeyHash
	}
	if s := d.Mark.Standing; s != nil && s.RowHash == ch.RowHash {
		ch.Attempts, ch.Since = s.Attempts, s.Since
	}
	return ch
}

func flagsOf(m record.Mark) flags {
	var f flags
	if m.Adopted {
		f |= wasAdopted
	}
	if m.Confirmed() {
		f |= wasConfirmed
	}
	if m.Standing != nil && m.Standing.State == record.InDoubt {
		f |= wasDoubted
	}
	return f
}
