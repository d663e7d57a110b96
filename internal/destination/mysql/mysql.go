// Package mysql writes records into tables of MySQL and MariaDB. A batch is
// one transaction: the rows that exist are looked up and locked by key,
// updated, and the others inserted. When the server refuses a statement it
// names no row, so the statement is halved between savepoints until the bad
// records are known; the others land.
//
// It is not `insert … on duplicate key update`: that also updates a row that
// has the same value in any other unique index, which is another record.
package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"exposync/internal/destination"
	"exposync/internal/fault"
)

// Config says which database. Either URL or the single parts are given.
type Config struct {
	Name string // of the connection, for messages
	URL  string // mysql://user:password@host:3306/dbname; secret

	Host, User, Password, DBName string
	Port                         int // 0 means 3306
	TLS                          TLS // empty means Prefer
}

// TLS says whether the connection is encrypted.
type TLS string

// The ways.
const (
	Prefer TLS = "prefer" // where the server has it, whatever its certificate
	Verify TLS = "verify" // with a certificate that this machine trusts
	Off    TLS = "off"
)

const (
	poolSize    = 8 // connections that one run may hold, as for PostgreSQL
	defaultPort = 3306
	dialing     = 10 * time.Second
	grace       = time.Second // for a goodbye that a dead server does not answer
)

// MySQL is one database. It connects when it is first used.
type MySQL struct {
	db      *sql.DB
	name    string
	dbname  string
	account string // host:port/ of the configuration; the server adds its name
}

var (
	_ destination.Destination = (*MySQL)(nil)
	_ destination.Holder      = (*MySQL)(nil)
)

// New checks the configuration; it does not connect. A configuration that
// cannot be used is a fault with code "database_url" or "param_missing".
func New(c Config) (*MySQL, error) {
	if c.URL != "" {
		if err := c.read(); err != nil {
			return nil, err
		}
	}
	if c.Host == "" || c.DBName == "" {
		return nil, c.fault("param_missing", "the connection names no host or no dbname",
			"add host and dbname, or url, to the connection in exposync.yml")
	}
	if c.Port == 0 {
		c.Port = defaultPort
	}
	settings := mysql.NewConfig()
	settings.User, settings.Passwd, settings.DBName = c.User, c.Password, c.DBName
	settings.Net, settings.Addr = "tcp", net.JoinHostPort(c.Host, strconv.Itoa(c.Port))
	if strings.HasPrefix(c.Host, "/") { // a socket
		settings.Net, settings.Addr = "unix", c.Host
	}
	settings.TLSConfig = map[TLS]string{Verify: "true", Off: "false"}[c.TLS]
	if settings.TLSConfig == "" {
		settings.TLSConfig = "preferred"
	}
	if settings.Net == "unix" {
		settings.TLSConfig = "false"
	}
	settings.Timeout, settings.Logger = dialing, silent{}
	settings.MaxAllowedPacket = 0   // what the server takes
	settings.ClientFoundRows = true // an update that changes nothing is one, too
	if err := settings.Apply(mysql.Charset("utf8mb4", "")); err != nil {
		return nil, fmt.Errorf("set up connection %s: %w", c.Name, err)
	}
	inner, err := mysql.NewConnector(settings)
	if err != nil { // its text may hold parts of the settings
		return nil, c.fault("database_url", "the settings of the connection cannot be used", "check host, port and dbname")
	}
	db := sql.OpenDB(&connector{inner})
	db.SetMaxOpenConns(poolSize)
	db.SetMaxIdleConns(poolSize)
	return &MySQL{
		db: db, name: c.Name, dbname: c.DBName,
		account: net.JoinHostPort(strings.ToLower(c.Host), strconv.Itoa(c.Port)) + "/",
	}, nil
}

// read takes the parts out of the URL.
func (c *Config) read() error {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "mysql" && u.Scheme != "mariadb" || u.RawQuery != "" || u.Hostname() == "" {
		return c.fault("database_url", "the url is not a MySQL URL",
			"write mysql://user@host:3306/dbname, special characters percent-encoded")
	}
	c.Host, c.DBName, c.User = u.Hostname(), strings.Trim(u.Path, "/"), u.User.Username()
	c.Password, _ = u.User.Password()
	c.Port = 0
	if u.Port() != "" {
		if c.Port, err = strconv.Atoi(u.Port()); err != nil {
			return c.fault("database_url", "the port of the url is no number", "write mysql://user@host:3306/dbname")
		}
	}
	return nil
}

func (c *Config) fault(code, msg, hint string) *fault.Fault {
	return &fault.Fault{
		Code: code, Kind: fault.Config, Whose: fault.Setup,
		Where: "connection " + c.Name, Msg: msg, Hint: hint,
	}
}

// silent keeps the driver from writing to stderr what it also returns.
type silent struct{}

// Print says nothing.
func (silent) Print(...any) {}

// connector makes sessions in which nothing is silently cut, rounded or made
// up, whatever the server's own settings are: strict for all engines, 0 in an
// auto_increment column is 0, no date is made of zeros. The second statement
// is one of MariaDB's only.
type connector struct{ driver.Connector }

const settings = `set session sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,` +
	`NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO', time_zone = '+00:00', foreign_key_checks = 1, unique_checks = 1, ` +
	`sql_safe_updates = 0, autocommit = 1, completion_type = 0, max_error_count = 1000 ` +
	`/*M!100201 , check_constraint_checks = 1 */`

func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	e, ok := conn.(driver.ExecerContext)
	if !ok {
		return nil, errors.Join(errors.New("the driver runs no statements"), conn.Close())
	}
	if _, err := e.ExecContext(ctx, settings, nil); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// Account is host:port/dbname: where the configuration leads, and what the
// server that answers there calls its database.
func (m *MySQL) Account(ctx context.Context) (string, error) {
	var db string
	if err := m.db.QueryRowContext(ctx, "select database()").Scan(&db); err != nil {
		return "", m.unusable(err, "ask the database for its name")
	}
	return m.account + db, nil
}

// Close closes all connections, and does not wait for a server that is gone.
func (m *MySQL) Close() error {
	done := make(chan error, 1)
	go func() { done <- m.db.Close() }()
	select {
	case err := <-done:
		return err
	case <-time.After(grace):
		return nil
	}
}

// unusable explains why the database cannot be used at all.
func (m *MySQL) unusable(err error, doing string) error {
	f := &fault.Fault{
		Code: "destination_unreachable", Kind: fault.Unavailable, Whose: fault.Network,
		Where: "connection " + m.name, Msg: doing,
		Hint: "check host, port and network with: mysql --host HOST --port PORT DBNAME",
	}
	refused, ok := errors.AsType[*mysql.MySQLError](err)
	if !ok {
		f.Err = broken(err)
		return f
	}
	f.Whose, f.Msg = fault.Destination, fmt.Sprintf("%s: %s (error %d)", doing, refused.Message, refused.Number)
	switch stateOf(refused) {
	case destination.Auth:
		f.Code, f.Kind = "destination_auth", fault.Config
		f.Hint = "check user, password and dbname of the connection, and the grants of the user"
	case destination.Stop, destination.Mapping:
		f.Code, f.Kind = "destination_refused", fault.Config
		f.Hint = "exposync explain destination_refused"
	default:
		f.Hint = "try again when the server accepts connections"
	}
	return f
}

// broken says in plain words that a connection ended.
func broken(err error) error {
	if errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, driver.ErrBadConn) {
		return errors.New("the server closed the connection")
	}
	return err
}
