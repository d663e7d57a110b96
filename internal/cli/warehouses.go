package cli

import (
	"context"
	"strconv"

	"exposync/internal/dbt"
	"exposync/internal/warehouse"
	pgwarehouse "exposync/internal/warehouse/postgres"
	"exposync/internal/warehouse/sqlreader"
)

// mysqlWarehouse opens MySQL or MariaDB.
func mysqlWarehouse(out dbt.Output, where string) (warehouse.Warehouse, error) {
	m, err := out.MySQL()
	if err != nil {
		return nil, err
	}
	return sqlreader.NewMySQL(sqlreader.MySQL{
		Host: m.Host, Port: m.Port, Socket: m.Socket, User: m.User, Password: m.Password.Reveal(), Schema: m.Schema, Plain: m.Plain, Where: where,
	})
}

// redshift opens Redshift where dbt signs on with a password. Where it asks
// AWS for one, dbt does the reading too.
func (s *session) redshift(ctx context.Context, out dbt.Output, where string) (warehouse.Warehouse, error) {
	r, err := out.Redshift()
	if err != nil {
		return nil, err
	}
	if r.Method != "database" {
		s.a.say("reading through %s show, because dbt signs on to Redshift by method: %s", s.a.dbtProgram(), r.Method)
		return s.throughDBT(out.Adapter), nil
	}
	return pgwarehouse.New(ctx, pgwarehouse.Config{
		Redshift: true, Host: r.Host, Port: strconv.Itoa(r.Port), User: r.User, Password: r.Password.Reveal(), DBName: r.Database, Role: r.Role,
		SSLMode: r.SSLMode, SSLRootCert: r.SSLRootCert, ConnectTimeout: wholeSeconds(r.ConnectTimeout), Where: where,
	})
}
