package ledger

import (
	"slices"

	"exposync/internal/record"
)

// CodeReleased is the Standing.Code of a record that a person made due again.
const CodeReleased = "released"

// Due is the entry, after Released, that makes a record due again wherever
// its row is. Released alone forgets a record that was never confirmed: where
// the source is read in part (Header.Cursor), nothing else would bring it back.
func Due(m record.Mark) Entry {
	s := record.Standing{State: record.Rejected, Code: CodeReleased, Reason: "somebody made it due again"}
	if m.Standing != nil {
		s.RowHash, s.Since = m.Standing.RowHash, m.Standing.Since
	}
	return Entry{Kind: Refused, KeyHash: m.KeyHash, RowHash: s.RowHash, Key: slices.Clone(m.Key), RemoteID: m.RemoteID, Standing: &s}
}
