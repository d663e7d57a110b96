package engine

import (
	"exposync/internal/destination"
	"exposync/internal/plan"
)

// estimated is how many changes of a list are cut into batches to know how
// many batches there will be; the rest is taken to be like them.
const estimated = 20_000

// estimate works out the calls that the plan's changes take, and the time
// that the destination's limits give them at the least.
func (p *Prepared) estimate() (plan.Estimate, error) {
	d := newDelivery(nil, p, nil)
	var e plan.Estimate
	for _, list := range []*changes{p.writes, p.deletes} {
		n, err := d.calls(list)
		if err != nil {
			return e, err
		}
		e.Calls += n
	}
	if e.Calls == 0 {
		return e, nil
	}
	e.PerSecond = d.traits.PerSecond
	if paced, ok := p.req.Destination.(destination.Paced); ok {
		if limit := paced.PerSecond(); limit > 0 && (e.PerSecond == 0 || limit < e.PerSecond) {
			e.PerSecond, e.Shared = limit, true
		}
	}
	if e.PerSecond > 0 {
		e.Seconds = float64(e.Calls) / e.PerSecond
	}
	return e, nil
}

// calls is how many batches a list makes: cut as batch cuts it, or, where the
// list is long, in proportion to its beginning.
func (d *delivery) calls(list *changes) (int64, error) {
	if d.traits.Bytes <= 0 {
		rows := int64(d.traits.Rows)
		return (list.n + rows - 1) / rows, nil
	}
	var calls, seen int64
	rows, bytes := 0, 0
	for frame, err := range list.frames() {
		if err != nil {
			return 0, err
		}
		if seen == estimated {
			break
		}
		size := d.size(frame)
		if rows == 0 || rows >= d.traits.Rows || bytes+size > d.traits.Bytes {
			calls, rows, bytes = calls+1, 0, 0
		}
		seen, rows, bytes = seen+1, rows+1, bytes+size
	}
	if seen == 0 {
		return 0, nil
	}
	return (calls*list.n + seen - 1) / seen, nil
}
