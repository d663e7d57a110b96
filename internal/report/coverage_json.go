package report

import (
	"cmp"
	"slices"
	"time"

	"exposync/internal/coverage"
	"exposync/internal/plan"
)

// CoverageJSON is what `exposync coverage --output json` prints, and what a
// baseline is. cov_type, hits, covered, total, coverage, tables and columns are
// those of dbt-coverage: scripts that read its report read this one.
type CoverageJSON struct {
	Version    int                 `json:"exposync_coverage"` // of the document: 1
	CovType    string              `json:"cov_type"`          // exposync
	Hits       int                 `json:"hits"`
	Covered    int                 `json:"covered"`
	Total      int                 `json:"total"`
	Coverage   *float64            `json:"coverage"` // the weighted total; null if nothing could be counted
	Metadata   CoverageMetaJSON    `json:"metadata"`
	Dimensions []DimensionJSON     `json:"dimensions"`
	Tables     []CoverageTableJSON `json:"tables"` // of all dimensions together
	Exposures  []LineageJSON       `json:"exposures"`
	Ignores    []IgnoreJSON        `json:"ignores"`
	Shown      []NoticeJSON        `json:"shown"`
	Checks     []CheckJSON         `json:"checks"`
	Compared   *ComparedJSON       `json:"compared,omitempty"`
	Notes      []string            `json:"notes"`
}

// CoverageMetaJSON says what a report is about.
type CoverageMetaJSON struct {
	Project     string     `json:"project"`
	DBTVersion  string     `json:"dbt_version"`
	Adapter     string     `json:"adapter"`
	Invocation  string     `json:"dbt_invocation_id"`
	GeneratedAt *time.Time `json:"generated_at"` // of the manifest
	Selection   []string   `json:"selection"`
}

// DimensionJSON is one dimension. It is a report of dbt-coverage by itself.
type DimensionJSON struct {
	Letter     string              `json:"letter"`
	CovType    string              `json:"cov_type"` // its name
	Code       string              `json:"code"`
	Title      string              `json:"title"`
	Unit       string              `json:"unit"`
	Hits       int                 `json:"hits"`
	Covered    int                 `json:"covered"`
	Total      int                 `json:"total"`
	Coverage   *float64            `json:"coverage"`
	Measured   bool                `json:"measured"`
	Note       string              `json:"note,omitempty"`
	Weight     float64             `json:"weight"`
	FailUnder  *float64            `json:"fail_under"`
	Required   bool                `json:"required"`
	Failed     bool                `json:"failed"`
	Parts      []PartJSON          `json:"parts"`
	Misses     []MissJSON          `json:"misses"`
	Suppressed []SuppressedJSON    `json:"suppressed"`
	Tables     []CoverageTableJSON `json:"tables"`
}

// PartJSON is a sub-score.
type PartJSON struct {
	CovType  string   `json:"cov_type"`
	Covered  int      `json:"covered"`
	Total    int      `json:"total"`
	Coverage *float64 `json:"coverage"`
}

// MissJSON is one miss.
type MissJSON struct {
	plan.Finding
	Dimension string   `json:"dimension"`
	Name      string   `json:"name"`
	Missing   []string `json:"missing,omitempty"`
	Evidence  string   `json:"evidence,omitempty"`
	New       bool     `json:"new,omitempty"`
}

// SuppressedJSON is a miss that does not count.
type SuppressedJSON struct {
	MissJSON
	Reason string `json:"reason"`
	Until  string `json:"until,omitempty"`
	Where  string `json:"where,omitempty"`
}

// CoverageTableJSON is what was looked at of one node or exposure.
type CoverageTableJSON struct {
	Name     string               `json:"name"`
	Hits     int                  `json:"hits"`
	Covered  int                  `json:"covered"`
	Total    int                  `json:"total"`
	Coverage *float64             `json:"coverage"`
	Columns  []CoverageColumnJSON `json:"columns"`
}

// CoverageColumnJSON is one column or field of a table.
type CoverageColumnJSON struct {
	Name     string   `json:"name"`
	Hits     int      `json:"hits"`
	Covered  int      `json:"covered"`
	Total    int      `json:"total"`
	Coverage *float64 `json:"coverage"`
}

// IgnoreJSON is one suppression as it is declared.
type IgnoreJSON struct {
	Check   string `json:"check"`
	Subject string `json:"subject"`
	Reason  string `json:"reason"`
	Until   string `json:"until,omitempty"`
	Where   string `json:"where,omitempty"`
	State   string `json:"state"` // used, unused, expired, no_reason, unknown, invalid, other
	Problem string `json:"problem,omitempty"`
}

// NoticeJSON is something that no dimension scores.
type NoticeJSON struct {
	Kind    string `json:"kind"`
	Subject string `json:"subject"`
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Message string `json:"message"`
}

// CheckJSON is one thing that was asked for.
type CheckJSON struct {
	Name  string   `json:"name"` // total, or a dimension
	Want  *float64 `json:"fail_under"`
	Got   *float64 `json:"coverage"`
	OK    bool     `json:"ok"`
	Where string   `json:"where,omitempty"`
}

// CoverageDoc gives a report as a document.
func CoverageDoc(r coverage.Report) CoverageJSON {
	doc := CoverageJSON{
		Version: 1, CovType: "exposync", Hits: r.Total.Hits, Covered: r.Total.Covered, Total: r.Total.Total, Coverage: r.Total.Share,
		Metadata: CoverageMetaJSON{
			Project: r.Project, DBTVersion: r.DBTVersion, Adapter: r.Adapter, Invocation: r.Invocation,
			GeneratedAt: moment(r.GeneratedAt), Selection: NonNil(r.Selection),
		},
		Dimensions: make([]DimensionJSON, 0, len(r.Dimensions)), Tables: together(r.Dimensions), Exposures: []LineageJSON{},
		Ignores: []IgnoreJSON{}, Shown: []NoticeJSON{}, Checks: []CheckJSON{}, Notes: NonNil(r.Notes),
	}
	for _, d := range r.Dimensions {
		doc.Dimensions = append(doc.Dimensions, dimensionJSON(d))
	}
	for _, l := range r.Exposures {
		doc.Exposures = append(doc.Exposures, lineageJSON(l))
	}
	for _, i := range r.Ignored {
		doc.Ignores = append(doc.Ignores, IgnoreJSON{i.Check, i.Subject, i.Reason, day(i.Until), i.Where, string(i.State), i.Problem()})
	}
	for _, n := range r.Shown {
		doc.Shown = append(doc.Shown, NoticeJSON(n))
	}
	for _, c := range r.Checks {
		doc.Checks = append(doc.Checks, CheckJSON(c))
	}
	if r.Against != nil {
		c := comparedJSON(*r.Against)
		doc.Compared = &c
	}
	return doc
}

func dimensionJSON(d coverage.Dimension) DimensionJSON {
	out := DimensionJSON{
		Letter: d.Letter, CovType: d.Name, Code: d.Code, Title: d.Title, Unit: d.Unit,
		Hits: d.Hits, Covered: d.Covered, Total: d.Total, Coverage: d.Share, Measured: d.Measured, Note: d.Note,
		Weight: d.Weight, FailUnder: d.FailUnder, Required: d.Required, Failed: d.Failed,
		Parts: []PartJSON{}, Misses: missesJSON(d.Misses), Suppressed: []SuppressedJSON{}, Tables: tablesJSON(d.Tables),
	}
	for _, p := range d.Parts {
		out.Parts = append(out.Parts, PartJSON{p.Name, p.Covered, p.Total, p.Share})
	}
	for _, s := range d.Suppressed {
		out.Suppressed = append(out.Suppressed, SuppressedJSON{missJSON(s.Miss), s.Reason, day(s.Until), s.Where})
	}
	return out
}

func missesJSON(list []coverage.Miss) []MissJSON {
	out := make([]MissJSON, 0, len(list))
	for _, m := range list {
		out = append(out, missJSON(m))
	}
	return out
}

func missJSON(m coverage.Miss) MissJSON {
	return MissJSON{Finding: m.Finding, Dimension: m.Dimension, Name: m.Name, Missing: m.Missing, Evidence: m.Evidence, New: m.New}
}

func tablesJSON(list []coverage.Table) []CoverageTableJSON {
	out := make([]CoverageTableJSON, 0, len(list))
	for _, t := range list {
		table := CoverageTableJSON{t.Name, t.Hits, t.Covered, t.Total, ratio(t.Covered, t.Total), []CoverageColumnJSON{}}
		for _, c := range t.Columns {
			table.Columns = append(table.Columns, CoverageColumnJSON{c.Name, c.Hits, c.Covered, c.Total, ratio(c.Covered, c.Total)})
		}
		out = append(out, table)
	}
	return out
}

// together adds up the tables of all dimensions by name, and their columns.
func together(dims []coverage.Dimension) []CoverageTableJSON {
	sum := map[string]*coverage.Table{}
	for _, d := range dims {
		for _, t := range d.Tables {
			s := sum[t.Name]
			if s == nil {
				s = &coverage.Table{Name: t.Name}
				sum[t.Name] = s
			}
			s.Hits, s.Covered, s.Total = s.Hits+t.Hits, s.Covered+t.Covered, s.Total+t.Total
			for _, c := range t.Columns {
				addColumn(s, c)
			}
		}
	}
	list := make([]coverage.Table, 0, len(sum))
	for _, t := range sum {
		list = append(list, *t)
	}
	slices.SortFunc(list, func(a, b coverage.Table) int { return cmp.Compare(a.Name, b.Name) })
	return tablesJSON(list)
}

func addColumn(t *coverage.Table, c coverage.TableColumn) {
	n := slices.IndexFunc(t.Columns, func(x coverage.TableColumn) bool { return x.Name == c.Name })
	if n < 0 {
		t.Columns = append(t.Columns, c)
		return
	}
	x := &t.Columns[n]
	x.Hits, x.Covered, x.Total = x.Hits+c.Hits, x.Covered+c.Covered, x.Total+c.Total
}

func ratio(covered, total int) *float64 {
	if total == 0 {
		return nil
	}
	s := float64(covered) / float64(total)
	return &s
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
