package cli

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"exposync/internal/config"
	"exposync/internal/destination"
	"exposync/internal/destination/declared"
	"exposync/internal/destination/mysql"
	"exposync/internal/destination/postgres"
	"exposync/internal/engine"
	"exposync/internal/plan"
	"exposync/internal/rest"
	"exposync/internal/warehouse"
	pgwarehouse "exposync/internal/warehouse/postgres"
	sqlitewarehouse "exposync/internal/warehouse/sqlite"
	"exposync/internal/yamlx"
)

// The two lists of connectors: a new adapter is one line here.

// warehouseOf opens the warehouse of a dbt adapter.
func (s *session) warehouseOf(ctx context.Context, adapter string) (warehouse.Warehouse, error) {
	out := s.profile.Output
	where := fmt.Sprintf("%s: %s.%s", s.profile.File, s.profile.Name, s.profile.Target)
	switch adapter {
	case "postgres":
		p, err := out.Postgres()
		if err != nil {
			return nil, err
		}
		return pgwarehouse.New(ctx, pgwarehouse.Config{
			Host: p.Host, Port: strconv.Itoa(p.Port), User: p.User, Password: p.Password.Reveal(), DBName: p.Database, Role: p.Role,
			SearchPath: p.SearchPath, SSLMode: p.SSLMode, SSLCert: p.SSLCert, SSLKey: p.SSLKey, SSLRootCert: p.SSLRootCert,
			ApplicationName: p.ApplicationName, ConnectTimeout: wholeSeconds(p.ConnectTimeout), KeepalivesIdle: wholeSeconds(p.KeepalivesIdle), Where: where,
		})
	case "sqlite":
		l, err := out.SQLite()
		if err != nil {
			return nil, err
		}
		return sqlitewarehouse.New(sqlitewarehouse.Config{Paths: l.Paths, Directory: l.Directory, Where: where})
	case "mysql", "mysql5", "mariadb":
		return mysqlWarehouse(out, where)
	case "redshift":
		return s.redshift(ctx, out, where)
	case "duckdb":
		return s.duckdb(out, where)
	}
	return s.throughDBT(adapter), nil
}

// wholeSeconds is a duration as libpq writes it; empty for none.
func wholeSeconds(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return strconv.Itoa(int(d / time.Second))
}

// destinationOf opens one connection.
func (s *session) destinationOf(ctx context.Context, c config.Connection, v config.Values) (destination.Destination, error) {
	switch c.Type {
	case "postgres":
		return postgres.New(ctx, postgres.Config{
			Name: c.Name, URL: v.Text("url"), Schema: v.Text("schema"), Host: v.Text("host"), Port: v.Int("port"),
			User: v.Text("user"), Password: v.Secret("password").Reveal(), DBName: v.Text("dbname"), SSLMode: v.Text("sslmode"),
		})
	case "mysql":
		return mysql.New(mysql.Config{
			Name: c.Name, URL: v.Secret("url").Reveal(), Host: v.Text("host"), Port: v.Int("port"), User: v.Text("user"),
			Password: v.Secret("password").Reveal(), DBName: v.Text("dbname"), TLS: mysql.TLS(v.Text("tls")),
		})
	case "file", "s3", "sftp":
		return s.files(c, v)
	}
	return s.declared(c, v)
}

// declared opens a connection that is described as data.
func (s *session) declared(c config.Connection, v config.Values) (destination.Destination, error) {
	cfg := declared.Config{
		Kind: c.Type, Catalog: s.catalog, Name: c.Name, Where: c.Where, File: s.config.File, Params: map[string]string{}, Rest: s.restConfig(), Rates: &s.rates,
	}
	for _, p := range (connectors{s.catalog}).Type(c.Type).Params {
		switch {
		case p.Kind == config.Tree:
			if tree := v.Tree(p.Name); tree != nil {
				if cfg.Blocks == nil {
					cfg.Blocks = map[string]*yamlx.Node{}
				}
				cfg.Blocks[p.Name] = tree
			}
		case v.Has(p.Name):
			cfg.Params[p.Name] = v.Text(p.Name)
			cfg.Secrets = append(cfg.Secrets, s.a.secretParts(v.Text(p.Name))...)
		}
	}
	if c.Type == "sandbox" {
		cfg.Params["connection"] = c.Name
	}
	s.sayOverridden(c.Type)
	return declared.Connect(cfg)
}

func (s *session) restConfig() rest.Config {
	return rest.Config{
		UserAgent: "exposync/" + version(), Now: s.a.env.Now, Jitter: s.a.env.Rand, Log: s.a.logger(),
		Proxy: http.ProxyFromEnvironment,
	}
}

// request gives the engine both ends of a job. Warehouse and connections are
// opened once per run and shared.
func (s *session) request(ctx context.Context, j plan.Job) (engine.Request, error) {
	if s.profile == nil {
		return engine.Request{}, noTarget()
	}
	house, err := s.openWarehouse(ctx)
	if err != nil {
		return engine.Request{}, err
	}
	dest, expect, err := s.connection(ctx, j)
	if err != nil {
		return engine.Request{}, err
	}
	parents, err := s.parents(ctx, j)
	if err != nil {
		return engine.Request{}, err
	}
	j.Target = ledgerTarget(j.Target, j.Sandbox)
	matters := !j.Sandbox && j.Type != "file" && j.Type != "sandbox"
	return engine.Request{
		Job: j, Warehouse: house, Destination: dest, Expect: expect, Parents: parents,
		AskFirst: matters, Ephemeral: matters && s.ephemeralLedger(),
		Described: j.Type + " " + s.catalog.Acts(j.Type), Tried: s.tried(j),
	}, nil
}

// tried asks for a sandbox where the job's connection does.
func (s *session) tried(j plan.Job) engine.Tried {
	c, ok := s.config.Connection(s.target, j.Connection)
	if !ok || !c.Tried || j.Sandbox {
		return engine.Tried{}
	}
	out := engine.Tried{Required: true}
	for _, name := range slices.Sorted(maps.Keys(s.config.Targets)) {
		if s.config.Targets[name].Sandbox {
			out.Target = name
			break
		}
	}
	return out
}

func (s *session) openWarehouse(ctx context.Context) (warehouse.Warehouse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.house != nil {
		return s.house, nil
	}
	house, err := s.warehouseOf(ctx, s.profile.Output.Adapter)
	if err == nil {
		s.house = house
	}
	return house, err
}

// connection opens the job's connection, once for all jobs of it.
func (s *session) connection(ctx context.Context, j plan.Job) (destination.Destination, string, error) {
	s.mu.Lock()
	o := s.destinations[j.Connection]
	if o == nil {
		o = &opened{}
		s.destinations[j.Connection] = o
	}
	s.mu.Unlock()
	o.once.Do(func() { o.dest, o.expect, o.err = s.openConnection(ctx, j) })
	return o.dest, o.expect, o.err
}

func (s *session) openConnection(ctx context.Context, j plan.Job) (destination.Destination, string, error) {
	c, ok := s.config.Connection(s.target, j.Connection)
	if !ok {
		return nil, "", fmt.Errorf("connection %s: not in target %s", j.Connection, s.target)
	}
	if c.Sandbox {
		d, err := s.sandboxed(ctx, c)
		return d, "", err
	}
	values, problems := c.Resolve(ctx, s.a.resolver(s.dir))
	if err := problems.Err(); err != nil {
		return nil, "", err
	}
	d, err := s.destinationOf(ctx, c, values)
	return d, values.Account(), err
}

// ledgerTarget is what the ledger calls a target: what was sent to a sandbox
// is no earlier place of what is sent to the real connections of the same
// target later.
func ledgerTarget(target string, sandbox bool) string {
	if sandbox {
		return target + " (sandbox)"
	}
	return target
}
