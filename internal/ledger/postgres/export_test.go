package postgres

import (
	"context"

	"exposync/internal/ledger"
)

// Sever ends the connections of a store as kill -9 ends those of a process:
// nothing is said, and nothing more can be opened.
func Sever(l ledger.Ledger) { l.(*store).dialer.sever() }

// Renew does what happens three times in the life of a lease.
func Renew(ctx context.Context, l ledger.Ledger) { l.(*store).keeper.renew(ctx) }

// Pooled makes a store that talks to the server believe that a pooler stands
// between, after its first lease.
func Pooled(l ledger.Ledger) { l.(*store).keeper.direct = false }

// Escape is how texts are stored.
func Escape(text string) string { return escape(text) }

// Unescape takes back what Escape did.
func Unescape(text string) string { return unescape(text) }
