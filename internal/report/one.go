package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"exposync/internal/plan"
)

// One is one record from the warehouse to the destination: `exposync test`.
// It holds the record's values, which is what was asked for.
type One struct {
	Job      string        `json:"job"`
	UniqueID string        `json:"unique_id"` // of the exposure
	From     string        `json:"from"`
	To       string        `json:"to"`
	Target   string        `json:"target"`
	Sandbox  bool          `json:"sandbox"`
	Verdict  plan.Verdict  `json:"verdict"`
	Reasons  []plan.Reason `json:"reasons"`
	FirstRun bool          `json:"first_run"`
	Key      []OneField    `json:"key"`
	Fields   []OneField    `json:"fields"`
	Ledger   *OneMark      `json:"ledger"` // null if nothing is known of the record
	There    *int          `json:"there"`  // records the destination has for the key; null if it cannot be read
	Change   string        `json:"change"` // create, update, none
	Why      string        `json:"why,omitempty"`
	Sent     bool          `json:"sent"`
	NotSent  string        `json:"not_sent,omitempty"` // why, though it was asked for
	Said     []OneExchange `json:"exchanges"`
	Outcome  *OneOutcome   `json:"outcome"` // null if it was not sent
	Problems []FaultJSON   `json:"problems"`
}

// OneField is one value on its way.
type OneField struct {
	Field  string  `json:"field"`            // theirs
	Column string  `json:"column,omitempty"` // ours; left out for a constant
	Kind   string  `json:"kind"`
	Ours   *string `json:"ours"`            // null for a null
	Sent   *string `json:"sent"`            // null for a null
	Left   bool    `json:"left,omitempty"`  // not sent: the field stays as it is
	There  *string `json:"there"`           // null for a null
	Known  bool    `json:"known,omitempty"` // There was read
}

// OneMark is what the ledger knows of the record.
type OneMark struct {
	Confirmed bool       `json:"confirmed"`
	Adopted   bool       `json:"adopted"`
	RemoteID  string     `json:"remote_id,omitempty"`
	Standing  string     `json:"standing,omitempty"` // rejected, quarantined, in_doubt, ambiguous
	Code      string     `json:"code,omitempty"`
	Reason    string     `json:"reason,omitempty"`
	Attempts  int        `json:"attempts,omitempty"`
	Since     *time.Time `json:"since,omitempty"`
}

// OneExchange is something that was said to the destination, and its answer.
type OneExchange struct {
	Kind     string   `json:"kind"` // http, sql, file
	Request  string   `json:"request"`
	Headers  []string `json:"headers,omitempty"` // secrets are hidden
	Body     string   `json:"body,omitempty"`
	Response string   `json:"response"`
	Answer   []string `json:"response_headers,omitempty"`
	Reply    string   `json:"response_body,omitempty"`
	Attempts int      `json:"attempts,omitempty"`
}

// OneOutcome is the final word on the record.
type OneOutcome struct {
	State    string `json:"state"` // ok, rejected, in_doubt, not_sent
	Code     string `json:"code,omitempty"`
	Message  string `json:"message,omitempty"`
	RemoteID string `json:"remote_id,omitempty"`
}

// Text draws the record's way.
func (o One) Text(s Style) string {
	var b strings.Builder
	b.WriteString(s.head(o.Job, o.To, o.Verdict))
	b.WriteString(gateText(s, plan.Judgement{Verdict: o.Verdict, Reasons: o.Reasons}))
	rows := [][]string{{"  field", "from", "warehouse", "sent", "there now"}}
	for i, f := range append(append([]OneField{}, o.Key...), o.Fields...) {
		rows = append(rows, f.row(i < len(o.Key)))
	}
	if o.There == nil { // it cannot be read
		for i := range rows {
			rows[i] = rows[i][:len(rows[i])-1]
		}
	}
	b.WriteString(s.values(rows))
	b.WriteString(s.item(2, Plain, o.ledgerText()))
	if o.There != nil {
		b.WriteString(s.item(2, Plain, "there now: "+Count(int64(*o.There), "record")))
	}
	b.WriteString(s.item(2, Plain, o.changeText()))
	for _, x := range o.Said {
		x.draw(&b, s)
	}
	if o.Outcome != nil {
		b.WriteString(o.Outcome.text(s))
	}
	if o.NotSent != "" {
		b.WriteString(s.item(2, Warn, "not sent: "+o.NotSent))
	}
	return b.String()
}

// values draws the fields as a table, or, where a value is too long for that,
// each field with its values below it. No value is cut or broken: it is what
// was asked for.
func (s Style) values(rows [][]string) string {
	text := table(s, rows)
	if widest(table(Style{}, rows)) <= s.width() {
		return text
	}
	var b strings.Builder
	for _, row := range rows[1:] {
		fmt.Fprintf(&b, "%s, from %s\n", s.Paint(Strong, row[0]), row[1])
		for i, cell := range row[2:] {
			fmt.Fprintf(&b, "    %s %s\n", s.Paint(Faint, fmt.Sprintf("%-9s", rows[0][i+2])), cell)
		}
	}
	return b.String()
}

func (f OneField) row(key bool) []string {
	const same = "(same)" // so that what differs is seen
	from, sent, there := f.Column, shownValue(f.Sent), ""
	if f.Column != "" && shownValue(f.Ours) == sent {
		sent = same
	}
	if f.Column == "" {
		from = "(constant)"
	}
	if f.Left {
		sent = "(left as it is)"
	}
	if f.Known {
		if there = shownValue(f.There); !f.Left && there == shownValue(f.Sent) {
			there = same
		}
	}
	name := "  " + f.Field
	if key {
		name += " (key)"
	}
	return []string{name, from, shownValue(f.Ours), sent, there}
}

func shownValue(v *string) string {
	if v == nil {
		return "null"
	}
	return escaped(*v)
}

// escaped shows what does not print as Go would write it, so that no value
// moves the cursor of a terminal.
func escaped(text string) string {
	var b strings.Builder
	for _, c := range text {
		if unicode.IsPrint(c) {
			b.WriteRune(c)
			continue
		}
		quoted := strconv.QuoteRune(c)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}

func (o One) ledgerText() string {
	m := o.Ledger
	if m == nil {
		return "ledger: nothing is known of this record"
	}
	var facts []string
	switch {
	case m.Confirmed && m.Adopted:
		facts = append(facts, "adopted, not sent by exposync")
	case m.Confirmed:
		facts = append(facts, "confirmed by the destination")
	default:
		facts = append(facts, "never confirmed")
	}
	if m.RemoteID != "" {
		facts = append(facts, "id "+m.RemoteID)
	}
	if m.Standing != "" {
		facts = append(facts, fmt.Sprintf("%s: %s, %s", strings.ReplaceAll(m.Standing, "_", " "),
			answer(plan.RejectGroup{Code: m.Code, Reason: m.Reason}), Count(int64(m.Attempts), "attempt")))
	}
	return "ledger: " + strings.Join(facts, "; ")
}

func (o One) changeText() string {
	if o.Change == "none" {
		return "a run would send nothing: " + o.Why
	}
	text := "a run would " + o.Change + " it"
	if o.FirstRun {
		text += " (the first run is still to come, and stays that)"
	}
	return text
}

func (x OneExchange) draw(b *strings.Builder, s Style) {
	for _, part := range []struct {
		head    string
		headers []string
		body    string
	}{{x.Request, x.Headers, x.Body}, {x.Response, x.Answer, x.Reply}} {
		if part.head == "" {
			continue
		}
		fmt.Fprintf(b, "    %s\n", s.Paint(Strong, escaped(part.head)))
		for _, h := range part.headers {
			fmt.Fprintf(b, "      %s\n", s.Paint(Faint, h))
		}
		for line := range strings.Lines(part.body) {
			fmt.Fprintf(b, "      %s\n", escaped(strings.TrimRight(line, "\r\n")))
		}
	}
}

func (o OneOutcome) text(s Style) string {
	role := map[string]Role{"ok": Good, "rejected": Bad, "in_doubt": Warn, "not_sent": Warn}[o.State]
	lead, text := strings.ReplaceAll(o.State, "_", " "), ""
	if why := answer(plan.RejectGroup{Code: o.Code, Reason: o.Message}); why != "" {
		lead, text = lead+":", why
	}
	switch {
	case o.RemoteID == "":
	case text == "":
		lead, text = lead+",", "id "+o.RemoteID
	default:
		text += ", id " + o.RemoteID
	}
	return s.led(2, role, lead, text)
}
