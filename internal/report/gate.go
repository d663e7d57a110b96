package report

import (
	"fmt"
	"strings"

	"exposync/internal/gate"
	"exposync/internal/plan"
)

// Gate is the verdicts of a project's exposures.
type Gate struct {
	Judgements []plan.Judgement
}

// GateJSON is what `exposync gate --output json` prints.
type GateJSON struct {
	Exposures []VerdictJSON `json:"exposures"`
}

// VerdictJSON is one exposure's verdict.
type VerdictJSON struct {
	UniqueID string        `json:"unique_id"`
	Verdict  plan.Verdict  `json:"verdict"` // block, hold, go_warn, go, unchanged
	Reasons  []plan.Reason `json:"reasons"`
}

// JSON is the verdicts as a document.
func (g Gate) JSON() GateJSON {
	doc := GateJSON{Exposures: make([]VerdictJSON, 0, len(g.Judgements))}
	for _, j := range g.Judgements {
		doc.Exposures = append(doc.Exposures, VerdictJSON{UniqueID: j.Exposure, Verdict: j.Verdict, Reasons: NonNil(j.Reasons)})
	}
	return doc
}

// GateText draws the why tree of every verdict, and a closing line.
func GateText(s Style, judgements []plan.Judgement, trees []*gate.Tree, notes []string) string {
	if len(judgements) == 0 {
		return "no exposures of type application; --all judges the others too\n"
	}
	var b strings.Builder
	n := map[plan.Verdict]int{}
	for i, j := range judgements {
		n[j.Verdict]++
		b.WriteString(treeText(s, trees[i]))
		b.WriteString("\n")
	}
	for _, note := range notes {
		for i, line := range wrap(note, s.width()-5) {
			label := "note"
			if i > 0 {
				label = "    "
			}
			fmt.Fprintf(&b, "%s %s\n", s.Paint(Faint, label), line)
		}
	}
	fmt.Fprintf(&b, "GO=%d WARN=%d HOLD=%d BLOCK=%d TOTAL=%d\n",
		n[plan.VerdictGo]+n[plan.VerdictUnchanged], n[plan.VerdictGoWarn], n[plan.VerdictHold], n[plan.VerdictBlock], len(judgements))
	return b.String()
}

// treeText draws one why tree: the exposure's line with its verdict, then the
// branches, each line cut where the terminal ends.
func treeText(s Style, t *gate.Tree) string {
	var b strings.Builder
	for _, l := range t.Lines() {
		switch l.Role {
		case gate.RoleExposure:
			name, _, _ := strings.Cut(l.Text, " · ")
			fmt.Fprintf(&b, "%s  %s\n", s.Paint(Strong, name), s.verdict(l.Verdict))
			continue
		case gate.RoleNext:
			b.WriteString(branchText(s, l, Faint))
		case gate.RoleReason, gate.RoleFile:
			b.WriteString(branchText(s, l, verdictRole(l.Verdict)))
		case gate.RoleNode:
			b.WriteString(branchText(s, l, Plain))
		}
	}
	return b.String()
}

// branchText wraps one line of a tree so that its branches go on.
func branchText(s Style, l gate.Line, role Role) string {
	goOn := strings.NewReplacer("├─ ", "│  ", "└─ ", "   ").Replace(l.Prefix)
	var b strings.Builder
	for i, line := range wrap(l.Text, max(s.width()-len([]rune(l.Prefix)), 30)) {
		prefix := l.Prefix
		if i > 0 {
			prefix = goOn
		}
		fmt.Fprintf(&b, "%s%s\n", s.Paint(Faint, prefix), s.Paint(role, line))
	}
	return b.String()
}

func verdictRole(v plan.Verdict) Role {
	switch v {
	case plan.VerdictBlock:
		return Bad
	case plan.VerdictHold, plan.VerdictGoWarn:
		return Warn
	case plan.VerdictGo, plan.VerdictUnchanged:
	}
	return Plain
}
