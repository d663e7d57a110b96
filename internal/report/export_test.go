package report

// Box is a node of a picture with its place.
type Box struct {
	ID   string
	X, Y float64
}

// Drawn gives the places of a lineage's nodes and its edges as paths.
func Drawn(l Lineage) (boxes []Box, paths map[[2]string]string, width, height float64) {
	d := drawn(l)
	paths = map[[2]string]string{}
	for _, b := range d.Boxes {
		boxes = append(boxes, Box{b.Node.ID, b.X, b.Y})
	}
	for _, e := range d.Lines {
		paths[[2]string{e.From, e.To}] = e.Path
	}
	return boxes, paths, d.Width, d.Height
}

// The measures of a picture, for tests.
const (
	BoxWidth, BoxHeight = boxWidth, boxHeight
	MaxLayer            = maxLayer
)
