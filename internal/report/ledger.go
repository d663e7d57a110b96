package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"exposync/internal/plan"
)

// Ledger is what is remembered: `exposync ledger show`.
type Ledger struct {
	Where    string       `json:"where"`
	Syncs    []LedgerSync `json:"syncs"`
	Problems []FaultJSON  `json:"problems"`
}

// LedgerSync is what is remembered of one sync identity.
type LedgerSync struct {
	Sync       plan.SyncID     `json:"sync"`
	Targets    []string        `json:"targets"` // dbt targets of the runs that wrote
	State      LedgerState     `json:"state"`
	Records    int64           `json:"records"` // confirmed
	Adopted    int64           `json:"adopted"` // of them taken over without being sent
	Rejected   int64           `json:"rejected"`
	InDoubt    int64           `json:"in_doubt"`
	Quarantine int64           `json:"quarantined"`
	Standing   []StandingGroup `json:"standing"`
	Generation int64           `json:"generation"`
	Encoding   int             `json:"encoding"`
	Mapping    string          `json:"mapping"`
	Rows       int64           `json:"rows"` // of the last complete read of the source
	First      plan.First      `json:"first,omitempty"`
	FullAt     *time.Time      `json:"full_at,omitempty"` // last read as a whole, where it is not always
	Jobs       []LedgerJob     `json:"open_jobs"`
	Where      string          `json:"where,omitempty"`
	Bytes      int64           `json:"bytes,omitempty"`
	Last       *LastRun        `json:"last_run"`
	Notes      []string        `json:"notes"` // of the newest run that had any
	Record     *LedgerRecord   `json:"record,omitempty"`
}

// LedgerState says whether all of a sync can be used.
type LedgerState string

// The states.
const (
	LedgerGood       LedgerState = "ok"
	LedgerOpen       LedgerState = "unfinished"      // a run goes on, or was interrupted
	LedgerIncomplete LedgerState = "incomplete_copy" // part of a copy
	LedgerDamaged    LedgerState = "damaged"
)

// StandingGroup counts keys against which the same stands.
type StandingGroup struct {
	State   string `json:"state"` // rejected, ambiguous, in_doubt, quarantined
	Code    string `json:"code"`
	Records int64  `json:"records"`
}

// LedgerJob is work that goes on elsewhere.
type LedgerJob struct {
	ID     string `json:"id"`
	Hosted bool   `json:"hosted"`
	// Of a hosted sync: its run, empty if nobody knows, and what it was
	// triggered for.
	Run          string     `json:"run,omitempty"`
	InvocationID string     `json:"dbt_invocation_id,omitempty"`
	TriggeredAt  *time.Time `json:"triggered_at,omitempty"`
}

// text is the job as people know it.
func (j LedgerJob) text() string {
	if j.TriggeredAt == nil {
		return j.ID
	}
	run := "run " + j.Run
	if j.Run == "" {
		run = "a run that nobody knows"
	}
	return fmt.Sprintf("%s, triggered %s for dbt run %s", run, j.TriggeredAt.Format("2006-01-02 15:04 MST"), j.InvocationID)
}

// LedgerRecord is what is known of the one record whose key was typed.
type LedgerRecord struct {
	Key      string          `json:"key"`       // as it was typed
	State    string          `json:"state"`     // unknown, confirmed, adopted, uncertain, not_confirmed
	RemoteID string          `json:"remote_id"` // the destination's own id, empty if it told none
	Standing *LedgerStanding `json:"standing"`
}

// LedgerStanding is what stands against one record.
type LedgerStanding struct {
	State     string     `json:"state"`
	Code      string     `json:"code"`
	Reason    string     `json:"reason"`
	Attempts  int        `json:"attempts"`
	Permanent bool       `json:"permanent"`
	Since     *time.Time `json:"since"`
}

// Text draws all syncs as a table.
func (l Ledger) Text(s Style, now time.Time) string {
	if len(l.Syncs) == 0 {
		return "nothing is remembered in " + l.Where + "\n"
	}
	rows := [][]string{{"job", "to", "records", "standing", "gen", "last run"}}
	for _, y := range l.Syncs {
		last := "none"
		if y.Last != nil {
			last = string(y.Last.Status) + " " + plan.Age(now.Sub(y.Last.EndedAt)) + " ago"
		}
		if y.State != LedgerGood {
			last = strings.ReplaceAll(string(y.State), "_", " ")
		}
		rows = append(rows, []string{
			y.Sync.Job, y.to(),
			strconv.FormatInt(y.Records, 10), y.standing(), strconv.FormatInt(y.Generation, 10), last,
		})
	}
	lines := make([]string, len(rows)) // none above, where a sync has its own
	if text, ok := s.fitted(rows, 1); ok {
		lines = strings.SplitAfter(text, "\n")
	} else {
		for i, r := range rows[1:] {
			lines[i+1] = s.head(r[0], r[1], "") +
				s.item(2, Plain, fmt.Sprintf("%s records, standing: %s, generation %s, last run %s", r[2], r[3], r[4], r[5]))
		}
	}
	var b strings.Builder
	b.WriteString(lines[0])
	for i, y := range l.Syncs {
		b.WriteString(lines[i+1] + s.item(2, Faint, y.identity()))
	}
	return b.String()
}

// identity is what does not fit into the table.
func (y LedgerSync) identity() string {
	text := fmt.Sprintf("target %s; account %s", strings.Join(y.Targets, ", "), y.Sync.Account)
	if !y.hosted() {
		text = fmt.Sprintf("key %s; ", strings.Join(y.Sync.Key, ", ")) + text
	}
	if y.Where != "" {
		text += fmt.Sprintf("; %s in %s", bytesOf(y.Bytes), y.Where)
	}
	return text
}

func (y LedgerSync) standing() string {
	var parts []string
	for _, p := range []struct {
		n    int64
		word string
	}{{y.Rejected, "rejected"}, {y.InDoubt, "in doubt"}, {y.Quarantine, "quarantined"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.word))
		}
	}
	if len(parts) == 0 {
		return "0"
	}
	return strings.Join(parts, ", ")
}

// Details draws every sync with all that is known.
func (l Ledger) Details(s Style, now time.Time) string {
	var b strings.Builder
	for i, y := range l.Syncs {
		if i > 0 {
			b.WriteString("\n")
		}
		y.details(&b, s, now)
	}
	return b.String()
}

func (y LedgerSync) details(b *strings.Builder, s Style, now time.Time) {
	b.WriteString(s.head(y.Sync.Job, y.to(), ""))
	line := func(name, format string, args ...any) {
		for _, text := range wrap(fmt.Sprintf(format, args...), s.width()-len("  last run   ")) {
			fmt.Fprintf(b, "  %s %s\n", s.Paint(Faint, fmt.Sprintf("%-10s", name)), text)
			name = ""
		}
	}
	if y.State != LedgerGood {
		line("state", "%s", y.stateText())
	}
	line("account", "%s", y.Sync.Account)
	if !y.hosted() {
		line("key", "%s", strings.Join(y.Sync.Key, ", "))
	}
	line("targets", "%s", strings.Join(y.Targets, ", "))
	if y.State != LedgerDamaged {
		y.facts(line, now)
	}
	if y.Where != "" {
		line("kept in", "%s (%s)", y.Where, bytesOf(y.Bytes))
	}
	if y.Record != nil {
		y.Record.text(line, now)
	}
}

func (y LedgerSync) facts(line func(name, format string, args ...any), now time.Time) {
	if !y.hosted() {
		y.marks(line, now)
	}
	for _, j := range y.Jobs {
		line("open job", "%s", j.text())
	}
	if y.Last != nil {
		line("last run", "%s, %s ago, %s", y.Last.Status, plan.Age(now.Sub(y.Last.EndedAt)), y.Last.ID)
	}
	for _, n := range y.Notes {
		line("note", "%s", n)
	}
}

// marks are what is known of the records.
func (y LedgerSync) marks(line func(name, format string, args ...any), now time.Time) {
	adopted := ""
	if y.Adopted > 0 {
		adopted = fmt.Sprintf(", %d of them taken over without being sent", y.Adopted)
	}
	line("records", "%d confirmed%s", y.Records, adopted)
	for _, g := range y.Standing {
		line("standing", "%s", g.text())
	}
	line("source", "%s in the last complete read", Count(y.Rows, "row"))
	if y.FullAt != nil {
		line("read whole", "%s ago", plan.Age(now.Sub(*y.FullAt)))
	}
	if y.First != plan.FirstAsk {
		line("first run", "%s; it did not come to its end yet", y.First)
	}
	line("marks", "generation %d, encoding %d, mapping %s", y.Generation, y.Encoding, orNone(y.Mapping))
}

// hosted reports whether the sync is one of a hosted tool: then nothing is
// known of records.
func (y LedgerSync) hosted() bool {
	return y.Mapping == "hosted" || len(y.Jobs) > 0 && y.Jobs[0].TriggeredAt != nil
}

// to is where it goes, as plan.Job.To has it.
func (y LedgerSync) to() string {
	if y.hosted() {
		return y.Sync.Connection + "/" + y.Sync.Object
	}
	return y.Sync.Connection + "." + y.Sync.Object
}

func (g StandingGroup) text() string {
	text := Count(g.Records, "record") + " " + strings.ReplaceAll(g.State, "_", " ")
	if g.Code != g.State {
		text += " " + g.Code
	}
	return strings.TrimSpace(text)
}

func (y LedgerSync) stateText() string {
	switch y.State {
	case LedgerOpen:
		return "a run is going on, or was interrupted: its journal is counted below"
	case LedgerIncomplete:
		return "part of a copy that was interrupted: repeat it, or exposync ledger reset " + y.Sync.Job
	case LedgerDamaged:
		return "damaged: see the error"
	case LedgerGood:
	}
	return string(y.State)
}

func (r *LedgerRecord) text(line func(name, format string, args ...any), now time.Time) {
	line("record", "%s", r.Key)
	line("", "%s", map[string]string{
		"unknown":       "nothing is known of it: it was never confirmed, or was deleted or reset since",
		"confirmed":     "confirmed by the destination",
		"adopted":       "taken over without being sent",
		"uncertain":     "at the destination; its values are not proven and are sent again",
		"not_confirmed": "never confirmed",
	}[r.State])
	if r.RemoteID != "" {
		line("", "the destination's id is %s", r.RemoteID)
	}
	if st := r.Standing; st != nil {
		since := ""
		if st.Since != nil {
			since = ", first " + plan.Age(now.Sub(*st.Since)) + " ago"
		}
		line("", "%s after %s%s: %s", strings.ReplaceAll(st.State, "_", " "), Count(int64(st.Attempts), "attempt"), since,
			answer(plan.RejectGroup{Code: st.Code, Reason: st.Reason}))
	}
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}
