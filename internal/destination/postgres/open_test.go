package postgres_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"exposync/internal/destination"
	"exposync/internal/destination/postgres"
	"exposync/internal/fault"
	"exposync/internal/pgtest"
	"exposync/internal/record"
)

func codes(err error) []string {
	var out []string
	for _, f := range fault.All(err) {
		out = append(out, f.Code)
	}
	return out
}

func TestOpenCollectsWhatCannotWork(t *testing.T) {
	t.Parallel()
	ddl := []string{
		peopleTable,
		"create table strict (id int primary key, must text not null, total int generated always as (id * 2) stored, at date, tags text[], doc jsonb)",
		"create table keyless (id int, email text, score int)",
		"create unique index on keyless (id) where id > 0",
		"create view seen as select * from people",
		`create table "Mixed" ("Id" int primary key, email text)`,
	}
	id := []destination.Field{{Name: "id", Kind: record.Int}}
	tests := []struct {
		name   string
		target destination.Target
		want   []string
		says   string
	}{
		{"no such table", destination.Target{Object: "poeple", Key: id}, []string{"object_missing"}, "did you mean public.people?"},
		{"no such schema", destination.Target{Object: "crm.people", Key: id}, []string{"object_missing"}, "did you mean public.people?"},
		{"no name", destination.Target{Object: "a.b.c", Key: id}, []string{"object_missing"}, ""},
		{"a view", destination.Target{Object: "seen", Key: id}, []string{"object_unwritable"}, "view"},
		{
			"several fields are wrong",
			destination.Target{Object: "strict", Key: id, Fields: []destination.Field{
				{Name: "mustt", Kind: record.Text},
				{Name: "total", Kind: record.Int},
				{Name: "at", Kind: record.Instant},
				{Name: "tags", Kind: record.Int},
				{Name: "doc", Kind: record.Date},
			}},
			[]string{"field_missing", "field_readonly", "field_kind", "field_kind", "field_kind"},
			"did you mean must?",
		},
		{"a column that must be filled", destination.Target{Object: "strict", Key: id, Mode: destination.Upsert}, []string{"field_required"}, `"must"`},
		{"update needs no other column", destination.Target{Object: "strict", Key: id, Mode: destination.Update}, nil, ""},
		{"no unique index on the key", destination.Target{Object: "keyless", Key: id, Mode: destination.Update}, []string{"key_not_unique"}, `create unique index concurrently on "public"."keyless" ("id");`},
		{"append needs none", destination.Target{Object: "keyless", Key: id, Mode: destination.Append}, nil, ""},
		{
			"one column twice",
			destination.Target{Object: "people", Key: id, Fields: []destination.Field{{Name: "Email", Kind: record.Text}, {Name: "EMAIL", Kind: record.Text}}},
			[]string{"field_twice"},
			`"Email" and "EMAIL"`,
		},
		{"exact names win", destination.Target{Object: "Mixed", Key: []destination.Field{{Name: "Id", Kind: record.Int}}, Fields: []destination.Field{{Name: "EMAIL", Kind: record.Text}}}, nil, ""},
		{"capitals are not guessed", destination.Target{Object: "mixed", Key: id}, []string{"object_missing"}, "did you mean public.Mixed?"},
	}
	b := setup(t, ddl...)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := b.dest.Open(t.Context(), tt.target)
			equal(t, "codes", tt.want, codes(err))
			var all strings.Builder
			for _, f := range fault.All(err) {
				all.WriteString(f.Error() + " " + f.Hint + "\n")
			}
			if !strings.Contains(all.String(), tt.says) {
				t.Errorf("%s\ndoes not say %q", all.String(), tt.says)
			}
		})
	}
}

func TestOpenAsksForRights(t *testing.T) {
	t.Parallel()
	b := setup(t, peopleTable, "create role clerk_"+strings.ToLower(t.Name())+" login", "grant select, insert on people to clerk_"+strings.ToLower(t.Name()))
	dest, err := postgres.New(t.Context(), postgres.Config{Name: "crm", URL: strings.Replace(b.dsn, "postgres@", "clerk_"+strings.ToLower(t.Name())+"@", 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dest.Close() })
	_, err = dest.Open(t.Context(), people(destination.Mirror))
	equal(t, "codes", []string{"object_unwritable", "object_unwritable"}, codes(err))
	_, err = dest.Open(t.Context(), people(destination.Insert))
	equal(t, "codes of an insert", nil, codes(err))
}

func TestReadOnlyServer(t *testing.T) {
	t.Parallel()
	b := setup(t, peopleTable, "do $$ begin execute format('alter database %I set default_transaction_read_only = on', current_database()); end $$")
	_, err := b.dest.Open(t.Context(), people(destination.Upsert))
	equal(t, "codes", []string{"destination_readonly"}, codes(err))
}

func TestAccount(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got, err := b.dest.Account(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	db := b.rows("select current_database()")[0]
	if !strings.HasSuffix(got, "/"+db) || strings.ContainsAny(got, "@?") {
		t.Errorf("account %q, want host:port/%s", got, db)
	}
}

func TestAServerThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	dest, err := postgres.New(t.Context(), postgres.Config{Name: "crm", Host: "127.0.0.1", Port: 1, User: "u", Password: "geheim", DBName: "d"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dest.Close() })
	_, err = dest.Account(t.Context())
	if !fault.Is(err, "destination_unreachable") || fault.ExitCode(err) != 5 || strings.Contains(err.Error(), "geheim") {
		t.Errorf("error %v", err)
	}
	if _, err := dest.Open(t.Context(), people(destination.Upsert)); !fault.Is(err, "destination_unreachable") {
		t.Errorf("Open: %v", err)
	}
}

func TestUnknownDatabase(t *testing.T) {
	t.Parallel()
	dsn := strings.Replace(pgtest.New(t), "/test_", "/nowhere_", 1)
	dest, err := postgres.New(t.Context(), postgres.Config{Name: "crm", URL: dsn})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dest.Close() })
	if _, err = dest.Account(t.Context()); !fault.Is(err, "destination_refused") {
		t.Errorf("error %v", err)
	}
}

// A database that is closed for now is as good as away: nothing is wrong with
// the settings.
func TestDatabaseThatIsClosed(t *testing.T) {
	t.Parallel()
	dsn := pgtest.New(t)
	name := dsn[strings.LastIndex(dsn, "/test_")+1:]
	name, _, _ = strings.Cut(name, "?")
	admin, err := pgx.Connect(t.Context(), pgtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close(t.Context()) }()
	if _, err := admin.Exec(t.Context(), "alter database "+name+" allow_connections false"); err != nil {
		t.Fatal(err)
	}
	dest, err := postgres.New(t.Context(), postgres.Config{Name: "crm", URL: dsn})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dest.Close() })
	if _, err = dest.Account(t.Context()); !fault.Is(err, "destination_unreachable") || fault.ExitCode(err) != 5 {
		t.Errorf("error %v", err)
	}
	if _, err := admin.Exec(t.Context(), "alter database "+name+" allow_connections true"); err != nil {
		t.Fatal(err)
	}
}

// A variable of the environment must not lead records to another server. It
// cannot run in parallel: the driver reads the environment.
func TestEnvironmentDoesNotRedirect(t *testing.T) {
	t.Setenv("PGHOST", "10.255.255.1")
	t.Setenv("PGPORT", "1")
	t.Setenv("PGDATABASE", "other")
	dest, err := postgres.New(t.Context(), postgres.Config{Name: "crm", URL: "postgres://u@127.0.0.1/d"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dest.Close() }()
	_, err = dest.Account(t.Context())
	if err != nil && (strings.Contains(err.Error(), "10.255.255.1") || !strings.Contains(err.Error(), "5432") && fault.Is(err, "destination_unreachable")) {
		t.Errorf("error %v, want one about 127.0.0.1:5432", err)
	}
}

func TestConfigurationsThatCannotWork(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		config postgres.Config
		want   string
	}{
		{"nothing", postgres.Config{}, "param_missing"},
		{"no database", postgres.Config{URL: "postgres://user:geheim@host"}, "param_missing"},
		{"no host", postgres.Config{URL: "postgres:///db"}, "param_missing"},
		{"another scheme", postgres.Config{URL: "mysql://user:geheim@host/db"}, "database_url"},
		{"broken", postgres.Config{URL: "postgres://user:gehe%im@host/db"}, "database_url"},
		{"an option that is wrong", postgres.Config{URL: "postgres://user:geheim@host/db?sslmode=perhaps"}, "database_url"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := postgres.New(t.Context(), tt.config)
			if !fault.Is(err, tt.want) || strings.Contains(err.Error(), "gehe") {
				t.Errorf("error %v, want %s without the password", err, tt.want)
			}
		})
	}
}

// Another schema is another place: what was confirmed in one must not count
// as confirmed in the other.
func TestTheSchemaIsPartOfTheAccount(t *testing.T) {
	t.Parallel()
	dsn := pgtest.New(t)
	account := func(schema string) string {
		p, err := postgres.New(t.Context(), postgres.Config{Name: "crm", URL: dsn, Schema: schema})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = p.Close() }()
		a, err := p.Account(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	if account("") != account("public") {
		t.Error("public is the schema where none is named")
	}
	if account("other") == account("") {
		t.Errorf("account of schema other: %s", account("other"))
	}
}
