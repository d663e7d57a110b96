package dbt

import (
	"math"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"exposync/internal/fault"
	"exposync/internal/secret"
	"exposync/internal/yamlx"
)

// Postgres is an output of type postgres or of an adapter that shares its
// fields.
type Postgres struct {
	Host            string
	Port            int // 5432 if the profile says none
	User            string
	Password        secret.Value // empty: whatever the server or a password file says
	Database        string
	Schema          string
	Role            string
	SearchPath      string
	SSLMode         string // empty: the driver's default
	SSLCert         string // path
	SSLKey          string // path
	SSLRootCert     string // path
	ApplicationName string
	ConnectTimeout  time.Duration // 10 s if the profile says none
	KeepalivesIdle  time.Duration // 0: the system's default
}

// Postgres reads the output as one of PostgreSQL. What is missing or no
// number is a fault with code profile_invalid; all of them come together.
func (o Output) Postgres() (Postgres, error) {
	v := &outputReader{Output: o}
	out := Postgres{
		Host: v.required("host"), User: v.required("user"), Database: v.required("dbname", "database"),
		Password: secret.New(o.text("password", "pass")), Port: v.number("port", 5432),
		Schema: o.Schema, Role: o.text("role"), SearchPath: o.text("search_path"), SSLMode: o.text("sslmode"),
		SSLCert: o.path("sslcert"), SSLKey: o.path("sslkey"), SSLRootCert: o.path("sslrootcert"),
		ApplicationName: o.text("application_name"),
		ConnectTimeout:  time.Duration(v.number("connect_timeout", 10)) * time.Second,
		KeepalivesIdle:  time.Duration(v.number("keepalives_idle", 0)) * time.Second,
	}
	if o.text("sslrootcert") == "system" { // libpq's word for the system's own certificates
		out.SSLRootCert = "system"
	}
	if out.Port > math.MaxUint16 {
		v.problem(o.tree.Get("port"), "port is not the number of a port")
	}
	return out, v.problems.Err()
}

// SQLite is an output of type sqlite.
type SQLite struct {
	Database  string
	Schema    string
	Paths     map[string]string // file of each schema, absolute; one is main
	Directory string            // schema_directory, absolute: further schemas are SCHEMA.db in it
}

// SQLite reads the output as one of dbt-sqlite.
func (o Output) SQLite() (SQLite, error) {
	v := &outputReader{Output: o}
	out := SQLite{Database: o.Database, Schema: o.Schema, Paths: map[string]string{}, Directory: o.path("schema_directory")}
	files := o.tree.Get("schemas_and_paths")
	for _, p := range mapPairs(files) {
		path, ok := p.Value.Scalar()
		if !ok || path == "" {
			v.problem(p.Value, "schemas_and_paths."+p.Key+" is not a path")
			continue
		}
		out.Paths[p.Key] = under(o.dir, path)
	}
	if out.Paths["main"] == "" && len(v.problems) == 0 {
		v.problem(o.tree, "schemas_and_paths has no main")
	}
	return out, v.problems.Err()
}

// DuckDB is an output of type duckdb.
type DuckDB struct {
	Path     string // absolute; or :memory:, md:…, a URL, as written
	Database string // the catalog's name
	Schema   string
}

// DuckDB reads the output as one of dbt-duckdb.
func (o Output) DuckDB() (DuckDB, error) {
	path := firstOf(o.text("path"), ":memory:")
	if !strings.Contains(path, ":") || filepath.IsAbs(path) {
		path = under(o.dir, path)
	}
	return DuckDB{Path: path, Database: o.Database, Schema: firstOf(o.Schema, "main")}, nil
}

// database gives the name that dbt puts before schemas.
func (o Output) database() string {
	switch o.Adapter {
	case "mysql", "mysql5", "mariadb": // nothing stands above a schema there
		return ""
	}
	named := o.text("database", "dbname", "project", "catalog")
	if named != "" {
		return named
	}
	switch o.Adapter {
	case "duckdb":
		return duckDatabase(o.text("path"))
	case "sqlite":
		return "database"
	}
	return ""
}

// duckDatabase gives the catalog's name that DuckDB derives from a path: the
// file's stem.
func duckDatabase(path string) string {
	if path == "" || path == ":memory:" {
		return "memory"
	}
	if u, err := url.Parse(path); err == nil && len(u.Scheme) > 1 { // one letter: a Windows drive
		path = firstOf(u.Opaque, u.Path)
	}
	path = path[strings.LastIndexAny(path, `/\`)+1:]
	return strings.TrimSuffix(path, filepath.Ext(path))
}

// path gives a path of the output as seen from the project; "" if unset.
func (o Output) path(key string) string {
	if path := o.text(key); path != "" {
		return under(o.dir, path)
	}
	return ""
}

// outputReader collects what is wrong with an output.
type outputReader struct {
	Output
	problems fault.List
}

func (v *outputReader) required(keys ...string) string {
	text := v.text(keys...)
	if text == "" {
		v.problem(v.tree, "the output has no "+keys[0])
	}
	return text
}

func (v *outputReader) number(key string, otherwise int) int {
	text := v.text(key)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		v.problem(v.tree.Get(key), key+" is not a whole number")
	}
	return n
}

func (v *outputReader) problem(at *yamlx.Node, msg string) {
	v.problems = append(v.problems, &fault.Fault{
		Code: "profile_invalid", Kind: fault.Config, Whose: fault.Setup, Where: at.Where(v.file), Msg: msg,
		Hint: "dbt debug checks the connection",
	})
}

func mapPairs(n *yamlx.Node) []yamlx.Pair {
	if n == nil {
		return nil
	}
	return n.Pairs
}
