package job

import (
	"fmt"
	"slices"
	"strings"

	"exposync/internal/config"
	"exposync/internal/dbt"
	"exposync/internal/fault"
)

// ResolveTarget chooses the dbt target: the one that was asked for on the
// command line, else the one that the dbt run says it used, else the
// profile's own. from says which it was, for messages.
func ResolveTarget(flag, ran, profile string) (target, from string) {
	switch {
	case flag != "":
		return flag, "--target"
	case ran != "":
		return ran, "run_results.json"
	case profile != "":
		return profile, "profiles.yml"
	}
	return "", ""
}

// CheckTarget reports a node that was not built for the target: one whose
// database or schema does not belong to it. The database is the profile's or
// the node's own config.database; the schema is the profile's, that with
// "_" and the node's config.schema, or one of the target's `schemas:`. So a
// developer's build never feeds production. It gives nil if the node belongs.
func CheckTarget(n *dbt.Node, profile dbt.Profile, target config.Target) *fault.Fault {
	home := profile.Output
	if home.Schema == "" && home.Adapter == "duckdb" {
		home.Schema = "main"
	}
	same := sameName(home.Adapter)
	databases := []string{home.Database}
	if n.ConfigDatabase != "" {
		databases = append(databases, n.ConfigDatabase)
	}
	schemas := []string{home.Schema}
	if n.ConfigSchema != "" {
		schemas = append(schemas, home.Schema+"_"+n.ConfigSchema)
	}
	schemas = append(schemas, target.Schemas...)
	belongs := func(name string, to []string) bool {
		return slices.ContainsFunc(to, func(s string) bool { return same(name, s) })
	}
	if belongs(n.Database, databases) && belongs(n.SchemaName, schemas) {
		return nil
	}
	return &fault.Fault{
		Code: "wrong_target", Kind: fault.Blocked, Whose: fault.Setup, Where: n.UniqueID,
		Msg: fmt.Sprintf("%s was built in %s, but target %s is %s",
			n.Name, qualified(n.Database, n.SchemaName), profile.Target, qualified(home.Database, strings.Join(schemas, " or "))),
		Hint: fmt.Sprintf("run dbt build --target %s, or choose the target that was built with --target", profile.Target),
	}
}

// sameName compares names as the warehouse does: those that fold unquoted
// names, or do not tell case apart at all, regardless of case.
func sameName(adapter string) func(a, b string) bool {
	switch adapter {
	case "snowflake", "duckdb", "sqlite", "redshift", "databricks", "spark":
		return strings.EqualFold
	}
	return func(a, b string) bool { return a == b }
}

func qualified(database, schema string) string {
	if database == "" {
		return schema
	}
	return database + "." + schema
}
