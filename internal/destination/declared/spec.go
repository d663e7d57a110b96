package declared

import (
	"regexp"
	"strconv"
	"strings"

	"exposync/internal/destination"
	"exposync/internal/yamlx"
)

// Param is one value that a connection in exposync.yml gives to a spec.
type Param struct {
	Name     string `json:"name"`
	Kind     string `json:"kind"` // text, url, bool; tree for a block of the spec that the connection may replace
	Required bool   `json:"required"`
	Secret   bool   `json:"secret"`
	Default  string `json:"default,omitempty"`
	Doc      string `json:"doc"`
}

// Params gives what a connection of that kind may hold: the parameters that
// the spec declares, then the blocks that may stand inline.
func (c *Catalog) Params(kind string) ([]Param, error) {
	spec, err := c.load(kind, nil)
	if err != nil {
		return nil, err
	}
	params := spec.params
	for _, b := range inlineBlocks() {
		params = append(params, Param{Name: b.name, Kind: "tree", Doc: b.doc})
	}
	return params, nil
}

// spec is one destination as data: how to ask it who it is, how to write to
// it, and how to read its answers.
type spec struct {
	name                  string
	title, docs, verified string
	params                []Param
	vars                  []variable
	auth                  []auth // the first that applies
	headers               []pair
	check                 *check
	discover              *discovery
	lookup                *lookup
	limits                limits
	rate                  rateLimit
	encode                encoding
	ops                   map[string]*op
	routes                map[string][]route
	fixtures              []fixture
	fields                []attribute  // that the service has by itself
	custom                bool         // rows have a place for all others
	others                bool         // objects take any other field, but not as key
	objects               []objectSpec // not empty: there are no other objects
}

// route is one way to carry out an operation: the first is taken that is for
// as many records as there are.
type route struct {
	most int64 // records; 0: any number
	op   string
}

// variable is a text under a name; with of it depends on another one, "*"
// standing for all that no case names.
type variable struct {
	name, text string
	of         string
	cases      []pair
}

// pair is a name with a text that may hold ${…}.
type pair struct{ name, text string }

// check is the request that tells the account, or what to take for one where
// a service tells none.
type check struct {
	request     request
	identity    string         // path in the answer
	part        *regexp.Regexp // of the text there; nil: all of it
	problem     string         // path of why an answer of success is none
	fingerprint string         // a text with the key in it: the account is the address and a hash of this
}

type limits struct {
	rows        int // records of one request
	bytes       int // of a request's body; 0: no limit
	rowBytes    int // of one encoded record; 0: no limit
	concurrency int // requests in flight
}

// or fills what is not set.
func (l limits) or(other limits) limits {
	pick := func(a, b int) int {
		if a > 0 {
			return a
		}
		return b
	}
	return limits{
		pick(l.rows, other.rows), pick(l.bytes, other.bytes),
		pick(l.rowBytes, other.rowBytes), pick(l.concurrency, other.concurrency),
	}
}

// op is one way of writing: upsert, update, insert, append, delete.
type op struct {
	name       string
	idempotent bool
	atomic     bool // a refused batch wrote nothing, so its parts may be sent
	once       bool // at most one record of a key per request
	idem       idempotency
	anyReply   bool // the body of an answer means nothing
	limits     limits
	encode     encoding
	encodeNode *yamlx.Node // over the spec's
	request    request
	alias      *alias   // every record has a name of its own; nil: they stand in a list
	needs      []string // parameters without which a connection has no such operation
	envelope   *yamlx.Node
	row        *yamlx.Node
	also       []*yamlx.Node // more items of a record; one that lacks something is left out
	rules      []rule
	deletes    bool              // it carries out deletes
	fold       folding           // for which key fields the service does not tell keys apart by case
	codes      map[string]string // the service's words for not_found and exists
	noPartial  []string          // keys by which it takes no record with fields left out
	locate     string            // always, unknown: whose ids are asked for before writing
	find       *find             // it asks for the records' ids first; nil: it does not
	job        *job              // it goes on at the service; nil: an answer says all
	echoID     string            // paths of the ids in a success, and of the trace that
	echoTrace  string            // aligns them
	where      string
}

// safe reports whether sending the same records again does no harm.
func (o *op) safe() bool {
	return o.idempotent || o.idem.field != "" || (o.idem.header != "" && o.limits.rows == 1)
}

// idempotency is how a request or a record names itself, so that the
// destination notices it coming twice.
type idempotency struct {
	header string
	field  string // of the row; dots lead into objects of it
	max    int    // letters of the name; 0: as many as it has
}

type request struct {
	method  string
	path    string
	query   []pair
	headers []pair
}

// rule says what an answer means.
type rule struct {
	where   string
	status  string // "207", "2xx"; empty matches all
	when    string
	each    *each
	errors  []errorList
	okCount string
	rest    destination.State
	outcome destination.State
	class   classes
	code    string
	message string
}

// each reads results that stand in the order of the records.
type each struct {
	at, ok, id    string
	alias         bool // at is a map; its keys are the names of the records
	okIn          []string
	code, message string
	class         classes
}

// errorList reads errors that name their records.
type errorList struct {
	at                        string
	is                        []pair         // paths with texts: an error with others is about no record
	index, trace, key         string         // paths within one error
	keyList                   string         // the error is a bare key; the text is its code
	indexPart                 *regexp.Regexp // of the text at index
	indexList                 string         // path of indexes within one error
	mapKeys, mapIndex, mapKey bool           // at is a map; its keys are anything, indexes, record keys
	code, message             string
	class                     classes
}

// parse reads and checks a spec. What is wrong with it is a fault.List with
// code spec_invalid, every problem with its line.
func parse(file string, data []byte) (*spec, error) {
	root, err := yamlx.Parse(file, data)
	if err != nil {
		return nil, err
	}
	return decode(file, root, nil)
}

func decode(file string, root *yamlx.Node, over *overlay) (*spec, error) {
	d := &decoder{file: file, over: over}
	s := d.spec(over.within(root))
	if s != nil {
		d.objects(s, root)
		d.checkTexts(s)
	}
	if err := d.sorted().Err(); err != nil {
		return nil, err
	}
	return s, nil
}

// states are the words of the rules.
func states() map[string]destination.State {
	return map[string]destination.State{
		"ok": destination.OK, "fail": destination.Rejected, "retry": destination.Retry,
		"bisect": destination.Bisect, "auth": destination.Auth, "stop": destination.Stop,
		"mapping_error": destination.Mapping, "in_doubt": destination.InDoubt,
	}
}

func opNames() []string { return []string{"upsert", "update", "insert", "append", "delete"} }

// opsOf are the operations that a mode needs.
func opsOf(mode destination.Mode) []string {
	if mode == destination.Mirror {
		return []string{"upsert", "delete"}
	}
	return []string{string(mode)}
}

// matches reports whether a rule's status is meant.
func matchesStatus(pattern string, status int) bool {
	if pattern == "" {
		return true
	}
	text := strconv.Itoa(status)
	if class, ok := strings.CutSuffix(pattern, "xx"); ok {
		return text[:1] == class
	}
	return text == pattern
}
