package cli

import (
	"maps"
	"os"
	"path/filepath"
	"slices"

	"exposync/internal/config"
	"exposync/internal/destination/declared"
	"exposync/internal/hosted"
)

// specFolder holds the user's own descriptions, beside exposync.yml.
const specFolder = "destinations"

// connectors are the types of connections of one project: those whose code is
// Go, and those that are described.
type connectors struct{ catalog *declared.Catalog }

// Names lists the types.
func (c connectors) Names() []string {
	return slices.Compact(slices.Sorted(slices.Values(append(c.Destinations(), toolNames()...))))
}

// Destinations lists the types that records are written to.
func (c connectors) Destinations() []string {
	return slices.Compact(slices.Sorted(slices.Values(append(c.catalog.Kinds(), writtenNames()...))))
}

// Type gives one of them. A description is read only now.
func (c connectors) Type(name string) config.Type {
	if k, ok := hosted.KindOf(name); ok {
		return toolType(k)
	}
	if params, ok := written()[name]; ok && c.catalog.Origin(name) == declared.BuiltIn {
		return config.Type{Params: params}
	}
	t := config.Type{Digest: c.catalog.Digest(name)}
	params, err := c.catalog.Params(name)
	t.Problem = err
	for _, p := range params {
		if name == "sandbox" && p.Name == "connection" {
			continue // it is the connection's own name
		}
		t.Params = append(t.Params, config.Param{
			Name: p.Name, Kind: paramKind(p.Kind), Required: p.Required, Secret: p.Secret, Default: p.Default, Doc: p.Doc,
		})
	}
	return t
}

// catalogOf gives the descriptions that the project in a folder can name.
func catalogOf(dir string) *declared.Catalog {
	dir = filepath.Join(dir, specFolder)
	return declared.NewCatalog(os.DirFS(dir), func(file string) string { return filepath.Join(dir, file) }, append(writtenNames(), toolNames()...)...)
}

// sayOverridden says, once, that a description of the user's is used in place
// of an embedded one.
func (s *session) sayOverridden(kind string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.catalog.Origin(kind) != declared.Overridden || s.overridden[kind] {
		return
	}
	if s.overridden == nil {
		s.overridden = map[string]bool{}
	}
	s.overridden[kind] = true
	s.a.say("%s is described by %s, in place of the built-in description", kind, s.a.shown(s.catalog.File(kind)))
}

func writtenNames() []string { return slices.Sorted(maps.Keys(written())) }

// written are the types whose code is Go, with their parameters.
func written() config.Types {
	return config.Types{
		"postgres": {
			{Name: "url", Secret: true, Doc: "postgres://user@host:5432/dbname; wins over the single parts"},
			{Name: "host", Required: true, Unless: "url", Doc: "the server"},
			{Name: "port", Kind: config.Int, Default: "5432", Doc: "its port"},
			{Name: "user", Doc: "the user"},
			{Name: "password", Secret: true, Doc: "the password"},
			{Name: "dbname", Required: true, Unless: "url", Doc: "the database"},
			{Name: "sslmode", Doc: "as libpq has them"},
			{Name: "schema", Default: "public", Doc: "the schema of objects that name none"},
		},
		"mysql": {
			{Name: "url", Secret: true, Doc: "mysql://user@host:3306/dbname; wins over the single parts"},
			{Name: "host", Required: true, Unless: "url", Doc: "the server of MySQL or MariaDB"},
			{Name: "port", Kind: config.Int, Default: "3306", Doc: "its port"},
			{Name: "user", Doc: "the user"},
			{Name: "password", Secret: true, Doc: "the password"},
			{Name: "dbname", Required: true, Unless: "url", Doc: "the database"},
			{Name: "tls", Kind: config.Choice, Choices: []string{"prefer", "verify", "off"}, Default: "prefer", Doc: "encryption, and whether the certificate is checked"},
		},
		"file": fileParams(config.Param{Name: "path", Required: true, Doc: "the folder, relative to the dbt project"}),
		"s3":   s3Params(),
		"sftp": sftpParams(),
	}
}

func paramKind(kind string) config.Kind {
	switch kind {
	case "bool":
		return config.Bool
	case "tree":
		return config.Tree
	}
	return config.Text
}
