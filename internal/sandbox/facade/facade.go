// Package facade lets the sandbox speak the languages of vendors: their paths,
// bodies, limits and words for what goes wrong, over one store of records.
//
// # To add a vendor
//
// Write a file with a constructor that gives a Vendor, add a line to Vendors,
// and run facadetest.Run for it. Write it from the vendor's documentation, not
// from the description in destination/declared/specs: a description must not
// confirm itself.
//
//	func acme() Vendor {
//		return Vendor{Kind: "acme", Title: "Acme CRM", Credential: Bearer, Routes: acmeRoutes, Refuse: acmeRefuse}
//	}
//
// Routes gets one Service per connection and gives a handler of the vendor's
// own paths: the sandbox mounts it below /as/KIND/CONNECTION and strips that.
// Before the handler is called, the sandbox has acted out the faults that are
// the same everywhere (through Refuse), and has seen a well-formed credential
// (through Credential; without one it answers with Refuse(Unauthorized)).
// The handler then
//   - reads the body with ReadBody or as a stream (256 MiB at most),
//   - changes records within Object.Update, which returns when they are on
//     disk: answer only afterwards,
//   - asks Call.Poisoned once per record it is about to write, and refuses
//     those with a reason that the vendor would give (fault "partial"),
//   - asks Call.Duplicated once per batch it is about to write, and if so
//     answers as the vendor does when one id stands twice in a batch (fault
//     "duplicate-id"),
//   - tells Call.Report what became of the records, for the page.
//
// It never shows a credential in an answer, and never fails with a Go error
// text: Failed answers 500 in words of the vendor.
//
// # Records
//
// A Service has objects, named as the vendor names them ("contacts",
// "Account"); an object has records with an id in the vendor's shape and
// fields. Every version of every record is kept and shown on the page. Records
// are found by id, or by any property that identifies them (Object.Update,
// Tx.Find); the index of a property is made when it is first asked for.
// Deleted records keep their history and are not found.
//
// # Everything else
//
// Documents keeps small values and large blobs by name, durably: jobs,
// uploads, results, definitions of fields. Tokens issues access tokens that
// expire. Learn, if the vendor has it, is called by the command line before a
// run with the fields that the run will send, unless the sandbox is strict, so
// that a vendor with a schema accepts them; a vendor without a schema needs
// none.
package facade

import (
	"context"
	"net/http"
	"slices"
	"time"
)

// MaxBody is the largest body that a facade is given, in bytes.
const MaxBody = 256 << 20

// Vendor is one service that the sandbox speaks for.
type Vendor struct {
	Kind  string // the type of the connection in exposync.yml
	Title string // for people: HubSpot

	// Credential gives what a request identifies itself with; false if it is
	// missing or is not of the vendor's form. Any well-formed one is accepted.
	// Bearer, Basic, Header and Query are ready made.
	Credential func(r *http.Request) (string, bool)
	// Public reports requests that need no credential, such as those of a
	// token endpoint; nil for none.
	Public func(r *http.Request) bool
	// Routes gives the handler of one connection; called once for each.
	Routes func(s *Service) http.Handler
	// Refuse answers with a Trouble, with the vendor's status, headers and body.
	Refuse func(w http.ResponseWriter, r *http.Request, t Trouble)
	// Learn makes fields known to an object that has a schema; nil for
	// vendors without one.
	Learn func(s *Service, object string, fields []Field) error
}

// Trouble is what can go wrong with every request of every vendor.
type Trouble int

// The troubles. Each is one answer of the vendor.
const (
	Unauthorized Trouble = iota // the credential is missing or malformed
	Expired                     // the credential was good, and is no longer
	Throttled                   // too many requests for now; say for how long
	Exhausted                   // the day's quota is used up
	Down                        // the service does not work for now
	TooLarge                    // the body is larger than MaxBody
	NotFound                    // no such path; for the handler's own use
)

// Field is a property that records are about to have.
type Field struct {
	Name string `json:"name"`
	// Type is what the values will be: text, number, bool, date or time; empty
	// if that is not known.
	Type string `json:"type,omitempty"`
	// Key tells that records are to be found by it.
	Key bool `json:"key,omitempty"`
}

// Config is what the sandbox gives to a Service.
type Config struct {
	Kind, Connection string
	Dir              string // for documents; made on first use, mode 0700
	Now              func() time.Time
	Strict           bool
	// Log opens the versions of one object.
	Log func(object string) (Log, error)
	// SyncDirs makes new and removed names survive a loss of power.
	SyncDirs func(dirs ...string) error
}

// Log is the file of one object, in which every version of every record
// stays. It is used by one Object only.
type Log interface {
	// Len is the number of records that there ever were.
	Len() int
	// Known reports whether there ever was a record with this id.
	Known(id string) bool
	// Read gives the newest version of a record; false if there never was one.
	Read(id string) (Version, bool, error)
	// Scan gives the newest version of each record from position `from` on, in
	// the order in which they were first written, until yield returns false.
	Scan(from int, yield func(position int, v Version) bool) error
	// Append writes versions. They are on disk when the function that it gives
	// returns nil.
	Append(versions []Version) (durable func() error, err error)
}

// Version is one state of a record.
type Version struct {
	ID      string
	Fields  []byte    // a JSON object; nothing where the record is deleted
	Created time.Time // of the record
	Updated time.Time // of this version; Append sets it
	Deleted bool
}

// Call is what a handler and the sandbox say to each other about one request.
type Call struct {
	// Poison decides whether a record is to be refused; nil for never.
	Poison func(key string, fields Fields) (Poison, bool)
	// Duplicate tells that a batch is to be refused for an id that stands in
	// it twice.
	Duplicate bool
	Asked     bool // Duplicated was called and is so
	// Scenarios are what is to go wrong with a hosted sync, by the names that
	// package tools gives them, and Acted those of them that did.
	Scenarios, Acted []string

	Mode    string         // what was done, for the page: upsert, read, …
	Results map[string]int // records by what became of them: created, updated, deleted, unchanged, rejected
}

// Poison is the reason of a fault. Both are empty unless whoever asked for the
// fault gave them: then the vendor's own words are used.
type Poison struct{ Code, Message string }

type callKey struct{}

// WithCall gives a context that CallOf finds c in.
func WithCall(ctx context.Context, c *Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// CallOf gives the call of a request; one of no effect if it has none.
func CallOf(r *http.Request) *Call {
	if c, ok := r.Context().Value(callKey{}).(*Call); ok {
		return c
	}
	return &Call{}
}

// Poisoned reports whether a fault wants this record refused. Key is what the
// caller identifies the record by; the same key is refused every time.
func (c *Call) Poisoned(key string, fields Fields) (Poison, bool) {
	if c.Poison == nil {
		return Poison{}, false
	}
	return c.Poison(key, fields)
}

// Duplicated reports whether a fault wants this batch refused for an id that
// stands in it twice. Ask only with more than one record in the batch.
func (c *Call) Duplicated() bool {
	c.Asked = c.Asked || c.Duplicate
	return c.Duplicate
}

// Report tells what became of n records: created, updated, deleted, unchanged
// or rejected. It may be called several times.
func (c *Call) Report(mode, result string, n int) {
	c.Mode = mode
	if n == 0 {
		return
	}
	if c.Results == nil {
		c.Results = map[string]int{}
	}
	c.Results[result] += n
}

// Act tells that a scenario of Scenarios did something to the request.
func (c *Call) Act(scenario string) {
	if !slices.Contains(c.Acted, scenario) {
		c.Acted = append(c.Acted, scenario)
	}
}
