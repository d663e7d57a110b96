package report

import (
	"html"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text of others (names, values, reasons of destinations) may hold anything.
// In Markdown it stands in code, where nothing is a mention, a link or markup,
// and in prose only as far as its words are harmless.

// mdRunes is the most that one text takes.
const mdRunes = 400

// mdCode is a text as inline code, on one line; empty for an empty one.
func mdCode(text string) string {
	text = strings.ReplaceAll(oneLine(text), "|", "¦") // a table would take it for the end of a cell
	if text == "" {
		return ""
	}
	fence := strings.Repeat("`", longestRun(text, '`')+1)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return fence + text + fence
}

// mdProse is a sentence: what stands between backticks is code, and so is
// every word that could mean something else than itself.
func mdProse(text string) string {
	text = oneLine(text)
	parts := strings.Split(text, "`")
	if !quoted(parts) {
		parts = []string{text}
	}
	var b strings.Builder
	for i, part := range parts {
		if i%2 == 1 {
			b.WriteString(mdCode(part))
			continue
		}
		for j, word := range strings.Split(part, " ") {
			if j > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(mdWord(word))
		}
	}
	return b.String()
}

// quoted reports whether the second, fourth, … part of a sentence stand
// between backticks as our own sentences have them: words of their own.
func quoted(parts []string) bool {
	for i := 1; i < len(parts); i += 2 {
		before, after := parts[i-1], ""
		if i+1 < len(parts) {
			after = parts[i+1]
		}
		if before != "" && !strings.ContainsRune(" (", rune(before[len(before)-1])) || after != "" && !strings.ContainsRune(" .,;:)", rune(after[0])) {
			return false
		}
	}
	return len(parts)%2 == 1
}

// mdBegins is what begins a list, or makes a heading of the line before, where
// it stands first.
var mdBegins = regexp.MustCompile(`^(?:[-+=]+|\d{1,9}[.)])(?: |$)`)

// mdParagraphs is a text as paragraphs, one a line.
func mdParagraphs(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(mdProse(line))
		if first := strings.TrimSpace(mdBegins.FindString(lines[i])); first != "" {
			lines[i] = mdCode(first) + lines[i][len(first):]
		}
	}
	return strings.Join(lines, "\n\n")
}

func mdWord(word string) string {
	if harmless(word) {
		return word
	}
	core := strings.TrimRight(word, ".,;:)?\"'")
	head := len(core) - len(strings.TrimLeft(core, "(\"'"))
	if core[head:] == "" {
		return word
	}
	return core[:head] + mdCode(core[head:]) + word[len(core):]
}

// harmless reports whether a word is nothing but itself in GitHub's Markdown.
func harmless(word string) bool {
	lower := strings.ToLower(word)
	if strings.Contains(lower, "www.") || strings.Contains(lower, "gh-") {
		return false
	}
	if at := strings.IndexByte(word, ':'); at >= 0 && at < len(strings.TrimRight(word, ".,;)?\"'"))-1 {
		return false // :emoji:, scheme://…
	}
	return strings.IndexFunc(word, func(c rune) bool {
		return !unicode.IsLetter(c) && !unicode.IsDigit(c) && !strings.ContainsRune(".,;:'\"()%/+-=?…‹›", c)
	}) < 0
}

// mdHTML is a text as code within HTML.
func mdHTML(text string) string {
	return "<code>" + html.EscapeString(oneLine(text)) + "</code>"
}

// mdBlock is lines as a block of code that none of them can end.
func mdBlock(lines []string) string {
	text := strings.Join(lines, "\n")
	fence := strings.Repeat("`", max(3, longestRun(text, '`')+1))
	return fence + "text\n" + text + "\n" + fence + "\n"
}

// oneLine takes out what does not print, and the midst of what is too long.
func oneLine(text string) string {
	text = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) || c == utf8.RuneError {
			return ' '
		}
		return c
	}, text)
	return middle(strings.Join(strings.Fields(text), " "), mdRunes)
}

// middle cuts a text in the middle, so that both of its ends can be told.
func middle(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	head := (most - 1) / 2
	return string(runes[:head]) + "…" + string(runes[len(runes)-(most-1-head):])
}

func longestRun(text string, c rune) int {
	longest, run := 0, 0
	for _, r := range text {
		run++
		if r != c {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}
