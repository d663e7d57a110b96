package cli

import (
	"context"
	"os"

	"exposync/internal/engine"
	"exposync/internal/ledger"
	"exposync/internal/ledger/local"
	"exposync/internal/ledger/postgres"
)

// ledgerStore is a kind of place where the ledger can be.
type ledgerStore struct {
	chosen func(s *session) bool // exposync.yml names it
	shared bool                  // it is elsewhere: whether anything is remembered is not seen on this disk
	open   func(ctx context.Context, s *session) (ledger.Ledger, error)
}

// ledgerStores is the list of them: a new one is one line here. The first that
// is chosen counts; a directory is what is left.
func ledgerStores() []ledgerStore {
	return []ledgerStore{
		{chosen: func(s *session) bool { return s.config.Ledger.Postgres.Set() }, shared: true, open: openPostgresLedger},
		{chosen: func(*session) bool { return true }, open: openLocalLedger},
	}
}

func (s *session) ledgerStore() ledgerStore {
	for _, l := range ledgerStores() {
		if l.chosen(s) {
			return l
		}
	}
	panic("BUG: the list of ledgers has no default")
}

// openLedger opens the ledger that exposync.yml names. Nothing is created
// before something is written.
func (s *session) openLedger(ctx context.Context) error {
	l, err := s.ledgerStore().open(ctx, s)
	if err != nil {
		return err
	}
	s.ledger = l
	return nil
}

// hasLedger reports whether anything could be remembered. A directory that is
// not there remembers nothing; any other place has to be asked.
func (s *session) hasLedger() bool {
	if s.ledgerStore().shared {
		return true
	}
	info, err := os.Stat(s.ledgerDir())
	return err == nil && info.IsDir()
}

func openLocalLedger(_ context.Context, s *session) (ledger.Ledger, error) {
	return local.Open(s.ledgerDir(), local.Options{Now: s.a.env.Now, Host: s.a.env.Host})
}

func openPostgresLedger(ctx context.Context, s *session) (ledger.Ledger, error) {
	c := s.config.Ledger.Postgres
	url, err := c.URL(ctx, s.a.resolver(s.dir))
	if err != nil {
		return nil, err
	}
	return postgres.Open(ctx, postgres.Options{
		URL: url.Reveal(), Schema: c.Schema, Where: s.a.shown(c.Where), Host: s.a.env.Host, Wait: engine.Sleep,
	})
}
