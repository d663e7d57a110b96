package report

import (
	"fmt"
	"strings"

	"exposync/internal/coverage"
)

// Online is what the hosted tools say about the syncs that exposures declare,
// and about those that none declares.
type Online struct {
	Asked []string         `json:"asked"` // connections
	Syncs int              `json:"syncs"` // that the tools list
	Drift []coverage.Drift `json:"drift"` // worst first
}

// Text draws what does not fit together.
func (o Online) Text(s Style) string {
	if len(o.Asked) == 0 {
		return "\n" + s.item(0, Plain, "no hosted tool is among the connections of this target")
	}
	var b strings.Builder
	head := fmt.Sprintf("%s in %s", Count(int64(o.Syncs), "sync"), strings.Join(o.Asked, ", "))
	if len(o.Drift) == 0 {
		return "\n" + s.item(0, Good, head+"; every one fits an exposure, and no exposure lacks its sync")
	}
	b.WriteString("\n" + s.item(0, Plain, head+"; "+Count(int64(len(o.Drift)), "thing")+" to look at"))
	for _, d := range o.Drift {
		name := d.Ref
		if d.Title != "" {
			name += " " + fmt.Sprintf("%q", d.Title)
		}
		b.WriteString(s.led(2, driftRole(d.Kind), string(d.Kind)+":", name+" "+driftText(d)))
		b.WriteString(s.next(4, driftNext(d)))
	}
	return b.String()
}

func driftRole(k coverage.DriftKind) Role {
	if k == coverage.SyncGone {
		return Bad
	}
	return Warn
}

// driftText says what does not fit.
func driftText(d coverage.Drift) string {
	switch d.Kind {
	case coverage.SyncGone:
		return "is declared by " + d.Exposure + ", and the tool does not have it"
	case coverage.SyncDisabled:
		return "is declared by " + d.Exposure + ", and is " + d.Detail
	case coverage.OwnSchedule:
		return "has a schedule of its own: " + d.Detail + "; it runs whatever dbt did"
	case coverage.NotAnExport:
		return "reads " + d.Model + ", which is no export model"
	case coverage.Undeclared:
		if d.Model != "" {
			return "is declared by no exposure; it reads " + d.Model
		}
		return "is declared by no exposure"
	case coverage.Unread:
	}
	return "could not be asked: " + d.Detail
}

func driftNext(d coverage.Drift) string {
	switch d.Kind {
	case coverage.SyncGone:
		return "correct `hosted:` of the exposure, or remove the exposure"
	case coverage.SyncDisabled:
		return "switch it on in the tool" + orNothing(d.URL)
	case coverage.OwnSchedule:
		return "set it to manual in the tool" + orNothing(d.URL)
	case coverage.NotAnExport:
		return "let it read an export_ model, so that what leaves the warehouse has one place"
	case coverage.Undeclared:
		return "declare an exposure with exposync: {hosted: " + d.Ref + "}, or retire the sync" + orNothing(d.URL)
	case coverage.Unread:
	}
	return ""
}

func orNothing(url string) string {
	if url == "" {
		return ""
	}
	return ": " + url
}
