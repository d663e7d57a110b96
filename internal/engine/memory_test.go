package engine_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"

	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/record"
)

var errDisk = errors.New("no space left on device")

// memory is a ledger that loses nothing but what a crash would lose. It knows
// one sync.
type memory struct {
	ledger.History // nobody asks the engine for it

	mu      sync.Mutex
	held    bool
	header  ledger.Header
	marks   map[record.Hash]record.Mark
	journal []ledger.Entry
	appends int
	dieAt   int // the Append from which on everything fails; 0 never
	folds   int
}

func newMemory() *memory { return &memory{marks: map[record.Hash]record.Mark{}} }

func (m *memory) Close() error { return nil }

func (m *memory) Reset(context.Context, plan.SyncID) error { return errors.New("unused") }

func (m *memory) Siblings(context.Context, string, string, string) ([]plan.SyncID, error) {
	return nil, nil
}

func (m *memory) Contents(context.Context) (ledger.Contents, error) { return ledger.Contents{}, nil }

func (m *memory) Open(context.Context, plan.SyncID, string) (ledger.Sync, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.held {
		return nil, errors.New("locked")
	}
	m.held = true
	leftover := len(m.journal) > 0
	if leftover {
		m.fold(m.header)
	}
	h := m.header
	h.Leftover = leftover
	return &memorySync{m: m, header: h, marks: maps.Clone(m.marks)}, nil
}

func (m *memory) View(context.Context, plan.SyncID, string) (ledger.Sync, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	other := &memory{header: m.header, marks: maps.Clone(m.marks), journal: slices.Clone(m.journal)}
	leftover := len(other.journal) > 0
	if leftover {
		other.fold(other.header)
	}
	h := other.header
	h.Leftover = leftover
	return &memorySync{m: other, header: h, marks: other.marks, view: true}, nil
}

// fold merges the journal; mu is held.
func (m *memory) fold(h ledger.Header) {
	for _, e := range m.journal {
		_ = e.Check()
	}
	replays := map[record.Hash]*ledger.Replay{}
	for i := range m.journal {
		e := &m.journal[i]
		if !e.Kind.About() {
			m.header.Jobs = ledger.FoldJobs(m.header.Jobs, e)
			continue
		}
		r := replays[e.KeyHash]
		if r == nil {
			mark := m.marks[e.KeyHash]
			mark.KeyHash = e.KeyHash
			r = &ledger.Replay{Mark: mark}
			replays[e.KeyHash] = r
		}
		r.Apply(e)
	}
	for key, r := range replays {
		delete(m.marks, key)
		if r.Known() {
			m.marks[key] = r.Mark
		}
	}
	m.journal = nil
	m.folds++
	m.header = m.header.Next(h)
	for _, mark := range m.marks {
		if mark.Confirmed() {
			m.header.Marks++
		}
		if mark.Standing != nil {
			m.header.Standing++
		}
	}
}

type memorySync struct {
	m      *memory
	header ledger.Header
	marks  map[record.Hash]record.Mark
	view   bool
}

func (s *memorySync) Header() ledger.Header { return s.header }

func (s *memorySync) Marks(_ context.Context, part int) iter.Seq2[record.Mark, error] {
	var list []record.Mark
	for key, m := range s.marks {
		if int(key[0]) == part {
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(a, b record.Mark) int { return bytes.Compare(a.KeyHash[:], b.KeyHash[:]) })
	return func(yield func(record.Mark, error) bool) {
		for _, m := range list {
			key := slices.Clone(m.Key)
			if m.Standing != nil {
				standing := *m.Standing
				m.Standing = &standing
			}
			m.Key = key
			if !yield(m, nil) {
				return
			}
			clear(key) // a mark is valid until the next one
			if m.Standing != nil {
				*m.Standing = record.Standing{}
			}
		}
	}
}

func (s *memorySync) dead() bool { return s.m.dieAt > 0 && s.m.appends >= s.m.dieAt }

func (s *memorySync) Append(ctx context.Context, entries ...ledger.Entry) error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if s.view {
		return errors.New("a view is not written to")
	}
	s.m.appends++
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.dead() {
		return errDisk
	}
	for _, e := range entries {
		if err := e.Check(); err != nil {
			return err
		}
		e.Key = slices.Clone(e.Key)
		s.m.journal = append(s.m.journal, e)
	}
	return nil
}

func (s *memorySync) Fold(ctx context.Context, h ledger.Header) error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if s.view {
		return errors.New("a view is not folded")
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.dead() {
		return errDisk
	}
	s.m.fold(h)
	return nil
}

func (s *memorySync) Close() error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if !s.view {
		s.m.held = false
	}
	return nil
}
