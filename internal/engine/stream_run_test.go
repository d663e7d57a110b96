package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// instant is a moment that many hours after the clock of a bench.
func instant(hours int) record.Value {
	return record.MomentOf(record.Instant, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(hours)*time.Hour))
}

// large is a bench with a table that is read in parts: n records, the first
// changed n hours ago, the last an hour ago.
func large(t *testing.T, n int) *bench {
	t.Helper()
	b := setup(t)
	b.house = &timeline{kind: record.Instant}
	for i := range n {
		b.house.rows = append(b.house.rows, timed{fmt.Sprint("k", i), "v", instant(i - n)})
	}
	b.job.Incremental = plan.Incremental{Column: "at", Lookback: plan.Lookback{Age: 2 * time.Hour}, FullRead: 24 * time.Hour}
	return b
}

func (b *bench) reading(res plan.Result) plan.Reading { return res.Plan.Reading }

// since is the bound of the last reading.
func (b *bench) since() string {
	return string(b.house.asked[len(b.house.asked)-1].Since.From.Data)
}

func TestAPartOfTheSourceSaysNothingAboutTheRest(t *testing.T) {
	t.Parallel()
	b := large(t, 100)
	b.job.Mode = plan.Mirror
	first := b.run()
	if r := b.reading(first); !r.Full || r.Rows != 100 || r.Why != "it is the first run" || len(b.crm.records) != 100 || b.since() != "" {
		t.Fatalf("the first run: %+v", r)
	}
	b.house.rows = append(b.house.rows[50:], timed{"new", "v", instant(1)}) // 50 are gone
	b.now = b.now.Add(2 * time.Hour)
	second := b.run()
	r := b.reading(second)
	if r.Full || r.Since != "2026-01-02T00:04:05Z" || b.since() != r.Since || second.Counts.Read != 4 || r.Rows != 4 {
		t.Errorf("the second run read %+v: %+v", r, second.Counts)
	}
	if second.Status != plan.Success || second.Counts.Delete != 0 || second.Counts.Create != 1 || len(b.crm.records) != 101 || second.Plan.Deletes {
		t.Errorf("the second run: %s %+v", second.Status, second.Counts)
	}
	if second.Plan.PreviousRows != 100 || !slices.ContainsFunc(second.Plan.Notes, func(n string) bool { return strings.Contains(n, "nothing is deleted") }) {
		t.Errorf("%d rows before; notes %v", second.Plan.PreviousRows, second.Plan.Notes)
	}
	b.now = b.now.Add(21 * time.Hour)
	if r := b.reading(b.run()); r.Full {
		t.Errorf("after 23 hours all was read: %s", r.Why)
	}
	b.now = b.now.Add(time.Hour)
	if p := b.plan(); !p.Reading.Full || p.Reading.Why != "it is due after 24h" || p.PreviousRows != 100 || p.Counts.Delete != 50 || !slices.Contains(codes(p), "guard_rows") {
		t.Errorf("when it is due: %+v %v %+v", p.Reading, codes(p), p.Counts)
	}
	b.req.Accept = []string{"guard_rows", "guard_deletes"}
	if res := b.run(); res.Counts.Delete != 50 || len(b.crm.records) != 51 || b.reading(b.run()).Full {
		t.Errorf("the reading that was due: %+v", res.Counts)
	}
}

// One date far ahead must not make all others look old, and what has no order
// is always read.
func TestWhatTheCursorDoesNotFollow(t *testing.T) {
	t.Parallel()
	b := large(t, 10)
	b.house.rows = append(b.house.rows,
		timed{"far", "v", instant(1_000_000)}, timed{"endless", "v", record.Value{Kind: record.Instant, Data: []byte("infinity")}},
		timed{"null", "v", record.Value{Kind: record.Null}}, timed{"odd", "v", text("soon")})
	b.run()
	for i := range b.house.rows {
		if b.house.rows[i].id[0] != 'k' {
			b.house.rows[i].name = "w"
		}
	}
	b.house.rows = append(b.house.rows, timed{"now", "v", instant(0)})
	res := b.run()
	if r := b.reading(res); r.Full || r.Since != "2026-01-02T01:04:05Z" || res.Counts.Update != 4 || res.Counts.Create != 1 {
		t.Errorf("read %+v: %+v", r, res.Counts)
	}
	notes := strings.Join(res.Plan.Notes, "\n")
	if !strings.Contains(notes, "rows without a value in at, read every time: 1") || !strings.Contains(notes, "rows whose at is endless or no instant, read every time: 2") {
		t.Errorf("notes: %s", notes)
	}

	// Nobody says in which zone a timestamp without one is.
	b = large(t, 3)
	b.house.kind = record.Timestamp
	for i := range b.house.rows {
		b.house.rows[i].at = record.MomentOf(record.Timestamp, b.now.Add(time.Duration(-i)*time.Hour))
	}
	b.run()
	if r := b.reading(b.run()); r.Full || r.Since != "2026-01-01T13:04:05" { // 12 hours, and the lookback
		t.Errorf("of timestamps without a zone: %+v", r)
	}
}

// What could not be sent comes back by itself, wherever its row is by then.
func TestRejectsOutsideOfTheWindowComeBack(t *testing.T) {
	t.Parallel()
	b := large(t, 20)
	answers := map[string]destination.Outcome{
		"k0": {State: destination.Rejected, Code: "busy", Transient: true},
		"k1": {State: destination.Rejected, Code: "bad"},
	}
	b.crm.answer = func(_ int, batch []record.Change) []destination.Outcome {
		out := b.crm.store(batch)
		for i, ch := range batch {
			if o, ok := answers[string(ch.KeyVals[0].Data)]; ok {
				delete(b.crm.records, string(ch.KeyVals[0].Data))
				out[i] = o
			}
		}
		return out
	}
	b.run()
	delete(answers, "k0")
	b.crm.sent = nil
	res := b.run()
	if r := b.reading(res); r.Full || !slices.Equal(b.crm.sent, []string{"create k0"}) || res.Counts.Standing != 1 || b.house.got != 1 {
		t.Errorf("sent %v, fetched %d, %+v", b.crm.sent, b.house.got, res.Counts)
	}
	delete(answers, "k1")
	b.req.Retry, b.crm.sent = true, nil
	if b.run(); !slices.Equal(b.crm.sent, []string{"create k1"}) {
		t.Errorf("retry sent %v", b.crm.sent)
	}
}

func TestWhatMakesAReadingWholeAgain(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(b *bench){
		"":                    func(*bench) {},
		"the mapping changed": func(b *bench) { b.job.Fields[0].Name = "title" },
		"the earlier runs read another table or column":  func(b *bench) { b.job.Source.Relation = "another" },
		"somebody asked for it":                          func(b *bench) { b.req.FullRead = "somebody asked for it" },
		"it is due after 24h":                            func(b *bench) { b.now = b.now.Add(24 * time.Hour) },
		"the earlier runs read another table or column ": func(b *bench) { b.house.kind = record.Timestamp },
	} {
		b := large(t, 10)
		b.run()
		change(b)
		b.job.Guards.Creates = plan.Limit{Off: true}
		res := b.run()
		if r := b.reading(res); r.Why != strings.TrimSpace(want) || r.Full != (want != "") {
			t.Errorf("%s: %+v", want, r)
		}
		b.req.FullRead = ""
		if b.house.kind == record.Timestamp {
			continue // its values are instants: nothing has an order there
		}
		if r := b.reading(b.run()); r.Full {
			t.Errorf("%s: the run after it read all: %s", want, r.Why)
		}
	}
}

// Of events the ledger forgets what left the window, so reading all of them
// again is for somebody to decide.
func TestForgottenEventsAreNotSentAgain(t *testing.T) {
	t.Parallel()
	events := func(t *testing.T) *bench {
		t.Helper()
		b := large(t, 20)
		b.job.Mode, b.job.Incremental.Forget, b.job.Incremental.FullRead = plan.Append, true, 0
		b.crm.traits.Idempotent = false
		b.run()
		b.house.rows = append(b.house.rows, timed{"new", "v", instant(0)})
		b.crm.sent = nil
		res := b.run()
		if r := b.reading(res); r.Full || r.Forgotten != 17 || !slices.Equal(b.crm.sent, []string{"create new"}) {
			t.Fatalf("read %+v, sent %v", r, b.crm.sent)
		}
		b.crm.sent = nil
		return b
	}
	b := events(t)
	b.job.Incremental.Lookback.Age = 15 * time.Hour // the marks of those are gone
	if res := b.run(); res.Counts.Changes() != 0 || b.reading(res).Full {
		t.Errorf("a longer lookback sent %v", b.crm.sent)
	}
	for name, change := range map[string]func(b *bench){
		"full refresh":   func(b *bench) { b.req.FullRead = "somebody asked for it" },
		"another column": func(b *bench) { b.job.Source.Relation = "another" },
		"no cursor":      func(b *bench) { b.job.Incremental = plan.Incremental{} },
	} {
		b := events(t)
		change(b)
		if p := b.plan(); !slices.Contains(codes(p), "window_reread") || p.Counts.Create != 17 {
			t.Errorf("%s: %v %+v", name, codes(p), p.Counts)
		}
		b.req.First = plan.FirstAdopt
		if res := b.run(); res.Status != plan.Success || len(b.crm.sent) > 0 || res.Counts.Adopted != 17 {
			t.Errorf("%s: adopt: %s, sent %v, %+v", name, res.Status, b.crm.sent, res.Counts)
		}
		b = events(t)
		change(b)
		b.req.Accept = []string{"window_reread"}
		if b.run(); len(b.crm.sent) != 17 {
			t.Errorf("%s: accepted: sent %v", name, b.crm.sent)
		}
	}
}

// A saved plan carries its bounds: the cursor moves as far as the plan read,
// however much later it is applied.
func TestSavedPlansOfAPart(t *testing.T) {
	t.Parallel()
	b := large(t, 20)
	b.job.Mode, b.job.Incremental.Forget, b.job.Incremental.FullRead = plan.Append, true, 0
	b.run()
	b.house.rows = append(b.house.rows, timed{"in the plan", "v", instant(0)})
	e, done := b.engine()
	defer done()
	p, err := e.Prepare(b.Context(), b.request(), true)
	if err != nil {
		t.Fatal(err)
	}
	var rows bytes.Buffer
	digest, err := p.SaveRows(&rows, true)
	saved := p.Plan
	_ = p.Close()
	if err != nil {
		t.Fatal(err)
	}
	b.house.rows = append(b.house.rows, timed{"after it", "v", instant(0)})
	b.crm.sent = nil
	restored, err := e.Restore(b.Context(), b.request(), saved, bytes.NewReader(rows.Bytes()), digest)
	if err != nil {
		t.Fatal(err)
	}
	res := e.Apply(b.Context(), b.stop, restored)
	_ = restored.Close()
	if d := cmp.Diff([]string{"create in the plan"}, b.crm.sent); d != "" || res.Status != plan.Success {
		t.Errorf("%s, sent (-want +got):\n%s", res.Status, d)
	}
	b.crm.sent = nil
	if res := b.run(); b.reading(res).Full || !slices.Equal(b.crm.sent, []string{"create after it"}) || res.Counts.Read > 5 {
		t.Errorf("then: sent %v, %+v", b.crm.sent, res.Counts)
	}
	if _, err := e.Restore(b.Context(), b.request(), saved, bytes.NewReader(rows.Bytes()), digest); !fault.Is(err, "plan_stale") {
		t.Errorf("a second time: %v", err)
	}
}

func TestAPlanIsStaleWhenAnotherPartIsDue(t *testing.T) {
	t.Parallel()
	b := large(t, 20)
	b.run()
	e, done := b.engine()
	defer done()
	p, err := e.Prepare(b.Context(), b.request(), true)
	if err != nil {
		t.Fatal(err)
	}
	saved := p.Plan
	_ = p.Close()
	b.now = b.now.Add(24 * time.Hour)
	if _, err := e.Repeat(b.Context(), b.request(), saved); !fault.Is(err, "plan_stale") || !strings.Contains(err.Error(), "another part") {
		t.Errorf("Repeat: %v", err)
	}
	b.job.Incremental = plan.Incremental{}
	if _, err := e.Restore(b.Context(), b.request(), saved, &bytes.Buffer{}, ""); !fault.Is(err, "plan_stale") {
		t.Errorf("Restore for a job that reads all: %v", err)
	}
}

// A record that somebody made due again is sent, though nobody reads its row.
func TestReleasedRecordsOutsideOfTheWindowComeBack(t *testing.T) {
	t.Parallel()
	for _, forget := range []bool{false, true} {
		b := large(t, 20)
		if b.crm.traits.Idempotent = !forget; forget {
			b.job.Mode, b.job.Incremental.Forget, b.job.Incremental.FullRead = plan.Append, true, 0
		}
		b.crm.answer = func(_ int, batch []record.Change) []destination.Outcome {
			out := destination.All(len(batch), destination.Outcome{State: destination.OK})
			for i, ch := range batch {
				if string(ch.KeyVals[0].Data) == "k0" {
					out[i] = destination.Outcome{State: destination.Rejected, Code: "bad"}
				}
			}
			return out
		}
		b.run()
		b.crm.answer, b.crm.sent = nil, nil
		if b.run(); len(b.crm.sent) > 0 {
			t.Fatalf("sent %v", b.crm.sent)
		}
		e, done := b.engine()
		id := plan.SyncID{Project: "shop", Job: "contacts", Connection: "crm", Account: "acme", Object: "contacts", Key: []string{"external_id"}}
		sync, err := e.Ledger.Open(b.Context(), id, "prod")
		if err != nil {
			t.Fatal(err)
		}
		key := record.AppendKey(nil, text("k0"))
		for m, err := range sync.Marks(b.Context(), int(key.Hash()[0])) {
			if err != nil || m.KeyHash != key.Hash() {
				continue
			}
			released := ledger.Entry{Kind: ledger.Released, KeyHash: m.KeyHash, Key: key}
			if err := sync.Append(b.Context(), released, ledger.Due(m)); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(sync.Fold(b.Context(), sync.Header()), sync.Close()); err != nil {
			t.Fatal(err)
		}
		done()
		res := b.run()
		if b.reading(res).Full || !slices.Equal(b.crm.sent, []string{"create k0"}) {
			t.Errorf("forget %t: sent %v", forget, b.crm.sent)
		}
	}
}
