package report

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
	"time"

	"exposync/internal/plan"
)

// CheckPage is what a check found, to be looked at: `--output html`.
type CheckPage struct {
	Findings
	Title      string // one line: what this is a report of
	Made       time.Time
	Target     string
	Invocation string // of dbt
	Total      *Score // nil where nothing is counted
	Scores     []Score
	Lineages   []Lineage
}

// Score is how much of something is covered, now and in the baseline.
type Score struct {
	Code    string   // of the dimension; has a page
	Name    string   // for people
	Covered int      // units
	Of      int      // units
	Share   *float64 // 0 to 1; nil: there is nothing to cover, or nobody could look
	Before  *float64 // in the baseline; nil: none, or none then
	Least   *float64 // share that was asked for; nil for none
	Failed  bool     // less than was asked for
	Note    string   // why there is no share, or what it is of
	Parts   []Part
}

// Part is a sub-score: of a score whose units are of several kinds.
type Part struct {
	Name        string
	Covered, Of int
	Share       *float64
}

// percentText never rounds up to 100, nor down to 0: neither is all of it.
func percentText(share *float64) string {
	switch {
	case share == nil:
		return "n/a"
	case *share <= 0 || *share >= 1:
		return fmt.Sprintf("%.0f%%", *share*100)
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", min(max(*share*100, 0.1), 99.9)), ".0") + "%"
}

// changeText is the difference to a baseline in percentage points, and its
// sign; empty where there is none.
func changeText(before, now *float64) (text string, sign int) {
	switch {
	case before == nil && now == nil:
		return "", 0
	case before == nil || now == nil:
		return "was " + percentText(before), 0
	}
	points := math.Round((*now-*before)*1000) / 10
	switch {
	case *now == *before:
		return "±0", 0
	case *now > *before:
		return fmt.Sprintf("+%.1f", max(points, 0.1)), 1
	}
	return fmt.Sprintf("−%.1f", max(-points, 0.1)), -1
}

var (
	//go:embed web/report.html
	pageHTML string
	//go:embed web/report.css
	pageCSS string
	//go:embed web/report.js
	pageJS string
)

// pageTemplate escapes all text by where it stands.
var pageTemplate = template.Must(template.New("report").Parse(pageHTML))

// HTML is the page as one file that needs nothing else: no network, no files
// beside it, and no JavaScript for reading. Its policy lets nothing run or load
// but its own style and script, which it names by their digests.
func (p CheckPage) HTML() string {
	var b strings.Builder
	if err := pageTemplate.Execute(&b, p.view()); err != nil { // into memory, of a value made for it
		panic("BUG: " + err.Error())
	}
	return printable(b.String())
}

// pageView is the page as the template wants it.
type pageView struct {
	CSS              template.CSS
	JS               template.JS
	StyleSum         string
	ScriptSum        string
	Command, Project string
	Title            string
	Compared         bool
	Broken           []Limit
	Tiles            []tile
	Total            *scoreView
	Scores           []scoreView
	Groups           []group
	Owners           []string
	Pictures         []picture
	Nodes            []nodeView
	Ignored          []findingView
	LetPass          int
	NotRun           []ruleNote
	Foot             []string
}

type tile struct{ Number, Text, Role string }

type ruleNote struct{ Title, Why string }

func (p CheckPage) view() pageView {
	active := p.Active()
	v := pageView{
		CSS: template.CSS(pageCSS), JS: template.JS(pageJS), //nolint:gosec // our own files
		StyleSum: digest(pageCSS), ScriptSum: digest(pageJS),
		Command: p.Command, Project: p.Project, Title: cmp.Or(p.Title, countText(active)), Compared: p.Compared,
		Broken: p.broken(), LetPass: p.LetPass, Foot: p.foot(),
	}
	for _, s := range p.Scores {
		v.Scores = append(v.Scores, s.view(p.Compared, active))
	}
	if p.Total != nil {
		total := p.Total.view(p.Compared, nil)
		v.Total = &total
	}
	nodes := newNodeIndex(active)
	for i, l := range p.Lineages {
		v.Pictures = append(v.Pictures, nodes.picture(i, l))
	}
	v.Nodes = nodes.views()
	v.Groups = p.groups(active, nodes)
	v.Owners = owners(active)
	for _, x := range p.Ignored() {
		v.Ignored = append(v.Ignored, p.findingView(x, nodes))
	}
	for _, n := range p.NotRun {
		v.NotRun = append(v.NotRun, ruleNote{p.titleOf(ruleOf(n.Code)), printable(n.Why)})
	}
	v.Tiles = p.tiles(active)
	return v
}

// digest is how a policy names what it lets pass.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

func (p CheckPage) tiles(active []Found) []tile {
	var out []tile
	if n := len(p.Lineages); n > 0 {
		out = append(out, tile{number(int64(n)), plural(n, "exposure"), ""})
	}
	for i, t := range []tile{{Text: "error", Role: "bad"}, {Text: "warning", Role: "warn"}, {Text: "hint"}} {
		n := 0
		for _, x := range active {
			if rank(x.Severity) == i {
				n++
			}
		}
		if n > 0 {
			out = append(out, tile{number(int64(n)), plural(n, t.Text), t.Role})
		}
	}
	if len(active) == 0 {
		out = append(out, tile{"0", "findings", "good"})
	}
	if p.Compared {
		n := countNew(active)
		role := "good"
		if n > 0 {
			role = "bad"
		}
		out = append(out, tile{number(int64(n)), "new since the baseline", role})
	}
	if n := p.passed(); n > 0 {
		out = append(out, tile{number(int64(n)), "ignored", ""})
	}
	return out
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

func (p CheckPage) foot() []string {
	out := []string{"exposync " + p.Version}
	if !p.Made.IsZero() {
		out = append(out, p.Made.UTC().Format("2006-01-02 15:04 MST"))
	}
	if p.Target != "" {
		out = append(out, "target "+p.Target)
	}
	if p.Invocation != "" {
		out = append(out, "dbt run "+p.Invocation)
	}
	return out
}

func owners(found []Found) []string {
	var out []string
	for _, x := range found {
		if x.Owner != "" && !slices.Contains(out, x.Owner) {
			out = append(out, x.Owner)
		}
	}
	slices.Sort(out)
	return out
}

// severityClass is the colour of a severity.
func severityClass(s plan.Severity) string { return []string{"bad", "warn", "info"}[rank(s)] }
