package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"exposync/internal/fault"
)

// FaultText draws faults for the person who meets them: what, where, whose
// and the next command.
func FaultText(s Style, list fault.List) string { return faultText(s, FaultsJSON(list)) }

func faultText(s Style, list []FaultJSON) string {
	var b strings.Builder
	for _, f := range list {
		fmt.Fprintf(&b, "%s %s\n", s.Paint(Bad, "error"), s.Paint(Strong, f.Code))
		labelled(&b, s, "at", f.Where)
		labelled(&b, s, "what", f.What)
		labelled(&b, s, "who", f.Whose)
		labelled(&b, s, "next", cmp.Or(f.Next, "exposync explain "+f.Code))
	}
	return b.String()
}

// labelled draws one fact about a fault, wrapped; a driver that tried two ways
// says the same twice, which is said once.
func labelled(b *strings.Builder, s Style, label, text string) {
	if text == "" {
		return
	}
	for _, line := range distinct(wrap(text, s.width()-7)) {
		fmt.Fprintf(b, "  %s %s\n", s.Paint(Faint, fmt.Sprintf("%-4s", label)), line)
		label = ""
	}
}

// distinct leaves out lines that stand above already.
func distinct(lines []string) []string {
	seen := map[string]bool{}
	return slices.DeleteFunc(lines, func(line string) bool {
		was := seen[line]
		seen[line] = true
		return was
	})
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
