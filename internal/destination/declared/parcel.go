package declared

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"exposync/internal/destination"
	"exposync/internal/record"
	"exposync/internal/rest"
)

// parcel is one request being filled: positions in the batch, and the body
// with the head in front.
type parcel struct {
	at   []int
	own  []int // with op.also: for every item of the body its place in at
	body []byte
	keys map[string]bool // with op.once
}

// deliver sends the changes that mine picks; it is false when nothing more
// should be sent.
func (s *sender) deliver(ctx context.Context, batch []record.Change, mine func(int) bool, out []destination.Outcome) bool {
	if s.op.locate != "" {
		if batch, mine = s.located(ctx, batch, mine, out); hopeless(out) {
			return false
		}
	}
	if s.finder != nil {
		return s.finder.deliver(ctx, batch, mine, out)
	}
	return s.sendAll(ctx, batch, mine, out)
}

// sendAll encodes and sends, in as many requests as the limits ask for.
func (s *sender) sendAll(ctx context.Context, batch []record.Change, mine func(int) bool, out []destination.Outcome) bool {
	p := s.parcel(len(batch))
	row := rowContext{encode: &s.op.encode, hashed: s.hashed, texts: s.texts, scope: s.scope, max: s.op.idem.max}
	for i := range batch {
		if !mine(i) {
			continue
		}
		if o, bad := s.misfit(&batch[i]); bad {
			out[i] = o
			continue
		}
		row.change, row.trace = &batch[i], i
		start := len(p.body)
		if len(p.at) > 0 {
			p.body = append(p.body, s.sep...)
		}
		from := len(p.body)
		body, items, err := s.appendItems(p.body, &row, len(p.at))
		encoded := body[min(from, len(body)):]
		if o, bad := s.unfit(encoded, err); bad {
			out[i], p.body = o, body[:start]
			continue
		}
		p.body = body
		if s.full(p, &batch[i], items) {
			next := s.parcel(len(batch) - i)
			if s.aliased == nil {
				next.body = append(next.body, encoded...)
			} else if next.body, err = s.appendRow(next.body, &row, 0); err != nil {
				return false // it went before: the record is the same
			}
			p.body = p.body[:start]
			if !s.send(ctx, batch, p, out) {
				return false
			}
			p = next
		}
		s.put(p, i, &batch[i], items)
	}
	return len(p.at) == 0 || s.send(ctx, batch, p, out)
}

func (s *sender) parcel(rows int) *parcel {
	size := max(int(s.grow.Load()), 512)
	p := &parcel{at: make([]int, 0, min(rows, s.op.limits.rows)), body: make([]byte, 0, size+size/8)}
	p.body = append(p.body, s.head...)
	if s.op.once {
		p.keys = make(map[string]bool, cap(p.at))
	}
	return p
}

// learn takes what the service told of the target's fields.
func (s *sender) learn(attrs []attribute) {
	if s.finder != nil {
		s.finder.learn(attrs)
		return
	}
	s.attrs, s.texts = attrs, s.d.matching(s)
	for i := range attrs {
		if attrs[i].judges() {
			s.judged = append(s.judged, i)
		}
	}
}

// misfit is the outcome of a record with a value that its field cannot take.
func (s *sender) misfit(ch *record.Change) (destination.Outcome, bool) {
	if o, bad := s.unaddressed(ch); bad {
		return o, true
	}
	for _, i := range s.judged {
		values, at := ch.KeyVals, i
		if i >= len(s.target.Key) {
			values, at = ch.Values, i-len(s.target.Key)
		}
		if at >= len(values) {
			continue // a delete has no values
		}
		if code, msg := s.attrs[i].misfit(values[at], &s.op.encode); code != "" {
			return destination.Outcome{State: destination.Rejected, Code: code, Message: msg}, true
		}
	}
	return destination.Outcome{}, false
}

// unfit is the outcome of a record that cannot be sent at all.
func (s *sender) unfit(encoded []byte, err error) (destination.Outcome, bool) {
	o := destination.Outcome{State: destination.Rejected}
	switch {
	case err == errNoRemoteID: //nolint:errorlint // the sentinel itself
		o.Code, o.Message = "no_remote_id", err.Error()
	case err != nil:
		o.Code, o.Message = "invalid_value", err.Error()
	case s.op.limits.rowBytes > 0 && len(encoded) > s.op.limits.rowBytes:
		o.Code = "row_too_large"
		o.Message = fmt.Sprintf("the record is %d bytes as it is sent, the destination takes %d", len(encoded), s.op.limits.rowBytes)
	case s.op.limits.bytes > 0 && len(s.head)+len(encoded)+len(s.end(1)) > s.op.limits.bytes:
		o.Code = "row_too_large"
		o.Message = fmt.Sprintf("the record is %d bytes as it is sent, a request may have %d", len(encoded), s.op.limits.bytes)
	default:
		return o, false
	}
	return o, true
}

// full reports whether the record that was just appended has to start a
// request of its own.
func (s *sender) full(p *parcel, ch *record.Change, items int) bool {
	if len(p.at) == 0 {
		return false
	}
	l := s.op.limits
	return max(len(p.at), len(p.own))+items > l.rows || (l.bytes > 0 && len(p.body)+len(s.end(len(p.at)+1)) > l.bytes) || (p.keys != nil && p.keys[s.identity(ch)])
}

// put takes note of the record that was just appended.
func (s *sender) put(p *parcel, i int, ch *record.Change, items int) {
	for range items {
		if len(s.also) > 0 {
			p.own = append(p.own, len(p.at))
		}
	}
	p.at = append(p.at, i)
	if p.keys != nil {
		p.keys[s.identity(ch)] = true
	}
}

// identity is a key as the service tells it apart from others.
func (s *sender) identity(ch *record.Change) string {
	return s.folded(string(ch.Key))
}

// folded is a key as the service tells it apart from others.
func (s *sender) folded(key string) string {
	if s.fold {
		return strings.ToLower(key)
	}
	return key
}

// send makes one request and sorts its answer; it is false when nothing more
// should be sent.
func (s *sender) send(ctx context.Context, batch []record.Change, p *parcel, out []destination.Outcome) bool {
	body := append(p.body, s.end(len(p.at))...)
	s.grow.Store(int64(len(body)))
	x := exchange{class: rest.Insert, method: s.op.request.method, target: s.addressOf(batch, p), header: s.header, body: body, attempts: 1}
	if s.op.encode.format == "none" {
		x.body = nil
	}
	if s.op.safe() {
		x.class = rest.Upsert
	}
	if s.op.idem.header != "" {
		x.header = s.header.Clone()
		scope := s.scope
		if s.late != nil {
			scope += x.target + "\x00" // the body alone does not tell which record it is of
		}
		x.header.Set(s.op.idem.header, requestName(scope, s.op, body))
	}
	if s.op.encode.gzip {
		x.body = packed(body)
	}
	resp, err := s.d.do(ctx, x)
	j := &judge{s: s, batch: batch, at: p.at, own: p.own}
	var outcomes []destination.Outcome
	if err != nil {
		outcomes = j.unanswered(err)
	} else {
		outcomes = j.answered(resp)
	}
	for k, i := range p.at {
		out[i] = outcomes[k]
	}
	return ctx.Err() == nil && !hopeless(outcomes)
}

// hopeless reports whether one of the outcomes says that no further request
// makes sense.
func hopeless(out []destination.Outcome) bool {
	return slices.ContainsFunc(out, func(o destination.Outcome) bool {
		return o.State == destination.Auth || o.State == destination.Stop || o.State == destination.Mapping
	})
}
