package mysql_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"exposync/internal/destination"
	"exposync/internal/destination/mysql"
	"exposync/internal/fault"
	"exposync/internal/record"
)

func codes(err error) []string {
	var out []string
	for _, f := range fault.All(err) {
		out = append(out, f.Code)
	}
	slices.Sort(out)
	return out
}

func TestOpenFindsWhatWouldFailForEveryRecord(t *testing.T) {
	t.Parallel()
	field := func(name string, k record.Kind) []destination.Field {
		return []destination.Field{{Name: name, Kind: k}}
	}
	for name, tt := range map[string]struct {
		ddl    string
		change func(*destination.Target)
		want   []string
	}{
		"all is well":                   {peopleTable, nil, nil},
		"no table":                      {"create table peoples (id int)", nil, []string{"object_missing"}},
		"a view":                        {"create view people as select 1 as id", nil, []string{"object_unwritable"}},
		"no transactions":               {peopleTable + " engine = Aria", nil, []string{"object_unwritable"}},
		"no such column":                {"create table people (id int primary key, mail text, score int)", nil, []string{"field_missing"}},
		"computed":                      {"create table people (id int primary key, email text, score int as (id + 1))", nil, []string{"field_readonly"}},
		"a kind that does not fit":      {"create table people (id int primary key, email blob, score date)", nil, []string{"field_kind", "field_kind"}},
		"a key that folds":              {peopleTable, func(t *destination.Target) { t.Key = field("id", record.Text) }, []string{"field_kind"}},
		"no unique index":               {"create table people (id int, email text, score int, key (id))", nil, []string{"key_not_unique"}},
		"an index on more":              {"create table people (id int, email varchar(9), score int, unique (id, email))", nil, []string{"key_not_unique"}},
		"an index on a part":            {"create table people (id varchar(20), email text, score int, unique (id(5)))", func(t *destination.Target) { t.Key = field("id", record.Text) }, []string{"key_not_unique"}},
		"append needs none":             {"create table people (id int, email text, score int)", func(t *destination.Target) { t.Mode = destination.Append }, nil},
		"a column without value":        {"create table people (id int primary key, email text, score int, owner int not null)", nil, []string{"field_required"}},
		"an update gives none":          {"create table people (id int primary key, email text, score int, owner int not null)", func(t *destination.Target) { t.Mode = destination.Update }, nil},
		"one column twice":              {peopleTable, func(t *destination.Target) { t.Fields = append(t.Fields, field("SCORE", record.Int)...) }, []string{"field_twice"}},
		"a name with too many dots":     {peopleTable, func(t *destination.Target) { t.Object = "a.b.c" }, []string{"object_missing"}},
		"a default makes up for itself": {"create table people (id int primary key, email text, score int, at timestamp not null default now())", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, tt.ddl)
			target := people(destination.Upsert)
			if tt.change != nil {
				tt.change(&target)
			}
			_, err := b.dest.Open(t.Context(), target)
			equal(t, fmt.Sprintf("codes of %v", err), tt.want, codes(err))
		})
	}
}

func TestOpenChecksRights(t *testing.T) {
	t.Parallel()
	b := setup(t, peopleTable, "create user reader_1 identified by 'geheim'")
	b.exec("grant select, insert, update (id, email) on " + b.at.Name + ".people to reader_1")
	dest, err := mysql.New(mysql.Config{
		Name: "crm", URL: fmt.Sprintf("mysql://reader_1:geheim@%s:%d/%s", b.at.Host, b.at.Port, b.at.Name),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dest.Close() }()
	for mode, want := range map[destination.Mode]string{
		destination.Upsert: "update score", destination.Insert: "", destination.Append: "",
	} {
		_, err := dest.Open(t.Context(), people(mode))
		if want == "" && err != nil || want != "" && (!fault.Is(err, "object_unwritable") || !strings.Contains(err.Error(), want)) {
			t.Errorf("mode %s: %v", mode, err)
		}
	}
	b.exec("grant update on " + b.at.Name + ".people to reader_1")
	if _, err := dest.Open(t.Context(), people(destination.Mirror)); !fault.Is(err, "object_unwritable") || !strings.Contains(err.Error(), "delete") {
		t.Errorf("mode mirror without delete: %v", err)
	}
}

func TestReadOnlyServer(t *testing.T) {
	t.Parallel()
	b := on(t, ownServer(t), peopleTable, "create user clerk_ro identified by 'geheim'")
	b.exec("grant select, insert, update, delete on "+b.at.Name+".* to clerk_ro", "set global read_only = on")
	dest, err := mysql.New(mysql.Config{Name: "crm", Host: b.at.Host, Port: b.at.Port, User: "clerk_ro", Password: "geheim", DBName: b.at.Name})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dest.Close() }()
	if _, err := dest.Open(t.Context(), people(destination.Upsert)); !fault.Is(err, "destination_readonly") {
		t.Errorf("Open: %v", err)
	}
}

func TestAccountAndSettings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	account, err := b.dest.Account(t.Context())
	if err != nil || account != fmt.Sprintf("127.0.0.1:%d/%s", b.at.Port, b.at.Name) {
		t.Errorf("Account() = %q, %v", account, err)
	}
	for url, want := range map[string]string{
		"mysql://u:p@h:1/db": "", "mariadb://h/db": "", "mysql://h": "param_missing", "postgres://h/db": "database_url",
		"mysql://u:geheim@h:x/db": "database_url", "mysql://h/db?tls=skip": "database_url", "": "param_missing",
	} {
		_, err := mysql.New(mysql.Config{Name: "crm", URL: url})
		if got := strings.Join(codes(err), ","); got != want || err != nil && strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v, want %q", url, err, want)
		}
	}
}
