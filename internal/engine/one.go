package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"exposync/internal/destination"
	"exposync/internal/diff"
	"exposync/internal/fault"
	"exposync/internal/mapping"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// OneRequest asks about one record of a job.
type OneRequest struct {
	Request
	// Keys are the texts of the key's values, in the order of Job.Key.
	Keys []string
	Send bool
	// Watch gives the context in which the record is sent, so that somebody
	// can look at what is said; nil for none.
	Watch func(ctx context.Context) context.Context
}

// One is one record on its way.
type One struct {
	Sync   plan.SyncID
	Key    []OneField
	Fields []OneField
	Mark   *record.Mark // what the ledger knows; nil if nothing
	// There is how many records the destination holds for the key; -1 if it
	// cannot be read by key.
	There int
	// Op is what a run would do about it; 0 if nothing.
	Op       record.Op
	Why      string // why nothing is to be done, or may be
	Idem     bool   // sending it twice does no harm
	Sent     bool
	Outcome  destination.Outcome // of the last call, if it was sent
	Result   plan.Result         // as well
	FirstRun bool
}

// OneField is one value from its column to its field.
type OneField struct {
	Name   string // theirs
	Column string // ours; empty for a constant
	Ours   record.Value
	Sent   record.Value  // Absent: the field is left as it is
	Theirs *record.Value // what the destination holds; nil if that is not known
}

// One looks at one record from the warehouse to the destination, and sends it
// if that was asked. It is no run: guards and holds do not apply, a first run
// stays one, and a changed mapping stays to be accepted. What the destination
// confirms is remembered as in any run, and what a former name of the job
// confirmed is carried over first.
func (e *Engine) One(ctx context.Context, stop <-chan struct{}, req OneRequest) (_ *One, err error) {
	p := &Prepared{req: req.Request, look: !req.Send, standing: groups{}}
	defer func() {
		if cerr := p.Close(); err == nil {
			err = cerr
		}
		err = orInterrupted(ctx, req.Job.ID, err)
	}()
	if err := e.start(ctx, p); err != nil {
		return nil, err
	}
	one := &One{Sync: p.Plan.Sync, FirstRun: p.Plan.FirstRun, There: -1}
	values, key, err := e.fetchOne(ctx, p, req.Keys, one)
	if err == nil {
		err = p.lookUpOne(ctx, values)
	}
	if err != nil {
		return nil, err
	}
	d, err := p.decideOne(ctx, key, newMapper(p.bound).sum(values), one)
	if err != nil {
		return nil, err
	}
	if err := p.readOne(ctx, key, one); err != nil {
		return one, err
	}
	one.leave(newMapper(p.bound), d.Op, values)
	if !req.Send {
		return one, nil
	}
	if refusal := one.refusal(req.Job.ID); refusal != nil {
		return one, refusal
	}
	if one.Op == 0 && !one.Idem {
		return one, nil
	}
	if d.Op == 0 { // as confirmed: sent again
		d.Op = record.Update
	}
	if req.Watch != nil {
		ctx = req.Watch(ctx)
	}
	return one, e.sendOne(ctx, stop, p, d, record.AppendRecord(nil, values), one)
}

// fetchOne reads the record's row, exactly that one.
func (e *Engine) fetchOne(ctx context.Context, p *Prepared, texts []string, one *One) (record.Record, record.Key, error) {
	snap, err := p.req.Warehouse.Snapshot(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = snap.Close() }()
	if err := p.bind(ctx, snap); err != nil {
		return nil, nil, err
	}
	if err := e.openLookups(ctx, p); err != nil {
		return nil, nil, err
	}
	m := newMapper(p.bound)
	query := wholeQuery(p.bound)
	var values record.Record
	var key record.Key
	rows := 0
	keys := keysOf(p.bound, texts)
	found := snap.Fetch(ctx, query, keys)
	if p.bound.DerivesKey() { // the warehouse knows no such key
		found = snap.Rows(ctx, query)
	}
	for r, err := range found {
		if err != nil {
			return nil, nil, err
		}
		k, ok := m.key(r)
		if !ok || p.bound.DerivesKey() && !slices.ContainsFunc(keys, func(key record.Key) bool { return string(key) == string(k) }) {
			continue
		}
		mapped, failed := m.values(r)
		if failed != nil {
			return nil, nil, unmapped(p.req.Job, failed)
		}
		rows++
		key, values = slices.Clone(k), mapped.Clone()
		one.show(p.bound, r.Clone(), values)
	}
	if rows == 1 {
		return values, key, ctx.Err()
	}
	return nil, nil, errors.Join(ctx.Err(), notOne(p.req.Job, rows))
}

// keysOf spells a key in every way in which a row may have it: what a person
// types has no type, and a column's type may not say what its values are.
func keysOf(b plan.Bound, texts []string) []record.Key {
	keys := []record.Key{{}}
	for i, t := range texts {
		var next []record.Key
		for _, v := range spellings(b.Key[i].Kind, t) {
			for _, k := range keys {
				next = append(next, record.AppendKey(slices.Clone(k), v))
			}
		}
		keys = next
	}
	return keys
}

func spellings(kind record.Kind, text string) []record.Value {
	number, ok := record.AppendDecimal(nil, text)
	switch kind {
	case record.Int, record.Float, record.Decimal:
		if !ok {
			return nil
		}
		return []record.Value{{Kind: kind, Data: number}}
	default:
	}
	out := []record.Value{{Kind: kind, Data: []byte(text)}}
	if kind != record.Text {
		out = append(out, record.Value{Kind: record.Text, Data: []byte(text)})
	}
	if ok && string(number) == text {
		out = append(out, record.Value{Kind: record.Decimal, Data: number})
	}
	return out
}

// unmapped is the fault of a record that has no values to send.
func unmapped(job plan.Job, why *mapping.Failure) error {
	return &fault.Fault{
		Code: why.Code, Kind: fault.Config, Whose: fault.Mapping, Where: job.Where,
		Msg:  "job " + job.ID + ": the record cannot be sent: " + why.Reason,
		Hint: "correct the value in the export model, or the mapping; more: exposync explain " + why.Code,
	}
}

func notOne(job plan.Job, rows int) error {
	if rows > 1 {
		return &fault.Fault{
			Code: "record_twice", Kind: fault.Config, Whose: fault.DBT, Where: job.Source.Node,
			Msg:  fmt.Sprintf("%d rows of %s have this key, so nobody can say which record it is; nothing was sent", rows, job.Source.Name),
			Hint: "add the test unique to the key column, run dbt build, and correct what it finds",
		}
	}
	return &fault.Fault{
		Code: "record_missing", Kind: fault.Config, Whose: fault.User, Where: job.Source.Node,
		Msg:  "no row of " + job.Source.Name + " has this key; nothing was sent",
		Hint: "write the key as the warehouse has it; of several fields: --key field=value,field=value",
	}
}

// show notes the values from column to field.
func (o *One) show(b plan.Bound, row, values record.Record) {
	o.Key, o.Fields = nil, nil
	for _, k := range b.Key {
		sent, _ := partOf(&k, row) // it was made before
		field := OneField{Name: k.Name, Column: k.Column, Ours: sent, Sent: record.Record{sent}.Clone()[0]}
		if k.Index >= 0 {
			field.Ours = row[k.Index]
		}
		o.Key = append(o.Key, field)
	}
	for i, f := range b.Fields {
		field := OneField{Name: f.Name, Column: f.Column, Sent: values[i], Ours: values[i]}
		if f.Index >= 0 {
			field.Ours = row[f.Index]
		}
		o.Fields = append(o.Fields, field)
	}
}

// leave takes out the fields that are not sent with this change.
func (o *One) leave(m *mapper, op record.Op, values record.Record) {
	if op != record.Create {
		m.leave(values)
	}
	for _, i := range m.fills {
		if theirs := o.Fields[i].Theirs; theirs != nil && !empty(*theirs) {
			values[i] = record.Value{}
		}
	}
	for i, v := range values {
		o.Fields[i].Sent = v
	}
}

// decideOne holds the record against its mark by the rules of every run, but
// that what was rejected or waits in quarantine gets its chance.
func (p *Prepared) decideOne(ctx context.Context, key record.Key, row record.Hash, one *One) (diff.Decision, error) {
	seen := diff.Seen{KeyHash: key.Hash(), RowHash: row, Key: key}
	rules := diff.Rules{
		Mode: p.req.Job.Mode, Idempotent: p.writer.Traits().Idempotent, RetryRejected: true, RetryQuarantined: true,
	}
	if p.req.Job.OnInDoubt == plan.Resend {
		rules.OnInDoubt = plan.Resend
	}
	one.Idem = rules.Idempotent
	decided := diff.Decision{Seen: seen}
	tally, err := diff.Partition([]diff.Seen{seen}, p.markOf(ctx, seen.KeyHash, one), rules, func(d diff.Decision) error {
		decided.Op = d.Op
		return nil
	})
	if one.Mark != nil {
		decided.Mark = *one.Mark
	}
	one.Op = decided.Op
	switch {
	case tally.Standing > 0:
		one.Why = "it is in doubt whether it arrived, and sending it twice would do harm"
	case tally.HeldBack > 0:
		one.Why = "mode insert sends a key once"
	case decided.Op == 0:
		one.Why = "the destination confirmed these values"
	}
	return decided, err
}

// markOf yields the mark of one key, and keeps a copy.
func (p *Prepared) markOf(ctx context.Context, key record.Hash, one *One) iter.Seq2[record.Mark, error] {
	return func(yield func(record.Mark, error) bool) {
		for m, err := range p.sync.Marks(ctx, int(key[0])) {
			if err != nil {
				yield(m, err)
				return
			}
			if m.KeyHash != key {
				continue
			}
			m.Key = slices.Clone(m.Key)
			if m.Standing != nil {
				standing := *m.Standing
				m.Standing = &standing
			}
			one.Mark = &m
			yield(m, nil)
			return
		}
	}
}

// readOne asks the destination what it holds, where it can be asked.
func (p *Prepared) readOne(ctx context.Context, key record.Key, one *One) error {
	reader, ok := p.req.Destination.(destination.Reader)
	if !ok {
		return nil
	}
	t := target(p.bound, p.req.RunID)
	one.There = 0
	for r, err := range reader.Read(ctx, t, []record.Key{key}) {
		if err != nil {
			return err
		}
		one.There++
		for i, v := range r[len(t.Key):].Clone() {
			one.Fields[i].Theirs = &v
		}
	}
	return nil
}
