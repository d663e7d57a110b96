package cli

import (
	"time"

	"exposync/internal/engine"
	"exposync/internal/fault"
	"exposync/internal/plan"
	"exposync/internal/record"
	"exposync/internal/report"
)

// keyFields are the key fields of a sync that need not be declared any more.
func keyFields(id plan.SyncID) []plan.KeyField {
	out := make([]plan.KeyField, len(id.Key))
	for i, name := range id.Key {
		out[i].Field = name
	}
	return out
}

// hasKey reports whether a mark's key consists of the typed texts. A number is
// the same however it is written.
func hasKey(key record.Key, wanted []string) bool {
	values, err := key.Values()
	if err != nil || len(values) != len(wanted) {
		return false
	}
	for i, v := range values {
		if string(v.Data) == wanted[i] {
			continue
		}
		n, ok := plan.NumberConstant(wanted[i])
		if !ok || v.Kind != record.Decimal || string(v.Data) != string(n.Data) {
			return false
		}
	}
	return true
}

// describe says what a mark means.
func describe(r *report.LedgerRecord, m *record.Mark) {
	switch {
	case !m.Confirmed():
		r.State = "not_confirmed"
	case engine.Uncertain(m.RowHash):
		r.State = "uncertain"
	case m.Adopted:
		r.State = "adopted"
	default:
		r.State = "confirmed"
	}
	r.RemoteID = m.RemoteID
	if st := m.Standing; st != nil {
		r.Standing = &report.LedgerStanding{
			State: engine.StateOf(*st), Code: st.Code, Reason: st.Reason, Attempts: st.Attempts, Permanent: st.Permanent,
			Since: unixTime(st.Since),
		}
	}
}

// unixTime is nil for 0: nobody knows.
func unixTime(seconds int64) *time.Time {
	if seconds == 0 {
		return nil
	}
	at := time.Unix(seconds, 0).UTC()
	return &at
}

func isUsage(err error) bool { return fault.Is(err, "usage") }
