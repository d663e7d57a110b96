package secret

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// shortest is the length below which a value is not redacted: replacing every
// "a" would hide everything else and protect nothing.
const shortest = 4

// Redactor takes known secrets out of any text. The zero value is ready, and
// it is safe for use by several goroutines.
type Redactor struct {
	mu       sync.RWMutex
	known    map[string]bool
	replacer *strings.Replacer // nil after a new secret
}

// Add makes the redactor know a secret, also as it looks inside a URL, in
// JSON, in base64, and line by line. Values below 4 bytes are ignored.
func (r *Redactor) Add(value string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil {
		r.known = map[string]bool{}
	}
	for _, form := range forms(value) {
		if len(form) >= shortest && !r.known[form] {
			r.known[form] = true
			r.replacer = nil
		}
	}
}

// Redact replaces every known secret in text by "***", and the password of
// every URL, known or not.
func (r *Redactor) Redact(text string) string {
	text = r.current().Replace(text)
	if !strings.Contains(text, "://") {
		return text
	}
	return regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://[^\s:/@]*:)[^\s@]+@`).ReplaceAllString(text, "${1}"+hidden+"@")
}

func (r *Redactor) current() *strings.Replacer {
	r.mu.RLock()
	ready := r.replacer
	r.mu.RUnlock()
	if ready != nil {
		return ready
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	// Longest first: a secret that contains another must go as a whole.
	all := make([]string, 0, len(r.known))
	for form := range r.known {
		all = append(all, form)
	}
	slices.SortFunc(all, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	pairs := make([]string, 0, 2*len(all))
	for _, form := range all {
		pairs = append(pairs, form, hidden)
	}
	r.replacer = strings.NewReplacer(pairs...)
	return r.replacer
}

// forms gives the ways in which a secret shows up in requests and messages.
func forms(value string) []string {
	value = strings.TrimSpace(value)
	out := []string{value, url.QueryEscape(value), url.PathEscape(value), base64.StdEncoding.EncodeToString([]byte(value))}
	if quoted, err := json.Marshal(value); err == nil && len(quoted) > 2 {
		escaped := string(quoted[1 : len(quoted)-1])
		plain := strings.NewReplacer(`\u0026`, "&", `\u003c`, "<", `\u003e`, ">").Replace(escaped)
		out = append(out, escaped, plain)
	}
	if u, err := url.Parse(value); err == nil && u.User != nil {
		if password, set := u.User.Password(); set {
			out = append(out, password, url.QueryEscape(password), url.PathEscape(password))
		}
	}
	if strings.Contains(value, "\n") {
		for line := range strings.Lines(value) {
			if line = strings.TrimSpace(line); len(line) >= 2*shortest && !strings.HasPrefix(line, "-----") {
				out = append(out, line)
			}
		}
	}
	return out
}

// addFrom adds what is secret about a variable's value: all of it where the
// name says so, else the password of a URL. Redacting every variable would
// hide host names and ports, which messages need.
func (r *Redactor) addFrom(name, value string) {
	if Sensitive(name) {
		r.Add(value)
		return
	}
	if u, err := url.Parse(value); err == nil && u.User != nil {
		if password, set := u.User.Password(); set {
			r.Add(password)
		}
	}
}

// Sensitive reports whether a name (of a variable or a parameter) says that
// its value is a secret.
func Sensitive(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{
		"secret", "password", "passwd", "passphrase", "pwd", "token", "credential", "dsn", "webhook", "private",
	} {
		if strings.Contains(name, word) {
			return true
		}
	}
	for _, end := range []string{"pass", "key", "auth"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}
