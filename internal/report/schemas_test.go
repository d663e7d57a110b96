package report_test

import (
	"encoding/json"
	"strings"
	"testing"

	"exposync/fixtures/schemas/formats"
)

// The checks can fail: a document that is none is told from one that is.
func TestSchemasRefuse(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		`<testsuites><testsuite name="a" tests="1" failures="0"/></testsuites>`,
		`<testsuites><testcase name="a"/></testsuites>`,
		`<testsuites time="soon"/>`, `<testsuites><x/></testsuites>`, `<testsuites file="x"/>`, `<testsuites>text</testsuites>`, `<testsuites>`,
	} {
		if formats.JUnit([]byte(bad)) == nil {
			t.Errorf("%s passes", bad)
		}
	}
	doc, err := json.Marshal(found().Sarif())
	if err != nil || formats.Sarif(doc) != nil {
		t.Fatal(err, formats.Sarif(doc))
	}
	for good, bad := range map[string]string{`"level":"error"`: `"level":"fatal"`, `"startLine":3`: `"startLine":0`, `"version":"2.1.0"`: `"version":"2.0.0"`, `"kind":"inSource"`: `"kind":"meta"`} {
		if worse := strings.Replace(string(doc), good, bad, 1); worse == string(doc) || formats.Sarif([]byte(worse)) == nil {
			t.Errorf("%s passes", bad)
		}
	}
}
