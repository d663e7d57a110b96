package ledgertest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"exposync/internal/ledger"
	"exposync/internal/record"
)

// known is the suite's own idea of a key: what the last final word said, and
// whether a sending was announced since.
type known struct {
	mark      record.Mark
	announced *ledger.Entry
}

// memory is the suite's own idea of a sync.
type memory map[record.Hash]*known

// add takes in one entry about a key.
func (m memory) add(e ledger.Entry) {
	k := m[e.KeyHash]
	if k == nil {
		k = &known{mark: record.Mark{KeyHash: e.KeyHash}}
		m[e.KeyHash] = k
	}
	k.mark.Key = e.Key
	if e.Kind == ledger.Sending {
		k.announced = &e
		return
	}
	k.announced = nil
	switch e.Kind {
	case ledger.Confirmed, ledger.Adopted:
		remote := k.mark.RemoteID
		if e.RemoteID != "" {
			remote = e.RemoteID
		}
		k.mark = record.Mark{
			KeyHash: e.KeyHash, Key: e.Key, RowHash: e.RowHash, RemoteID: remote, Adopted: e.Kind == ledger.Adopted,
		}
	case ledger.Deleted, ledger.Dropped:
		k.mark = record.Mark{KeyHash: e.KeyHash}
	case ledger.Refused, ledger.Doubted, ledger.Quarantine:
		s := *e.Standing
		s.State = map[ledger.EntryKind]record.StandingState{
			ledger.Refused: record.Rejected, ledger.Doubted: record.InDoubt, ledger.Quarantine: record.Quarantined,
		}[e.Kind]
		k.mark.Standing = &s
	case ledger.Released:
		k.mark.Standing = nil
	default:
	}
}

// marks gives what a reader has to see.
func (m memory) marks() map[record.Hash]record.Mark {
	out := map[record.Hash]record.Mark{}
	for hash, k := range m {
		shown := clone(k.mark)
		if e := k.announced; e != nil {
			attempts := 1
			if s := k.mark.Standing; s != nil && s.RowHash == e.RowHash {
				attempts += s.Attempts
			}
			shown.Standing = &record.Standing{
				State: record.InDoubt, RowHash: e.RowHash, Attempts: attempts, Code: ledger.CodeInterrupted,
			}
		}
		if shown.Confirmed() || shown.Standing != nil {
			out[hash] = shown
		}
	}
	return out
}

// settle is a fold: announcements become doubts, and what is not known any
// more is forgotten.
func (m memory) settle() {
	shown := m.marks()
	clear(m)
	for hash, mark := range shown {
		m[hash] = &known{mark: mark}
	}
}

func (m memory) clone() memory {
	out := memory{}
	for hash, k := range m {
		copied := *k
		out[hash] = &copied
	}
	return out
}

// entries draws any entries about a few keys.
func entries() *rapid.Generator[[]ledger.Entry] {
	kinds := []ledger.EntryKind{
		ledger.Sending, ledger.Confirmed, ledger.Deleted, ledger.Refused, ledger.Doubted,
		ledger.Adopted, ledger.Quarantine, ledger.Released, ledger.Unsent, ledger.Dropped,
	}
	one := rapid.Custom(func(t *rapid.T) ledger.Entry {
		kind := rapid.SampledFrom(kinds).Draw(t, "kind")
		e := Entry(kind, rapid.IntRange(0, 25).Draw(t, "key"), Row(rapid.IntRange(0, 4).Draw(t, "row")))
		if rapid.Bool().Draw(t, "remote") {
			e.RemoteID = rapid.StringN(1, 12, 40).Draw(t, "id")
		}
		switch kind {
		case ledger.Refused, ledger.Doubted, ledger.Quarantine:
			e.Standing = &record.Standing{
				RowHash: e.RowHash, Attempts: rapid.IntRange(1, 9).Draw(t, "attempts"),
				Code: rapid.String().Draw(t, "code"), Reason: rapid.String().Draw(t, "reason"),
				Permanent: rapid.Bool().Draw(t, "permanent"), Since: rapid.Int64().Draw(t, "since"),
			}
		default:
		}
		return e
	})
	return rapid.SliceOfN(one, 1, 40)
}

// model plays random histories against the suite's own memory.
func model(t *testing.T, factory Factory) {
	rapid.Check(t, func(rt *rapid.T) {
		p := &play{t: t, rt: rt, store: factory(t), want: memory{}}
		p.ledger = p.store.Open(t)
		p.sync = open(t, p.ledger, SyncID("model"))
		rt.Repeat(map[string]func(*rapid.T){
			"append": p.append,
			"fold":   p.fold,
			"reopen": p.reopen,
			"kill":   p.kill,
			"view":   p.view,
		})
		p.reopen(rt)
		closeAll(t, p.sync, p.ledger) // a store may hold connections
	})
}

// play is one random history.
type play struct {
	t      *testing.T
	rt     *rapid.T
	store  Store
	ledger ledger.Ledger
	sync   ledger.Sync
	want   memory
	folded int64 // rows that the last fold was told
}

func (p *play) append(rt *rapid.T) {
	list := entries().Draw(rt, "entries")
	appendAll(p.t, p.sync, list...)
	for _, e := range list {
		p.want.add(e)
	}
}

func (p *play) fold(rt *rapid.T) {
	p.folded = rapid.Int64Range(0, 1<<40).Draw(rt, "rows")
	fold(p.t, p.sync, ledger.Header{Encoding: 1, Mapping: "m", Rows: p.folded})
	p.want.settle()
}

func (p *play) reopen(rt *rapid.T) {
	closeAll(p.t, p.sync, p.ledger)
	p.again(rt)
}

func (p *play) kill(rt *rapid.T) {
	killer, ok := p.store.(Killer)
	if !ok {
		return
	}
	killer.Kill(p.t, rapid.Bool().Draw(rt, "torn"))
	closeAll(p.t, p.sync, p.ledger) // of the dead process: changes nothing any more
	p.again(rt)
}

func (p *play) again(rt *rapid.T) {
	p.want.settle()
	p.ledger = p.store.Open(p.t)
	p.sync = open(p.t, p.ledger, SyncID("model"))
	p.compare(rt, p.sync)
}

func (p *play) view(rt *rapid.T) {
	v := look(p.t, p.ledger, SyncID("model"))
	p.compare(rt, v)
	closeAll(p.t, v)
}

func (p *play) compare(rt *rapid.T, s ledger.Sync) {
	if d := cmp.Diff(p.want.marks(), Marks(p.t, s)); d != "" {
		rt.Fatalf("marks (-want +got):\n%s", d)
	}
	if got := s.Header().Rows; got != p.folded {
		rt.Fatalf("rows = %d, want %d", got, p.folded)
	}
}
