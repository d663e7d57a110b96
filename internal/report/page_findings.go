package report

import (
	"fmt"
	"strings"
)

// groupShown is how many findings of one rule stand open; the others are folded.
const groupShown = 12

// group is one rule with its findings.
type group struct {
	ID, Code, Title, Means string
	Count                  int
	First, More            []findingView
}

// titleOf is what a rule is called on the page: as its score is.
func (p CheckPage) titleOf(r rule) string {
	for _, s := range p.Scores {
		if s.Code == r.code {
			return printable(s.Name)
		}
	}
	return printable(r.title)
}

type findingView struct {
	Severity, Role, Code string
	New                  bool
	Subject, Name        string
	Place, Message, Fix  string
	Owner                string
	Node                 string // id of the node's entry on the page; empty if it has none
	Reason, Until        string
}

// groups are the rules that found something, in the order of the rules.
func (p CheckPage) groups(active []Found, nodes *nodeIndex) []group {
	var out []group
	for _, r := range p.rules() {
		g := group{ID: "rule-" + r.code, Code: r.code, Title: p.titleOf(r), Means: r.means}
		for _, x := range active {
			if x.Code != r.code {
				continue
			}
			g.Count++
			if len(g.First) < groupShown {
				g.First = append(g.First, p.findingView(x, nodes))
				continue
			}
			g.More = append(g.More, p.findingView(x, nodes))
		}
		if g.Count > 0 {
			out = append(out, g)
		}
	}
	return out
}

func (p CheckPage) findingView(x Found, nodes *nodeIndex) findingView {
	v := findingView{
		Severity: string(severities[rank(x.Severity)]), Role: severityClass(x.Severity), Code: x.Code, New: x.New, Subject: printable(x.Subject), Name: printable(x.named()),
		Message: printable(x.Message), Fix: strings.TrimRight(printable(x.Fix), "\n"), Owner: printable(x.Owner), Node: nodes.entry(x.Subject), Reason: printable(x.Reason), Until: printable(x.Until),
	}
	v.Message = strings.TrimPrefix(v.Message, v.Name+" ") // it stands before the message
	if x.File != "" {
		v.Place = printable(p.place(x))
	}
	return v
}

// scoreView is one bar.
type scoreView struct {
	Name, Link   string
	Percent, Of  string
	Width        string // of the bar, 0 to 100; empty where there is none
	Was, WasText string // where the baseline's bar ended
	Least        string // where the limit is
	Change, Sign string
	Tip          string
	Role, Note   string
	New          int
	Parts        []scoreView
}

func (s Score) view(compared bool, active []Found) scoreView {
	v := scoreView{Name: printable(s.Name), Percent: percentText(s.Share), Note: printable(s.Note), Role: "info", Width: barWidth(s.Share), Least: barWidth(s.Least), Sign: "same"}
	switch {
	case s.Failed:
		v.Role = "bad"
	case s.Share != nil && *s.Share >= 1:
		v.Role = "good"
	}
	if s.Of > 0 {
		v.Of = fmt.Sprintf("%d of %d", s.Covered, s.Of)
	}
	if compared {
		text, sign := changeText(s.Before, s.Share)
		v.Change, v.Sign, v.Was = text, []string{"down", "same", "up"}[sign+1], barWidth(s.Before)
	}
	v.Tip = v.Percent
	if v.Was != "" {
		v.Tip += ", was " + percentText(s.Before)
	}
	if s.Least != nil {
		v.Tip += ", asked for " + percentText(s.Least)
	}
	for _, x := range active {
		if x.Code == s.Code {
			v.Link = "#rule-" + s.Code
			if x.New {
				v.New++
			}
		}
	}
	for _, part := range s.Parts {
		v.Parts = append(v.Parts, Score{Name: part.Name, Covered: part.Covered, Of: part.Of, Share: part.Share}.view(false, nil))
	}
	return v
}

func barWidth(share *float64) string {
	if share == nil {
		return ""
	}
	return fmt.Sprintf("%.2f", min(max(*share, 0), 1)*100)
}
