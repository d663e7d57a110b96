package cli

import (
	"encoding/csv"
	"slices"
	"strings"
	"time"

	"exposync/internal/engine"
	"exposync/internal/fault"
	"exposync/internal/plan"
	"exposync/internal/record"
	"exposync/internal/report"
)

// keyWanted gives the key that --key means, one text for each of the sync's key
// fields; nil without --key.
func keyWanted(id plan.SyncID, given []string) ([]string, error) {
	if len(given) == 0 {
		return nil, nil
	}
	if out, ok := namedKey(id.Key, given); ok {
		return out, nil
	}
	if len(id.Key) == 1 && len(given) == 1 {
		return given, nil
	}
	if len(given) == 1 {
		r := csv.NewReader(strings.NewReader(given[0]))
		r.TrimLeadingSpace = true
		if out, err := r.Read(); err == nil && len(out) == len(id.Key) {
			return out, nil
		}
	}
	return nil, usage("exposync ledger show "+id.Job+" --key "+strings.Join(id.Key, "=… --key ")+"=…",
		"the key of %s has the fields %s: --key needs one value for each", id.Job, strings.Join(id.Key, ", "))
}

// namedKey reads FIELD=VALUE for every field.
func namedKey(fields, given []string) ([]string, bool) {
	if len(given) != len(fields) {
		return nil, false
	}
	out, seen := make([]string, len(fields)), make([]bool, len(fields))
	for _, g := range given {
		name, value, ok := strings.Cut(g, "=")
		i := slices.Index(fields, strings.TrimSpace(name))
		if !ok || i < 0 || seen[i] {
			return nil, false
		}
		out[i], seen[i] = value, true
	}
	return out, true
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
		r.State = "not confirmed"
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
			State: stateWord(st.State), Code: st.Code, Reason: st.Reason, Attempts: st.Attempts, Permanent: st.Permanent,
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
