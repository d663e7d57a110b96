package hosted

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/tidwall/gjson"

	"exposync/internal/yamlx"
)

// hookRequest is one request of the settings.
type hookRequest struct {
	method  string
	url     string // with ${names}
	headers []hookHeader
	body    *yamlx.Node // nil: none
	uses    map[string]bool
}

type hookHeader struct{ name, text string }

// names are what ${…} of a request stand for.
type names map[string]string

var reference = regexp.MustCompile(`\$\{([a-z_]+)\}|\$\$`)

// fill puts names into a text; $$ stands for one $.
func (n names) fill(text string) string { return n.with(text, func(s string) string { return s }) }

func (n names) with(text string, escape func(string) string) string {
	return reference.ReplaceAllStringFunc(text, func(found string) string {
		if found == "$$" {
			return "$"
		}
		return escape(n[found[2:len(found)-1]])
	})
}

// call fills a request: what is put into an address stays within its part.
func (r *hookRequest) call(n names, what string) call {
	path, query, asks := strings.Cut(r.url, "?")
	c := call{what: what, method: r.method, url: n.with(path, url.PathEscape), header: http.Header{}}
	if asks {
		c.url += "?" + n.with(query, url.QueryEscape)
	}
	for _, h := range r.headers {
		c.header.Set(h.name, n.with(h.text, oneLine))
	}
	if r.body != nil {
		c.body = json.RawMessage(appendJSON(nil, r.body, n))
	}
	return c
}

// oneLine keeps a value from becoming another header.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

// base is the scheme and host of the address.
func (r *hookRequest) base() string {
	u, err := url.Parse(names{}.fill(r.url))
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// get is the text at a path; "" for no path.
func (*hookRequest) get(doc gjson.Result, path string) string { return text(at(doc, path)) }

// appendJSON writes a tree as JSON, with the names filled in its texts: what
// they stand for can never become structure. ${full_resync} alone is a
// boolean.
func appendJSON(dst []byte, n *yamlx.Node, in names) []byte {
	if n.IsNull() {
		return append(dst, "null"...)
	}
	switch n.Kind {
	case yamlx.Map:
		dst = append(dst, '{')
		for i, p := range n.Pairs {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendText(dst, p.Key), ':')
			dst = appendJSON(dst, p.Value, in)
		}
		return append(dst, '}')
	case yamlx.List:
		dst = append(dst, '[')
		for i, item := range n.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(dst, item, in)
		}
		return append(dst, ']')
	case yamlx.Bool:
		return append(dst, n.Text...)
	case yamlx.Number:
		if json.Valid([]byte(n.Text)) {
			return append(dst, n.Text...)
		}
	default:
	}
	if n.Text == "${full_resync}" {
		return append(dst, in["full_resync"]...)
	}
	return appendText(dst, in.fill(n.Text))
}

func appendText(dst []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil {
		return append(dst, `""`...) // never: every text has a form in JSON
	}
	return append(dst, quoted...)
}
