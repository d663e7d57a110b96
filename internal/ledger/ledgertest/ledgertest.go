// Package ledgertest is the suite that every store of the ledger has to pass.
// It looks at a store as a process does that starts: what was durable before
// has to be there, whatever happened in between.
package ledgertest

import (
	"flag"
	"os"
	"strconv"
	"testing"

	"exposync/internal/ledger"
	"exposync/internal/plan"
)

// Store is one store under test.
type Store interface {
	// Open opens it as a new process would.
	Open(tb testing.TB) ledger.Ledger
}

// Killer is a store whose processes can be killed.
type Killer interface {
	// Kill ends everything that has the store open, without closing any of
	// it. With torn a commit was being written at that instant.
	Kill(tb testing.TB, torn bool)
}

// Crasher is a store that can show every instant of its writing.
type Crasher interface {
	// Crashes calls do with an open ledger. For every step that do takes on
	// the disk it calls found with what a later process could find, had
	// everything stopped there.
	Crashes(tb testing.TB, do func(l ledger.Ledger), found func(step string, l ledger.Ledger))
}

// Holder is a store that another process can use.
type Holder interface {
	// Hold lets another process open the sync. It returns once the lease is
	// taken; kill ends that process with SIGKILL and waits for its end.
	Hold(tb testing.TB, id plan.SyncID) (kill func())
}

// Fencer is a store whose lease can be taken over while its holder lives: it
// was paused, or could not reach the store, for longer than its lease lasts.
type Fencer interface {
	// Expire lets the lease of a sync run out, without a word to its holder.
	Expire(tb testing.TB, id plan.SyncID)
}

// Factory makes an empty store.
type Factory func(tb testing.TB) Store

// Histories says how many random histories a test plays, for a TestMain: a
// store takes long for one, the longer if it stands behind a server. The
// hundred of rapid are left to make nightly. What -rapid.checks says goes
// before.
func Histories(some int) {
	if os.Getenv("EXPOSYNC_NIGHTLY") != "" { //nolint:forbidigo // how long tests take is no part of the program
		return
	}
	if err := flag.Set("rapid.checks", strconv.Itoa(some)); err != nil { // before the flags are parsed
		panic(err)
	}
}

// Run runs the suite; every case gets its own store.
func Run(t *testing.T, factory Factory) {
	t.Helper()
	cases := map[string]func(t *testing.T, factory Factory){
		"empty":            emptyStore,
		"round trip":       roundTrip,
		"fold semantics":   foldSemantics,
		"leftover":         leftover,
		"view":             viewWhileOpen,
		"as when opened":   asWhenOpened,
		"jobs":             openJobs,
		"refused entries":  refusedEntries,
		"after close":      afterClose,
		"concurrent":       concurrentAppends,
		"model":            model,
		"crashes":          crashes,
		"crashing reset":   crashingReset,
		"lease":            lease,
		"lease of another": leaseOfAnother,
		"fenced":           fenced,
		"fenced reset":     fencedReset,
		"late holder":      lateHolder,
		"paused holder":    pausedHolder,
		"siblings":         siblings,
		"reset":            reset,
		"evidence":         evidence,
		"runs":             runs,
		"history at once":  historyAtOnce,
		"cancelled":        cancelled,
		"contents":         contents,
		"move":             moves,
		"move model":       moveModel,
		"move crashing":    movesAfterCrash,
		"carry crashing":   carriesAfterCrash,
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, factory)
		})
	}
}
