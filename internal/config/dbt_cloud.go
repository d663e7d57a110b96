package config

import (
	"context"
	"net"
	"net/url"
	"strconv"
	"strings"

	"exposync/internal/fault"
	"exposync/internal/secret"
)

const dbtCloud = "dbt_cloud"

// DBTCloud says where runs of dbt platform (dbt Cloud) are asked for.
type DBTCloud struct {
	Where string // file:line

	connection *Connection // nil: exposync.yml has no such block
}

// Set reports whether exposync.yml has the block.
func (d DBTCloud) Set() bool { return d.connection != nil }

// DBTCloudAccess is a DBTCloud with its references resolved.
type DBTCloudAccess struct {
	Base    string // https://host
	Account int64
	Job     int64 // 0: none is named
	Project int64 // 0: not compared
	Token   secret.Value
}

func dbtCloudParams() []Param {
	return []Param{
		{Name: "host", Required: true, Doc: "the access URL of the account, such as abc123.us1.dbt.com"},
		{Name: "account", Kind: Int, Required: true, Doc: "the number of the account"},
		{Name: "token", Required: true, Secret: true, Doc: "a service token that may read jobs"},
		{Name: "job", Kind: Int, Doc: "the number of the job whose runs count, unless --job names another"},
		{Name: "project", Kind: Int, Doc: "the number of the project, that every run has to be of"},
	}
}

func readDBTCloud(root *Reader) DBTCloud {
	if root.Node(dbtCloud) == nil {
		return DBTCloud{}
	}
	r := root.Map(dbtCloud)
	d := DBTCloud{Where: r.Place("").Where, connection: &Connection{
		Name: dbtCloud, Type: dbtCloud, Where: r.Place("").Where, params: dbtCloudParams(), settings: r.node, place: r.Place,
	}}
	if r.node == nil {
		return d // it is no map, which is reported
	}
	checkParams(r, d.connection.params)
	if host := d.connection.Written("host"); host != "" && baseOf(host) == "" {
		r.Fault("host", "setting_invalid", hostHint, "must be the name of a host alone")
	}
	for _, key := range []string{"account", "job", "project"} {
		if text := d.connection.Written(key); text != "" {
			if n, err := strconv.ParseInt(text, 10, 64); err == nil && n < 1 {
				r.Fault(key, "setting_invalid", numberHint, "must be a number above 0")
			}
		}
	}
	r.Done()
	return d
}

const (
	hostHint   = "write the access URL without a path: Account settings, Access URLs, in dbt platform; https is taken for granted"
	numberHint = "the numbers stand in the address of a run in the browser: /deploy/ACCOUNT/projects/PROJECT/runs/RUN"
)

// Access resolves the references. Everything that is wrong is reported
// together, as a fault.List.
func (d DBTCloud) Access(ctx context.Context, resolver secret.Resolver) (DBTCloudAccess, error) {
	v, problems := d.connection.Resolve(ctx, resolver)
	out := DBTCloudAccess{Base: baseOf(v.Text("host")), Token: v.Secret("token")}
	wrong := func(key, hint, what string) {
		place := d.connection.place(key)
		problems = append(problems, &fault.Fault{
			Code: "setting_invalid", Kind: fault.Config, Whose: fault.Setup, Where: place.Where, Msg: place.Subject + ": what it stands for " + what, Hint: hint,
		})
	}
	if out.Base == "" && len(problems) == 0 {
		wrong("host", hostHint, "is no host")
	}
	for _, n := range []struct {
		key string
		to  *int64
	}{{"account", &out.Account}, {"job", &out.Job}, {"project", &out.Project}} {
		var err error
		if *n.to, err = strconv.ParseInt(v.Text(n.key), 10, 64); v.Has(n.key) && (err != nil || *n.to < 1) && len(problems) == 0 {
			wrong(n.key, numberHint, "is no number above 0")
		}
	}
	return out, problems.Err()
}

// baseOf makes an address of a host as people write it; empty if it is none. A
// token does not travel in the open, but on this machine.
func baseOf(host string) string {
	if !strings.Contains(host, "://") {
		host = "https://" + host
	}
	u, err := url.Parse(host)
	if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return ""
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !local(u.Hostname())) {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
