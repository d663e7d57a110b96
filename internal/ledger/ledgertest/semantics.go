package ledgertest

import (
	"testing"

	"exposync/internal/ledger"
	"exposync/internal/record"
)

// step is one entry about the one key of a row in the table below.
type step struct {
	kind   ledger.EntryKind
	row    int
	remote string
	tries  int
}

// result is the mark that is expected; row 0 is a key that was never
// confirmed, and the zero result no mark at all.
type result struct {
	row     int
	remote  string
	adopted bool
	state   record.StandingState
	tried   int // row that stands against the key; 0 is a delete
	tries   int

	announced bool // the doubt comes from a sending without a later word
}

// foldSemantics: entries become marks by the rules of the seam.
func foldSemantics(t *testing.T, factory Factory) {
	tests := map[string]struct {
		before []step // folded before
		then   []step
		want   result
	}{
		"confirmed":                         {then: []step{{kind: ledger.Confirmed, row: 1}}, want: result{row: 1}},
		"confirmed again":                   {before: []step{{kind: ledger.Confirmed, row: 1}}, then: []step{{kind: ledger.Confirmed, row: 2}}, want: result{row: 2}},
		"id is kept":                        {before: []step{{kind: ledger.Confirmed, row: 1, remote: "a"}}, then: []step{{kind: ledger.Confirmed, row: 2}}, want: result{row: 2, remote: "a"}},
		"id is replaced":                    {before: []step{{kind: ledger.Confirmed, row: 1, remote: "a"}}, then: []step{{kind: ledger.Confirmed, row: 2, remote: "b"}}, want: result{row: 2, remote: "b"}},
		"id ends with a delete":             {before: []step{{kind: ledger.Confirmed, row: 1, remote: "a"}}, then: []step{{kind: ledger.Deleted}, {kind: ledger.Confirmed, row: 2}}, want: result{row: 2}},
		"deleted":                           {before: []step{{kind: ledger.Confirmed, row: 1}}, then: []step{{kind: ledger.Sending}, {kind: ledger.Deleted}}},
		"deleted, never known":              {then: []step{{kind: ledger.Deleted}}},
		"delete on its way":                 {before: []step{{kind: ledger.Confirmed, row: 1}}, then: []step{{kind: ledger.Sending}}, want: result{row: 1, state: record.InDoubt, announced: true, tries: 1}},
		"refused":                           {then: []step{{kind: ledger.Refused, row: 2, tries: 3}}, want: result{state: record.Rejected, tried: 2, tries: 3}},
		"refused keeps what was confirmed":  {before: []step{{kind: ledger.Confirmed, row: 1, remote: "a"}}, then: []step{{kind: ledger.Refused, row: 2, tries: 1}}, want: result{row: 1, remote: "a", state: record.Rejected, tried: 2, tries: 1}},
		"refused, then confirmed":           {before: []step{{kind: ledger.Refused, row: 2, tries: 4}}, then: []step{{kind: ledger.Confirmed, row: 2}}, want: result{row: 2}},
		"doubted":                           {before: []step{{kind: ledger.Confirmed, row: 1}}, then: []step{{kind: ledger.Doubted, row: 2, tries: 1}}, want: result{row: 1, state: record.InDoubt, tried: 2, tries: 1}},
		"quarantined":                       {then: []step{{kind: ledger.Quarantine, row: 2, tries: 5}}, want: result{state: record.Quarantined, tried: 2, tries: 5}},
		"quarantined, then deleted":         {before: []step{{kind: ledger.Confirmed, row: 1}, {kind: ledger.Quarantine, row: 2, tries: 5}}, then: []step{{kind: ledger.Deleted}}},
		"released":                          {before: []step{{kind: ledger.Confirmed, row: 1}, {kind: ledger.Quarantine, row: 2, tries: 5}}, then: []step{{kind: ledger.Released}}, want: result{row: 1}},
		"released, never confirmed":         {before: []step{{kind: ledger.Doubted, row: 2, tries: 1}}, then: []step{{kind: ledger.Released}}},
		"released, never known":             {then: []step{{kind: ledger.Released}}},
		"adopted":                           {then: []step{{kind: ledger.Adopted, row: 1}}, want: result{row: 1, adopted: true}},
		"adopted, then sent":                {before: []step{{kind: ledger.Adopted, row: 1}}, then: []step{{kind: ledger.Sending, row: 2}, {kind: ledger.Confirmed, row: 2}}, want: result{row: 2}},
		"adopted, then refused":             {before: []step{{kind: ledger.Adopted, row: 1}}, then: []step{{kind: ledger.Refused, row: 2, tries: 1}}, want: result{row: 1, adopted: true, state: record.Rejected, tried: 2, tries: 1}},
		"on its way":                        {then: []step{{kind: ledger.Sending, row: 2}}, want: result{state: record.InDoubt, announced: true, tried: 2, tries: 1}},
		"on its way again":                  {before: []step{{kind: ledger.Refused, row: 2, tries: 3}}, then: []step{{kind: ledger.Sending, row: 2}}, want: result{state: record.InDoubt, announced: true, tried: 2, tries: 4}},
		"on its way with other values":      {before: []step{{kind: ledger.Refused, row: 2, tries: 3}}, then: []step{{kind: ledger.Sending, row: 3}}, want: result{state: record.InDoubt, announced: true, tried: 3, tries: 1}},
		"on its way twice":                  {before: []step{{kind: ledger.Refused, row: 2, tries: 3}}, then: []step{{kind: ledger.Sending, row: 2}, {kind: ledger.Sending, row: 2}}, want: result{state: record.InDoubt, announced: true, tried: 2, tries: 4}},
		"on its way, then refused":          {then: []step{{kind: ledger.Sending, row: 2}, {kind: ledger.Refused, row: 2, tries: 1}}, want: result{state: record.Rejected, tried: 2, tries: 1}},
		"announced, but not sent":           {before: []step{{kind: ledger.Confirmed, row: 1}}, then: []step{{kind: ledger.Sending, row: 2}, {kind: ledger.Unsent, row: 2}}, want: result{row: 1}},
		"announced, not sent, still bad":    {before: []step{{kind: ledger.Refused, row: 2, tries: 3}}, then: []step{{kind: ledger.Sending, row: 2}, {kind: ledger.Sending, row: 2}, {kind: ledger.Unsent, row: 2}}, want: result{state: record.Rejected, tried: 2, tries: 3}},
		"not sent says nothing of old runs": {before: []step{{kind: ledger.Sending, row: 2}}, then: []step{{kind: ledger.Unsent, row: 2}}, want: result{state: record.InDoubt, announced: true, tried: 2, tries: 1}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := factory(t)
			l := store.Open(t)
			s := open(t, l, SyncID("job"))
			play := func(steps []step) {
				for _, st := range steps {
					appendAll(t, s, st.entry())
				}
			}
			play(tt.before)
			fold(t, s, ledger.Header{Mapping: "m"})
			closeAll(t, s)
			s = open(t, l, SyncID("job"))
			play(tt.then)
			v := look(t, l, SyncID("job"))
			expect(t, v, tt.want.marks()...)
			fold(t, s, ledger.Header{Mapping: "m"})
			closeAll(t, v, s)
			s = open(t, l, SyncID("job"))
			expect(t, s, tt.want.marks()...)
			closeAll(t, s, l)
		})
	}
}

func rowOrZero(n int) record.Hash {
	if n == 0 {
		return record.Hash{}
	}
	return Row(n)
}

func (s step) entry() ledger.Entry {
	e := Entry(s.kind, 1, rowOrZero(s.row))
	e.RemoteID = s.remote
	if s.tries > 0 {
		e.Standing = &record.Standing{RowHash: rowOrZero(s.row), Attempts: s.tries}
	}
	return e
}

func (r result) marks() []record.Mark {
	if (r == result{}) {
		return nil
	}
	m := mark(1, rowOrZero(r.row))
	m.RemoteID, m.Adopted = r.remote, r.adopted
	if r.state != 0 {
		m.Standing = &record.Standing{State: r.state, RowHash: rowOrZero(r.tried), Attempts: r.tries}
		if r.announced {
			m.Standing.Code = ledger.CodeInterrupted
		}
	}
	return []record.Mark{m}
}
