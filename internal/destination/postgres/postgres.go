// Package postgres writes records into tables of a PostgreSQL database. A
// batch is staged by COPY and merged by one statement in one transaction, so
// it lands as a whole or not at all; when the server refuses it, the bad
// records are named one by one and the others land.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"exposync/internal/destination"
	"exposync/internal/fault"
)

// Config says which database. Either URL or the single parts are given.
type Config struct {
	Name   string // of the connection, for messages
	URL    string // postgres://user:password@host:port/dbname?sslmode=…; secret
	Schema string // for objects that name none; empty means public

	Host, User, Password, DBName string
	Port                         int    // 0 means 5432
	SSLMode                      string // as libpq has them; empty means prefer
}

// poolSize is how many connections one run may hold: the batches in flight of
// two jobs, so that a small server is not exhausted.
const poolSize = 8

// Postgres is one database. It connects when it is first used.
type Postgres struct {
	pool    *pgxpool.Pool
	name    string
	schema  string
	dialer  *dialer
	account string // host:port/ of the configuration; the server adds its name
}

var (
	_ destination.Destination = (*Postgres)(nil)
	_ destination.Holder      = (*Postgres)(nil)
)

// New checks the configuration; it does not connect. A configuration that
// cannot be used is a fault with code "database_url" or "param_missing".
func New(ctx context.Context, c Config) (*Postgres, error) {
	address, err := c.address()
	if err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(address)
	if err != nil { // its text may hold parts of the URL, so it is not passed on
		return nil, c.fault("database_url", "the url is not a PostgreSQL URL",
			"write postgres://user@host:5432/dbname, special characters percent-encoded")
	}
	config.MaxConns = poolSize
	conn := config.ConnConfig
	// Poolers such as PgBouncer lose prepared statements between transactions.
	conn.DefaultQueryExecMode = pgx.QueryExecModeExec
	dialer := &dialer{}
	conn.DialFunc = dialer.dial
	maps.Copy(conn.RuntimeParams, settings())
	if conn.Host == "" || conn.Database == "" {
		return nil, c.fault("param_missing", "the connection names no host or no dbname",
			"add both: a database is never taken from the environment")
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("set up the pool of connection %s: %w", c.Name, err)
	}
	schema := c.Schema
	if schema == "" {
		schema = "public"
	}
	host := strings.ToLower(conn.Host)
	return &Postgres{
		pool: pool, name: c.Name, schema: schema, dialer: dialer,
		account: net.JoinHostPort(host, strconv.Itoa(int(conn.Port))) + "/",
	}, nil
}

// settings make the server read and write the texts that records hold,
// whatever its own defaults are.
func settings() map[string]string {
	return map[string]string{
		"application_name":            "exposync",
		"client_encoding":             "UTF8",
		"DateStyle":                   "ISO, YMD",
		"TimeZone":                    "UTC",
		"IntervalStyle":               "postgres",
		"bytea_output":                "hex",
		"extra_float_digits":          "1",
		"standard_conforming_strings": "on",
	}
}

// address gives the URL to connect with. Host and database must be written
// down: libpq's PGHOST must not be able to redirect a production sync.
func (c Config) address() (string, error) {
	if c.URL == "" {
		return c.built()
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return "", c.fault("database_url", "the url is not a PostgreSQL URL",
			"write postgres://user@host:5432/dbname, special characters percent-encoded")
	}
	host, db := u.Host, strings.Trim(u.Path, "/")
	if host == "" {
		host = u.Query().Get("host")
	}
	if db == "" {
		db = u.Query().Get("dbname")
	}
	if host == "" || db == "" {
		return "", c.fault("param_missing", "the url names no host or no database",
			"write postgres://user@host:5432/dbname; a database is never taken from the environment")
	}
	if u.Host != "" && u.Port() == "" && !u.Query().Has("port") { // nor must PGPORT
		u.Host += ":5432"
	}
	return u.String(), nil
}

func (c Config) built() (string, error) {
	if c.Host == "" || c.DBName == "" {
		return "", c.fault("param_missing", "the connection needs url, or host and dbname",
			"add them to the connection in exposync.yml")
	}
	port, mode := c.Port, c.SSLMode
	if port == 0 {
		port = 5432
	}
	if mode == "" {
		mode = "prefer"
	}
	u := url.URL{Scheme: "postgres", Path: "/" + c.DBName, Host: net.JoinHostPort(c.Host, strconv.Itoa(port))}
	query := url.Values{"sslmode": {mode}}
	if strings.HasPrefix(c.Host, "/") { // a folder with a socket
		u.Host = ""
		query.Set("host", c.Host)
		query.Set("port", strconv.Itoa(port))
	}
	u.RawQuery = query.Encode()
	if c.User != "" {
		u.User = url.User(c.User)
		if c.Password != "" {
			u.User = url.UserPassword(c.User, c.Password)
		}
	}
	return u.String(), nil
}

func (c Config) fault(code, msg, hint string) *fault.Fault {
	return &fault.Fault{
		Code: code, Kind: fault.Config, Whose: fault.Setup,
		Where: "connection " + c.Name, Msg: msg, Hint: hint,
	}
}

// Account is host:port/dbname, and /schema unless it is public: where the configuration leads, and what the
// server that answers there calls its database.
func (p *Postgres) Account(ctx context.Context) (string, error) {
	var db string
	if err := p.pool.QueryRow(ctx, "select current_database()").Scan(&db); err != nil {
		return "", p.unusable(err, "ask the database for its name")
	}
	if p.schema != "public" {
		// Objects that name no schema are of this one: another schema is
		// another place, and what was confirmed there was not confirmed here.
		db += "/" + p.schema
	}
	return p.account + db, nil
}

// Close closes all connections, within a second or two.
func (p *Postgres) Close() error {
	defer time.AfterFunc(grace, p.dialer.sever).Stop()
	p.pool.Close()
	return nil
}

// unusable explains why the database cannot be used at all.
func (p *Postgres) unusable(err error, doing string) error {
	f := &fault.Fault{
		Code: "destination_unreachable", Kind: fault.Unavailable, Whose: fault.Network,
		Where: "connection " + p.name, Msg: doing,
		Hint: "check host, port and network with: psql -h HOST -p PORT DBNAME",
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		f.Err = err
		return f
	}
	f.Whose, f.Msg = fault.Destination, fmt.Sprintf("%s: %s (SQLSTATE %s)", doing, pg.Message, pg.Code)
	const closed = "55000" // the database takes no connections for now
	switch state := stateOf(pg.Code); {
	case pg.Code == closed:
		f.Hint = "try again when the database accepts connections"
	case state == destination.Auth:
		f.Code, f.Kind = "destination_auth", fault.Config
		f.Hint = "check user and password of the connection, and pg_hba.conf of the server"
	case state == destination.Stop, state == destination.Mapping:
		f.Code, f.Kind = "destination_refused", fault.Config
		f.Hint = "exposync explain destination_refused"
	default:
		f.Hint = "try again when the server accepts connections"
	}
	return f
}
