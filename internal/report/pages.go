package report

import (
	"fmt"
	"strings"

	"exposync/internal/fault"
)

// PageText draws the page of one code.
func PageText(s Style, code string, p fault.Page) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n", s.Paint(Strong, code), p.Title)
	width := min(s.width(), 100) - 2
	for _, part := range []string{p.Means, p.Next} {
		if part == "" {
			continue
		}
		b.WriteString("\n")
		for _, line := range wrap(part, width) {
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}
	return b.String()
}

// CodesText lists every code with its title.
func CodesText(s Style) string {
	rows := [][]string{{"code", "meaning"}}
	for _, code := range fault.Codes() {
		page, _ := fault.Explain(code)
		rows = append(rows, []string{code, page.Title})
	}
	return table(s, rows)
}
