package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"exposync/internal/plan"
)

// Rejects is what stands against records, job by job: `exposync rejects`.
type Rejects struct {
	Jobs []JobRejects `json:"jobs"`
}

// JobRejects is one job with all that stands.
type JobRejects struct {
	Job      string       `json:"job"`
	UniqueID string       `json:"unique_id"` // of the exposure
	To       string       `json:"to"`
	Target   string       `json:"target"`
	Account  string       `json:"account"`
	Rejects  []RejectJSON `json:"rejects"`
}

// RejectJSON is records with one reason.
type RejectJSON struct {
	State     string     `json:"state"` // rejected, quarantined, in_doubt, ambiguous
	Code      string     `json:"code"`
	Reason    string     `json:"reason"`
	Records   int64      `json:"records"`
	Permanent bool       `json:"permanent"`
	Attempts  int        `json:"attempts"`   // the most of any of them
	FirstSeen *time.Time `json:"first_seen"` // of the oldest; null where nobody knows
	Due       string     `json:"due"`        // next_run, change, release, settle
	Next      string     `json:"next"`       // the command to type
	Keys      []string   `json:"keys,omitempty"`
}

// The moments when records are tried again.
const (
	DueNextRun = "next_run"
	DueChange  = "change"
	DueRelease = "release"
	DueSettle  = "settle"
)

// Schedule fills in when records are tried again, and what a person can do
// about it before that; ref is the job in a command to type.
func (r *RejectJSON) Schedule(j plan.Job, ref string) {
	switch {
	case r.State == "quarantined":
		r.Due, r.Next = DueRelease, "exposync rejects release "+ref
	case r.State == "in_doubt" && j.OnInDoubt == plan.HoldInDoubt:
		r.Due, r.Next = DueSettle, settleCommand(ref)
	case r.State == "rejected" && r.Permanent:
		r.Due, r.Next = DueChange, "exposync retry --select "+ref
	default:
		r.Due, r.Next = DueNextRun, "exposync retry --select "+ref
	}
}

func settleCommand(ref string) string {
	return "exposync rejects settle " + ref + " --sent (it arrived) or --resend (it did not)"
}

// when says in words when records are tried again.
func (r RejectJSON) when() string {
	switch {
	case r.State == plan.CodeAmbiguous:
		return "the next run asks the destination again: merge the records there"
	case r.Due == DueRelease:
		return "not sent before it is released, or the record or the mapping changes"
	case r.Due == DueSettle:
		return "the next run sends it again if that can do no harm; else it waits for you to look at the destination"
	case r.Due == DueChange:
		return "permanent: sent when the record or the mapping changes, or by retry"
	}
	return "the next run tries it again"
}

// Text draws all that stands, with the next command of each reason.
func (r Rejects) Text(s Style, now time.Time) string {
	var b strings.Builder
	for _, j := range r.Jobs {
		if len(j.Rejects) == 0 {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\n")
		}
		b.WriteString(s.head(j.Job, j.To, ""))
		for _, g := range j.Rejects {
			g.draw(&b, s, now)
		}
	}
	if b.Len() == 0 {
		return "nothing stands against any record\n"
	}
	return b.String()
}

func (r RejectJSON) draw(b *strings.Builder, s Style, now time.Time) {
	head := fmt.Sprintf("%s %s: %s", Count(r.Records, "record"), strings.ReplaceAll(r.State, "_", " "),
		answer(plan.RejectGroup{Code: r.Code, Reason: r.Reason}))
	facts := Count(int64(r.Attempts), "attempt")
	if r.FirstSeen != nil {
		facts = "first seen " + plan.Age(now.Sub(*r.FirstSeen)) + " ago, " + facts
	}
	b.WriteString(s.item(2, Warn, head))
	b.WriteString(s.item(4, Plain, facts+"; "+r.when()))
	for _, k := range r.Keys {
		fmt.Fprintf(b, "    key %s\n", escaped(k))
	}
	if more := r.Records - int64(len(r.Keys)); len(r.Keys) > 0 && more > 0 {
		fmt.Fprintf(b, "    and %s: exposync rejects --out FILE\n", Count(more, "more key"))
	}
	b.WriteString(s.next(4, r.Next))
}

// RejectColumns is the head of the export.
func RejectColumns() []string {
	return []string{"job", "key", "state", "code", "reason", "attempts", "since"}
}

// RejectRow is one record in the export.
func RejectRow(job, key string, r RejectJSON) []string {
	since := ""
	if r.FirstSeen != nil {
		since = r.FirstSeen.UTC().Format(time.RFC3339)
	}
	return []string{job, key, r.State, r.Code, r.Reason, strconv.Itoa(r.Attempts), since}
}

// invalidText says why rows did not become records, unless a guard says it.
func invalidText(s Style, j JobReport) string {
	n := j.Result.Counts.Invalid
	for _, g := range j.Result.Rejects {
		if ofMapping(g.State) && g.State != "waiting" { // it has a reason of its own
			n -= g.Records
		}
	}
	if p := j.Result.Plan; n == 0 || p != nil && slices.ContainsFunc(p.Held(), func(h plan.Hold) bool { return h.Code == "guard_keys" }) {
		return ""
	}
	columns := make([]string, len(j.Job.Key))
	for i, k := range j.Job.Key {
		columns[i] = k.Column
	}
	return s.item(4, Warn, Count(n, "row")+" (invalid): the key is null, or that of several rows") +
		s.next(6, "correct "+j.Job.Source.Name+"; tests in dbt find the rows: not_null and unique on "+strings.Join(columns, ", "))
}

// ofMapping reports whether a reason is one that the mapping found before
// anything was sent: the ledger knows nothing of such records.
func ofMapping(state string) bool {
	return state == "invalid" || state == "no_key" || state == "waiting"
}

// rejectSteps are the commands for records that did not arrive, one for each
// state.
func rejectSteps(ref string, rejects []plan.RejectGroup) []string {
	var out []string
	said := map[string]bool{}
	for _, g := range rejects {
		state := cmp.Or(g.State, "rejected")
		if said[state] || g.Code == plan.CodeHostedRows || ofMapping(state) || state == "in_doubt" && !g.Waits {
			continue
		}
		said[state] = true
		switch state {
		case "quarantined":
			out = append(out, "exposync rejects release "+ref)
		case "in_doubt":
			out = append(out, "look whether they arrived, then: "+settleCommand(ref))
		case plan.CodeAmbiguous:
			out = append(out, "merge them at the destination; every run asks again (which: exposync rejects --select "+ref+" --keys)")
		default:
			out = append(out, "exposync rejects --select "+ref)
		}
	}
	return out
}
