package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"exposync/internal/plan"
	"exposync/internal/yamlx"
)

// trapRules are about values of ours in which YAML reads something else than
// what is written.
func trapRules() []Rule {
	return []Rule{
		{Code: "yaml_comment", Severity: plan.SeverityError, Fixes: true, needs: needYAML, check: checkComments},
		{Code: "yaml_word", Severity: plan.SeverityError, Fixes: true, needs: needYAML, check: trap(wordTrap)},
		{Code: "yaml_date", Severity: plan.SeverityWarning, Fixes: true, needs: needYAML, check: trap(dateTrap)},
		{Code: "yaml_number", Severity: plan.SeverityError, Fixes: true, needs: needYAML, check: trap(numberTrap)},
	}
}

// trapCodes are the rules that explain what the reader of metadata complains
// about on the same line.
func trapCodes() map[string]bool {
	return map[string]bool{"yaml_comment": true, "yaml_word": true, "yaml_date": true, "yaml_number": true}
}

// scalar is a value, or a key, below a block of ours.
type scalar struct {
	path       []string // of the value, or of the map that a key is in and the key
	text       string   // as written
	key        bool
	node       *yamlx.Node // nil for a key
	start, end int
}

// said is a scalar's trap: what is wrong, and whether quotes mend it.
type trapped struct {
	message, fix string
	quotes       bool
}

// trap checks every value and key of ours that is written without quotes.
func trap(look func(scalar) (trapped, bool)) func(*project) []Finding {
	return func(p *project) []Finding {
		var out []Finding
		p.blocks(func(b block) {
			b.scalars(func(s scalar) {
				t, ok := look(s)
				if !ok {
					return
				}
				f := b.doc.at(nil, b.subject, strings.Join(s.path, ".")+": "+t.message, t.fix)
				f.Column, f.Owner = strings.Join(s.path, "."), b.owner
				b.doc.place(&f, s.start)
				if t.quotes {
					f = b.doc.edit(f, yamlx.Edit{Start: s.start, End: s.end, New: yamlx.Quote(s.text)})
				}
				out = append(out, f)
			})
		})
		return out
	}
}

// block is an `exposync:` block in a file.
type block struct {
	doc     *doc
	subject string
	owner   string
	node    *yamlx.Node
}

// blocks visits every block of ours in the project's YAML: of exposures, of
// models and of their columns.
func (p *project) blocks(visit func(block)) {
	for _, x := range p.exposures {
		if x.yaml == nil {
			continue
		}
		for _, at := range blockPaths() {
			if n := x.yaml.item.At(at...); n != nil {
				visit(block{x.yaml.doc, x.id, x.who(), n})
			}
		}
	}
	for _, name := range sortedKeys(p.models) {
		m := p.models[name]
		for _, item := range append([]*yamlx.Node{m.item}, itemsOf(m.item.Get("columns"))...) {
			for _, at := range blockPaths() {
				if n := item.At(at...); n != nil {
					visit(block{m.doc, p.modelID(name), "", n})
				}
			}
		}
	}
}

// scalars visits what is written without quotes on one line.
func (b block) scalars(visit func(scalar)) { b.below(nil, b.node, visit) }

func (b block) below(path []string, n *yamlx.Node, visit func(scalar)) {
	if n == nil {
		return
	}
	for i, item := range n.Items {
		b.below(append(slices.Clip(path), strconv.Itoa(i)), item, visit)
	}
	for _, e := range n.Pairs {
		at := append(slices.Clip(path), e.Key)
		if e.KeyEnd > 0 && string(b.doc.read[e.KeyStart:e.KeyEnd]) == e.Key {
			visit(scalar{path: at, text: e.Key, key: true, start: e.KeyStart, end: e.KeyEnd})
		}
		b.below(at, e.Value, visit)
	}
	if n.End == 0 || len(n.Items)+len(n.Pairs) > 0 {
		return
	}
	if text := string(b.doc.read[n.Start:n.End]); text != "" && text[0] != '\'' && text[0] != '"' {
		visit(scalar{path: path, text: text, node: n, start: n.Start, end: n.End})
	}
}

// named reports whether a key is a name of somebody else's and no word of ours:
// it stands in one of the maps whose keys are fields or syncs.
func (s scalar) named() bool {
	return s.key && len(s.path) > 1 && slices.Contains([]string{"fields", "key", "object", "syncs"}, s.path[len(s.path)-2])
}

// last is the key that a value stands at; for an item of a list that of the list.
func (s scalar) last() string {
	for _, key := range slices.Backward(s.path) {
		if _, err := strconv.Atoi(key); err != nil {
			return key
		}
	}
	return ""
}

// booleans are the keys of ours that take true or false.
func booleans() []string {
	return []string{"allow_failed_ancestors", "skip_if_unchanged", "require", "trigger_urls", "mask"}
}

// durations are the keys of ours that take a duration, or a number of steps.
func durations() []string {
	return []string{"every", "sla", "max_age", "full_read", "lookback", "timeout", "until_after", "late_after"}
}

func wordTrap(s scalar) (trapped, bool) {
	word := strings.ToLower(s.text)
	nothing := slices.Contains([]string{"null", "~"}, word)
	truth := slices.Contains([]string{"yes", "on"}, word)
	if !nothing && !truth && !slices.Contains([]string{"no", "off"}, word) {
		return trapped{}, false
	}
	reads := map[bool]string{true: "true", false: "false"}[truth]
	if nothing {
		reads = "nothing"
	}
	if s.key {
		if nothing || !s.named() {
			return trapped{}, false
		}
		return trapped{message: "YAML 1.1, which dbt reads, takes the unquoted " + s.text + " for " + reads + ", so there is no such field", fix: `write "` + s.text + `"`, quotes: true}, true
	}
	inNames := slices.Contains(s.path, "fields") || slices.Contains(s.path, "key")
	if slices.Contains(booleans(), s.last()) || nothing && !inNames {
		return trapped{}, false
	}
	if nothing && s.last() == "value" {
		return trapped{}, false // the reader of metadata says that a constant is empty
	}
	return trapped{message: "YAML 1.1, which dbt reads, takes the unquoted " + s.text + " for " + reads, fix: `write "` + s.text + `" for the text, or ` + reads, quotes: true}, true
}

// trapPatterns are the shapes that YAML 1.1 knows and YAML 1.2 does not.
type trapPatterns struct{ date, sixty, octal, other *regexp.Regexp }

var traps = sync.OnceValue(func() trapPatterns {
	return trapPatterns{
		date:  regexp.MustCompile(`^\d{4}-\d\d?-\d\d?(?:[Tt ]\s*\d\d?:\d\d:\d\d.*)?$`),
		sixty: regexp.MustCompile(`^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+$`),
		octal: regexp.MustCompile(`^[-+]?0[0-7_]+$`),
		other: regexp.MustCompile(`^[-+]?(?:0x[0-9a-fA-F_]+|0b[01_]+|[1-9][0-9]*_[0-9_]*)$`),
	}
})

func dateTrap(s scalar) (trapped, bool) {
	if s.key || !traps().date.MatchString(s.text) {
		return trapped{}, false
	}
	return trapped{message: s.text + " without quotes is a date for YAML, not the text that is asked for here", fix: `write "` + s.text + `"`, quotes: true}, true
}

func numberTrap(s scalar) (trapped, bool) {
	t := traps()
	switch {
	case s.key:
		return trapped{}, false
	case t.sixty.MatchString(s.text):
		reads := strconv.FormatInt(baseSixty(s.text), 10)
		if slices.Contains(durations(), s.last()) {
			return trapped{message: "YAML 1.1, which dbt reads, takes " + s.text + " for the number " + reads + " (base 60)", fix: "write the unit: 1h30m, or 1m30s"}, true
		}
		return trapped{message: "YAML 1.1, which dbt reads, takes the unquoted " + s.text + " for the number " + reads + " (base 60)", fix: `write "` + s.text + `" for the text`, quotes: true}, true
	case t.octal.MatchString(s.text):
		n, _ := strconv.ParseInt(strings.ReplaceAll(s.text, "_", ""), 8, 64)
		return trapped{message: fmt.Sprintf("YAML 1.1, which dbt reads, takes the unquoted %s for the number %d (base 8)", s.text, n), fix: `write "` + s.text + `" for the text`, quotes: true}, true
	case t.other.MatchString(s.text):
		n, _ := strconv.ParseInt(s.text, 0, 64)
		return trapped{message: fmt.Sprintf("YAML takes the unquoted %s for the number %d", s.text, n), fix: fmt.Sprintf(`write "%s" for the text, or %d`, s.text, n), quotes: true}, true
	}
	return trapped{}, false
}

// baseSixty is the number that YAML 1.1 makes of 1:30.
func baseSixty(text string) int64 {
	var sum int64
	negative := strings.HasPrefix(text, "-")
	for part := range strings.SplitSeq(strings.TrimLeft(strings.ReplaceAll(text, "_", ""), "+-"), ":") {
		n, _ := strconv.ParseInt(part, 10, 64)
		sum = sum*60 + n
	}
	if negative {
		return -sum
	}
	return sum
}

// checkComments finds values of which nothing is left but a comment: the name
// of a channel without quotes, in a block of ours or at an owner.
func checkComments(p *project) []Finding {
	out := scanned("yaml_comment", `put it in quotes: "#channel"`)(p)
	visit := func(b block) {
		b.empty(nil, b.node, func(path []string, at int) {
			word := channelAt(b.doc.read, at)
			if word == "" || !toChannel(path) {
				return
			}
			start := at + strings.Index(string(b.doc.read[at:]), word)
			f := b.doc.at(nil, b.subject, strings.Join(path, ".")+": "+commentMessage(word), `write "`+word+`"`)
			f.Column, f.Owner = strings.Join(path, "."), b.owner
			b.doc.place(&f, start)
			out = append(out, b.doc.edit(f, yamlx.Edit{Start: start, End: start + len(word), New: `"` + word + `"`}))
		})
	}
	p.blocks(visit)
	for _, x := range p.exposures {
		if x.yaml == nil {
			continue
		}
		for _, at := range [][]string{{"owner"}, {"meta"}, {"config", "meta"}} {
			if n := x.yaml.item.At(at...); n != nil && n.Get("exposync") == nil {
				visit(block{x.yaml.doc, x.id, x.who(), n})
			}
		}
	}
	return out
}

// toChannel reports whether a value is one that names a channel; elsewhere
// #todo behind a key is just a comment.
func toChannel(path []string) bool {
	return slices.ContainsFunc(path, func(key string) bool {
		return slices.ContainsFunc([]string{"slack", "channel", "notify", "alert", "teams", "discord", "mattermost"}, func(word string) bool {
			return strings.Contains(strings.ToLower(key), word)
		})
	})
}

// empty visits values that are not there, with the byte behind their key, or
// behind the dash of an item.
func (b block) empty(path []string, n *yamlx.Node, visit func(path []string, at int)) {
	for i, item := range n.Items {
		at := append(slices.Clip(path), strconv.Itoa(i))
		if item.Kind == yamlx.Null && item.End == 0 && !n.Flow {
			visit(at, item.Start)
			continue
		}
		b.empty(at, item, visit)
	}
	for _, e := range n.Pairs {
		at := append(slices.Clip(path), e.Key)
		if e.Value.Kind == yamlx.Null && e.Value.End == 0 && e.KeyEnd > 0 && !n.Flow {
			visit(at, e.KeyEnd)
			continue
		}
		b.empty(at, e.Value, visit)
	}
}

// channelAt is the word with a # that is all of the rest of a line.
func channelAt(text []byte, at int) string {
	rest, _, _ := strings.Cut(string(text[at:]), "\n")
	rest = strings.TrimLeft(strings.TrimSpace(rest), ":- ")
	if m := channelWord().FindString(rest); m == rest {
		return m
	}
	return ""
}

var channelWord = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^#[A-Za-z0-9][\w-]*`) })
