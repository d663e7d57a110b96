package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const schemas = "../../fixtures/schemas/formats/"

// schema is a compiled JSON schema.
func schema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile(schemas + name)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func valid(s *jsonschema.Schema, doc []byte) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

// xsd is as much of a schema as junit-10.xsd has: of each element its
// attributes, the patterns of their types, and what may stand in it.
// fixtures/e2e/formats.sh holds the same documents against it with lxml.
type xsd struct {
	elements map[string]*xsdElement
	patterns map[string]*regexp.Regexp
}

type xsdElement struct {
	attributes map[string]string // name -> type
	required   []string
	children   []string
	text       bool
}

// xsdNode is any element of the schema itself.
type xsdNode struct {
	XMLName  xml.Name
	Name     string    `xml:"name,attr"`
	Ref      string    `xml:"ref,attr"`
	Type     string    `xml:"type,attr"`
	Use      string    `xml:"use,attr"`
	Value    string    `xml:"value,attr"`
	Mixed    bool      `xml:"mixed,attr"`
	Children []xsdNode `xml:",any"`
}

var readXSD = sync.OnceValues(func() (*xsd, error) {
	text, err := os.ReadFile(schemas + "junit-10.xsd")
	if err != nil {
		return nil, err
	}
	var root xsdNode
	if err := xml.Unmarshal(text, &root); err != nil {
		return nil, err
	}
	x := &xsd{elements: map[string]*xsdElement{}, patterns: map[string]*regexp.Regexp{}}
	for _, n := range root.Children {
		switch n.XMLName.Local {
		case "simpleType":
			x.patterns[n.Name] = regexp.MustCompile("^(?:" + n.Children[0].Children[0].Value + ")$")
		case "element":
			e := &xsdElement{attributes: map[string]string{}, text: n.Type == "xs:string"}
			e.read(n)
			x.elements[n.Name] = e
		}
	}
	return x, nil
})

func (e *xsdElement) read(n xsdNode) {
	e.text = e.text || n.Mixed
	for _, c := range n.Children {
		switch c.XMLName.Local {
		case "attribute":
			e.attributes[c.Name] = c.Type
			if c.Use == "required" {
				e.required = append(e.required, c.Name)
			}
		case "element":
			e.children = append(e.children, c.Ref)
		default:
			e.read(c)
		}
	}
}

// check reads a document to its end.
func (x *xsd) check(d *xml.Decoder) error {
	var open []string
	for {
		token, err := d.Token()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		switch token := token.(type) {
		case xml.StartElement:
			if err := x.element(token, open); err != nil {
				return err
			}
			open = append(open, token.Name.Local)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(bytes.TrimSpace(token)) > 0 && !x.elements[open[len(open)-1]].text {
				return fmt.Errorf("text in %s: %q", strings.Join(open, "/"), token)
			}
		}
	}
}

func (x *xsd) element(token xml.StartElement, open []string) error {
	name := token.Name.Local
	at := strings.Join(append(open, name), "/")
	e := x.elements[name]
	if e == nil || len(open) > 0 && !slices.Contains(x.elements[open[len(open)-1]].children, name) {
		return fmt.Errorf("%s: there is no such element", at)
	}
	missing := slices.Clone(e.required)
	for _, a := range token.Attr {
		kind, known := e.attributes[a.Name.Local]
		if !known {
			return fmt.Errorf("%s: there is no attribute %s", at, a.Name.Local)
		}
		if p := x.patterns[kind]; p != nil && !p.MatchString(a.Value) {
			return fmt.Errorf("%s: %s=%q is no %s", at, a.Name.Local, a.Value, kind)
		}
		missing = slices.DeleteFunc(missing, func(m string) bool { return m == a.Name.Local })
	}
	if len(missing) > 0 {
		return fmt.Errorf("%s: %s is missing", at, strings.Join(missing, ", "))
	}
	return nil
}

// The checks can fail: a document that is none is told from one that is.
func TestSchemasRefuse(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		`<testsuites><testsuite name="a" tests="1" failures="0"/></testsuites>`,
		`<testsuites><testcase name="a"/></testsuites>`,
		`<testsuites time="soon"/>`, `<testsuites><x/></testsuites>`, `<testsuites file="x"/>`, `<testsuites>text</testsuites>`, `<testsuites>`,
	} {
		if junitErr([]byte(bad)) == nil {
			t.Errorf("%s passes", bad)
		}
	}
	sarif := schema(t, "sarif-2.1.0.json")
	doc, err := json.Marshal(found().Sarif())
	if err != nil || valid(sarif, doc) != nil {
		t.Fatal(err, valid(sarif, doc))
	}
	for good, bad := range map[string]string{`"level":"error"`: `"level":"fatal"`, `"startLine":3`: `"startLine":0`, `"version":"2.1.0"`: `"version":"2.0.0"`, `"kind":"inSource"`: `"kind":"meta"`} {
		if worse := strings.Replace(string(doc), good, bad, 1); worse == string(doc) || valid(sarif, []byte(worse)) == nil {
			t.Errorf("%s passes", bad)
		}
	}
}
