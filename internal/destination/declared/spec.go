package declared

import (
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"exposync/internal/destination"
	"exposync/internal/yamlx"
)

//go:embed specs/*.yaml
var files embed.FS

// Kinds lists the destinations that are described here, sorted: the types of
// connections that New takes.
func Kinds() []string {
	entries, err := files.ReadDir("specs")
	if err != nil {
		panic("BUG: the descriptions are not embedded: " + err.Error())
	}
	kinds := make([]string, len(entries))
	for i, e := range entries {
		kinds[i] = strings.TrimSuffix(e.Name(), ".yaml")
	}
	return kinds
}

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
func Params(kind string) ([]Param, error) {
	spec, err := builtin(kind, nil)
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
	vars                  []pair
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
	objects               []objectSpec // not empty: there are no other objects
}

// route is one way to carry out an operation: the first is taken that is for
// as many records as there are.
type route struct {
	most int64 // records; 0: any number
	op   string
}

// pair is a name with a text that may hold ${…}.
type pair struct{ name, text string }

// check is the request that tells the account.
type check struct {
	request  request
	identity string         // path in the answer
	part     *regexp.Regexp // of the text there; nil: all of it
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
	envelope   *yamlx.Node
	row        *yamlx.Node
	rules      []rule
	fold       folding
	job        *job   // it goes on at the service; nil: an answer says all
	find       *find  // it asks for the records' ids first; nil: it does not
	echoID     string // paths of the ids in a success, and of the trace that
	echoTrace  string // aligns them
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
	field  string
	max    int // letters of the name; 0: as many as it has
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
	okIn          []string
	code, message string
	class         classes
}

// errorList reads errors that name their records.
type errorList struct {
	at                        string
	index, trace, key         string         // paths within one error
	keyList                   string         // the error is a bare key; the text is its code
	indexPart                 *regexp.Regexp // of the text at index
	indexList                 string         // path of indexes within one error
	mapKeys, mapIndex, mapKey bool           // at is a map; its keys are anything, indexes, record keys
	code, message             string
	class                     classes
}

// classes says what a code means; "*" stands for all others.
type classes map[string]destination.State

// builtin reads an embedded spec with the blocks that a connection puts over
// it.
func builtin(kind string, over *overlay) (*spec, error) {
	if !slices.Contains(Kinds(), kind) {
		return nil, fmt.Errorf("declared: no destination is called %q", kind)
	}
	data, err := files.ReadFile("specs/" + kind + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("read the description of %s: %w", kind, err)
	}
	return parse(kind+".yaml", data, over)
}

// parse reads and checks a spec. What is wrong with it is a fault.List with
// code spec_invalid, every problem with its line.
func parse(file string, data []byte, over *overlay) (*spec, error) {
	root, err := yamlx.Parse(file, data)
	if err != nil {
		return nil, err
	}
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
