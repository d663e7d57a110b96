package engine

import (
	"encoding/json"
	"fmt"
	"time"

	"exposync/internal/plan"
	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// cursor is what the ledger's header remembers of an incremental reading. It
// fits one column of one relation only.
type cursor struct {
	Version int    `json:"v"`
	Setting string `json:"setting"` // changed_since or cursor
	Source  string `json:"source"`  // the relation
	Column  string `json:"column"`
	Kind    string `json:"kind"`
	Value   string `json:"value"` // the highest that was read and may be relied on
	From    string `json:"from"`  // Value less the lookback of that run: where the next reading begins
}

const cursorVersion = 1

// readCursor reads the header's cursor; false if there is none or it is of
// another version.
func readCursor(text string) (cursor, bool) {
	var c cursor
	if json.Unmarshal([]byte(text), &c) != nil || c.Version != cursorVersion {
		return cursor{}, false
	}
	return c, true
}

// forgetful reports whether the marks of records outside of the window may
// have been dropped, by the header's cursor.
func forgetful(text string) bool {
	c, known := readCursor(text)
	return text != "" && (!known || c.Setting != (plan.Incremental{}).Setting())
}

// window is what one run reads of the source.
type window struct {
	part    *plan.BoundPart // nil: the source is read as a whole every time
	job     plan.Job
	was     cursor
	from    record.Value // the lowest value that is read; Absent if all is read
	highest record.Value // finite, of the rows read
	nulls   int64        // rows without a value
	odd     int64        // rows whose value has no order
	reading *plan.Reading
}

// window decides what is read, which the plan tells.
func (e *Engine) window(p *Prepared) *window {
	w := &window{part: p.bound.Since, job: p.req.Job, reading: &p.Plan.Reading}
	was, known := readCursor(p.header.Cursor)
	w.was = was
	p.Plan.Reading.Full = true
	if w.part == nil {
		return w
	}
	p.Plan.Reading.Column = w.part.Column
	i := w.job.Incremental
	since := p.Plan.MadeAt.Sub(time.Unix(p.header.FullAt, 0))
	switch {
	case p.Plan.FirstRun:
		p.Plan.Reading.Why = "it is the first run"
	case p.req.FullRead != "":
		p.Plan.Reading.Why, p.Plan.Reading.Asked = p.req.FullRead, true
	case !known:
		p.Plan.Reading.Why = "no earlier run says from where on"
	case was.Setting != i.Setting() || was.Column != w.part.Column || was.Kind != w.part.Kind.String() || was.Source != w.job.Source.Relation:
		p.Plan.Reading.Why = "the earlier runs read another table or column"
	case !i.Forget && p.Plan.MappingWas != "":
		p.Plan.Reading.Why = "the mapping changed"
	case !i.Forget && i.FullRead > 0 && (p.header.FullAt == 0 || since >= i.FullRead || since < 0):
		p.Plan.Reading.Why = "it is due after " + plan.Age(i.FullRead)
	default:
		w.begin(i)
	}
	return w
}

// begin sets the lower bound. Marks below the remembered one may be gone, so a
// longer lookback lowers it only where all marks are kept.
func (w *window) begin(i plan.Incremental) {
	w.from = w.value(w.was.From)
	if lower, ok := back(w.value(w.was.Value), i.Lookback); ok && !i.Forget && less(lower, w.from) {
		w.from = lower
	}
	w.reading.Full, w.reading.Since = false, string(w.from.Data)
}

// value is a text of the cursor as a value of its column.
func (w *window) value(text string) record.Value {
	return record.Value{Kind: w.part.Kind, Data: []byte(text)}
}

// partial reports whether rows may be left out.
func (w *window) partial() bool { return w.from.Kind != record.Absent }

// since is the bound for the warehouse.
func (w *window) since() warehouse.Since {
	if !w.partial() {
		return warehouse.Since{}
	}
	return warehouse.Since{Column: w.part.Column, From: w.from}
}

// admit counts a row that the warehouse gave and reports whether it is part
// of the window. What has no order is read every time: nothing would tell
// when it is new.
func (w *window) admit(r record.Record) bool {
	w.count(r)
	if w.part == nil {
		return true
	}
	v := r[w.part.Index]
	if v.Kind == record.Null {
		w.nulls++
		return true
	}
	if v.Kind != w.part.Kind || !record.Finite(v) {
		w.odd++
		return true
	}
	if w.partial() && less(v, w.from) {
		return false
	}
	if w.highest.Kind == record.Absent || less(w.highest, v) {
		w.highest = record.Value{Kind: v.Kind, Data: append(w.highest.Data[:0], v.Data...)}
	}
	return true
}

// count counts a row.
func (w *window) count(r record.Record) {
	w.reading.Rows++
	w.weigh(r)
}

// weigh counts the bytes of a row's values: of a row that comes a second time,
// only those.
func (w *window) weigh(r record.Record) {
	for _, v := range r {
		w.reading.Bytes += int64(len(v.Data))
	}
}

// finish works out where the next reading begins, once every change of this
// one has its outcome, and says what people should know.
func (w *window) finish(p *Prepared) {
	if w.part == nil {
		return
	}
	r := w.reading
	r.Cursor, r.FullAt = p.header.Cursor, p.header.FullAt
	w.note(p)
	if r.Full && (w.job.Mode != plan.Mirror || p.Plan.Deletes) {
		r.FullAt = p.Plan.MadeAt.Unix()
	}
	if w.stays(p) {
		if r.Full {
			r.Cursor = ""
		}
		return
	}
	r.Cursor = w.next(p.Plan.MadeAt)
}

// stays reports whether the next reading has to begin where this one did:
// rows that could not be identified would be missed once they are corrected.
func (w *window) stays(p *Prepared) bool {
	i := w.job.Incremental
	return p.Plan.Counts.Invalid > 0 && (i.Forget || i.FullRead == 0)
}

// next is the cursor after this reading; empty if nothing of it can be relied
// on, so that all is read again.
func (w *window) next(now time.Time) string {
	i, value := w.job.Incremental, w.highest
	if w.partial() {
		if was := w.value(w.was.Value); value.Kind == record.Absent || less(value, was) {
			value = was
		}
	}
	if latest := trusted(w.part.Kind, now); latest.Kind != record.Absent && less(latest, value) {
		value = latest
		if was := w.value(w.was.Value); w.partial() && less(value, was) {
			value = was
		}
	}
	from, ok := back(value, i.Lookback)
	if !ok {
		return ""
	}
	if w.partial() && i.Forget && less(from, w.from) {
		from = w.from
	}
	text, err := json.Marshal(cursor{
		Version: cursorVersion, Setting: i.Setting(), Source: w.job.Source.Relation, Column: w.part.Column,
		Kind: w.part.Kind.String(), Value: string(value.Data), From: string(from.Data),
	})
	if err != nil {
		return ""
	}
	return string(text)
}

// west is how far the most westerly local time is behind UTC.
const west = 12 * time.Hour

// trusted is the highest value that a row read now may have come by in the
// ordinary way: one date in the year 9999 must not make all others look old.
// Nobody says in which zone a timestamp without one was written. Absent for
// numbers.
func trusted(kind record.Kind, now time.Time) record.Value {
	if kind != record.Instant {
		now = now.Add(-west)
	}
	return record.MomentOf(kind, now)
}

// back is a value less the lookback.
func back(v record.Value, l plan.Lookback) (record.Value, bool) {
	if l.Age > 0 {
		return record.Earlier(v, l.Age)
	}
	return record.Minus(v, l.Steps)
}

func less(a, b record.Value) bool {
	order, ok := record.Compare(a, b)
	return ok && order < 0
}

// note says in the plan what is particular about this reading.
func (w *window) note(p *Prepared) {
	tell := func(format string, args ...any) { p.Plan.Notes = append(p.Plan.Notes, fmt.Sprintf(format, args...)) }
	if w.reading.Why != "" && !p.Plan.FirstRun {
		tell("the whole source is read: %s", w.reading.Why)
	}
	if w.nulls > 0 {
		tell("rows without a value in %s, read every time: %d", w.part.Column, w.nulls)
	}
	if w.odd > 0 {
		tell("rows whose %s is endless or no %s, read every time: %d", w.part.Column, w.part.Kind, w.odd)
	}
	if w.stays(p) {
		what := "a null or duplicate key"
		if badKeys(&p.Plan) < p.Plan.Counts.Invalid {
			what += ", or a value that the mapping cannot make"
		}
		tell("rows with %s, so that the next run begins where this one did: %d", what, p.Plan.Counts.Invalid)
	}
	if w.job.Mode == plan.Mirror && w.partial() {
		tell("nothing is deleted in this run: that takes a reading of the whole source (full_read: %s)", plan.Age(w.job.Incremental.FullRead))
	}
}

// rereads reports whether records of which the ledger forgot that they were
// sent are read again.
func (p *Prepared) rereads() bool {
	return p.Plan.Reading.Full && !p.Plan.FirstRun && forgetful(p.header.Cursor)
}

// restarts reports whether the run reads what a run after it, if this one
// comes to no end, would not read again by itself. Records that the ledger
// forgot and that are taken for sent are not among that: a run after it would
// send them.
func (p *Prepared) restarts() bool {
	if p.rereads() && p.Plan.Counts.Adopted > 0 {
		return false
	}
	return p.Plan.Reading.Full && p.header.Cursor != "" && p.writes.n+p.deletes.n+p.settled.n > 0 &&
		(p.Plan.Reading.Asked || p.Plan.MappingWas != "" || p.rereads())
}
