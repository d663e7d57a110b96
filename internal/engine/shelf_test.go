package engine_test

import (
	"context"
	"slices"

	"exposync/internal/ledger"
	"exposync/internal/plan"
)

// shelf is a ledger of several syncs in memory, by the names of their jobs.
type shelf struct {
	ledger.History // evidence is nobody's business here

	syncs map[string]*memory
	ids   map[string]plan.SyncID
}

func newShelf() *shelf { return &shelf{syncs: map[string]*memory{}, ids: map[string]plan.SyncID{}} }

// of gives the sync of a job, an empty one if there is none.
func (s *shelf) of(job string) *memory {
	if s.syncs[job] == nil {
		s.syncs[job] = newMemory()
	}
	return s.syncs[job]
}

func (s *shelf) Open(ctx context.Context, id plan.SyncID, target string) (ledger.Sync, error) {
	s.ids[id.Job] = id
	return s.of(id.Job).Open(ctx, id, target)
}

func (s *shelf) View(ctx context.Context, id plan.SyncID, target string) (ledger.Sync, error) {
	return s.of(id.Job).View(ctx, id, target)
}

func (s *shelf) Siblings(_ context.Context, _, job, _ string) ([]plan.SyncID, error) {
	m := s.of(job)
	if m.header.Generation == 0 && len(m.journal) == 0 {
		return nil, nil
	}
	return []plan.SyncID{s.ids[job]}, nil
}

func (s *shelf) Reset(_ context.Context, id plan.SyncID) error {
	m := s.of(id.Job)
	if (&memorySync{m: m}).dead() {
		return errDisk
	}
	m.header, m.journal = ledger.Header{}, nil
	clear(m.marks)
	return nil
}

func (s *shelf) Contents(context.Context) (c ledger.Contents, err error) { return c, nil }

func (s *shelf) Runs(context.Context, string, string) ([]ledger.Run, error) { return nil, nil }

func (s *shelf) Close() error { return nil }

// revive lets go of what dead processes held.
func (s *shelf) revive() {
	for _, m := range s.syncs {
		m.held, m.dieAt = false, 0
	}
}

// newest is the sync that says what is known: the job's own, or the former one
// that it still has to take over.
func (s *shelf) newest(job plan.Job) *memory {
	for _, name := range slices.Concat([]string{job.ID}, job.Was) {
		m := s.of(name)
		v, err := m.View(context.Background(), plan.SyncID{}, "")
		if err != nil {
			continue
		}
		if _, half := v.Header().Incomplete(); !half && v.Header().Generation > 0 {
			return m
		}
	}
	return s.of(job.ID)
}
