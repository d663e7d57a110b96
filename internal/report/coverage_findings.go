package report

import (
	"fmt"
	"time"

	"exposync/internal/coverage"
)

// CoverageFindings are the misses of a coverage report, with what was asked for
// as limits. Version and root are those of Findings.
func CoverageFindings(r coverage.Report, version, root string) Findings {
	f := Findings{Command: "coverage", Version: version, Project: r.Project, Root: root, Compared: r.Against != nil}
	for _, d := range r.Dimensions {
		f.Rules = append(f.Rules, d.Code)
		if !d.Measured {
			f.NotRun = append(f.NotRun, NotRun{d.Code, d.Note})
		}
		for _, m := range d.Misses {
			f.Found = append(f.Found, Found{Finding: m.Finding, New: f.Compared && m.New})
		}
		for _, s := range d.Suppressed {
			f.Found = append(f.Found, Found{Finding: s.Finding, Ignored: true, Reason: s.Reason, Until: day(s.Until)})
		}
	}
	for _, c := range r.Checks {
		f.Limits = append(f.Limits, limitOf(c, r))
	}
	return f
}

func day(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.DateOnly)
}

// limitOf is what was asked for of the total or of a dimension, as a sentence.
func limitOf(c coverage.Check, r coverage.Report) Limit {
	of, next := "coverage", "exposync coverage"
	for _, d := range r.Dimensions {
		if d.Name == c.Name {
			of, next = "coverage of "+d.Name+" ("+d.Title+")", "exposync explain "+d.Code
		}
	}
	l := Limit{Name: c.Name, Kept: c.OK, Next: next}
	switch {
	case c.Got == nil:
		l.Message = fmt.Sprintf("%s is n/a, and %s requires it", of, c.Where)
	case c.Want == nil:
		l.Message = fmt.Sprintf("%s is %s, as %s requires", of, percentText(c.Got), c.Where)
	default:
		is, asked := apart(*c.Got, *c.Want)
		l.Message = fmt.Sprintf("%s is %s, and %s asks for %s", of, is, c.Where, asked)
	}
	if c.OK {
		l.Next = ""
	}
	return l
}

// scores are the dimensions of a coverage report, and their total.
func scores(r coverage.Report) (all []Score, total Score) {
	before := map[string]*float64{}
	if r.Against != nil {
		for _, row := range r.Against.Rows {
			before[row.Name] = row.Before
		}
		total.Before = r.Against.Before.Share
	}
	for _, d := range r.Dimensions {
		s := Score{Code: d.Code, Name: d.Title, Covered: d.Covered, Of: d.Total, Share: d.Share, Before: before[d.Name], Least: d.FailUnder, Failed: d.Failed, Note: d.Note}
		for _, p := range d.Parts {
			s.Parts = append(s.Parts, Part{p.Name, p.Covered, p.Total, p.Share})
		}
		all = append(all, s)
	}
	total.Name, total.Share = "total", r.Total.Share
	for _, c := range r.Checks {
		if c.Name == "total" {
			total.Least, total.Failed = c.Want, total.Failed || !c.OK
		}
	}
	return all, total
}
