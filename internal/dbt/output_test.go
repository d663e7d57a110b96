package dbt_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/dbt"
	"exposync/internal/fault"
	"exposync/internal/secret"
)

// outputOf reads an output of a project in /p.
func outputOf(t *testing.T, yaml string) dbt.Output {
	t.Helper()
	path := write(t, "profiles.yml", "p: {outputs: {default: "+yaml+"}}")
	p, err := dbt.LoadProfile(path, dbt.ProfileChoice{Profile: "p", Project: &dbt.ProjectFile{Dir: "/p"}}, secret.Resolver{})
	if err != nil {
		t.Fatal(err)
	}
	return p.Output
}

func TestMySQL(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string]dbt.MySQL{
		"{type: mysql, server: h, port: 3307, schema: s, username: u, password: secret1, ssl_disabled: true}": {
			Host: "h", Port: 3307, User: "u", Password: secret.New("secret1"), Schema: "s", Plain: true,
		},
		"{type: mariadb, host: h, schema: s, database: s, user: u, PWD: secret1}":           {Host: "h", Port: 3306, User: "u", Password: secret.New("secret1"), Schema: "s"},
		"{type: mysql5, unix_socket: run/mysqld.sock, schema: s, UID: u, ssl_disabled: no}": {Port: 3306, Socket: "/p/run/mysqld.sock", User: "u", Schema: "s"},
	} {
		o := outputOf(t, yaml)
		got, err := o.MySQL()
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", yaml, err, diff)
		}
		if o.Database != "" || o.Schema != "s" {
			t.Errorf("%s: database %q, schema %q: relations have no database there", yaml, o.Database, o.Schema)
		}
	}
	_, err := outputOf(t, "{type: mysql, port: many, database: d}").MySQL()
	if got := len(fault.All(err)); got != 3 || !fault.Is(err, "profile_invalid") { // username, schema, port
		t.Errorf("%d problems, want 3: %v", got, err)
	}
	_, err = outputOf(t, "{type: mysql, user: u, schema: s, database: d}").MySQL()
	if !fault.Is(err, "profile_invalid") || !strings.Contains(err.Error(), "database") {
		t.Errorf("a database beside the schema: %v", err)
	}
}

func TestRedshift(t *testing.T) {
	t.Parallel()
	o := outputOf(t, "{type: redshift, host: h, user: u, pass: secret1, dbname: d, schema: s, sslmode: require}")
	got, err := o.Redshift()
	if err != nil || got.Port != 5439 || got.Host != "h" || got.Password.Reveal() != "secret1" || got.Database != "d" || got.Method != "database" || o.Database != "d" {
		t.Errorf("Redshift() = %+v, %v", got, err)
	}
	got, err = outputOf(t, "{type: redshift, method: iam, cluster_id: c, dbname: d, schema: s}").Redshift()
	if err != nil || got.Method != "iam" {
		t.Errorf("by IAM: %+v, %v", got, err)
	}
	if _, err = outputOf(t, "{type: redshift, port: 70000, dbname: d, schema: s}").Redshift(); len(fault.All(err)) != 3 { // host, user, port
		t.Errorf("problems: %v", err)
	}
}

func TestDuckDBSetup(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string]dbt.DuckDBSetup{
		"path: x.duckdb": {},
		"path: x.duckdb, settings: {threads: 2, memory_limit: 1GB}": {},
		"path: x.duckdb, extensions: [httpfs, {name: spatial, repo: core}], attach: [{path: raw/crm.db}, {path: /a/b.duckdb, alias: c, read_only: true}]": {
			Extensions: []string{"httpfs", "spatial"}, Attached: []dbt.DuckDBFile{{Name: "crm", Path: "/p/raw/crm.db"}, {Name: "c", Path: "/a/b.duckdb"}},
		},
		"path: ':memory:'":                                    {Beyond: "a database in memory"},
		"schema: s":                                           {Beyond: "a database in memory"},
		"path: 'md:shop'":                                     {Beyond: "path: md:"},
		"path: 'ducklake:x.db'":                               {Beyond: "path: ducklake:"},
		"path: x.db, is_ducklake: true":                       {Beyond: "is_ducklake"},
		"path: x.db, is_ducklake: false":                      {},
		"path: x.db, motherduck_token: t0ken":                 {Beyond: "motherduck_token"},
		"path: x.db, secrets: [{type: s3}]":                   {Beyond: "secrets"},
		"path: x.db, settings: {TimeZone: UTC}":               {Beyond: "settings.TimeZone"},
		"path: x.db, attach: [{path: crm, type: postgres}]":   {Beyond: "attach of something that is no DuckDB file"},
		"path: x.db, attach: [{path: 's3://b/x.duckdb'}]":     {Beyond: "attach of something that is no DuckDB file"},
		"path: x.db, attach: [{path: y.db, options: {a: b}}]": {Beyond: "attach of something that is no DuckDB file"},
	} {
		if diff := cmp.Diff(want, outputOf(t, "{type: duckdb, "+yaml+"}").DuckDBSetup()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", yaml, diff)
		}
	}
}
