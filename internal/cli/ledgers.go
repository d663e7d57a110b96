package cli

import (
	"context"
	"os"

	"exposync/internal/config"
	"exposync/internal/engine"
	"exposync/internal/ledger"
	"exposync/internal/ledger/local"
	"exposync/internal/ledger/postgres"
)

// ledgerStore is a kind of place where a ledger can be.
type ledgerStore struct {
	chosen func(c config.Ledger) bool // the settings name it
	shared bool                       // it is elsewhere: whether anything is remembered is not seen on this disk
	open   func(ctx context.Context, s *session, c config.Ledger) (ledger.Ledger, error)
	name   func(s *session, c config.Ledger) string // as messages name it
}

// ledgerStores is the list of them: a new one is one line here. The first that
// is chosen counts; a directory is what is left.
func ledgerStores() []ledgerStore {
	return []ledgerStore{
		{chosen: func(c config.Ledger) bool { return c.Bucket != nil }, shared: true, open: openBucketLedger, name: bucketLedgerName},
		{chosen: func(c config.Ledger) bool { return c.Postgres.Set() }, shared: true, open: openPostgresLedger, name: postgresLedgerName},
		{chosen: func(config.Ledger) bool { return true }, open: openLocalLedger, name: localLedgerName},
	}
}

func ledgerStoreOf(c config.Ledger) ledgerStore {
	for _, l := range ledgerStores() {
		if l.chosen(c) {
			return l
		}
	}
	panic("BUG: the list of ledgers has no default")
}

// openLedger opens the ledger that exposync.yml names. Nothing is created
// before something is written.
func (s *session) openLedger(ctx context.Context) error {
	l, err := s.ledgerAt(ctx, s.config.Ledger)
	if err != nil {
		return err
	}
	s.ledger = l
	return nil
}

// ledgerAt opens any ledger that settings name.
func (s *session) ledgerAt(ctx context.Context, c config.Ledger) (ledger.Ledger, error) {
	return ledgerStoreOf(c).open(ctx, s, c)
}

// hasLedger reports whether anything could be remembered. A directory that is
// not there remembers nothing; any other place has to be asked.
func (s *session) hasLedger() bool {
	if ledgerStoreOf(s.config.Ledger).shared {
		return true
	}
	info, err := os.Stat(s.ledgerDir())
	return err == nil && info.IsDir()
}

// ephemeralLedger reports whether what is remembered is likely to be gone
// after this process: a local directory in CI, unless exposync.yml says that
// it is kept.
func (s *session) ephemeralLedger() bool {
	c := s.config.Ledger
	return s.a.env.get("CI") == "true" && !c.Kept && !ledgerStoreOf(c).shared
}

// ledgerName is the ledger as messages name it.
func (s *session) ledgerName() string {
	c := s.config.Ledger
	return ledgerStoreOf(c).name(s, c)
}

func openLocalLedger(_ context.Context, s *session, c config.Ledger) (ledger.Ledger, error) {
	return local.Open(s.dirOfLedger(c), local.Options{Now: s.a.env.Now, Host: s.a.env.Host})
}

func localLedgerName(s *session, c config.Ledger) string { return s.a.shown(s.dirOfLedger(c)) }

func openPostgresLedger(ctx context.Context, s *session, c config.Ledger) (ledger.Ledger, error) {
	url, err := c.Postgres.URL(ctx, s.a.resolver(s.dir))
	if err != nil {
		return nil, err
	}
	return postgres.Open(ctx, postgres.Options{
		URL: url.Reveal(), Schema: c.Postgres.Schema, Where: s.a.shown(c.Postgres.Where), Host: s.a.env.Host, Wait: engine.Sleep,
	})
}

// postgresLedgerName says where the address stands: it is a secret itself.
func postgresLedgerName(s *session, c config.Ledger) string {
	return "the PostgreSQL of " + s.a.shown(c.Postgres.Where)
}
