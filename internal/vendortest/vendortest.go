// Package vendortest holds requests against descriptions of the vendors' APIs
// (fixtures/schemas): path, query, headers, credentials and body, strictly. It is
// for tests: what a test sends, and what a stand-in for a vendor takes, is what the
// vendor's documentation says.
package vendortest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"exposync/fixtures/schemas"
)

// Kinds lists the vendors whose API is described, sorted.
func Kinds() []string { return kinds(".") }

// Hosted lists the hosted tools whose API is described, sorted. They are loaded
// as hosted/KIND.
func Hosted() []string { return kinds("hosted") }

func kinds(folder string) []string {
	entries, err := schemas.Files.ReadDir(folder)
	if err != nil {
		panic("BUG: the descriptions are not embedded: " + err.Error())
	}
	var out []string
	for _, e := range entries {
		if kind, ok := strings.CutSuffix(e.Name(), ".yaml"); ok {
			out = append(out, kind)
		}
	}
	return out
}

// Description is one vendor's API, as far as it is described.
type Description struct {
	doc   *openapi3.T
	paths []path
}

// Load reads a vendor's description and checks that it is sound.
func Load(kind string) (*Description, error) {
	data, err := schemas.Files.ReadFile(kind + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("no API is described for %s: %w", kind, err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return nil, fmt.Errorf("%s.yaml: %w", kind, err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("%s.yaml: %w", kind, err)
	}
	return &Description{doc, pathsOf(doc)}, nil
}

// Operations lists the ids of all that is described, sorted.
func (d *Description) Operations() []string {
	var out []string
	for _, p := range d.paths {
		for _, o := range p.item.Operations() {
			out = append(out, o.OperationID)
		}
	}
	slices.Sort(out)
	return out
}

// Check gives the operation that a request is for and what is wrong with it; nil
// if nothing is. The body can be read again afterwards.
func (d *Description) Check(r *http.Request) (operation string, err error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return "", err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	route, params, err := d.find(r)
	if err != nil {
		return "", err
	}
	seen := r.Clone(r.Context())
	if seen.Header.Get("Content-Encoding") == "gzip" {
		if body, err = unpacked(body); err != nil {
			return route.Operation.OperationID, fmt.Errorf("the body is no gzip: %w", err)
		}
	}
	seen.Body, seen.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	options := &openapi3filter.Options{
		MultiError: true, AuthenticationFunc: proven, RejectWhenRequestBodyNotSpecified: true, SkipSettingDefaults: true,
	}
	options.WithCustomSchemaErrorFunc(func(e *openapi3.SchemaError) string {
		return fmt.Sprintf("/%s: %s", strings.Join(e.JSONPointer(), "/"), e.Reason)
	})
	input := &openapi3filter.RequestValidationInput{Request: seen, PathParams: params, Route: route, Options: options}
	return route.Operation.OperationID, errors.Join(openapi3filter.ValidateRequest(r.Context(), input), d.query(route, seen))
}

func unpacked(body []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// query finds parameters that the operation does not have.
func (d *Description) query(route *routers.Route, r *http.Request) error {
	known := func(name string) bool {
		for _, list := range []openapi3.Parameters{route.PathItem.Parameters, route.Operation.Parameters} {
			if list.GetByInAndName(openapi3.ParameterInQuery, name) != nil {
				return true
			}
		}
		for _, s := range d.doc.Components.SecuritySchemes {
			if s.Value.In == openapi3.ParameterInQuery && s.Value.Name == name {
				return true
			}
		}
		return false
	}
	var problems []error
	for name := range r.URL.Query() {
		if !known(name) {
			problems = append(problems, fmt.Errorf("the operation has no parameter %q", name))
		}
	}
	return errors.Join(problems...)
}

// proven reports whether a request carries what a security scheme asks for.
func proven(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	r, s := in.RequestValidationInput.Request, in.SecurityScheme
	ok := false
	switch {
	case s.Type == "http" && s.Scheme == "bearer":
		token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		ok = found && token != ""
	case s.Type == "http" && s.Scheme == "basic":
		user, _, found := r.BasicAuth()
		ok = found && user != ""
	case s.In == openapi3.ParameterInHeader:
		ok = r.Header.Get(s.Name) != ""
	case s.In == openapi3.ParameterInQuery:
		ok = r.URL.Query().Get(s.Name) != ""
	}
	if !ok {
		return fmt.Errorf("it does not prove who sends it: %s %s", s.Type, s.Scheme)
	}
	return nil
}

// Guard stands in front of a handler: a request that is not as described fails the
// test, and goes on to the handler all the same. Prefix is what stands before the
// vendor's own paths.
type Guard struct {
	*Description
	tb     testing.TB
	prefix string
	next   http.Handler
	seen   counts
}

// NewGuard stands in front of next for a vendor.
func NewGuard(tb testing.TB, kind, prefix string, next http.Handler) *Guard {
	tb.Helper()
	d, err := Load(kind)
	if err != nil {
		tb.Fatal(err)
	}
	return &Guard{Description: d, tb: tb, prefix: prefix, next: next}
}

// Seen gives how often each operation was asked for.
func (g *Guard) Seen() map[string]int { return g.seen.all() }

// ServeHTTP checks a request and hands it on.
func (g *Guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	inner := r.Clone(r.Context())
	inner.URL.Path = strings.TrimPrefix(r.URL.Path, g.prefix)
	inner.URL.RawPath = strings.TrimPrefix(r.URL.RawPath, g.prefix)
	operation, err := g.Check(inner)
	r.Body = inner.Body
	if err != nil {
		g.tb.Errorf("%s %s is not as the vendor describes it: %.1000s", r.Method, r.URL, err)
	}
	g.seen.add(operation)
	g.next.ServeHTTP(w, r)
}
