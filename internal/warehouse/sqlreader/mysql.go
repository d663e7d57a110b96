package sqlreader

import (
	"cmp"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"exposync/internal/fault"
	"exposync/internal/warehouse"
)

// MySQL is the target of a dbt profile of the adapters mysql, mysql5 and
// mariadb.
type MySQL struct {
	Host     string // empty: the socket, or this machine
	Port     int    // 0: 3306
	Socket   string // path of a Unix socket
	User     string
	Password string
	Schema   string // what MySQL calls a database
	Plain    bool   // no TLS; otherwise TLS where the server has it, as dbt's driver does
	Where    string // where the settings stand, for messages: profiles.yml: shop.prod
}

const dialing = 10 * time.Second

// NewMySQL prepares a reader of MySQL or MariaDB.
func NewMySQL(c MySQL) (*Warehouse, error) {
	settings := mysql.NewConfig()
	settings.User, settings.Passwd, settings.DBName = c.User, c.Password, c.Schema
	settings.Net, settings.Addr = "tcp", net.JoinHostPort(cmp.Or(c.Host, "127.0.0.1"), strconv.Itoa(cmp.Or(c.Port, 3306))) //nolint:mnd // the default
	if c.Host == "" && c.Socket != "" {
		settings.Net, settings.Addr = "unix", c.Socket
	}
	settings.TLSConfig = "preferred"
	if c.Plain || settings.Net == "unix" {
		settings.TLSConfig = "false"
	}
	settings.Timeout, settings.Logger = dialing, silent{}
	connector, err := mysql.NewConnector(settings)
	if err != nil {
		return nil, &fault.Fault{
			Code: "warehouse_settings", Kind: fault.Config, Whose: fault.Setup, Where: c.Where,
			Msg:  "the connection's settings cannot be used (" + c.place() + ")",
			Hint: "correct profiles.yml, then try it with: dbt debug", Err: err,
		}
	}
	return New(connector, c.dialect()), nil
}

// silent keeps the driver from writing to stderr what it also returns.
type silent struct{}

// Print says nothing.
func (silent) Print(...any) {}

// place is how messages call the connection.
func (c MySQL) place() string {
	if c.Host == "" && c.Socket != "" {
		return "socket " + c.Socket + ", schema " + c.Schema + ", user " + c.User
	}
	return "host " + cmp.Or(c.Host, "127.0.0.1") + ", port " + strconv.Itoa(cmp.Or(c.Port, 3306)) + ", schema " + c.Schema + ", user " + c.User //nolint:mnd // the default
}

// dialect is that of MySQL 5.7 and later, and of MariaDB 10.3 and later.
// Time zone and SQL mode stay as they are for dbt, since the result of a view
// may depend on them.
func (c MySQL) dialect() Dialect {
	return Dialect{
		Begin: []string{
			"set session transaction isolation level repeatable read",
			"set session net_write_timeout = 3600", // seconds that a row may take to be handled
			"start transaction with consistent snapshot, read only",
		},
		Limit:    "select @@max_allowed_packet",
		Describe: func(relation string) string { return "show columns from " + relation },
		Column:   mysqlColumn,
		Literal:  mysqlLiteral,
		Since: func(c Column, since warehouse.Since) string {
			return warehouse.MySQLSince(backquote(c.Name), c.Type, since)
		},
		Connecting: c.connectFault, Describing: mysqlDescribeFault, Reading: mysqlReadFault,
	}
}

func backquote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
