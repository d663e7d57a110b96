package report

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"exposync/internal/plan"
)

// samplesText draws sample records below a plan.
func samplesText(s Style, samples plan.Samples) string {
	if len(samples.Records) == 0 {
		return ""
	}
	head := "samples"
	if samples.Before != "" {
		head += "; before: " + samples.Before
	}
	var b strings.Builder
	b.WriteString(s.item(2, Faint, head))
	for _, r := range samples.Records {
		sign, role := sampleSign(r.Op)
		b.WriteString(s.item(4, role, sign+" "+r.Op+" "+keyText(r.Key)+aside(r)))
		widest := 0
		for _, c := range r.Fields {
			widest = max(widest, min(utf8.RuneCountInString(c.Field), 24))
		}
		for _, c := range r.Fields {
			b.WriteString(s.cell(c, widest))
		}
	}
	return b.String()
}

// cell draws one field; what is too long goes on in a line of its own.
func (s Style) cell(c plan.Cell, widest int) string {
	pad := strings.Repeat(" ", max(widest-utf8.RuneCountInString(c.Field), 0))
	text, rest := change(c), ""
	if 8+utf8.RuneCountInString(c.Field+pad+text)+2 > s.width() && c.Before != "" && c.After != "" {
		text, rest = c.Before, strings.Repeat(" ", 8+widest+2)+"-> "+c.After+"\n"
	}
	return fmt.Sprintf("        %s%s  %s\n%s", c.Field, pad, text, rest)
}

// change is a field's value: before -> after where both are known.
func change(c plan.Cell) string {
	if c.Before != "" && c.After != "" {
		return c.Before + " -> " + c.After
	}
	return c.Before + c.After
}

func sampleSign(op string) (string, Role) {
	switch op {
	case "create":
		return "+", Good
	case "update":
		return "~", Warn
	}
	return "-", Bad
}

func keyText(key []plan.Cell) string {
	parts := make([]string, len(key))
	for i, c := range key {
		parts[i] = c.Field + " " + c.After
	}
	return strings.Join(parts, ", ")
}

// aside is what is to be said about a record beside its values.
func aside(r plan.Sample) string {
	switch {
	case r.Missing:
		return " (not there)"
	case r.Known && r.Op == "update" && len(r.Fields) == 0:
		return " (nothing differs there)"
	}
	return ""
}
