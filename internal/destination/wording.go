package destination

import "strings"

// WithoutValues replaces a record's own values in a text that somebody else
// wrote, a trigger for instance. Short ones only where they stand alone, so
// that words stay readable.
func WithoutValues(text string, values []string) string {
	for _, v := range values {
		if v == "" {
			continue
		}
		from := 0
		for {
			at := strings.Index(text[from:], v)
			if at < 0 {
				break
			}
			at += from
			end := at + len(v)
			if len(v) >= 4 || alone(text, at, end) {
				text = text[:at] + "…" + text[end:]
				from = at + len("…")
				continue
			}
			from = end
		}
	}
	return text
}

func alone(text string, start, end int) bool {
	word := func(i int) bool {
		if i < 0 || i >= len(text) {
			return false
		}
		c := text[i]
		return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
	}
	return !word(start-1) && !word(end)
}
