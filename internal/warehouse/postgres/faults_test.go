package postgres_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"exposync/internal/fault"
	"exposync/internal/pgtest"
	"exposync/internal/record"
	"exposync/internal/warehouse"
	"exposync/internal/warehouse/postgres"
)

const password = "p4ss wörd'\\"

func TestConnectionFaults(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	dsn := server.DSN("postgres")
	execute(t, dsn,
		"create role locked login password 'another'", "create role reader login",
		"create table hba (line text)",
		"insert into hba values ('host all locked 127.0.0.1/32 scram-sha-256'), ('host all stranger 127.0.0.1/32 reject'), ('host all all 127.0.0.1/32 trust')",
		"do $$ begin execute format('copy hba to %L', current_setting('hba_file')); end $$",
		"select pg_reload_conf()",
		"select pg_sleep(0.2)") // the server rereads the file by itself
	closed := freePort(t)
	for _, c := range []struct {
		name   string
		change func(*postgres.Config)
		code   string
		says   []string
	}{
		{"nobody listens", func(c *postgres.Config) { c.Port = closed }, "warehouse_unreachable", []string{"refused", closed}},
		{"unknown host", func(c *postgres.Config) { c.Host = "db.invalid" }, "warehouse_unreachable", []string{"db.invalid"}},
		{"wrong password", func(c *postgres.Config) { c.User = "locked" }, "warehouse_auth", []string{"locked", "28P01"}},
		{"no such user", func(c *postgres.Config) { c.User = "nobody" }, "warehouse_auth", []string{"nobody"}},
		{"not let in", func(c *postgres.Config) { c.User = "stranger" }, "warehouse_auth", []string{"stranger"}},
		{"no such database", func(c *postgres.Config) { c.DBName = "nowhere" }, "warehouse_settings", []string{"nowhere"}},
		{"no TLS there", func(c *postgres.Config) { c.SSLMode = "require" }, "warehouse_unreachable", []string{"TLS"}},
		{"unknown sslmode", func(c *postgres.Config) { c.SSLMode = "perhaps" }, "warehouse_settings", []string{"sslmode"}},
		{"port is a word", func(c *postgres.Config) { c.Port = "postgres" }, "warehouse_settings", []string{"port"}},
		{"timeout is a word", func(c *postgres.Config) { c.ConnectTimeout = "soon" }, "warehouse_settings", []string{"connect_timeout"}},
		{"keepalive is a word", func(c *postgres.Config) { c.KeepalivesIdle = "soon" }, "warehouse_settings", []string{"keepalives_idle"}},
		{"certificate is missing", func(c *postgres.Config) { c.SSLMode, c.SSLRootCert = "verify-full", "/nowhere/ca.pem" }, "warehouse_settings", []string{"/nowhere/ca.pem"}},
		{"no such role", func(c *postgres.Config) { c.Role = "boss" }, "warehouse_settings", []string{"boss"}},
		{"role not granted", func(c *postgres.Config) { c.User, c.Role = "reader", "postgres" }, "warehouse_settings", []string{"postgres"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			settings := config(t, dsn)
			settings.Password, settings.ConnectTimeout = password, "5"
			c.change(&settings)
			w, err := postgres.New(t.Context(), settings)
			if err == nil {
				defer func() { _ = w.Close() }()
				_, err = w.Snapshot(t.Context())
			}
			if !fault.Is(err, c.code) {
				t.Fatalf("got %v, want %s", err, c.code)
			}
			for _, word := range append(c.says, settings.Where) {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%q does not say %q", err, word)
				}
			}
			if f := fault.All(err)[0]; f.Hint == "" {
				t.Errorf("%s has no hint", c.code)
			}
			if _, ok := fault.Explain(c.code); !ok {
				t.Errorf("%s has no page", c.code)
			}
			if strings.Contains(err.Error(), "p4ss") {
				t.Errorf("the password is in %q", err)
			}
		})
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// A view can fail at any row, and the server's message then quotes the row.
func TestReadFaultsNameNoValue(t *testing.T) {
	t.Parallel()
	dsn := pgtest.New(t)
	execute(t, dsn, "create table t as select n, case n when 5000 then 'ada@example.com' else n::text end as s from generate_series(1, 10000) n",
		"create view casts as select n, s::int as v from t",
		"create function loud(s text) returns text language plpgsql as $$ begin if s like '%@%' then raise exception 'bad: %', s; end if; return s; end $$",
		"create view raises as select n, loud(s) as v from t",
		"create view divides as select n, 1 / (n - 5000) as v from t")
	w := open(t, config(t, dsn))
	for _, relation := range []string{"casts", "raises", "divides"} {
		n, err := 0, error(nil)
		for _, e := range snapshot(t, w).Rows(t.Context(), warehouse.Query{Relation: relation, Columns: []string{"n", "v"}}) {
			if err = e; e == nil {
				n++
			}
		}
		if n != 4999 || !fault.Is(err, "warehouse_read") || !strings.Contains(err.Error(), "SQLSTATE") || strings.Contains(err.Error(), "ada") {
			t.Errorf("%s: %d rows, then %v, want 4999 and warehouse_read without the value", relation, n, err)
		}
	}
}

func TestDeniedRelation(t *testing.T) {
	t.Parallel()
	dsn := pgtest.New(t)
	user := strings.TrimPrefix(config(t, dsn).DBName, "test_")
	user = "denied_" + user
	execute(t, dsn, "create role "+user+" login", "create schema hidden", "create table hidden.t (n int)", "create table shown (n int)",
		"revoke all on shown from public", "create view through as select * from shown", "grant select on through to "+user)
	t.Cleanup(func() { execute(t, dsn, "drop owned by "+user, "drop role "+user) })
	settings := config(t, dsn)
	settings.User = user
	w := open(t, settings)
	for _, relation := range []string{"hidden.t", "shown"} {
		if _, err := snapshot(t, w).Columns(t.Context(), relation); !fault.Is(err, "relation_denied") {
			t.Errorf("Columns(%s): %v, want relation_denied", relation, err)
		}
	}
	if rows := read(t, snapshot(t, w), warehouse.Query{Relation: "through", Columns: []string{"n"}}); len(rows) > 0 {
		t.Errorf("an empty view gave %d rows", len(rows))
	}
}

// An administrator ends the session: the rows that came do not count.
func TestTerminatedSession(t *testing.T) {
	t.Parallel()
	dsn := pgtest.New(t)
	execute(t, dsn, "create table t as select n, repeat('x', 100) as s from generate_series(1, 200000) n")
	settings := config(t, dsn)
	settings.ApplicationName = "to be terminated"
	n, err := 0, error(nil)
	for _, e := range snapshot(t, open(t, settings)).Rows(t.Context(), warehouse.Query{Relation: "t", Columns: []string{"n", "s"}}) {
		if err = e; e == nil {
			n++
		}
		if n == 10 {
			execute(t, dsn, "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'to be terminated'")
		}
	}
	if n >= 200_000 || !fault.Is(err, "warehouse_read") {
		t.Errorf("%d rows, then %v, want warehouse_read", n, err)
	}
}

// Closing after a break must not read the rest, and must stop the server.
func TestCloseCancelsTheQuery(t *testing.T) {
	t.Parallel()
	dsn := pgtest.New(t)
	execute(t, dsn, "create view endless as select generate_series(1, 9000000000) as n, repeat('x', 1000) as s")
	w := open(t, config(t, dsn))
	s, err := w.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range s.Rows(t.Context(), warehouse.Query{Relation: "endless", Columns: []string{"n", "s"}}) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := w.Close(); err != nil { // waits for the connections
		t.Errorf("Close: %v", err)
	}
	observer := open(t, config(t, dsn))
	q := warehouse.Query{Relation: "pg_stat_activity", Columns: []string{"query"}}
	for _, r := range read(t, snapshot(t, observer), q) {
		if strings.Contains(string(r[0].Data), `"endless"`) || strings.Contains(string(r[0].Data), "from endless") {
			t.Errorf("the server is still busy with %s", r[0].Data)
		}
	}
}

// A slow view is interrupted while the server has sent nothing yet.
func TestCancelWhileTheServerThinks(t *testing.T) {
	t.Parallel()
	dsn := pgtest.New(t)
	execute(t, dsn, "create view slow as select 1 as n, pg_sleep(600)::text as s")
	ctx, cancel := context.WithCancel(t.Context())
	s := snapshot(t, open(t, config(t, dsn)))
	if _, err := s.Columns(ctx, "slow"); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		var err error
		for _, e := range s.Rows(ctx, warehouse.Query{Relation: "slow", Columns: []string{"n", "s"}}) {
			err = e
		}
		done <- err
	}()
	thinking := warehouse.Query{Relation: "pg_stat_activity", Columns: []string{"wait_event", "datname"}}
	for observer := open(t, config(t, dsn)); ; {
		s, err := observer.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		seen := show(read(t, s, thinking))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(seen, "PgSleep; text "+config(t, dsn).DBName) {
			break
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestProfileSettingsReachTheServer(t *testing.T) {
	t.Parallel()
	dsn := pgtest.New(t)
	name := config(t, dsn).DBName
	role := "role_" + name
	execute(t, dsn, "create role "+role, `create schema "My Schema"`, `create table "My Schema".t as select 1 as n`,
		`grant usage on schema "My Schema" to `+role, `grant select on "My Schema".t to `+role,
		`create view settings as select current_user::text as role, current_setting('transaction_read_only') as ro,
			current_setting('transaction_isolation') as iso, current_setting('application_name') as app, current_setting('client_encoding') as enc,
			current_setting('TimeZone') as tz`,
		"grant select on settings to "+role, "alter database "+name+" set timezone = 'Asia/Tokyo'")
	t.Cleanup(func() { execute(t, dsn, "drop owned by "+role, "drop role "+role) })
	settings := config(t, dsn)
	settings.Role, settings.SearchPath, settings.KeepalivesIdle = role, `"My Schema", public`, "30"
	s := snapshot(t, open(t, settings))
	if rows := read(t, s, warehouse.Query{Relation: "t", Columns: []string{"n"}}); len(rows) != 1 {
		t.Errorf("search_path does not lead to the table")
	}
	rows := read(t, s, warehouse.Query{Relation: "settings", Columns: []string{"role", "ro", "iso", "app", "enc", "tz"}})
	if got, want := show(rows), "text "+role+"; text on; text repeatable read; text exposync; text UTF8; text Asia/Tokyo; "; got != want {
		t.Errorf("the session has %s, want %s", got, want)
	}
}

// A relation of another database cannot be read; that is a matter of set-up.
func TestOtherDatabase(t *testing.T) {
	t.Parallel()
	s := snapshot(t, open(t, config(t, pgtest.New(t))))
	if _, err := s.Columns(t.Context(), `"elsewhere"."public"."t"`); !fault.Is(err, "relation_missing") {
		t.Errorf("got %v, want relation_missing", err)
	}
}

func TestBrokenKeysAreRefused(t *testing.T) {
	t.Parallel()
	dsn := pgtest.New(t)
	execute(t, dsn, "create table t (n int)")
	q := warehouse.Query{Relation: "t", Columns: []string{"n"}, Key: []string{"n"}}
	for name, key := range map[string]record.Key{
		"not a key":      record.Key("nonsense"),
		"two parts":      record.AppendKey(nil, record.Value{Kind: record.Int, Data: []byte("1")}, record.Value{Kind: record.Int, Data: []byte("2")}),
		"null":           record.AppendKey(nil, record.Value{Kind: record.Null}),
		"another type's": record.AppendKey(nil, record.Value{Kind: record.Text, Data: []byte("x")}),
	} {
		err := error(nil)
		for _, e := range snapshot(t, open(t, config(t, dsn))).Fetch(t.Context(), q, []record.Key{key}) {
			err = e
		}
		if err == nil {
			t.Errorf("%s: fetched without an error", name)
		}
	}
}
