package plan

// Estimate says what sending the changes of a plan would take. What nobody
// knows has no number: a destination without a rate limit has no time.
type Estimate struct {
	Calls     int64   `json:"calls"`                // batches, as Counts.Calls counts them
	PerSecond float64 `json:"per_second,omitempty"` // calls a second that the destination takes; 0 if it tells no limit
	Seconds   float64 `json:"seconds,omitempty"`    // what that limit alone makes it take; only with PerSecond
	Shared    bool    `json:"shared,omitempty"`     // all syncs of the connection have the limit together
}

// Total is what several plans would take together.
type Total struct {
	Calls   int64
	Seconds float64  // of the slowest connection
	Unknown []string // connections that have calls, but no limit, in the order they came
}

// Sum adds up the estimates of plans that run beside each other: those of one
// connection share its limit, so their times add up; other times run at once.
func Sum(plans []Plan) Total {
	var t Total
	shared, unknown := map[string]float64{}, map[string]bool{}
	for _, p := range plans {
		e, name := p.Estimate, p.Sync.Connection
		t.Calls += e.Calls
		switch {
		case e.Calls == 0:
		case e.PerSecond == 0:
			if !unknown[name] {
				t.Unknown = append(t.Unknown, name)
			}
			unknown[name] = true
		case e.Shared:
			shared[name] += e.Seconds
			t.Seconds = max(t.Seconds, shared[name])
		default:
			t.Seconds = max(t.Seconds, e.Seconds)
		}
	}
	return t
}
