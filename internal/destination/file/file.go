// Package file writes the changes of a run into one file, CSV or NDJSON, which
// appears under its final name only when it is complete and on disk.
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
	"errors"
	"io/fs"
	"os"
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
)

// Config says where files go.
type Config struct {
	Name     string // of the connection, for messages
	Dir      string // absolute; created with mode 0700 when the first file is written
	Format   Format // empty means CSV
	Pattern  string // of names, without extension; empty means {object}-{time}-{digest}
	OpColumn string // says upsert or delete; empty means _op in mode mirror, and none in other modes
	Now      func() time.Time
}

const defaultPattern = "{object}-{time}-{digest}"

// Folder is a folder that files are written into.
type Folder struct{ config Config }

var _ destination.Destination = (*Folder)(nil)

// New checks the configuration and touches nothing. What is wrong with it is a
// list of faults with the codes "file_dir", "file_name" and "setting_invalid".
func New(c Config) (*Folder, error) {
	if c.Format == "" {
		c.Format = CSV
	}
	if c.Pattern == "" {
		c.Pattern = defaultPattern
	}
	f := &Folder{config: c}
	var problems fault.List
	if !filepath.IsAbs(c.Dir) {
		problems = append(problems, f.fault("file_dir", "dir must be the absolute path of a folder", "set dir: of the connection"))
	}
	if c.Format != CSV && c.Format != NDJSON {
		problems = append(problems, f.fault("setting_invalid", "format must be csv or ndjson", "correct format: of the connection"))
	}
	for _, part := range []string{"{object}", "{time}", "{digest}"} {
		if strings.Count(c.Pattern, part) != 1 {
			problems = append(problems, f.fault("file_name", "the pattern of names must have "+part+" once", "for example "+defaultPattern))
		}
	}
	if !plain(strings.NewReplacer("{", "", "}", "").Replace(c.Pattern)) {
		problems = append(problems, f.fault("file_name", "the pattern of names has characters that not every system allows", "for example "+defaultPattern))
	}
	f.config.Dir = filepath.Clean(c.Dir)
	return f, problems.Err()
}

func (f *Folder) fault(code, msg, hint string) *fault.Fault {
	return &fault.Fault{
		Code: code, Kind: fault.Config, Whose: fault.Setup,
		Where: "connection " + f.config.Name, Msg: msg, Hint: hint,
	}
}

// Account is "file:" and the folder: another folder is another identity.
func (f *Folder) Account(context.Context) (string, error) { return "file:" + f.config.Dir, nil }

// Close does nothing.
func (f *Folder) Close() error { return nil }

// Open checks the folder and the names, and removes what killed runs of the
// same object left behind. It creates nothing.
func (f *Folder) Open(_ context.Context, t destination.Target) (destination.Writer, error) {
	var problems fault.List
	if !plain(t.Object) || len(t.Object) > maxObject {
		problems = append(problems, f.fault("file_name", "object "+strings.ToValidUTF8(t.Object, "?")+" cannot be part of a file's name",
			"use letters, digits, - and _ after the dot in `to:`"))
	}
	if t.Mode == destination.Update {
		problems = append(problems, f.fault("mode_unsupported", "mode update must not create, and a file cannot know what its consumer holds",
			"use mode: upsert"))
	}
	l := newLayout(f.config, t)
	if name, twice := l.twice(); twice {
		problems = append(problems, f.fault("file_column", "two columns of the file are called "+name, "set op_column: of the connection"))
	}
	for _, field := range t.Fields {
		if field.Partial && f.config.Format == CSV {
			problems = append(problems, f.fault("write_unsupported",
				"field "+field.Name+" is not part of every change (write:), but a CSV file has a cell for it in every line", "use format: ndjson"))
		}
	}
	if problem := f.folder(); problem != nil {
		problems = append(problems, problem)
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	w := &writer{folder: f, object: t.Object, layout: l, mode: t.Mode}
	w.sweep()
	return w, nil
}

// folder checks that files can be created in the folder, or that it can be
// created itself.
func (f *Folder) folder() *fault.Fault {
	for dir := f.config.Dir; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir):
			continue
		case err != nil:
			problem := f.fault("file_dir", "the folder for files cannot be used", "check the permissions of "+dir)
			problem.Err = err
			return problem
		case !info.IsDir():
			return f.fault("file_dir", dir+" is a file, not a folder", "correct dir: of the connection")
		case !writable(dir):
			return f.fault("file_dir", "this user may not create files in "+dir, "correct dir: of the connection, or the permissions of the folder")
		}
		return nil
	}
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
