package report

import (
	"fmt"
	"strings"

	"exposync/internal/coverage"
	"exposync/internal/plan"
)

// lineage draws the way of one exposure, from what it begins with to where its
// rows go.
func (s Style) lineage(l coverage.Lineage) string {
	head := []string{s.Paint(Strong, l.Name)}
	if l.Owner != "" {
		head = append(head, l.Owner)
	}
	if l.SLA > 0 {
		head = append(head, "sla "+plan.Age(l.SLA))
	}
	if l.Misses > 0 {
		head = append(head, strings.Replace(Count(int64(l.Misses), "miss"), "misss", "misses", 1))
	}
	rows := [][]string{{"", "node", "how", "tests", "last result", "owner"}}
	layer := coverage.Layer("")
	for _, n := range l.Nodes {
		word := ""
		if n.Layer != layer {
			layer, word = n.Layer, string(n.Layer)
		}
		rows = append(rows, []string{word, n.Name, how(n), testsText(n.Tests), resultText(n), n.Owner})
	}
	return strings.Join(head, s.Paint(Faint, " · ")) + "\n" + indented(Table(Style{Colour: s.Colour, Width: s.width() - 2}, rows, 5, 2))
}

func indented(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
}

// how says what a node is, in one or two words.
func how(n coverage.Node) string {
	text := n.Materialized
	switch {
	case n.Kind == "source" && n.Freshness != nil && (n.Freshness.WarnAfter > 0 || n.Freshness.ErrorAfter > 0):
		text = "fresh within " + plan.Age(max(n.Freshness.ErrorAfter, n.Freshness.WarnAfter))
	case n.Kind == "source":
		text = "no freshness"
	case n.Kind == "hosted":
		text = "hosted"
	case n.External:
		text = "other project"
	case text == "" && n.Kind != "exposure":
		text = strings.ReplaceAll(n.Kind, "_", " ")
	}
	if n.Exists != nil && !*n.Exists {
		text += ", not in the warehouse"
	}
	return text
}

func testsText(t coverage.TestCount) string {
	if t.Total == 0 {
		return ""
	}
	texts := []string{fmt.Sprintf("%d of %d", t.Passed, t.Total)}
	for _, part := range []struct {
		n    int
		word string
	}{{t.Failed, "failed"}, {t.Warned, "warned"}} {
		if part.n > 0 {
			texts = append(texts, fmt.Sprintf("%d %s", part.n, part.word))
		}
	}
	return strings.Join(texts, ", ")
}

// resultText is the newest thing that is known of a node.
func resultText(n coverage.Node) string {
	switch {
	case n.Last != nil:
		text := n.Last.Status + " " + n.Last.EndedAt.UTC().Format("2006-01-02 15:04")
		if n.Last.Success.IsZero() {
			return text + ", never a success"
		}
		return text
	case n.Kind == "destination":
		return "never ran"
	case n.Freshness != nil && n.Freshness.Status != "":
		return n.Freshness.Status + ", " + plan.Age(n.Freshness.Age) + " old"
	case n.Evidence != nil && n.Evidence.InRun:
		return n.Evidence.Status + " " + n.Evidence.GeneratedAt.UTC().Format("2006-01-02")
	case n.Evidence != nil:
		return "last " + n.Evidence.Status + " " + n.Evidence.GeneratedAt.UTC().Format("2006-01-02")
	}
	return ""
}
