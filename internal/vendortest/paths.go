package vendortest

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
)

// path is one path of a description. A parameter may be a part of a segment:
// /v{version}/query. Where the description has x-suffix, a path may end in that.
type path struct {
	text  string
	match *regexp.Regexp
	names []string
	item  *openapi3.PathItem
}

var parameter = regexp.MustCompile(`\{([^}]+)\}`)

// pathsOf gives the paths of a description, those with the fewest parameters
// first.
func pathsOf(doc *openapi3.T) []path {
	var out []path
	for _, text := range slices.Sorted(maps.Keys(doc.Paths.Map())) {
		p := path{text: text, item: doc.Paths.Value(text)}
		var pattern strings.Builder
		rest := text
		for _, m := range parameter.FindAllStringSubmatch(text, -1) {
			before, after, _ := strings.Cut(rest, m[0])
			pattern.WriteString(regexp.QuoteMeta(before) + `([^/]*?)`)
			p.names, rest = append(p.names, m[1]), after
		}
		p.match = regexp.MustCompile("^" + pattern.String() + regexp.QuoteMeta(rest) + "$")
		out = append(out, p)
	}
	slices.SortStableFunc(out, func(a, b path) int { return cmp.Compare(len(a.names), len(b.names)) })
	return out
}

// find gives the operation of a request and the parameters in its path. Where
// several paths match, the one whose parameters may have these values is meant.
func (d *Description) find(r *http.Request) (*routers.Route, map[string]string, error) {
	suffix, _ := d.doc.Extensions["x-suffix"].(string)
	at := strings.TrimSuffix(r.URL.EscapedPath(), suffix)
	known := false
	for _, p := range d.paths {
		m := p.match.FindStringSubmatch(at)
		if m == nil {
			continue
		}
		known = true
		operation := p.item.GetOperation(r.Method)
		if operation == nil {
			continue
		}
		params := map[string]string{}
		for i, name := range p.names {
			text, err := url.PathUnescape(m[i+1])
			if err != nil {
				return nil, nil, err
			}
			params[name] = text
		}
		return &routers.Route{Spec: d.doc, Path: p.text, PathItem: p.item, Method: r.Method, Operation: operation}, params, nil
	}
	if known {
		return nil, nil, fmt.Errorf("the path has no method %s", r.Method)
	}
	return nil, nil, fmt.Errorf("there is no path %s", at)
}

// counts are requests by operation.
type counts struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counts) add(operation string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[operation]++
}

func (c *counts) all() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.n)
}
