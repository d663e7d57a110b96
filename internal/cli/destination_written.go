package cli

import (
	"fmt"
	"slices"
	"strings"

	"exposync/internal/config"
	"exposync/internal/destination/declared"
)

// about describes a destination of either sort.
func (c connectors) about(name string) (declared.About, error) {
	facts, ok := writtenFacts()[name]
	if !ok || c.catalog.Origin(name) != declared.BuiltIn {
		d, err := c.catalog.Describe(name)
		d.Params = slices.DeleteFunc(d.Params, func(p declared.Param) bool { return name == "sandbox" && p.Name == "connection" })
		return d, err
	}
	facts.Name, facts.Origin = name, declared.BuiltIn
	for _, p := range written()[name] {
		doc := p.Doc
		if p.Unless != "" {
			doc += fmt.Sprintf("; not with %s", p.Unless)
		}
		if len(p.Choices) > 0 {
			doc += ": " + strings.Join(p.Choices, ", ")
		}
		facts.Params = append(facts.Params, declared.Param{
			Name: p.Name, Kind: kindWord(p.Kind), Required: p.Required, Secret: p.Secret, Default: p.Default, Doc: doc,
		})
	}
	return facts, nil
}

func kindWord(k config.Kind) string {
	words := map[config.Kind]string{config.Int: "int", config.Bool: "bool", config.Choice: "choice"}
	if word, ok := words[k]; ok {
		return word
	}
	return "text"
}

// writtenFacts is what the destinations whose code is Go say of themselves.
// Everything else about them is in docs/destinations.md.
func writtenFacts() map[string]declared.About {
	all := []string{"upsert", "update", "insert", "append", "mirror"}
	files := []string{"upsert", "insert", "append", "mirror"}
	file := declared.About{
		Key: "one or several fields", Modes: files,
		Operations: []declared.Operation{{Name: "upsert, insert, mirror", Concurrency: 1, Idempotent: true}, {Name: "append", Concurrency: 1}},
		Reject: &declared.Reject{
			Name: "a text that is not UTF-8, or a value that the format cannot hold exactly",
			Code: "invalid_value", Message: "field name is not valid UTF-8",
		},
	}
	of := func(d declared.About, title, identity, example string) declared.About {
		d.Title, d.Identity, d.Example = title, identity, example
		return d
	}
	return map[string]declared.About{
		"postgres": {
			Title: "Tables of PostgreSQL", Identity: "host, port and database, as the server says them",
			Key:   "the columns of a unique index, exactly; append needs none",
			Modes: all, Reads: true, ReadRows: 5000, Discovers: true,
			Example:    "crm: {type: postgres, host: db.example.com, user: exposync, password: \"{{ env_var('CRM_PASSWORD') }}\", dbname: crm}",
			Operations: batches(16 << 20),
			Reject: &declared.Reject{
				Name: "a value that breaks a constraint of the table", Code: "23505",
				Message: "another record has the same value: unique constraint contacts_email_key",
			},
		},
		"mysql": {
			Title: "Tables of MySQL and MariaDB", Identity: "host, port and database, as the server says them",
			Key:   "the columns of a primary key or a unique index, exactly; append needs none",
			Modes: all, Reads: true, ReadRows: 1000, Discovers: true,
			Example:    "crm: {type: mysql, host: db.example.com, user: exposync, password: \"{{ env_var('CRM_PASSWORD') }}\", dbname: crm, tls: verify}",
			Operations: batches(8 << 20),
			Reject: &declared.Reject{
				Name: "a value that the column could only hold changed", Code: "1265", Message: "the value would be cut or rounded in column score",
			},
		},
		"file": of(file, "Files in a folder: CSV, NDJSON or Parquet", "the folder", "drop: {type: file, path: exports}"),
		"s3": of(file, "Files in a bucket of S3, or of what speaks its protocol", "endpoint, bucket and prefix",
			"lake: {type: s3, path: s3://exports/crm, region: eu-central-1, format: parquet}"),
		"sftp": of(file, "Files on an SFTP server", "`sftp://user@host:port/path`, as the server resolves the path",
			"bank:\n  type: sftp\n  host: sftp.example.com\n  user: acme\n  private_key: \"{{ env_var('BANK_KEY') }}\"\n  host_key: \"SHA256:uNiVztksCsDhcc0u9e8BrrJXVgJ…\"\n  path: incoming"),
	}
}

// batches are the transactions of a database.
func batches(bytes int) []declared.Operation {
	return []declared.Operation{
		{Name: "upsert, update, insert, mirror", Rows: 5000, Bytes: bytes, Concurrency: 4, Idempotent: true},
		{Name: "append", Rows: 5000, Bytes: bytes, Concurrency: 4},
	}
}
