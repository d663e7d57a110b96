package report

import (
	"fmt"
	"strings"

	"exposync/internal/fault"
)

// FaultText draws faults for the person who meets them: what, where, whose
// and the next command.
func FaultText(s Style, list fault.List) string {
	var b strings.Builder
	for _, f := range list {
		fmt.Fprintf(&b, "%s %s\n", s.Paint(Bad, "error"), s.Paint(Strong, f.Code))
		if f.Where != "" {
			fmt.Fprintf(&b, "  %s %s\n", s.Paint(Faint, "at  "), f.Where)
		}
		text := f.Msg
		if f.Err != nil {
			text += ": " + f.Err.Error()
		}
		for i, line := range wrap(text, s.width()-7) {
			label := "what"
			if i > 0 {
				label = "    "
			}
			fmt.Fprintf(&b, "  %s %s\n", s.Paint(Faint, label), line)
		}
		if f.Whose != "" {
			fmt.Fprintf(&b, "  %s %s\n", s.Paint(Faint, "who "), string(f.Whose))
		}
		next := f.Hint
		if next == "" {
			next = "exposync explain " + f.Code
		}
		for i, line := range wrap(next, s.width()-7) {
			label := "next"
			if i > 0 {
				label = "    "
			}
			fmt.Fprintf(&b, "  %s %s\n", s.Paint(Faint, label), line)
		}
	}
	return b.String()
}

// FaultJSON is one fault for programs.
type FaultJSON struct {
	Code  string `json:"code"`
	Where string `json:"where,omitempty"`
	Whose string `json:"whose,omitempty"`
	What  string `json:"message"`
	Next  string `json:"next,omitempty"`
}

// FaultsJSON gives faults for programs; never nil.
func FaultsJSON(list fault.List) []FaultJSON {
	out := make([]FaultJSON, 0, len(list))
	for _, f := range list {
		text := f.Msg
		if f.Err != nil {
			text += ": " + f.Err.Error()
		}
		out = append(out, FaultJSON{Code: f.Code, Where: f.Where, Whose: string(f.Whose), What: text, Next: f.Hint})
	}
	return out
}
