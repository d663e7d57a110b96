package engine

import (
	"iter"

	"exposync/internal/record"
)

// Changes yields everything that Apply would send.
func (p *Prepared) Changes() iter.Seq2[record.Change, error] {
	return func(yield func(record.Change, error) bool) {
		for _, list := range []*changes{p.writes, p.deletes} {
			for frame, err := range list.frames() {
				if err != nil {
					yield(record.Change{}, err)
					return
				}
				ch, _, _, err := decode(frame, nil)
				if !yield(ch, err) {
					return
				}
			}
		}
	}
}
