package report

import (
	"encoding/xml"
	"strings"

	"exposync/internal/plan"
)

// The shape is that of Jenkins' junit-10.xsd, which other systems read, too.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Package  string      `xml:"package,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string       `xml:"name,attr"`
		Class   string       `xml:"classname,attr"`
		Skipped *junitResult `xml:"skipped"`
		Failure *junitResult `xml:"failure"`
		Out     string       `xml:"system-out,omitempty"`
	}
	junitResult struct {
		Type    string `xml:"type,attr"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit gives findings as test results: one suite a rule, one case a finding.
// Errors and limits that were not kept are failures; warnings and hints pass,
// with their text as output, since they fail nothing; what the project ignores
// is skipped. A rule that found nothing is one case that passed, and one that
// could not be checked is a skipped one.
func (f Findings) JUnit() string {
	doc := junitSuites{Name: "exposync " + f.Command}
	if s := f.limitSuite(); s.Tests > 0 {
		doc.Suites = append(doc.Suites, s)
	}
	for _, r := range f.rules() {
		doc.Suites = append(doc.Suites, f.ruleSuite(r))
	}
	for _, s := range doc.Suites {
		doc.Tests += s.Tests
		doc.Failures += s.Failures
	}
	out, err := xml.MarshalIndent(doc, "", "  ")
	if err != nil { // strings and numbers can always be written
		panic("BUG: " + err.Error())
	}
	return xml.Header + string(out) + "\n"
}

func (f Findings) limitSuite() junitSuite {
	s := f.suite("limits")
	for _, l := range f.Limits {
		c := junitCase{Name: xmlText(l.Name)}
		if l.Kept {
			c.Out = xmlText(l.Message)
		} else {
			c.Failure = &junitResult{Type: "limit", Message: xmlText(l.Message), Text: xmlText(joined(l.Message, l.Next))}
		}
		s.add(c)
	}
	return s
}

func (f Findings) ruleSuite(r rule) junitSuite {
	s := f.suite(r.code)
	for _, ignored := range []bool{false, true} {
		for _, x := range f.sorted(ignored) {
			if x.Code == r.code {
				s.add(f.junitCase(x))
			}
		}
	}
	switch why := f.notRun(r.code); {
	case s.Tests > 0:
	case why != "":
		s.add(junitCase{Name: xmlText(r.title), Skipped: &junitResult{Type: "not_run", Message: xmlText("not checked: " + why)}})
	default:
		s.add(junitCase{Name: xmlText(r.title), Out: "nothing found"})
	}
	return s
}

func (f Findings) suite(name string) junitSuite {
	return junitSuite{Name: xmlText(name), Package: xmlText("exposync." + f.Command)}
}

func (s *junitSuite) add(c junitCase) {
	c.Class = s.Package + "." + s.Name
	s.Tests++
	if c.Failure != nil {
		s.Failures++
	}
	if c.Skipped != nil {
		s.Skipped++
	}
	s.Cases = append(s.Cases, c)
}

// junitCase is named by what makes a finding the same one, so that a system
// that keeps a history of tests recognises it.
func (f Findings) junitCase(x Found) junitCase {
	c := junitCase{Name: xmlText(strings.TrimSpace(x.Subject + " " + x.Column))}
	text := xmlText(f.place(x) + "\n" + joined(x.Message, x.Fix))
	switch {
	case x.Ignored:
		c.Skipped = &junitResult{Type: "ignored", Message: xmlText(x.Reason + x.until()), Text: text}
	case severities[rank(x.Severity)] == plan.SeverityError:
		c.Failure = &junitResult{Type: xmlText(x.Code), Message: xmlText(x.Message), Text: text}
	default:
		c.Out = string(x.Severity) + ": " + text
	}
	return c
}

// xmlText leaves out what XML 1.0 cannot hold, not even escaped.
func xmlText(text string) string { return printable(text) }
