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
		for _, line := range pageLines(part, width) {
			b.WriteString(strings.TrimRight("  "+line, " ") + "\n")
		}
	}
	return b.String()
}

// pageLines wraps a text. A line that is set off by four spaces is an example
// and stays as it is.
func pageLines(text string, width int) []string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, "    ") {
			out = append(out, line)
			continue
		}
		out = append(out, wrap(line, width)...)
	}
	return out
}

// CodesText lists every code with its title.
func CodesText(s Style) string {
	codes := fault.Codes()
	widest := 0
	for _, code := range codes {
		widest = max(widest, len(code))
	}
	var b strings.Builder
	b.WriteString(s.Paint(Faint, fmt.Sprintf("%-*s  meaning", widest, "code")) + "\n")
	for _, code := range codes {
		page, _ := fault.Explain(code)
		for _, line := range wrap(page.Title, s.width()-widest-2) {
			fmt.Fprintf(&b, "%-*s  %s\n", widest, code, line)
			code = ""
		}
	}
	return b.String()
}

// PageJSON is the page of one code for programs.
type PageJSON struct {
	Code  string `json:"code"`
	Title string `json:"title"`
	Means string `json:"means"`
	Next  string `json:"next"`
}

// Page is the page of a code for programs; ok is false for one that is none.
func Page(code string) (doc PageJSON, ok bool) {
	p, ok := fault.Explain(code)
	return PageJSON{Code: code, Title: p.Title, Means: p.Means, Next: p.Next}, ok
}

// Pages is every code: `exposync explain --output json`.
type Pages struct {
	Codes []PageJSON `json:"codes"`
}

// AllPages are the pages of all codes.
func AllPages() Pages {
	doc := Pages{Codes: []PageJSON{}}
	for _, code := range fault.Codes() {
		page, _ := Page(code)
		doc.Codes = append(doc.Codes, page)
	}
	return doc
}
