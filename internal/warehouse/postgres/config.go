package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"exposync/internal/fault"
)

// pool turns the settings into those of a pool.
func (c Config) pool() (*pgxpool.Config, error) {
	p, err := pgxpool.ParseConfig(c.keywords())
	if err != nil {
		return nil, c.settingsFault("", err)
	}
	if c.Password != "" { // never part of a text that an error could repeat
		p.ConnConfig.Password = c.Password
	}
	p.MaxConns = maxConns
	p.ConnConfig.RuntimeParams["client_encoding"] = "UTF8"
	dialer := &net.Dialer{}
	if idle, err := seconds(c.KeepalivesIdle); err != nil {
		return nil, c.settingsFault("keepalives_idle", err)
	} else if idle > 0 {
		dialer.KeepAliveConfig = net.KeepAliveConfig{Enable: true, Idle: idle}
	}
	p.ConnConfig.DialFunc = dialer.DialContext
	return p, nil
}

// keywords writes the settings the way libpq reads them.
func (c Config) keywords() string {
	var b strings.Builder
	for _, set := range []struct{ name, value string }{
		{"host", c.Host},
		{"port", c.Port},
		{"user", c.User},
		{"dbname", c.DBName},
		{"sslmode", c.SSLMode},
		{"sslcert", c.SSLCert},
		{"sslkey", c.SSLKey},
		{"sslrootcert", c.SSLRootCert},
		{"connect_timeout", cmp.Or(c.ConnectTimeout, "10")},
		{"application_name", cmp.Or(c.ApplicationName, "exposync")},
	} {
		if set.value != "" {
			value := strings.ReplaceAll(strings.ReplaceAll(set.value, `\`, `\\`), `'`, `\'`)
			fmt.Fprintf(&b, "%s='%s' ", set.name, value)
		}
	}
	return b.String()
}

func seconds(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is not a number of seconds", text)
	}
	return time.Duration(n) * time.Second, nil
}

// product is what messages call the server.
func (c Config) product() string {
	if c.Redshift {
		return "Redshift"
	}
	return "PostgreSQL"
}

// place is how messages call the connection.
func (c Config) place() string {
	return fmt.Sprintf("host %s, port %s, database %s, user %s",
		cmp.Or(c.Host, "(default)"), cmp.Or(c.Port, "5432"), cmp.Or(c.DBName, "(default)"), cmp.Or(c.User, "(default)"))
}

func (c Config) settingsFault(setting string, err error) error {
	msg := "the connection's settings cannot be used"
	if setting != "" {
		msg += ": " + setting
	}
	if path, ok := errors.AsType[*os.PathError](err); ok {
		msg += ": " + path.Path
		err = path.Err
	} else if _, reason, ok := strings.Cut(err.Error(), "`: "); ok {
		err = errors.New(reason) // before it the driver repeats all settings
	}
	return &fault.Fault{
		Code: "warehouse_settings", Kind: fault.Config, Whose: fault.Setup, Where: c.Where,
		Msg: msg, Err: c.discreet(err), Hint: "correct profiles.yml, then try it with: dbt debug",
	}
}

// connectFault rewrites why no connection came about: drivers repeat
// settings, a user needs place and cause.
func (c Config) connectFault(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("connect to %s: %w", c.place(), ctx.Err())
	}
	f := &fault.Fault{
		Code: "warehouse_unreachable", Kind: fault.Unavailable, Whose: fault.Network, Where: c.Where,
		Msg:  "no connection to " + c.product() + " (" + c.place() + ")",
		Hint: "try the same settings with: dbt debug",
		Err:  c.discreet(cause(err)),
	}
	refused, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return f
	}
	f.Whose, f.Err = fault.Warehouse, c.discreet(plainError(refused))
	switch {
	case strings.HasPrefix(refused.Code, "28"):
		f.Code, f.Kind, f.Whose = "warehouse_auth", fault.Config, fault.Setup
		f.Msg = c.product() + " does not accept the credentials (" + c.place() + ")"
	case refused.Code == "3D000":
		f.Code, f.Kind, f.Whose = "warehouse_settings", fault.Config, fault.Setup
		f.Msg = "the database of the profile does not exist (" + c.place() + ")"
	}
	return f
}

// beginFault is for what can go wrong between connecting and the first read.
func (c Config) beginFault(ctx context.Context, err error) error {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	if ctx.Err() != nil || !ok {
		return c.connectFault(ctx, err)
	}
	return &fault.Fault{
		Code: "warehouse_settings", Kind: fault.Config, Whose: fault.Setup, Where: c.Where,
		Msg:  fmt.Sprintf("%s does not accept role %q or search_path %q of the profile", c.product(), c.Role, c.SearchPath),
		Hint: "correct profiles.yml, or grant the role to the user", Err: plainError(refused),
	}
}

// cause digs out what the network said, without the driver's preamble.
func cause(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns
	}
	if connect, ok := errors.AsType[*pgconn.ConnectError](err); ok && connect.Unwrap() != nil {
		return connect.Unwrap()
	}
	return err
}

// discreet takes the password out of an error's text, should a driver ever
// put it in.
func (c Config) discreet(err error) error {
	if err == nil || c.Password == "" || !strings.Contains(err.Error(), c.Password) {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), c.Password, "***"))
}
