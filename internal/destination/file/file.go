// Package file writes the changes of a run into one file, CSV, NDJSON or
// Parquet, in a folder of this machine, in a bucket that speaks S3, or in a
// folder of an SFTP server. It appears under its final name only when it is
// complete there.
//
// The name is <object>-<UTC time>-<digest>.<format>, for example
// contacts-20261124T101500.000Z-3f0c9a1be2d47788.csv. The digest is that of
// the content, whatever the order of its lines. A run that repeats the changes
// of the newest file of the same object, as one does after a crash between the
// rename and the last word in the ledger, replaces that file instead of adding
// a second one; only the newest is compared, so that a record that goes back
// to an older value is a new file. A consumer that reads files in the order of
// their names, and applies each to its records by key, ends with the source.
//
// Values are exact: a text that a spreadsheet would take for a formula stays
// as it is. Import the file as text, never open it with a double click.
package file

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"exposync/internal/destination"
	"exposync/internal/fault"
)

// Format is how a file is written.
type Format string

// The formats.
const (
	// CSV is RFC 4180: a header, commas, CRLF. A null is an empty cell, an
	// empty text is ""; bytes are in base64.
	CSV Format = "csv"
	// NDJSON is one JSON object a line. A field that is to be left as it is
	// stands in no line; bytes are in base64.
	NDJSON Format = "ndjson"
	// Parquet has typed columns, see table; a field that is to be left as it is
	// is null, as in CSV.
	Parquet Format = "parquet"
)

// Config says how files are called and written, whatever the place.
type Config struct {
	Name     string // of the connection, for messages
	Dir      string // of New: absolute; created with mode 0700 when the first file is written
	Format   Format // empty means CSV
	Pattern  string // of names, without extension; empty means {object}-{time}-{digest}
	OpColumn string // says upsert or delete; empty means _op in mode mirror, and none in other modes
	Temp     string // of NewS3 and NewSFTP: absolute; where a file is made before it is sent
	Now      func() time.Time
}

const defaultPattern = "{object}-{time}-{digest}"

// Files is a place that files are written to.
type Files struct {
	config Config
	place  place
}

var _ destination.Destination = (*Files)(nil)

// New checks the configuration of files in a folder of this machine, and
// touches nothing. What is wrong with it is a list of faults with the codes
// "file_dir", "file_name" and "setting_invalid".
func New(c Config) (*Files, error) {
	problems := c.check()
	if !filepath.IsAbs(c.Dir) {
		problems = append(problems, c.fault("file_dir", "dir must be the absolute path of a folder", "set dir: of the connection"))
	}
	c.Dir = filepath.Clean(c.Dir)
	return &Files{config: c, place: &folder{config: c}}, problems.Err()
}

// check fills in defaults, and finds what is wrong with names and format.
func (c *Config) check() fault.List {
	if c.Format == "" {
		c.Format = CSV
	}
	if c.Pattern == "" {
		c.Pattern = defaultPattern
	}
	var problems fault.List
	if c.Format != CSV && c.Format != NDJSON && c.Format != Parquet {
		problems = append(problems, c.fault("setting_invalid", "format must be csv, ndjson or parquet", "correct format: of the connection"))
	}
	for _, part := range []string{"{object}", "{time}", "{digest}"} {
		if strings.Count(c.Pattern, part) != 1 {
			problems = append(problems, c.fault("file_name", "the pattern of names must have "+part+" once", "for example "+defaultPattern))
		}
	}
	if !plain(strings.NewReplacer("{", "", "}", "").Replace(c.Pattern)) {
		problems = append(problems, c.fault("file_name", "the pattern of names has characters that not every system allows", "for example "+defaultPattern))
	}
	return problems
}

func (c *Config) fault(code, msg, hint string) *fault.Fault {
	return &fault.Fault{
		Code: code, Kind: fault.Config, Whose: fault.Setup,
		Where: "connection " + c.Name, Msg: msg, Hint: hint,
	}
}

// Account names the place: another one is another identity.
func (f *Files) Account(ctx context.Context) (string, error) { return f.place.account(ctx) }

// Close does nothing: no connection is kept.
func (f *Files) Close() error { return nil }

// Open checks the place and the names, and removes what killed runs of the
// same object left behind. It creates nothing.
func (f *Files) Open(ctx context.Context, t destination.Target) (destination.Writer, error) {
	var problems fault.List
	named := plain(t.Object) && len(t.Object) <= maxObject
	if !named {
		problems = append(problems, f.config.fault("file_name", "object "+strings.ToValidUTF8(t.Object, "?")+" cannot be part of a file's name",
			"use letters, digits, - and _ after the dot in `to:`"))
	}
	if t.Mode == destination.Update {
		problems = append(problems, f.config.fault("mode_unsupported", "mode update must not create, and a file cannot know what its consumer holds",
			"use mode: upsert"))
	}
	l := newLayout(f.config, t)
	if name, twice := l.twice(); twice {
		problems = append(problems, f.config.fault("file_column", "two columns of the file are called "+name, "set op_column: of the connection"))
	}
	for _, field := range t.Fields {
		if field.Partial && f.config.Format == CSV {
			problems = append(problems, f.config.fault("write_unsupported",
				"field "+field.Name+" is not part of every change (write:), but a CSV file has a cell for it in every line", "use format: ndjson"))
		}
	}
	if named {
		if err := f.place.ready(ctx, t.Object); err != nil {
			problems = append(problems, fault.All(err)...)
		}
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	w := &writer{files: f, object: t.Object, encoding: &lines{layout: l}, mode: t.Mode}
	if f.config.Format == Parquet {
		w.encoding = newTable(l, t)
	}
	return w, nil
}

const maxObject = 100 // bytes; with time, digest and the mark of a partial file below 255

// plain reports whether a text can be part of a name on every system.
func plain(s string) bool {
	if s == "" || s[0] == '.' || s[0] == ' ' || strings.HasSuffix(s, " ") || strings.HasSuffix(s, ".") {
		return false
	}
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == 0xfffd || strings.ContainsRune(`/\:*?"<>|`, r) {
			return false
		}
	}
	return true
}
