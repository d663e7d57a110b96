package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"exposync/internal/coverage"
)

// ComparedJSON is a report against an earlier one: what `coverage compare
// --output json` prints, and part of a report with a baseline.
type ComparedJSON struct {
	Baseline string                `json:"baseline"`
	Before   *float64              `json:"before"` // the weighted totals
	After    *float64              `json:"after"`
	Diff     *float64              `json:"diff"` // null where one of them is
	Rows     []DimensionChangeJSON `json:"dimensions"`
	New      []MissJSON            `json:"new"`
	Fixed    []MissJSON            `json:"fixed"`
	Gone     []MissJSON            `json:"gone"`
	Unjudged []MissJSON            `json:"unjudged"`
}

// DimensionChangeJSON is one dimension before and after.
type DimensionChangeJSON struct {
	CovType string   `json:"cov_type"`
	Before  *float64 `json:"before"`
	After   *float64 `json:"after"`
	Diff    *float64 `json:"diff"`
	New     int      `json:"new"`
	Fixed   int      `json:"fixed"`
}

// CompareDoc gives a comparison as a document.
func CompareDoc(c coverage.Comparison) ComparedJSON { return comparedJSON(c) }

func comparedJSON(c coverage.Comparison) ComparedJSON {
	out := ComparedJSON{
		Baseline: c.Baseline, Before: c.Before.Share, After: c.After.Share, Diff: diff(c.Before.Share, c.After.Share), Rows: []DimensionChangeJSON{},
		New: missesJSON(c.New), Fixed: missesJSON(c.Fixed), Gone: missesJSON(c.Gone), Unjudged: missesJSON(c.Unjudged),
	}
	for _, r := range c.Rows {
		out.Rows = append(out.Rows, DimensionChangeJSON{r.Name, r.Before, r.After, diff(r.Before, r.After), r.New, r.Fixed})
	}
	return out
}

func diff(before, after *float64) *float64 {
	if before == nil || after == nil {
		return nil
	}
	d := *after - *before
	return &d
}

// ReadCoverage reads a document that CoverageDoc made, as far as a comparison
// needs it.
func ReadCoverage(data []byte) (coverage.Report, error) {
	var doc CoverageJSON
	if err := json.Unmarshal(data, &doc); err != nil {
		return coverage.Report{}, err
	}
	if doc.Version == 0 || doc.Dimensions == nil {
		return coverage.Report{}, errors.New("it is no coverage report: exposync coverage --write-baseline writes one")
	}
	if doc.Version != 1 {
		return coverage.Report{}, errors.New("it is of a newer version of Exposync")
	}
	r := coverage.Report{
		Project: doc.Metadata.Project, Selection: doc.Metadata.Selection,
		Total: coverage.Total{Hits: doc.Hits, Covered: doc.Covered, Total: doc.Total, Share: doc.Coverage},
	}
	for _, d := range doc.Dimensions {
		dim := coverage.Dimension{
			Letter: d.Letter, Name: d.CovType, Code: d.Code, Title: d.Title, Unit: d.Unit, Hits: d.Hits, Covered: d.Covered,
			Total: d.Total, Share: d.Coverage, Measured: d.Measured, Note: d.Note, Weight: d.Weight,
		}
		for _, m := range d.Misses {
			dim.Misses = append(dim.Misses, coverage.Miss{
				Finding: m.Finding, Dimension: m.Dimension, Name: m.Name, Missing: m.Missing, Evidence: m.Evidence,
			})
		}
		for _, t := range d.Tables {
			table := coverage.Table{Name: t.Name, Hits: t.Hits, Covered: t.Covered, Total: t.Total}
			for _, c := range t.Columns {
				table.Columns = append(table.Columns, coverage.TableColumn{Name: c.Name, Hits: c.Hits, Covered: c.Covered, Total: c.Total})
			}
			dim.Tables = append(dim.Tables, table)
		}
		r.Dimensions = append(r.Dimensions, dim)
	}
	return r, nil
}

// CompareText draws what became better and worse.
func CompareText(s Style, c coverage.Comparison) string {
	rows := [][]string{{"dimension", "before", "after", "diff", "new", "fixed"}}
	for _, r := range append([]coverage.Change{{Name: "total", Before: c.Before.Share, After: c.After.Share, New: len(c.New), Fixed: len(c.Fixed)}}, c.Rows...) {
		if r.Name != "total" && r.New == 0 && r.Fixed == 0 && same(r.Before, r.After) {
			continue
		}
		rows = append(rows, []string{r.Name, shareText(r.Before), shareText(r.After), diffText(r.Before, r.After), zeroless(r.New), zeroless(r.Fixed)})
	}
	var b strings.Builder
	b.WriteString(table(s, rows))
	for _, list := range []struct {
		title  string
		role   Role
		misses []coverage.Miss
	}{
		{"new", Bad, c.New},
		{"fixed", Good, c.Fixed},
		{"gone", Faint, c.Gone},
		{"not judged", Faint, c.Unjudged},
	} {
		if len(list.misses) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n%s\n", s.Paint(list.role, list.title))
		for i, m := range list.misses {
			if i == mostMisses {
				fmt.Fprintf(&b, "  … and %d more\n", len(list.misses)-i)
				break
			}
			b.WriteString(s.hanging("  ", m.Dimension+" "+identity(m), Plain))
		}
	}
	return b.String()
}

// identity names what a miss is about as its identity does, with its place.
func identity(m coverage.Miss) string {
	text := m.Subject
	if m.Column != "" {
		text += " (" + m.Column + ")"
	}
	if m.File != "" {
		text += " at " + m.File
		if m.Line > 0 {
			text += ":" + strconv.Itoa(m.Line)
		}
	}
	return text
}

func same(a, b *float64) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }

func shareText(share *float64) string {
	if share == nil {
		return "n/a"
	}
	return Percent(*share)
}

// diffText is a difference in points.
func diffText(before, after *float64) string {
	d := diff(before, after)
	if d == nil {
		return ""
	}
	return strings.Replace(fmt.Sprintf("%+.1f", *d*100), "-0.0", "+0.0", 1)
}

func zeroless(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
