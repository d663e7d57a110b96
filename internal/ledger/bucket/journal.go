package bucket

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"exposync/internal/ledger"
	"exposync/internal/ledger/format"
	"exposync/internal/plan"
)

// The shape of a commit:
//
//	head     magic (8), version (1), zeros (7)
//	lengths  bytes of info (4), CRC-32C of key, info and entries (4)
//	info     commitInfo as JSON
//	entries  each with its length (4) before it
//
// All numbers are little endian.
const (
	commitMagic   = "EXPOCMIT"
	commitVersion = 1
	// commitBytes is when one call's entries become several commits.
	commitBytes = 1 << 20
	// commitTime is how long one commit may take, with all tries.
	commitTime = 2 * time.Minute
	// readAhead is how many commits are read at a time.
	readAhead = 16
)

// commitInfo tells what the entries of a commit are about.
type commitInfo struct {
	Generation int64  `json:"generation"` // of the marks that it builds on
	Encoding   int    `json:"encoding"`   // of its hashes
	Started    int64  `json:"started"`    // unix seconds, of the journal
	PID        int    `json:"pid,omitempty"`
	Host       string `json:"host,omitempty"`
	Seal       bool   `json:"seal,omitempty"` // nothing may follow, and there are no entries
	Write      string `json:"write"`
}

// encodeCommit makes the object with that key.
func encodeCommit(key string, info commitInfo, entries []byte) ([]byte, error) {
	info.Write = newID()
	meta, err := json.Marshal(info)
	if err != nil {
		return nil, fmt.Errorf("encode head of commit: %w", err)
	}
	b := format.Head(commitMagic, commitVersion)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(meta))) //nolint:gosec // a few hundred bytes
	b = binary.LittleEndian.AppendUint32(b, commitSum(key, meta, entries))
	return append(append(b, meta...), entries...), nil
}

// commitSum also says that a commit stands where it was written.
func commitSum(key string, meta, entries []byte) uint32 {
	sum := crc32.Checksum([]byte(key), format.CRC())
	sum = crc32.Update(sum, format.CRC(), meta)
	return crc32.Update(sum, format.CRC(), entries)
}

// decodeCommit checks an object and gives its parts.
func (s *store) decodeCommit(job, key string, b []byte) (info commitInfo, entries []byte, err error) {
	where := s.objects.where(key)
	version, ok := format.CheckHead(b, commitMagic)
	if ok && version > commitVersion {
		return info, nil, newer(where, version)
	}
	const lengths = 8
	if !ok || len(b) < format.HeadSize+lengths {
		return info, nil, damaged(where, job, "it does not begin as a commit")
	}
	rest := b[format.HeadSize+lengths:]
	size := binary.LittleEndian.Uint32(b[format.HeadSize:])
	if uint64(size) > uint64(len(rest)) ||
		commitSum(key, rest[:size], rest[size:]) != binary.LittleEndian.Uint32(b[format.HeadSize+4:]) {
		return info, nil, damaged(where, job, "its checksum is wrong")
	}
	if err := json.Unmarshal(rest[:size], &info); err != nil || info.Generation < 0 {
		return info, nil, damaged(where, job, "its head cannot be read")
	}
	return info, rest[size:], nil
}

// journal appends commits. Calls that arrive while the store is busy share
// the next commit.
type journal struct {
	tenure *tenure
	info   commitInfo
	own    *scratchFile // the same entries, to be folded later

	io   sync.Mutex // held while a commit is written; guards next
	next int64      // number of the next commit

	mu      sync.Mutex // guards pending
	pending *commit
}

// commit is one object, filled by one or more calls.
type commit struct {
	entries []byte
	done    chan struct{}
	err     error
}

// append makes entries durable.
func (j *journal) append(ctx context.Context, entries []ledger.Entry) error {
	for len(entries) > 0 {
		n, err := j.commit(ctx, entries)
		if err != nil {
			return err
		}
		entries = entries[n:]
	}
	return nil
}

// commit makes as many of the entries durable as go into one commit. Whoever
// opens a commit writes it; the others wait.
func (j *journal) commit(ctx context.Context, entries []ledger.Entry) (n int, err error) {
	j.mu.Lock()
	c := j.pending
	leads := c == nil
	if leads {
		c = &commit{done: make(chan struct{})}
		j.pending = c
	}
	for start := len(c.entries); n < len(entries) && (n == 0 || len(c.entries)-start < commitBytes); n++ {
		c.entries = format.AppendEntry(c.entries, &entries[n])
	}
	j.mu.Unlock()
	if !leads {
		<-c.done
		return n, c.err
	}
	j.io.Lock()
	j.mu.Lock()
	j.pending = nil // from here on nobody joins
	j.mu.Unlock()
	// What others have put in does not end with the call of whoever leads.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTime)
	c.err = j.write(ctx, c.entries)
	cancel()
	j.io.Unlock()
	close(c.done)
	return n, c.err
}

// write writes one commit where there is none. After an error nobody knows
// what the store has, so nothing more may follow it.
func (j *journal) write(ctx context.Context, entries []byte) error {
	t := j.tenure
	if err := t.assert(ctx); err != nil {
		return err
	}
	h := t.now()
	key := commitKey(h.Sync, h.Token, j.next)
	body, err := encodeCommit(key, j.info, entries)
	if err != nil {
		return err
	}
	if _, err = swap(ctx, t.store.objects, key, body, ""); errors.Is(err, errConflict) {
		err = t.lost() // a seal, or the successor's
	}
	if err == nil {
		err = j.own.add(entries)
	}
	if err != nil {
		return t.fail(err)
	}
	j.next++
	return t.assert(ctx) // it may have been long on its way
}

// leftover is a journal that was read.
type leftover struct {
	info    commitInfo   // of its first commit
	entries *scratchFile // nil if there are none
	end     int64        // number behind the last commit
	sealed  bool
}

func (l *leftover) close() error {
	if l == nil {
		return nil
	}
	return l.entries.close()
}

// readJournal reads the commits that count, into a working copy.
func (s *store) readJournal(ctx context.Context, id plan.SyncID, ref journalRef) (_ *leftover, err error) {
	l := &leftover{end: ref.Start, sealed: ref.Closed}
	defer func() {
		if err != nil {
			_ = l.close()
		}
	}()
	for more := !ref.Closed || l.end < ref.End; more; more = more && (!ref.Closed || l.end < ref.End) {
		count := int64(readAhead)
		if ref.Closed {
			count = min(count, ref.End-l.end)
		}
		ahead, err := s.readCommits(ctx, id, ref.Token, l.end, count)
		if err != nil {
			return nil, err
		}
		if more, err = s.addCommits(ctx, id, ref, l, ahead); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// readCommits reads some commits at once; nil for one that is not there. One
// that was missed because its writer was at it is there by the time a later one
// is, so it is asked for once more.
func (s *store) readCommits(ctx context.Context, id plan.SyncID, token, from, count int64) ([][]byte, error) {
	out := make([][]byte, count)
	read := func(n int) error {
		group, ctx := errgroup.WithContext(ctx)
		for i := range n {
			if out[i] != nil {
				continue
			}
			group.Go(func() error {
				o, err := s.objects.get(ctx, commitKey(id, token, from+int64(i)))
				if err == nil {
					out[i] = o.body
				}
				return readable(err)
			})
		}
		return group.Wait()
	}
	if err := read(len(out)); err != nil {
		return nil, err
	}
	last := len(out) - 1
	for last > 0 && out[last] == nil {
		last--
	}
	return out, read(max(last, 0))
}

// addCommits adds what was read in one go; more is false at the end. Commits
// are written one after the other, so none can be missing before another.
func (s *store) addCommits(ctx context.Context, id plan.SyncID, ref journalRef, l *leftover, ahead [][]byte) (more bool, err error) {
	for i, b := range ahead {
		key := commitKey(id, ref.Token, l.end)
		if b == nil {
			if !ref.Closed && !slices.ContainsFunc(ahead[i:], func(later []byte) bool { return later != nil }) {
				return false, nil
			}
			if b, err = s.written(ctx, id, key); err != nil {
				return false, err
			}
		}
		info, entries, err := s.decodeCommit(id.Job, key, b)
		if err != nil {
			return false, err
		}
		if info.Seal {
			l.sealed = true
			return false, nil
		}
		if err := s.addEntries(id, key, l, info, entries); err != nil {
			return false, err
		}
		l.end++
	}
	return true, nil
}

// written reads a commit that has to be there, because a later one is. Both
// were asked for at the same time, so a writer that lives may have written the
// two in between.
func (s *store) written(ctx context.Context, id plan.SyncID, key string) ([]byte, error) {
	o, err := s.objects.get(ctx, key)
	if errors.Is(err, errAbsent) {
		return nil, damaged(s.objects.where(key), id.Job, "it is missing, but a later one was written")
	}
	return o.body, err
}

// addEntries checks entries and keeps them.
func (s *store) addEntries(id plan.SyncID, key string, l *leftover, info commitInfo, entries []byte) error {
	where := s.objects.where(key)
	var e ledger.Entry
	for rest := entries; len(rest) > 0; {
		raw, ok := format.CutEntry(rest)
		if !ok {
			return damaged(where, id.Job, "it ends within an entry")
		}
		ok = format.ParseEntry(raw, &e)
		if e.Kind > ledger.LastKind { // a later Exposync may tell more than we know
			return newer(where, commitVersion+1)
		}
		if !ok || e.Check() != nil {
			return damaged(where, id.Job, "it holds an entry that cannot be")
		}
		rest = rest[len(raw):]
	}
	if l.entries == nil {
		var err error
		if l.entries, err = s.newScratch(); err != nil {
			return err
		}
		l.info = info
	}
	return l.entries.add(entries)
}

// seal ends a journal for good: its writer finds the seal where its next
// commit belongs. What it wrote in the meantime is still read.
func (s *store) seal(ctx context.Context, id plan.SyncID, ref journalRef, l *leftover) (key string, err error) {
	for !l.sealed {
		key = commitKey(id, ref.Token, l.end)
		body, err := encodeCommit(key, commitInfo{Seal: true, Started: s.unix(), Host: s.opts.Host}, nil)
		if err != nil {
			return "", err
		}
		if _, err = swap(ctx, s.objects, key, body, ""); err == nil {
			l.sealed = true
			return key, nil
		}
		if !errors.Is(err, errConflict) {
			return "", err
		}
		ahead, err := s.readCommits(ctx, id, ref.Token, l.end, readAhead)
		if err != nil {
			return "", err
		}
		if _, err := s.addCommits(ctx, id, ref, l, ahead); err != nil {
			return "", err
		}
	}
	if ref.Closed {
		return "", nil
	}
	return commitKey(id, ref.Token, l.end), nil
}

// stop seals a journal without reading it: it may be damaged. It gives the
// objects that have to stay.
func (s *store) stop(ctx context.Context, id plan.SyncID, token, start int64) ([]string, error) {
	end := start
	err := s.objects.list(ctx, commitPrefix(id, token), func(key string) error {
		if n, err := strconv.ParseInt(strings.TrimPrefix(key, commitPrefix(id, token)), 10, 64); err == nil {
			end = max(end, n+1)
		}
		return nil
	})
	for err == nil {
		key := commitKey(id, token, end)
		var body []byte
		if body, err = encodeCommit(key, commitInfo{Seal: true, Started: s.unix(), Host: s.opts.Host}, nil); err != nil {
			return nil, err
		}
		_, err = swap(ctx, s.objects, key, body, "")
		switch {
		case err == nil && end > start: // the last one there may be a seal already
			return []string{commitKey(id, token, end-1), key}, nil
		case err == nil:
			return []string{key}, nil
		case errors.Is(err, errConflict):
			end, err = end+1, nil
		}
	}
	return nil, err
}
