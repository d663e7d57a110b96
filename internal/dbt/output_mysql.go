package dbt

import (
	"math"
	"strings"

	"exposync/internal/secret"
)

// MySQL is an output of the adapters mysql, mysql5 and mariadb.
type MySQL struct {
	Host     string // empty: the socket, or this machine
	Port     int    // 3306 if the profile says none
	Socket   string // absolute
	User     string
	Password secret.Value
	Schema   string // what MySQL calls a database
	Plain    bool   // ssl_disabled
}

// MySQL reads the output as one of dbt-mysql. What is missing or no number is
// a fault with code profile_invalid; all of them come together.
func (o Output) MySQL() (MySQL, error) {
	v := &outputReader{Output: o}
	out := MySQL{
		Host: o.text("server", "host"), Port: v.number("port", 3306), Socket: o.path("unix_socket"),
		User: v.required("username", "user", "UID"), Password: secret.New(o.text("password", "PWD", "pass")),
		Schema: v.required("schema"), Plain: isTrue(o.text("ssl_disabled")),
	}
	if out.Port > math.MaxUint16 {
		v.problem(o.tree.Get("port"), "port is not the number of a port")
	}
	if named := o.text("database"); named != "" && out.Schema != "" && named != out.Schema {
		v.problem(o.tree.Get("database"), "database must be left out or be the same as schema: in MySQL they are one thing")
	}
	return out, v.problems.Err()
}

// isTrue reads a boolean as YAML writes one.
func isTrue(text string) bool {
	switch strings.ToLower(text) {
	case "true", "yes", "on", "1":
		return true
	}
	return false
}
