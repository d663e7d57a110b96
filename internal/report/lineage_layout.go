package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// The measures of a picture, in pixels.
const (
	boxWidth, boxHeight = 176.0, 46.0
	gapX, gapY          = 36.0, 12.0
	bendHeight          = 12.0 // of the place that an edge takes where it passes a layer
	margin              = 6.0
	sweeps              = 12
)

// drawing is a lineage with places.
type drawing struct {
	Width, Height float64
	Boxes         []box
	Lines         []line
}

// line is an edge, as a path of SVG.
type line struct{ From, To, Path string }

type box struct {
	Node LineageNode
	X, Y float64
}

// point is a node, or a bend of an edge that passes a layer.
type point struct {
	id          string
	layer       int
	y, height   float64
	left, right []*point
}

// drawn gives every node of a lineage a place: layers from left to right,
// within them in an order with few crossings, at a height that keeps edges
// straight. Equal input gives an equal picture.
func drawn(l Lineage) drawing {
	g := layered(l)
	rows, edges := g.points()
	order(rows)
	level(rows)
	d := drawing{Width: float64(len(rows))*(boxWidth+gapX) - gapX + 2*margin}
	low, high := math.Inf(1), math.Inf(-1)
	for _, row := range rows {
		for _, p := range row {
			low, high = min(low, p.y-p.height/2), max(high, p.y+p.height/2)
		}
	}
	if len(rows) == 0 {
		return drawing{}
	}
	for _, row := range rows {
		for _, p := range row {
			p.y += margin - low
			if n, ok := g.nodes[p.id]; ok {
				d.Boxes = append(d.Boxes, box{n, column(p.layer), p.y - boxHeight/2})
			}
		}
	}
	d.Height = high - low + 2*margin
	for _, e := range edges {
		d.Lines = append(d.Lines, line{e[0].id, e[len(e)-1].id, curve(e)})
	}
	return d
}

func column(layer int) float64 { return margin + float64(layer)*(boxWidth+gapX) }

// points are the layers with a bend wherever an edge passes one, and the edges
// as the points that they go through.
func (g *layers) points() (rows, edges [][]*point) {
	rows = make([][]*point, len(g.rows))
	at := map[string]*point{}
	for i, row := range g.rows {
		for _, id := range row {
			at[id] = &point{id: id, layer: i, height: boxHeight}
			rows[i] = append(rows[i], at[id])
		}
	}
	for _, to := range slices.Sorted(maps.Keys(g.parents)) {
		for _, from := range g.parents[to] {
			bends := []*point{at[from]}
			for i := g.rank[from] + 1; i < g.rank[to]; i++ {
				bend := &point{layer: i, height: bendHeight}
				rows[i] = append(rows[i], bend)
				bends = append(bends, bend)
			}
			bends = append(bends, at[to])
			for i := range len(bends) - 1 {
				bends[i].right = append(bends[i].right, bends[i+1])
				bends[i+1].left = append(bends[i+1].left, bends[i])
			}
			edges = append(edges, bends)
		}
	}
	return rows, edges
}

// order sorts each layer by the mean place of its neighbours, to and fro, and
// keeps the order with the fewest crossings.
func order(rows [][]*point) {
	best, fewest := clone(rows), crossings(rows)
	for sweep := range sweeps {
		for i := range rows {
			row := rows[i]
			if sweep%2 == 1 {
				row = rows[len(rows)-1-i]
			}
			weigh(rows)
			mean := map[*point]float64{}
			for _, p := range row {
				side := p.left
				if sweep%2 == 1 {
					side = p.right
				}
				mean[p] = meanOf(side, p.y)
			}
			slices.SortStableFunc(row, func(a, b *point) int {
				switch {
				case mean[a] < mean[b]:
					return -1
				case mean[a] > mean[b]:
					return 1
				}
				return 0
			})
		}
		if n := crossings(rows); n < fewest {
			best, fewest = clone(rows), n
		}
	}
	for i := range rows {
		copy(rows[i], best[i])
	}
}

// weigh numbers the points of each layer.
func weigh(rows [][]*point) {
	for _, row := range rows {
		for i, p := range row {
			p.y = float64(i)
		}
	}
}

func clone(rows [][]*point) [][]*point {
	out := make([][]*point, len(rows))
	for i, row := range rows {
		out[i] = slices.Clone(row)
	}
	return out
}

func crossings(rows [][]*point) int {
	weigh(rows)
	n := 0
	for _, row := range rows {
		var ends []float64 // of the edges to the next layer, in the order of their beginnings
		for _, p := range row {
			var own []float64
			for _, q := range p.right {
				own = append(own, q.y)
			}
			slices.Sort(own)
			for _, e := range own {
				for _, before := range ends {
					if before > e {
						n++
					}
				}
			}
			ends = append(ends, own...)
		}
	}
	return n
}

func meanOf(points []*point, otherwise float64) float64 {
	if len(points) == 0 {
		return otherwise
	}
	sum := 0.0
	for _, p := range points {
		sum += p.y
	}
	return sum / float64(len(points))
}

// level gives heights: each point near the mean of its neighbours, as far as
// the order and the room between boxes allow.
func level(rows [][]*point) {
	for _, row := range rows {
		y := 0.0
		for _, p := range row {
			p.y = y + p.height/2
			y += p.height + gapY
		}
		for _, p := range row {
			p.y -= (y - gapY) / 2
		}
	}
	for range sweeps {
		for _, row := range rows {
			settle(row)
		}
		for _, row := range slices.Backward(rows) {
			settle(row)
		}
	}
}

// settle moves the points of one layer as near to where they want to be as
// they can get without touching: points that would, share the difference.
func settle(row []*point) {
	type block struct {
		sum     float64 // of the wishes, each less its distance from the first point of the layer
		from, n int
	}
	var blocks []block
	offsets := make([]float64, len(row))
	for i, p := range row {
		if i > 0 {
			offsets[i] = offsets[i-1] + (row[i-1].height+p.height)/2 + gapY
		}
		wish := meanOf(slices.Concat(p.left, p.right), p.y)
		blocks = append(blocks, block{wish - offsets[i], i, 1})
		for len(blocks) > 1 {
			a, b := blocks[len(blocks)-2], blocks[len(blocks)-1]
			if a.sum/float64(a.n) <= b.sum/float64(b.n) {
				break
			}
			blocks = append(blocks[:len(blocks)-2], block{a.sum + b.sum, a.from, a.n + b.n})
		}
	}
	for _, b := range blocks {
		for i := b.from; i < b.from+b.n; i++ {
			row[i].y = b.sum/float64(b.n) + offsets[i]
		}
	}
}

// curve is an edge as a curve, from the right side of a box to the left side of
// another, level where it passes a layer.
func curve(bends []*point) string {
	var b strings.Builder
	x, y := column(bends[0].layer)+boxWidth, bends[0].y
	fmt.Fprintf(&b, "M%.0f %.1f", x, y)
	for i, p := range bends[1:] {
		to := column(p.layer)
		half := (to - x) / 2
		fmt.Fprintf(&b, "C%.0f %.1f %.0f %.1f %.0f %.1f", x+half, y, to-half, p.y, to, p.y)
		x, y = to, p.y
		if i < len(bends)-2 {
			x = to + boxWidth
			fmt.Fprintf(&b, "H%.0f", x)
		}
	}
	return b.String()
}
