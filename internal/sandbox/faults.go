package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/tidwall/gjson"

	"exposync/internal/record"
)

// Rule makes the sandbox fail on purpose. Rules are tried in order; of those
// that answer instead of the store the first that matches acts.
type Rule struct {
	Kind string `json:"kind"` // see Kinds
	// What it applies to; empty matches everything.
	Connection string `json:"connection,omitempty"`
	Object     string `json:"object,omitempty"`
	Method     string `json:"method,omitempty"`
	After      int    `json:"after,omitempty"` // requests that pass before it acts
	Times      int    `json:"times,omitempty"` // requests it acts on; 0 for all

	Status  int               `json:"status,omitempty"`  // kind status
	Headers map[string]string `json:"headers,omitempty"` // kind status, such as Retry-After
	Body    string            `json:"body,omitempty"`    // kind status
	DelayMS int               `json:"delay_ms,omitempty"`

	Field   string          `json:"field,omitempty"` // kind reject
	Value   json.RawMessage `json:"value,omitempty"` // kind reject; none rejects every record
	Code    string          `json:"code,omitempty"`
	Message string          `json:"message,omitempty"`
}

// Kinds are the ways in which a Rule fails.
func Kinds() []string {
	return []string{
		"status",             // answers with Status, does nothing
		"html",               // answers 200 with a page, does nothing
		"reset",              // closes the connection, does nothing
		"half",               // does the request, and sends half of the reply
		"reset_after_commit", // does the request, and closes the connection
		"slow",               // waits DelayMS before the request
		"reject",             // rejects the records whose Field is Value
	}
}

// faults are the rules and how often each has matched.
type faults struct {
	wait func(ctx context.Context, d time.Duration) error

	mu    sync.Mutex
	rules []Rule
	seen  []int
}

// set replaces all rules.
func (f *faults) set(rules []Rule) error {
	rules = slices.Clone(rules)
	for i := range rules {
		r := &rules[i]
		if !slices.Contains(Kinds(), r.Kind) {
			return problem("bad_rule", fmt.Sprintf("rule %d: the kind is none of %v", i+1, Kinds()))
		}
		if r.Kind == "status" && (r.Status < 200 || r.Status > 599) {
			return problem("bad_rule", fmt.Sprintf("rule %d: status is from 200 to 599", i+1))
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
	f.rules, f.seen = rules, make([]int, len(rules))
	return nil
}

func (f *faults) list() []Rule {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Rule{}, f.rules...)
}

// acting gives the rules that act on this request, and counts it.
func (f *faults) acting(method string, a address) []Rule {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []Rule
	for i, r := range f.rules {
		if r.Connection != "" && r.Connection != a.connection || r.Object != "" && r.Object != a.object ||
			r.Method != "" && r.Method != method {
			continue
		}
		f.seen[i]++
		if n := f.seen[i] - r.After; n < 1 || r.Times > 0 && n > r.Times {
			continue
		}
		out = append(out, r)
	}
	return out
}

// reject gives the reason for which a rule refuses a record, if any.
func reject(rules []Rule, it *item) (code, message string) {
	for _, r := range rules {
		if r.Kind != "reject" || len(r.Value) > 0 && !holds(it.fields, r) && !holds(it.key, r) {
			continue
		}
		code, message = r.Code, r.Message
		if code == "" {
			code = "rejected"
		}
		if message == "" {
			message = "a rule of the sandbox rejects this record"
		}
		return code, message
	}
	return "", ""
}

func holds(object []byte, r Rule) bool {
	found := false
	gjson.ParseBytes(object).ForEach(func(name, v gjson.Result) bool {
		found = name.Str == r.Field && v.Raw == string(r.Value)
		return !found
	})
	return found
}

// before acts out what comes before a request; true if the answer is given.
func (f *faults) before(w http.ResponseWriter, r *http.Request, rules []Rule) bool {
	for _, rule := range rules {
		switch rule.Kind {
		case "slow":
			if f.wait(r.Context(), time.Duration(rule.DelayMS)*time.Millisecond) != nil {
				panic(http.ErrAbortHandler)
			}
		case "reset":
			panic(http.ErrAbortHandler)
		case "html":
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
		case "reset_after_commit":
			panic(http.ErrAbortHandler)
		case "half":
			return reply[:len(reply)/2]
		}
	}
	return reply
}
