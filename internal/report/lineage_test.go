package report_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"exposync/internal/plan"
	"exposync/internal/report"
)

// graph is any lineage; edges lead from lower numbers to higher ones, so that
// there is no circle.
func graph(t *rapid.T, most int) report.Lineage {
	l := report.Lineage{Exposure: "n0"}
	n := rapid.IntRange(1, most).Draw(t, "nodes")
	for i := range n {
		l.Nodes = append(l.Nodes, report.LineageNode{ID: fmt.Sprintf("n%d", i), Name: fmt.Sprintf("node_%d", i), Kind: "model", State: rapid.SampledFrom([]report.State{report.StateBad, report.StateGood, report.StateNone}).Draw(t, "state")})
	}
	for range rapid.IntRange(0, 2*n).Draw(t, "edges") {
		a, b := rapid.IntRange(0, n-1).Draw(t, "from"), rapid.IntRange(0, n-1).Draw(t, "to")
		if a != b {
			l.Edges = append(l.Edges, report.LineageEdge{From: fmt.Sprintf("n%d", min(a, b)), To: fmt.Sprintf("n%d", max(a, b))})
		}
	}
	return l
}

// Whatever reads whatever: each node stands to the right of what it reads, no
// two cover each other, all are within the picture, and every edge ends where
// its nodes are.
func TestPicturesOfAnyLineage(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := graph(t, 40)
		boxes, paths, width, height := report.Drawn(l)
		at := map[string]report.Box{}
		for _, b := range boxes {
			at[b.ID] = b
			if b.X < 0 || b.Y < 0 || b.X+report.BoxWidth > width || b.Y+report.BoxHeight > height+0.01 {
				t.Errorf("%+v is not within %.0fx%.0f", b, width, height)
			}
		}
		for i, a := range boxes {
			for _, b := range boxes[i+1:] {
				if a.X == b.X && max(a.Y-b.Y, b.Y-a.Y) < report.BoxHeight {
					t.Errorf("%+v covers %+v", a, b)
				}
			}
		}
		for ends, path := range paths {
			from, to := at[ends[0]], at[ends[1]]
			if from.X >= to.X {
				t.Errorf("%s, which %s reads, is not to the left of it", ends[0], ends[1])
			}
			begin, end := fmt.Sprintf("M%.0f %.1f", from.X+report.BoxWidth, from.Y+report.BoxHeight/2), fmt.Sprintf(" %.0f %.1f", to.X, to.Y+report.BoxHeight/2)
			if !strings.HasPrefix(path, begin) || !strings.HasSuffix(path, end) {
				t.Errorf("the edge of %v does not lead from %q to %q: %s", ends, begin, end, path)
			}
		}
		for _, e := range l.Edges {
			_, a := at[e.From]
			_, b := at[e.To]
			if _, drawn := paths[[2]string{e.From, e.To}]; a && b && !drawn {
				t.Errorf("there is no edge %v", e)
			}
		}
		again, _, _, _ := report.Drawn(l)
		if diff := cmp.Diff(boxes, again); diff != "" {
			t.Errorf("the same lineage, drawn twice:\n%s", diff)
		}
	})
}

// A layer of too many nodes is drawn with the ones that need attention, and one
// for the rest.
func TestPicturesFoldWhatIsMuch(t *testing.T) {
	t.Parallel()
	l := report.Lineage{Exposure: "x", Nodes: []report.LineageNode{{ID: "x", Kind: "exposure"}}}
	for i := range 100 {
		n := report.LineageNode{ID: fmt.Sprintf("m%02d", i), Kind: "model", State: report.StateGood}
		if i == 77 {
			n.State = report.StateBad
		}
		l.Nodes = append(l.Nodes, n)
		l.Edges = append(l.Edges, report.LineageEdge{From: n.ID, To: "x"})
	}
	boxes, paths, _, _ := report.Drawn(l)
	has := func(id string) bool {
		return slices.ContainsFunc(boxes, func(b report.Box) bool { return b.ID == id })
	}
	if len(boxes) != report.MaxLayer+1 || !has("m77") || !has("more 0") || paths[[2]string{"more 0", "x"}] == "" {
		t.Errorf("%d boxes: %v", len(boxes), boxes)
	}
	page := report.CheckPage{Lineages: []report.Lineage{l}}.HTML()
	if !strings.Contains(page, ">89 more<") {
		t.Error("the page does not say how many are folded")
	}
}

// dbt writes no circles; one that is there all the same is cut.
func TestPicturesOfACircle(t *testing.T) {
	t.Parallel()
	l := report.Lineage{Nodes: []report.LineageNode{{ID: "a"}, {ID: "b"}, {ID: "c"}}, Edges: []report.LineageEdge{{From: "a", To: "b"}, {From: "b", To: "c"}, {From: "c", To: "a"}, {From: "a", To: "a"}, {From: "gone", To: "a"}}}
	if boxes, paths, _, _ := report.Drawn(l); len(boxes) != 3 || len(paths) != 2 {
		t.Errorf("%v %v", boxes, paths)
	}
	if boxes, _, width, height := report.Drawn(report.Lineage{}); len(boxes) != 0 || width != 0 || height != 0 {
		t.Error("a lineage without nodes")
	}
}

// Whatever findings and nodes are called, the page has no other elements than
// its own.
func TestNothingBreaksOutOfThePage(t *testing.T) {
	t.Parallel()
	tag := regexp.MustCompile(`<(/?[a-z][a-z0-9]*)`)
	own := strings.Fields("a b bdi code dd details div dl dt form footer g h1 h2 h3 header i input label li main nav option output p path pre rect section select span summary svg text title ul circle button body html head meta link style script")
	rapid.Check(t, func(t *rapid.T) {
		text := func(name string) string { return hostile().Draw(t, name) }
		p := report.CheckPage{Findings: wild(t), Title: text("title"), Target: text("target"), Invocation: text("invocation"), Scores: []report.Score{{Code: text("score"), Name: text("dimension"), Note: text("note"), Parts: []report.Part{{Name: text("part")}}}}}
		l := graph(t, 5)
		for i := range l.Nodes {
			n := &l.Nodes[i]
			n.Name, n.Kind, n.How, n.Says, n.Owner, n.File, n.Facts = text("name"), text("kind"), text("how"), text("says"), text("owner"), text("file"), []report.Fact{{Label: text("label"), Text: text("fact")}}
		}
		p.Lineages = []report.Lineage{l}
		for i := range p.Found {
			p.Found[i].Subject = "n0"
			p.Found[i].Severity = plan.SeverityError
		}
		page := p.HTML()
		body := page[strings.Index(page, "<body>"):strings.LastIndex(page, "<script>")]
		for _, m := range tag.FindAllStringSubmatch(body, -1) {
			if !slices.Contains(own, strings.TrimPrefix(m[1], "/")) {
				t.Errorf("there is a %s", m[1])
			}
		}
		for _, element := range []string{"details", "svg", "section", "ul", "li", "main", "dl"} {
			if a, b := len(regexp.MustCompile(`<`+element+`[\s>]`).FindAllString(body, -1)), strings.Count(body, "</"+element+">"); a != b {
				t.Errorf("%d times <%s>, %d times its end", a, element, b)
			}
		}
		if strings.ContainsAny(body, "\x1b\x00\u202e") {
			t.Error("there is something that does not print")
		}
	})
}
