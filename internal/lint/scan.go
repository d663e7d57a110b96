package lint

import (
	"regexp"
	"strings"
	"sync"

	"exposync/internal/yamlx"
)

// scan looks through the lines of a text that is no YAML for the mistakes that
// are made most, all at once: a parser tells one at a time, and often the line
// before.
func scan(text []byte) []mend {
	lines := split(text)
	mends := scanTabs(lines)
	for _, l := range lines {
		if m, ok := l.quotes(); ok {
			mends = append(mends, m)
		} else if m, ok := l.channel(); ok {
			mends = append(mends, m)
		}
	}
	return mends
}

// linePatterns are the shapes of lines.
type linePatterns struct{ header, entry, remark, channel, trailing *regexp.Regexp }

var patterns = sync.OnceValue(func() linePatterns {
	return linePatterns{
		header:   regexp.MustCompile(`(?:^|[:\-]|\s)\s*[|>][-+0-9]*\s*(?:#.*)?$`),
		entry:    regexp.MustCompile(`^[ \t]*(?:- +)*(?:[^\s#'"{}\[\],&*!|>%@` + "`" + `][^:#]*?:[ \t]+)?`),
		remark:   regexp.MustCompile(`^\s+#`),
		channel:  regexp.MustCompile(`[:,\[]\s+(#[A-Za-z0-9][\w-]*)`),
		trailing: regexp.MustCompile(`\s+#[^{}]*$`),
	}
})

// line is one line of a text.
type line struct {
	start   int // byte of the text
	text    string
	spaces  int  // that it begins with
	tabs    bool // there is one in its indentation, where YAML allows none
	literal bool // part of a text in block style
}

// content is where the line's text begins, behind tabs, too.
func (l line) content() int { return len(l.text) - len(strings.TrimLeft(l.text, " \t")) }

// split takes a text apart, and marks what a block of text (| or >) holds:
// there, nothing is a mistake.
func split(text []byte) []line {
	header := patterns().header
	var out []line
	at, block := 0, -1 // indentation of the block's header
	for raw := range strings.SplitAfterSeq(strings.TrimPrefix(string(text), "\ufeff"), "\n") {
		l := line{start: at + len(text) - len(strings.TrimPrefix(string(text), "\ufeff")), text: strings.TrimRight(raw, "\r\n")}
		at += len(raw)
		l.spaces = len(l.text) - len(strings.TrimLeft(l.text, " "))
		blank := strings.TrimSpace(l.text) == ""
		if block >= 0 && (blank || l.spaces > block) {
			l.literal = true
		} else if !blank {
			block = -1
			l.tabs = strings.Contains(l.text[:l.content()], "\t")
			if header.MatchString(l.text) && !strings.HasPrefix(l.text[l.content():], "#") {
				block = l.spaces
			}
		}
		out = append(out, l)
	}
	return out
}

// scanTabs replaces the tabs of indentations. How wide they are is the first
// of some widths with which what stands below a key is indented further.
func scanTabs(lines []line) []mend {
	for _, width := range []int{4, 2, 8, 3, 6} {
		if mends := tabMends(lines, width); len(mends) == 0 || fits(lines, width) {
			return mends
		}
	}
	return tabMends(lines, 4)
}

func tabMends(lines []line, width int) []mend {
	var out []mend
	for _, l := range lines {
		if !l.tabs {
			continue
		}
		out = append(out, mend{
			code: "yaml_tab", at: l.start + strings.Index(l.text, "\t"), message: "the line is indented with a tab, which YAML does not allow",
			edits: []yamlx.Edit{{Start: l.start, End: l.start + l.content(), New: strings.Repeat(" ", l.depth(width))}},
		})
	}
	return out
}

// depth is how far a line is indented if tabs are that wide.
func (l line) depth(width int) int {
	depth := 0
	for _, c := range l.text[:l.content()] {
		if c == '\t' {
			depth += width - depth%width
		} else {
			depth++
		}
	}
	return depth
}

// fits reports whether every line with a tab stands below the key that it
// follows.
func fits(lines []line, width int) bool {
	last := line{}
	for _, l := range lines {
		text := strings.TrimSpace(l.text)
		if text == "" || text[0] == '#' || l.literal {
			continue
		}
		above := strings.TrimSpace(last.text)
		if l.tabs && strings.HasSuffix(above, ":") {
			least := last.depth(width)
			if strings.HasPrefix(above, "- ") {
				least += 2
			}
			if l.depth(width) <= least && !strings.HasPrefix(text, "- ") {
				return false
			}
		}
		last = l
	}
	return true
}

// entry is the value of a line's key, or of a list's item.
func (l line) entry() (value string, at int, ok bool) {
	m := patterns().entry.FindString(l.text)
	if l.literal || strings.TrimSpace(m) == "" {
		return "", 0, false
	}
	return l.text[len(m):], l.start + len(m), true
}

// quotes finds a value whose quotes end too early, and Jinja without any.
func (l line) quotes() (mend, bool) {
	value, at, ok := l.entry()
	if !ok || value == "" || !strings.ContainsAny(value[:1], `'"{`) || reads(value) {
		return mend{}, false
	}
	if strings.HasPrefix(value, "{{") || strings.HasPrefix(value, "{%") {
		inner, rest := cutComment(value)
		if quoted := yamlx.Quote(inner); reads(quoted + rest) {
			return mend{
				code: "yaml_jinja", at: at, message: "Jinja without quotes around it: YAML takes the braces for a map",
				edits: []yamlx.Edit{{Start: at, End: at + len(inner), New: quoted}},
			}, true
		}
		return mend{}, false
	}
	q := value[0]
	if q != '\'' && q != '"' {
		return mend{}, false
	}
	for end := len(value) - 1; end > 0; end-- {
		if value[end] != q {
			continue
		}
		inner, rest := value[1:end], value[end+1:]
		if !strings.ContainsRune(inner, rune(q)) || strings.TrimSpace(rest) != "" && !patterns().remark.MatchString(rest) {
			continue
		}
		quoted := yamlx.Quote(inner)
		if !reads(quoted + rest) {
			continue
		}
		return mend{
			code: "yaml_quotes", at: at, message: string(q) + " within a text in " + string(q) + ": the text ends at the second one",
			edits: []yamlx.Edit{{Start: at, End: at + end + 1, New: quoted}},
		}, true
	}
	return mend{}, false
}

// channel finds the name of a channel within braces: without quotes it begins
// a comment, which takes the closing brace along.
func (l line) channel() (mend, bool) {
	value, at, ok := l.entry()
	if !ok || value == "" || value[0] != '{' && value[0] != '[' || !strings.Contains(value, " #") || reads(value) {
		return mend{}, false
	}
	found := patterns().channel.FindAllStringSubmatchIndex(value, -1)
	var edits []yamlx.Edit
	for _, m := range found {
		edits = append(edits, yamlx.Edit{Start: m[2], End: m[3], New: `"` + value[m[2]:m[3]] + `"`})
	}
	mended, err := yamlx.Splice([]byte(value), edits)
	if len(edits) == 0 || err != nil || !reads(string(mended)) {
		return mend{}, false
	}
	first := at + edits[0].Start
	for i := range edits {
		edits[i].Start, edits[i].End = edits[i].Start+at, edits[i].End+at
	}
	return mend{code: "yaml_comment", at: first, message: commentMessage(value[found[0][2]:found[0][3]]), edits: edits}, true
}

func commentMessage(word string) string {
	return word + " without quotes is a comment: nothing is left of it"
}

// reads reports whether a text is a value of YAML by itself.
func reads(value string) bool {
	_, err := yamlx.Parse("", []byte("x: "+value))
	return err == nil
}

// cutComment parts a value from the comment behind it.
func cutComment(value string) (inner, rest string) {
	if m := patterns().trailing.FindStringIndex(value); m != nil {
		return value[:m[0]], value[m[0]:]
	}
	inner = strings.TrimRight(value, " \t")
	return inner, value[len(inner):]
}
