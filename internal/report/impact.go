package report

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"exposync/internal/impact"
)

// Impact is what a change of the project reaches, with where both sides are
// from.
type Impact struct {
	impact.Impact
	Project       string
	Version       string // of exposync
	Before, After ImpactSide
}

// ImpactSide says where one side is from.
type ImpactSide struct {
	Manifest    string `json:"manifest"`
	GeneratedAt string `json:"generated_at"`
	DBTVersion  string `json:"dbt_version"`
	Catalog     string `json:"catalog,omitempty"` // its file; empty if none was compared
}

// impactItems is how many risky changes of one exposure are listed without --all.
const impactItems = 8

// ImpactText draws for every exposure what reaches it, worst first, and by
// which way. all lists what is safe, too, and everything that is many.
func ImpactText(s Style, doc Impact, all bool) string {
	var b strings.Builder
	head, reach := impactHead(doc.Impact), impactReach(doc.Impact)
	if utf8.RuneCountInString(head+reach) > s.width() {
		reach = "\n" + strings.TrimPrefix(reach, "; ")
	}
	b.WriteString(s.Paint(impactRole(doc.Impact), head) + reach + "\n")
	if t := doc.Totals(); len(t.Owners) > 0 {
		for _, line := range wrap("owners: "+strings.Join(t.Owners, ", "), s.width()) {
			b.WriteString(line + "\n")
		}
	}
	explained := map[impact.Kind]bool{}
	for _, x := range doc.Exposures {
		if x.Severity != impact.Safe || all {
			b.WriteString("\n" + impactExposure(s, doc.Impact, x, all, explained))
		}
	}
	b.WriteString(impactRest(s, doc.Impact, all))
	for _, note := range doc.Notes {
		for i, line := range wrap(note, s.width()-5) {
			label := "note"
			if i > 0 {
				label = "    "
			}
			fmt.Fprintf(&b, "%s %s\n", s.Paint(Faint, label), line)
		}
	}
	return b.String()
}

// impactHead counts the changes.
func impactHead(i impact.Impact) string {
	if len(i.Changes) == 0 {
		return "no change that exposures could notice"
	}
	var parts []string
	for _, severity := range impact.Severities() {
		if n := i.Count(severity); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, severity))
		}
	}
	return strings.Join(parts, ", ")
}

// impactReach sums up what the breaking and risky ones reach; empty if there
// are none.
func impactReach(i impact.Impact) string {
	t := i.Totals()
	if t.Exposures == 0 {
		return ""
	}
	text := "; reaches " + Count(int64(t.Exposures), "exposure")
	if t.Fields > 0 {
		text += ", " + Count(int64(t.Fields), "destination field")
	}
	return text
}

func impactRole(i impact.Impact) Role {
	switch {
	case i.Count(impact.Breaking) > 0:
		return Bad
	case i.Count(impact.Risky) > 0:
		return Warn
	}
	return Good
}

func impactSeverity(s impact.Severity) Role {
	switch s {
	case impact.Breaking:
		return Bad
	case impact.Risky:
		return Warn
	case impact.Safe:
	}
	return Faint
}

// impactExposure draws one exposure with what reaches it. explained are the
// kinds of which it was said already what they do.
func impactExposure(s Style, i impact.Impact, x impact.Reached, all bool, explained map[impact.Kind]bool) string {
	var b strings.Builder
	b.WriteString(s.Paint(Strong, x.Name) + "  " + s.Paint(impactSeverity(x.Severity), string(x.Severity)))
	used := utf8.RuneCountInString(x.Name) + 2 + len(x.Severity)
	for _, fact := range []string{x.Owner, place(x.File, x.Line)} {
		if fact == "" {
			continue
		}
		before := " · "
		if used += len(" · ") - 1 + utf8.RuneCountInString(fact); used > s.width() {
			before, used = "\n  ", 2+utf8.RuneCountInString(fact)
		}
		b.WriteString(s.Paint(Faint, before+fact))
	}
	b.WriteString("\n")
	left := map[impact.Severity]int{}
	listed := map[impact.Severity]int{}
	for _, n := range x.Changes {
		c := i.Changes[n]
		reaches := reachesOf(c, x.ID)
		severity := reaches[0].Severity
		if !all && (severity == impact.Safe || severity == impact.Risky && listed[severity] == impactItems) {
			left[severity]++
			continue
		}
		listed[severity]++
		b.WriteString(impactChange(s, c, severity, reaches, !explained[c.Kind]))
		explained[c.Kind] = true
	}
	b.WriteString(leftOut(s, left))
	if x.Next != "" {
		labelled(&b, s, "next", x.Next)
	}
	return b.String()
}

// leftOut says how many changes of an exposure are not listed.
func leftOut(s Style, left map[impact.Severity]int) string {
	var parts []string
	for _, severity := range impact.Severities() {
		if n := left[severity]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, severity))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "  " + s.Paint(Faint, "and "+strings.Join(parts, ", ")+" (--all lists them)") + "\n"
}

// reachesOf are the ways of a change to one exposure, worst first.
func reachesOf(c impact.Change, exposure string) []impact.Reach {
	return slices.DeleteFunc(slices.Clone(c.Reaches), func(r impact.Reach) bool { return r.Exposure != exposure })
}

// severityWidth is the room for the longest severity and a blank.
const severityWidth = len("breaking ")

// impactChange draws one change: its severity and kind, what differs, where it
// stands, and by which ways it gets to the exposure.
func impactChange(s Style, c impact.Change, severity impact.Severity, reaches []impact.Reach, why bool) string {
	var b strings.Builder
	indent := strings.Repeat(" ", 2+severityWidth)
	fmt.Fprintf(&b, "  %s%s\n", s.Paint(impactSeverity(severity), fmt.Sprintf("%-*s", severityWidth, severity)), s.Paint(Strong, string(c.Kind)))
	fact := func(label, text string) {
		if text == "" {
			return
		}
		for _, line := range wrap(text, s.width()-len(indent)-5) {
			fmt.Fprintf(&b, "%s%s %s\n", indent, s.Paint(Faint, fmt.Sprintf("%-4s", label)), line)
			label = ""
		}
	}
	fact("what", c.Message)
	fact("at", place(c.File, c.Line))
	for _, r := range reaches {
		text, path := reachText(c, r)
		fact("to", text+path)
	}
	if why {
		fact("why", reaches[0].Why)
	}
	return b.String()
}

// reachText is how a change gets to one exposure or sync, and the nodes on its
// way down.
func reachText(c impact.Change, r impact.Reach) (text, path string) {
	head := r.To
	if r.Job != "" {
		head = r.Job + " to " + r.To
	}
	with := head
	if len(r.Fields) > 0 {
		with += ": " + strings.Join(r.Fields, ", ")
	}
	way := strings.Join(names(r.Path), " > ")
	switch r.Way {
	case impact.Direct:
		return with + ", which reads ", way
	case impact.Outside:
		if head == "" {
			head = "the exposure's own tool"
		}
		return head + ", which reads ", way
	case impact.Traced:
		return with + ", by its name: ", way
	case impact.Chained:
		return orExposure(head) + ", through views: ", way
	case impact.Upstream:
		return orExposure(head) + ", may reach it: ", way
	case impact.LooksUp:
		return with + ", which looks up ids of " + c.Job, ""
	case impact.Mapped, impact.Declared:
	}
	return with, ""
}

func orExposure(head string) string {
	if head == "" {
		return "the exposure"
	}
	return head
}

// place is file:line, as far as known.
func place(file string, line int) string {
	if file == "" || line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d", file, line)
}

// impactRest counts what is not listed by exposure.
func impactRest(s Style, i impact.Impact, all bool) string {
	var alone []impact.Change
	safe := 0
	for _, c := range i.Changes {
		switch {
		case len(c.Reaches) == 0:
			alone = append(alone, c)
		case c.Severity == impact.Safe:
			safe++
		}
	}
	var b strings.Builder
	if i.Totals().Exposures == 0 && len(i.Changes) > 0 && !all {
		return "nothing that exposures send or read is touched (--all lists what differs)\n"
	}
	if len(alone) > 0 || safe > 0 {
		b.WriteString("\n")
	}
	if safe > 0 && !all {
		fmt.Fprintf(&b, "%s\n", s.Paint(Faint, Count(int64(safe), "safe change")+" of what exposures read (--all lists them)"))
	}
	if len(alone) > 0 {
		text := Count(int64(len(alone)), "change") + " reaching no exposure"
		if !all {
			text += " (--all lists them)"
		}
		b.WriteString(s.Paint(Faint, text) + "\n")
	}
	if all {
		for _, c := range alone {
			for n, line := range wrap(c.Message, s.width()-4) {
				b.WriteString(map[bool]string{true: "  - ", false: "    "}[n == 0] + line + "\n")
			}
		}
	}
	return b.String()
}

// Checked is the impact as findings, for annotations, code scanning and test
// reports: what is breaking is an error, what is risky a warning.
func (i Impact) Checked(root string, limits ...Limit) Findings {
	out := Findings{Command: "impact", Version: i.Version, Project: i.Project, Root: root, Limits: limits}
	for _, f := range i.Findings() {
		out.Found = append(out.Found, Found{Finding: f})
	}
	return out
}
