package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"exposync/internal/engine"
	"exposync/internal/fault"
	"exposync/internal/ledger"
	"exposync/internal/ledger/local"
	"exposync/internal/ledger/postgres"
	"exposync/internal/pgtest"
	"exposync/internal/plan"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// inPostgres keeps the ledger in a database of its own.
func (b *bench) inPostgres() (dsn string) {
	b.Helper()
	dsn = pgtest.New(b)
	b.open = func() (ledger.Ledger, error) {
		return postgres.Open(b.Context(), postgres.Options{URL: dsn, Where: "exposync.yml:3"})
	}
	return dsn
}

// The database of the ledger goes away in mid-run: the run stops, nothing
// counts as ok that is not durable, and the next run sends the rest.
func TestLedgerGoesAwayInMidRun(t *testing.T) {
	t.Parallel()
	for _, cutAt := range []int{1, 7, 13} {
		t.Run(fmt.Sprint("call ", cutAt), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			dsn := b.inPostgres()
			name := dsn[strings.LastIndex(dsn, "/")+1 : strings.Index(dsn, "?")]
			admin, err := pgx.Connect(t.Context(), pgtest.DSN(t))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = admin.Close(context.WithoutCancel(t.Context())) })
			exec := func(sql string) {
				if _, err := admin.Exec(context.WithoutCancel(t.Context()), fmt.Sprintf(sql, name)); err != nil {
					t.Error(err)
				}
			}
			calls := make(chan int, 1)
			calls <- 0
			b.crm.calling = func(context.Context) {
				n := <-calls + 1
				if n == cutAt {
					exec("alter database %s allow_connections false")
					exec("select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = '%s'")
				}
				calls <- n
			}
			b.table.set(contacts(200)...)
			b.req.First = plan.FirstSend

			res := b.run()
			if res.Status != plan.Failed || !fault.Is(res.Problems, "ledger_unreachable") || fault.ExitCode(res.Problems) != 5 {
				t.Errorf("the run ended as %s: %v", res.Status, res.Problems)
			}
			ok := res.Counts.OK
			if ok > int64(10*cutAt) || res.Counts.NotSent == 0 {
				t.Errorf("counts after the cut: %+v", res.Counts)
			}
			exec("alter database %s allow_connections true")

			res = b.run()
			if res.Status != plan.Success || res.Counts.Changes() > 200-ok || res.Counts.Unchanged < ok || len(b.crm.records) != 200 {
				t.Errorf("after %d were ok, the next run is %s: %+v; the destination has %d", ok, res.Status, res.Counts, len(b.crm.records))
			}
			if res = b.run(); res.Counts.Unchanged != 200 || res.Counts.Calls != 0 {
				t.Errorf("the run after it: %+v", res.Counts)
			}
		})
	}
}

// A run that is paused for longer than its lease lasts stops as soon as it
// writes: another one has taken over.
func TestLeaseIsLostInMidRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dsn := b.inPostgres()
	admin, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close(context.WithoutCancel(t.Context())) })
	b.crm.traits.Concurrency = 1
	b.table.set(contacts(100)...)
	b.req.First = plan.FirstSend
	calls := 0
	b.crm.calling = func(ctx context.Context) {
		if calls++; calls != 4 {
			return
		}
		if _, err := admin.Exec(ctx, "update exposync.leases set expires_at = clock_timestamp() - interval '1 second'"); err != nil {
			t.Error(err)
		}
		other, err := b.open()
		if err != nil {
			t.Error(err)
			return
		}
		id := plan.SyncID{Project: "shop", Job: "contacts", Connection: "crm", Account: "acme", Object: "contacts", Key: []string{"external_id"}}
		if _, err := other.Open(ctx, id, "prod"); err != nil {
			t.Error(err)
		}
		_ = other.Close()
	}
	res := b.run()
	if !fault.Is(res.Problems, "lease_lost") || res.Counts.OK != 30 || res.Counts.InDoubt != 10 || res.Counts.NotSent != 60 {
		t.Errorf("%v %+v", res.Problems, res.Counts)
	}
}

// BenchmarkLedgers compares a first run of 100 000 records, and one in which a
// hundredth of them changed, over the directory and over PostgreSQL.
func BenchmarkLedgers(b *testing.B) {
	const rows = 100_000
	stores := []struct {
		name string
		open func() (ledger.Ledger, error)
	}{
		{"local", func() (ledger.Ledger, error) { return local.Open(b.TempDir(), local.Options{}) }},
		{"postgres", func() (ledger.Ledger, error) {
			return postgres.Open(b.Context(), postgres.Options{URL: pgtest.New(b), Wait: engine.Sleep})
		}},
	}
	took := map[string]float64{}
	for _, s := range stores {
		for _, step := range []string{"create", "1 in 100", "unchanged"} {
			b.Run(s.name+"/"+step, func(b *testing.B) {
				for b.Loop() {
					b.StopTimer()
					l, err := s.open()
					if err != nil {
						b.Fatal(err)
					}
					w := &wide{n: rows, changed: 100, round: '0'}
					if step != "create" {
						once(b, l, w, &sink{})
					}
					if step == "1 in 100" {
						w.round = '1'
					}
					b.StartTimer()
					once(b, l, w, &sink{})
					b.StopTimer()
					if err := l.Close(); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
				took[s.name+step] = b.Elapsed().Seconds() / float64(b.N)
				b.ReportMetric(took[s.name+step]*float64(time.Second)/rows, "ns/row")
				if s.name == "postgres" {
					b.ReportMetric(took[s.name+step]/took["local"+step], "x-local")
				}
			})
		}
	}
}
