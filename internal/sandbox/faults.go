package sandbox

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"exposync/internal/record"
	"exposync/internal/sandbox/facade"
	"exposync/internal/sandbox/tools"
)

// Rule makes the sandbox fail on purpose. Rules are tried in order; of those
// that answer instead of the store the first that matches acts.
type Rule struct {
	Kind string `json:"kind"` // see Kinds; or hosted- and a name of tools.Scenarios
	// What it applies to; empty matches everything. The object of a request to a
	// vendor is any part of its path.
	Connection string `json:"connection,omitempty"`
	Object     string `json:"object,omitempty"`
	Method     string `json:"method,omitempty"`
	After      int    `json:"after,omitempty"` // requests that pass before it acts
	Times      int    `json:"times,omitempty"` // requests it acts on; 0 for all
	// Rate is the share of requests it acts on, of kind partial the share of
	// records: above 0, up to 1; 0 is all. The first request that writes is
	// always among them, so that a small run sees it.
	Rate float64 `json:"rate,omitempty"`

	Status  int               `json:"status,omitempty"`  // kind status
	Headers map[string]string `json:"headers,omitempty"` // kind status, such as Retry-After
	Body    string            `json:"body,omitempty"`    // kind status
	DelayMS int               `json:"delay_ms,omitempty"`

	Field   string          `json:"field,omitempty"` // kind reject
	Value   json.RawMessage `json:"value,omitempty"` // kind reject; none rejects every record
	Code    string          `json:"code,omitempty"`
	Message string          `json:"message,omitempty"`
}

// Kinds of rules that vendors act out in their own words, and the generic
// store in its own.
const (
	TooMany            = "429"                  // too many requests for now
	ServerError        = "5xx"                  // the service is down for now
	TokenExpiry        = "token-expiry"         //nolint:gosec // the name of a fault: the credential expires
	Quota              = "quota"                // the day's quota is used up
	HTML200            = "html-200"             // answers 200 with a page, does nothing
	TimeoutAfterCommit = "timeout-after-commit" // does a write, and its answer is lost
	Partial            = "partial"              // refuses some records
	DuplicateID        = "duplicate-id"         // refuses a batch for an id that stands twice in it
	Slow               = "slow"                 // waits DelayMS before the request
)

// Kinds are the ways in which a Rule fails.
func Kinds() []string {
	return []string{
		TooMany, ServerError, TokenExpiry, Quota, HTML200, TimeoutAfterCommit, Partial, DuplicateID, Slow,
		"status",             // answers with Status, does nothing
		"html",               // answers 200 with a page, does nothing
		"reset",              // closes the connection, does nothing
		"half",               // does the request, and sends half of the reply
		"reset_after_commit", // does the request, and closes the connection
		"reject",             // rejects the records whose Field is Value
	}
}

// hosted stands before the name of a scenario of a hosted sync, which only the
// stand-ins of package tools act out.
const hosted = "hosted-"

// known reports whether a rule can be of a kind.
func known(kind string) bool {
	name, ofTool := strings.CutPrefix(kind, hosted)
	return slices.Contains(Kinds(), kind) || ofTool && tools.About(name) != ""
}

// scenarios are the names of the scenarios among rules.
func scenarios(rules []Rule) []string {
	var out []string
	for _, r := range rules {
		if name, is := strings.CutPrefix(r.Kind, hosted); is {
			out = append(out, name)
		}
	}
	return out
}

// faults are the rules and how often each has matched.
type faults struct {
	wait func(ctx context.Context, d time.Duration) error
	seed uint64

	mu    sync.Mutex
	rules []Rule
	seen  []matches
}

// matches counts the requests that a rule has matched.
type matches struct{ all, writes int }

// request is what decides which rules act.
type request struct {
	method, connection string
	objects            []string
	public             bool // it needs no credential, so it writes nothing
	tool               bool // it is for a tool with hosted syncs
}

func (r *request) writes() bool {
	return r.method != http.MethodGet && r.method != http.MethodHead && !r.public
}

// set replaces all rules.
func (f *faults) set(rules []Rule) error {
	rules = slices.Clone(rules)
	for i := range rules {
		r := &rules[i]
		if !known(r.Kind) {
			return problem("bad_rule", fmt.Sprintf("rule %d: the kind is none of %v, nor %sNAME with a name of %v", i+1, Kinds(), hosted, tools.Scenarios()))
		}
		if r.Kind == "status" && (r.Status < 200 || r.Status > 599) {
			return problem("bad_rule", fmt.Sprintf("rule %d: status is from 200 to 599", i+1))
		}
		if r.Rate < 0 || r.Rate > 1 {
			return problem("bad_rule", fmt.Sprintf("rule %d: rate is from 0 to 1", i+1))
		}
		if r.Kind == "reject" && len(r.Value) > 0 {
			value, err := record.AppendCanonicalJSON(nil, r.Value)
			if err != nil || r.Field == "" {
				return problem("bad_rule", fmt.Sprintf("rule %d: reject needs a field, and a value that is JSON", i+1))
			}
			r.Value = value
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules, f.seen = rules, make([]matches, len(rules))
	return nil
}

func (f *faults) list() []Rule {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Rule{}, f.rules...)
}

// acting gives the rules that act on this request, and counts it.
func (f *faults) acting(q *request) []Rule {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []Rule
	for i := range f.rules {
		r, seen := &f.rules[i], &f.seen[i]
		if !r.concerns(q) {
			continue
		}
		seen.all++
		n := seen.all - r.After
		if q.writes() && n >= 1 {
			seen.writes++
		}
		if n < 1 || r.Times > 0 && n > r.Times {
			continue
		}
		if r.Rate > 0 && r.Kind != Partial && (!q.writes() || seen.writes != 1) &&
			chance(f.seed, uint64(i), uint64(seen.all)) >= r.Rate { //nolint:gosec // small and positive
			continue
		}
		out = append(out, *r)
	}
	return out
}

// concerns tells whether a rule is about a request at all. A rule about writes
// passes over reading.
func (r *Rule) concerns(q *request) bool {
	if r.Connection != "" && r.Connection != q.connection || r.Object != "" && !slices.Contains(q.objects, r.Object) ||
		r.Method != "" && r.Method != q.method {
		return false
	}
	if name, is := strings.CutPrefix(r.Kind, hosted); is {
		return q.tool && (tools.OfSync(name) || q.writes())
	}
	return q.writes() || r.Kind != TimeoutAfterCommit && r.Kind != Partial && r.Kind != DuplicateID
}

// chance gives a number from 0 to 1 that depends on its arguments only: the
// finisher of splitmix64 over each in turn.
func chance(of ...uint64) float64 {
	var x uint64
	for _, n := range of {
		x += n + 0x9e3779b97f4a7c15
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		x ^= x >> 31
	}
	return float64(x>>11) / (1 << 53)
}

// acts reports whether a rule of one of the kinds is among those that act.
func acts(rules []Rule, kinds ...string) bool {
	return slices.ContainsFunc(rules, func(r Rule) bool { return slices.Contains(kinds, r.Kind) })
}

// troubleOf gives what the rules want answered instead of the store. A
// credential cannot expire where none is needed.
func troubleOf(rules []Rule, public bool) (facade.Trouble, bool) {
	for _, r := range rules {
		switch {
		case r.Kind == TooMany:
			return facade.Throttled, true
		case r.Kind == ServerError:
			return facade.Down, true
		case r.Kind == Quota:
			return facade.Exhausted, true
		case r.Kind == TokenExpiry && !public:
			return facade.Expired, true
		}
	}
	return 0, false
}

// refuse is how the generic store words a trouble.
func refuse(w http.ResponseWriter, t facade.Trouble) {
	switch t {
	case facade.Throttled:
		w.Header().Set("Retry-After", "1")
		fail(w, http.StatusTooManyRequests, "too_many", "too many requests; a rule of the sandbox says so")
	case facade.Exhausted:
		w.Header().Set("Retry-After", "3600")
		fail(w, http.StatusTooManyRequests, "quota", "the day's quota is used up; a rule of the sandbox says so")
	case facade.Expired, facade.Unauthorized:
		fail(w, http.StatusUnauthorized, "token_expired", "the credential has expired; a rule of the sandbox says so")
	default:
		fail(w, http.StatusServiceUnavailable, "down", "the service is down; a rule of the sandbox says so")
	}
}

// poison gives what decides about single records; nil if no rule does. It
// notes in hit which kinds have refused one.
func (f *faults) poison(rules []Rule, hit map[string]bool) func(key string, fields facade.Fields) (facade.Poison, bool) {
	if !acts(rules, Partial, "reject") {
		return nil
	}
	return func(key string, fields facade.Fields) (facade.Poison, bool) {
		for _, r := range rules {
			if r.Kind == Partial && (r.Rate == 0 || chance(f.seed, textNumber(key)) < r.Rate) || r.Kind == "reject" && r.rejects(fields) {
				hit[r.Kind] = true
				return facade.Poison{Code: r.Code, Message: r.Message}, true
			}
		}
		return facade.Poison{}, false
	}
}

func textNumber(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	return h.Sum64()
}

// rejects reports whether a record has the rule's value in the rule's field.
func (r *Rule) rejects(fields facade.Fields) bool {
	if len(r.Value) == 0 {
		return true
	}
	value, err := record.AppendCanonicalJSON(nil, fields[r.Field])
	return err == nil && string(value) == string(r.Value)
}

// reject gives the reason for which a rule refuses a record, if any.
func reject(poison func(string, facade.Fields) (facade.Poison, bool), it *item) (code, message string) {
	if poison == nil {
		return "", ""
	}
	reason, refused := poison(string(it.key), facade.ParseFields(it.fields).Merge(facade.ParseFields(it.key)))
	if !refused {
		return "", ""
	}
	return cmp.Or(reason.Code, "rejected"), cmp.Or(reason.Message, "a rule of the sandbox rejects this record")
}

// before acts out what comes before a request; true if the answer is given.
func (f *faults) before(w http.ResponseWriter, r *http.Request, rules []Rule) bool {
	for _, rule := range rules {
		switch rule.Kind {
		case Slow:
			if f.wait(r.Context(), time.Duration(rule.DelayMS)*time.Millisecond) != nil {
				panic(http.ErrAbortHandler)
			}
		case "reset":
			panic(http.ErrAbortHandler)
		case "html", HTML200:
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write([]byte("<!doctype html><title>Sign in</title><h1>Please sign in</h1>"))
			return true
		case "status":
			for name, value := range rule.Headers {
				w.Header().Set(name, value)
			}
			if rule.Body == "" {
				fail(w, rule.Status, "fault", "a rule of the sandbox answers with status "+strconv.Itoa(rule.Status))
				return true
			}
			w.WriteHeader(rule.Status)
			_, _ = w.Write([]byte(rule.Body))
			return true
		}
	}
	return false
}

// after acts out what comes between a request that is done and its reply.
func after(rules []Rule, reply []byte) []byte {
	for _, rule := range rules {
		switch rule.Kind {
		case "reset_after_commit", TimeoutAfterCommit:
			panic(http.ErrAbortHandler)
		case "half":
			return reply[:len(reply)/2]
		}
	}
	return reply
}
