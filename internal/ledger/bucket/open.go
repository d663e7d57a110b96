package bucket

import (
	"context"
	"errors"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"exposync/internal/ledger"
	"exposync/internal/ledger/format"
	"exposync/internal/plan"
)

// Open takes the lease, and folds what an interrupted run left behind.
func (s *store) Open(ctx context.Context, id plan.SyncID, target string) (ledger.Sync, error) {
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	t, err := s.acquire(ctx, id, false)
	if err != nil {
		return nil, err
	}
	t.keep(ctx)
	y := &session{store: s, tenure: t, id: id, target: target}
	if err := y.recover(ctx); err != nil {
		return nil, errors.Join(err, y.base.close(), t.release(func(*head) {})) //nolint:contextcheck // it ends in its own time
	}
	return y, nil
}

// recover fetches the marks, ends the journal that is there, and folds it.
func (y *session) recover(ctx context.Context) (err error) {
	h := y.tenure.now()
	if y.base, err = y.store.fetch(ctx, &h); err != nil {
		if errors.Is(err, errAbsent) {
			err = damaged(y.store.objects.where(h.Marks.Key), y.id.Job, "it is missing")
		}
		return err
	}
	y.header = h.Header
	if h.Journal.Token != h.Token {
		if err := y.foldLeftover(ctx, h); err != nil {
			return err
		}
	}
	y.shown, y.shownHeader = y.base, y.header
	if y.tenure.now().Litter {
		y.litter = y.store.sweep(ctx, y.tenure.now()) != nil
	}
	return nil
}

// foldLeftover ends another holder's journal and folds it. What is known
// about the marks stays as it is, because that run never got to say otherwise.
func (y *session) foldLeftover(ctx context.Context, h head) error {
	l, err := y.store.readJournal(ctx, y.id, h.Journal)
	if err != nil {
		return err
	}
	defer func() { _ = l.close() }()
	seal, err := y.store.seal(ctx, y.id, h.Journal, l)
	if err != nil {
		return err
	}
	past := retired{ref: h.Journal, end: l.end, seal: seal}
	if l.entries == nil {
		return y.tenure.change(ctx, past.begin)
	}
	if err := y.store.sameGeneration(h, l); err != nil {
		return err
	}
	o, err := y.store.sort(l.info.Started, l.entries)
	if err != nil {
		return err
	}
	told := y.header
	if told.Encoding == 0 {
		told.Encoding = l.info.Encoding
	}
	y.leftover = true
	return errors.Join(y.rewrite(ctx, told, o, past), o.Close())
}

// sameGeneration: a journal builds on the marks beside it.
func (s *store) sameGeneration(h head, l *leftover) error {
	if l.entries == nil || l.info.Generation == h.Header.Generation {
		return nil
	}
	return damaged(s.objects.where(commitKey(h.Sync, h.Journal.Token, h.Journal.Start)), h.Sync.Job, "it builds on other marks than its head names")
}

// retired is a journal that does not count any more.
type retired struct {
	ref  journalRef
	end  int64
	seal string // stays, so that its writer finds it
}

// begin starts a journal of the lease's own in its place.
func (r retired) begin(h *head) {
	h.Journal = journalRef{Token: h.Token}
	if r.ref.Token == h.Token {
		h.Journal.Start = r.end
	}
	h.keepSeals(r.seal)
}

// keepSeals adds seals and forgets the oldest.
func (h *head) keepSeals(keys ...string) {
	seals := slices.Clone(h.Seals)
	for _, key := range keys {
		if key != "" && !slices.Contains(seals, key) {
			seals = append(seals, key)
		}
	}
	h.Seals = seals[max(0, len(seals)-keptSeals):]
}

// commits are the objects that may go.
func (r retired) commits(id plan.SyncID) []string {
	var keys []string
	for n := r.ref.Start; n < r.end; n++ {
		keys = append(keys, commitKey(id, r.ref.Token, n))
	}
	return keys
}

// sweep deletes the objects of a sync that its head does not name: what runs
// left behind that ended between two steps.
func (s *store) sweep(ctx context.Context, h head) error {
	var keys []string
	err := s.objects.list(ctx, syncPrefix(h.Sync), func(key string) error {
		inUse := h.Marks != nil && key == h.Marks.Key || slices.Contains(h.Seals, key) ||
			strings.HasPrefix(key, commitPrefix(h.Sync, h.Journal.Token)) && key >= commitKey(h.Sync, h.Journal.Token, h.Journal.Start)
		if !inUse && tokenOf(key) <= h.Token {
			keys = append(keys, key)
		}
		return nil
	})
	return errors.Join(err, s.removeAll(ctx, keys))
}

// removeAll deletes several at a time.
func (s *store) removeAll(ctx context.Context, keys []string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readAhead)
	for _, key := range keys {
		group.Go(func() error { return s.objects.remove(ctx, key) })
	}
	return group.Wait()
}

// viewTries is how often View looks again when a fold happens meanwhile.
const viewTries = 10

// View fetches the marks, and sorts a copy of the journal. What a head names
// is deleted only after the head has moved on, so a head that still names the
// same was true all the time.
func (s *store) View(ctx context.Context, id plan.SyncID, _ string) (ledger.Sync, error) {
	h, err := s.readSync(ctx, id)
	if err != nil {
		return nil, err
	}
	for range viewTries {
		v, err := s.view(ctx, &h.head)
		if err == nil && h.Journal.Closed && h.Journal.End <= h.Journal.Start {
			return v, nil
		}
		now, headErr := s.readSync(ctx, id)
		switch {
		case headErr != nil:
			err = headErr
		case sameRefs(&h.head, &now.head) && errors.Is(err, errAbsent):
			return nil, damaged(s.objects.where(h.Marks.Key), id.Job, "it is missing")
		case sameRefs(&h.head, &now.head):
			return orNil(v, err)
		}
		if v != nil {
			_ = v.Close()
		}
		if headErr != nil {
			return nil, err
		}
		h = now
	}
	return nil, unreadable(s.objects.where(headKey(id)), errors.New("it changes all the time"))
}

func orNil(v *view, err error) (ledger.Sync, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

func sameRefs(a, b *head) bool {
	marks := func(h *head) string {
		if h.Marks == nil {
			return ""
		}
		return h.Marks.Key
	}
	return marks(a) == marks(b) && a.Journal.Token == b.Journal.Token && a.Journal.Start == b.Journal.Start &&
		a.Header.Generation == b.Header.Generation
}

// view is a sync that is only looked at.
type view struct {
	*format.View
	marks *copyOf
}

// Close releases the working copies.
func (v *view) Close() error { return errors.Join(v.View.Close(), v.marks.close()) }

func (s *store) view(ctx context.Context, h *head) (*view, error) {
	marks, err := s.fetch(ctx, h)
	if err != nil {
		return nil, err
	}
	over, encoding, err := s.overlay(ctx, h)
	if err != nil {
		return nil, errors.Join(err, marks.close())
	}
	v, err := format.NewView(ctx, h.Header, marks.snapshot(), over, encoding)
	if err != nil {
		return nil, errors.Join(err, marks.close())
	}
	return &view{View: v, marks: marks}, nil
}

// overlay gives the journal that counts, in order; nil if it is empty.
func (s *store) overlay(ctx context.Context, h *head) (*format.Overlay, int, error) {
	if h.Token == 0 { // nothing was ever opened
		return nil, 0, nil
	}
	l, err := s.readJournal(ctx, h.Sync, h.Journal)
	if err != nil || l.entries == nil {
		return nil, 0, err
	}
	defer func() { _ = l.close() }()
	if err := s.sameGeneration(*h, l); err != nil {
		return nil, 0, err
	}
	o, err := s.sort(l.info.Started, l.entries)
	return o, l.info.Encoding, err
}

// Reset swaps the head for one that names nothing, then deletes the rest: a
// crash leaves everything or nothing. The head itself stays, because tokens
// grow for ever.
func (s *store) Reset(ctx context.Context, id plan.SyncID) error {
	if err := s.prepare(ctx); err != nil {
		return err
	}
	t, err := s.acquire(ctx, id, true)
	if err != nil {
		return err
	}
	t.keep(ctx)
	// Handled runs are forgotten first: a run too many does no harm, a run
	// that is skipped although its marks are gone would.
	err = s.changeRuns(ctx, id.Project, id.Job, func(f *format.Runs) bool { return f.Unhandle(id) })
	var seals []string
	if h := t.now(); err == nil && !h.Journal.Closed && h.Journal.Token != h.Token {
		seals, err = s.stop(ctx, id, h.Journal.Token, h.Journal.Start)
	}
	if err != nil {
		return errors.Join(err, t.release(func(*head) {})) //nolint:contextcheck // it ends in its own time
	}
	err = t.release(func(h *head) { //nolint:contextcheck // it ends in its own time
		h.Header, h.Marks, h.Targets = ledger.Header{}, nil, nil
		h.Journal, h.Litter = journalRef{Token: h.Token, Closed: true}, true
		h.keepSeals(seals...)
	})
	if err != nil {
		return err
	}
	_ = s.sweep(ctx, t.head) // what is left does no harm, and the next run sweeps again
	return nil
}
