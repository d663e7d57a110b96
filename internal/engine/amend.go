package engine

import (
	"context"
	"encoding/json"
	"iter"
	"slices"
	"strings"

	"exposync/internal/ledger"
	"exposync/internal/plan"
	"exposync/internal/record"
)

// Amendment is a person's word on what stands against records.
type Amendment uint8

// The amendments.
const (
	Release   Amendment = iota + 1 // rejected and quarantined records are due again
	SendAgain                      // records in doubt did not arrive: they are due again
	CountSent                      // records in doubt arrived
)

// Which says which records are meant.
type Which struct {
	Code string   // of the destination, or ours; empty for any
	Keys []string // as KeyText writes them; empty for all
}

func (w Which) means(m record.Mark) bool {
	if w.Code != "" && w.Code != m.Standing.Code {
		return false
	}
	return len(w.Keys) == 0 || slices.Contains(w.Keys, KeyText(m.Key))
}

// KeyText is a key as people read it: the value itself, or a JSON array of the
// values where there are several.
func KeyText(k record.Key) string {
	values, err := k.Values()
	if err != nil {
		return k.Hash().String()
	}
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = string(v.Data)
	}
	return JoinKey(texts)
}

// JoinKey is KeyText of single values.
func JoinKey(texts []string) string {
	if len(texts) == 1 {
		return texts[0]
	}
	out, err := json.Marshal(texts)
	if err != nil {
		return strings.Join(texts, ",") // cannot be: they are texts
	}
	return string(out)
}

// Standing yields the marks against which something stands, in the order of
// the ledger. A mark is valid until the next.
func Standing(ctx context.Context, sync ledger.Sync) iter.Seq2[record.Mark, error] {
	return func(yield func(record.Mark, error) bool) {
		for m, err := range ledger.All(ctx, sync) {
			if (err != nil || m.Standing != nil) && !yield(m, err) {
				return
			}
		}
	}
}

// Known gives what stands against the records of a job, whether it waits for
// a person or not. A doubt is said to wait, though a destination that knows
// its records by key clears it up in the next run.
func Known(ctx context.Context, sync ledger.Sync, job plan.Job) ([]plan.RejectGroup, error) {
	found := groups{}
	if sync.Header().Standing == 0 {
		return nil, nil
	}
	for m, err := range Standing(ctx, sync) {
		if err != nil {
			return nil, err
		}
		group := known(*m.Standing)
		group.Waits = group.Waits && (group.State != "in_doubt" || job.OnInDoubt == plan.HoldInDoubt)
		found.add(group)
	}
	return found.list(), nil
}

// Amend has the ledger of one sync take a person's word, and says what it was
// about. With look nothing is written.
func (e *Engine) Amend(ctx context.Context, id plan.SyncID, target string, word Amendment, which Which, look bool) (_ []plan.RejectGroup, err error) {
	open := e.Ledger.Open
	if look {
		open = e.Ledger.View
	}
	sync, err := open(ctx, id, target)
	if err != nil {
		return nil, err
	}
	defer func() {
		if cerr := sync.Close(); err == nil {
			err = cerr
		}
	}()
	if err := usable(sync.Header(), id); err != nil {
		return nil, err
	}
	found, err := amend(ctx, sync, word, which, look)
	if err != nil || look || len(found) == 0 {
		return found.list(), err
	}
	return found.list(), sync.Fold(ctx, sync.Header())
}

// amend writes the entries of a word into the journal; with look it counts.
func amend(ctx context.Context, sync ledger.Sync, word Amendment, which Which, look bool) (groups, error) {
	found := groups{}
	var entries []ledger.Entry
	for m, err := range Standing(ctx, sync) {
		if err != nil {
			return found, err
		}
		if !word.fits(*m.Standing) || !which.means(m) {
			continue
		}
		found.add(known(*m.Standing))
		if look {
			continue
		}
		if entries = append(entries, word.entries(m, sync.Header())...); len(entries) < settleChunk {
			continue
		}
		if err := sync.Append(ctx, entries...); err != nil {
			return found, err
		}
		entries = entries[:0]
	}
	if len(entries) == 0 {
		return found, nil
	}
	return found, sync.Append(ctx, entries...)
}

// fits reports whether the word can be said about a standing. An ambiguous
// record is not released: it would be written as new, beside those it may be.
func (a Amendment) fits(s record.Standing) bool {
	switch StateOf(s) {
	case plan.CodeAmbiguous:
		return false
	case "in_doubt":
		return a != Release
	}
	return a == Release
}

// entries is what the journal says. Where the source is read in part, a record
// that is due has to stay known, or nothing would bring it back.
func (a Amendment) entries(m record.Mark, h ledger.Header) []ledger.Entry {
	if a == CountSent || h.Cursor == "" {
		return []ledger.Entry{a.entry(m)}
	}
	return []ledger.Entry{a.entry(m), ledger.Due(m)}
}

// entry is what the journal says. Of a change that may have arrived the mark
// no longer claims the values before it.
func (a Amendment) entry(m record.Mark) ledger.Entry {
	out := ledger.Entry{Kind: ledger.Released, KeyHash: m.KeyHash, Key: slices.Clone(m.Key)}
	switch {
	case a == CountSent:
		ch := assumption(m)
		out.Kind, out.RowHash = ledger.Adopted, ch.RowHash
		switch ch.Op {
		case opSent:
			out.Kind = ledger.Confirmed
		case opGone:
			out.Kind = ledger.Deleted
		default:
		}
	case a == SendAgain && m.Confirmed():
		out.Kind, out.RowHash = ledger.Confirmed, uncertain()
		if m.Adopted {
			out.Kind = ledger.Adopted
		}
	}
	return out
}
