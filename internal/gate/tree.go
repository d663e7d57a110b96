package gate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"exposync/internal/plan"
)

// Role says what a line of a tree is, for a renderer that colours.
type Role string

// The roles.
const (
	RoleExposure Role = "exposure" // the first line
	RoleFile     Role = "file"     // what the artifacts themselves lead to
	RoleNode     Role = "node"     // a node or test of the lineage
	RoleReason   Role = "reason"   // a code and a sentence
	RoleNext     Role = "next"     // a command to type
)

// Tree says why an exposure has its verdict: the nodes it reads and the path
// down to each node and test that decided, with what to do about it.
type Tree struct {
	Role     Role
	Text     string       // one line, without colour
	Verdict  plan.Verdict // what this line leads to; of the exposure, the verdict itself
	Children []*Tree

	id, code string
}

// Line is one line of a printed tree.
type Line struct {
	Prefix  string // the branches left of the text: "│  └─ "
	Text    string
	Role    Role
	Verdict plan.Verdict
}

// Why explains a judgement that Evaluate made of the same facts at now.
func Why(f *Facts, judgement plan.Judgement, now time.Time) *Tree {
	e := f.graph.project.Exposures[judgement.Exposure]
	root := &Tree{Role: RoleExposure, Verdict: judgement.Verdict, Text: judgement.Exposure}
	if e == nil {
		return root
	}
	root.Text = e.Name
	w := &explainer{facts: f, now: now, root: root}
	for _, r := range judgement.Reasons {
		if len(r.Path) == 0 {
			w.explain(&root.Children, r, RoleFile)
		}
	}
	c := newClosure(f.graph)
	parents, _ := f.graph.resolve(f.graph.parentIDs(e.UniqueID, e.DependsOn))
	c.walk(parents)
	for _, n := range c.reads {
		branch := w.branch(c.path(n))
		if summary := w.testSummary(n); summary != "" {
			branch.Text += " · " + summary
		}
	}
	for _, r := range judgement.Reasons {
		if len(r.Path) > 0 {
			branch := w.branch(r.Path)
			if severity(r.Verdict) > severity(branch.Verdict) {
				branch.Verdict = r.Verdict
			}
			w.explain(&branch.Children, r, RoleReason)
		}
	}
	root.sort()
	root.hush()
	return root
}

type explainer struct {
	facts *Facts
	now   time.Time
	root  *Tree
}

// branch finds or makes the branch that a path of unique_ids leads to.
func (w *explainer) branch(path []string) *Tree {
	at := w.root
	for _, id := range path {
		i := slices.IndexFunc(at.Children, func(t *Tree) bool { return t.id == id })
		if i < 0 {
			at.Children = append(at.Children, &Tree{Role: RoleNode, id: id, Text: w.describe(id), Verdict: plan.VerdictGo})
			i = len(at.Children) - 1
		}
		at = at.Children[i]
	}
	return at
}

// explain adds a reason's sentence and, below it, the command to type.
func (w *explainer) explain(to *[]*Tree, r plan.Reason, role Role) {
	text := r.Code + ": " + r.Message
	if r.Accepted {
		text += " (accepted for this run)"
	}
	if role == RoleFile && r.File != "" {
		text += fmt.Sprintf(" (%s, %s ago)", r.File, plan.Age(r.Age))
	}
	reason := &Tree{Role: role, Text: text, Verdict: r.Verdict, code: r.Code}
	if r.Next != "" {
		reason.Children = []*Tree{{Role: RoleNext, Text: "next: " + r.Next, Verdict: r.Verdict}}
	}
	*to = append(*to, reason)
}

// describe is a node with its newest result, as far as one is known.
func (w *explainer) describe(id string) string {
	n, ok := w.facts.graph.index[id]
	if !ok {
		return id + " · not in the manifest"
	}
	node, ft := w.facts.graph.nodes[n], w.facts.current(n)
	parts := []string{label(node)}
	if node.Materialized != "" && !node.Test() {
		parts = append(parts, node.Materialized)
	} else {
		parts = append(parts, strings.ReplaceAll(node.ResourceType, "_", " "))
	}
	switch k := w.facts.known[n]; {
	case ft != nil:
		parts = append(parts, ft.Status, w.when(ft))
	case transparent(node) && !node.Test():
	case node.ResourceType == "source":
		if r, ok := w.facts.fresh[id]; ok && !r.MaxLoadedAt.IsZero() {
			parts = append(parts, "loaded "+plan.Age(age(r.MaxLoadedAt, w.now))+" ago")
		}
	case k != nil:
		parts = append(parts, "not in this run", "last "+k.Status, w.when(k))
	default:
		parts = append(parts, "not in this run")
	}
	return strings.Join(parts, " · ")
}

func (w *explainer) when(ft *fact) string {
	out := plan.Age(age(ft.GeneratedAt, w.now)) + " ago in dbt " + ft.Which
	if ft.InvocationID != "" {
		out += " " + ft.InvocationID[:min(8, len(ft.InvocationID))]
	}
	return out
}

// testSummary counts the tests of a node.
func (w *explainer) testSummary(n int32) string {
	total, passed := 0, 0
	for _, t := range w.facts.graph.tests[n] {
		if a := w.facts.graph.attached[t]; a >= 0 && a != n {
			continue
		}
		total++
		if ft := w.facts.current(t); ft != nil && (ft.class == good || ft.class == reused) {
			passed++
		}
	}
	switch total {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("%d of 1 test passed", passed)
	}
	return fmt.Sprintf("%d of %d tests passed", passed, total)
}

// sort puts what explains a node before what lies under it, the worst first.
func (t *Tree) sort() {
	slices.SortStableFunc(t.Children, func(a, b *Tree) int {
		if leaf := func(t *Tree) bool { return t.Role != RoleNode }; leaf(a) != leaf(b) {
			if leaf(a) {
				return -1
			}
			return 1
		}
		if d := b.worst() - a.worst(); d != 0 {
			return d
		}
		return strings.Compare(a.id, b.id)
	})
	for _, c := range t.Children {
		c.sort()
	}
}

// hush takes the command away from what was skipped below a failure that is
// shown: mending the failure is what helps.
func (t *Tree) hush() {
	deeper := slices.ContainsFunc(t.Children, func(c *Tree) bool {
		return c.Role == RoleNode && c.worst() >= severity(plan.VerdictBlock)
	})
	for _, c := range t.Children {
		if deeper && c.code == codeNodeSkipped {
			c.Children = nil
		}
		c.hush()
	}
}

func (t *Tree) worst() int {
	worst := severity(t.Verdict)
	for _, c := range t.Children {
		worst = max(worst, c.worst())
	}
	return worst
}

// Lines gives the tree as it is printed, one line after the other.
func (t *Tree) Lines() []Line {
	text := t.Text
	if t.Role == RoleExposure {
		text += " · " + string(t.Verdict)
	}
	return t.lines([]Line{{Text: text, Role: t.Role, Verdict: t.Verdict}}, "")
}

func (t *Tree) lines(out []Line, indent string) []Line {
	for i, c := range t.Children {
		branch, below := "├─ ", "│  "
		if i == len(t.Children)-1 {
			branch, below = "└─ ", "   "
		}
		out = append(out, Line{Prefix: indent + branch, Text: c.Text, Role: c.Role, Verdict: c.Verdict})
		out = c.lines(out, indent+below)
	}
	return out
}
