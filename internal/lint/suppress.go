package lint

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"exposync/internal/coverage"
	"exposync/internal/fault"
	"exposync/internal/plan"
	"exposync/internal/yamlx"
)

// suppressRules are about `ignore:` itself: one that does not count is told,
// so that nobody relies on it.
func suppressRules() []Rule {
	return []Rule{
		{Code: "ignore_expired", Severity: plan.SeverityWarning, check: checkIgnores("ignore_expired")},
		{Code: "ignore_unknown", Severity: plan.SeverityWarning, check: checkIgnores("ignore_unknown")},
		{Code: "ignore_no_reason", Severity: plan.SeverityWarning, check: checkIgnores("ignore_no_reason")},
	}
}

// ignores are what somebody decided to live with, by whom it is about.
func (p *project) ignores() map[string][]coverage.Ignore {
	if p.letGo != nil {
		return p.letGo
	}
	out := map[string][]coverage.Ignore{}
	p.letGo = out
	for _, x := range p.exposures {
		out[x.id] = readIgnores(x.block().Get("ignore"), x.finding("", "").File)
	}
	if p.in.Project != nil {
		for id, n := range p.in.Project.Nodes {
			if len(n.Meta) > 0 {
				meta, _ := yamlx.ParseJSON(n.Meta) // the manifest is valid JSON
				out[id] = readIgnores(meta.At("exposync", "ignore"), n.Path)
			}
		}
	}
	for name, m := range p.models {
		for _, at := range blockPaths() {
			if list := m.item.At(at...).Get("ignore"); list != nil {
				out[p.modelID(name)] = readIgnores(list, m.doc.path)
			}
		}
	}
	return out
}

// letPass takes out the findings that somebody gave a reason for: in meta of
// what they are about, or in a comment on their line or the one above.
func (p *project) letPass(all []Finding) (rest []Finding, ignored int) {
	ignores := p.ignores()
	rest = slices.DeleteFunc(all, func(f Finding) bool {
		counts := func(i coverage.Ignore) bool { return i.Check == f.Code && i.Holds(p.in.Now) }
		return slices.ContainsFunc(ignores[f.Subject], counts) || p.commented(f)
	})
	return rest, len(all) - len(rest)
}

var ignoreComment = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?:#|--)[ \t]*exposync:[ \t]*ignore[ \t]+([a-z0-9_]+)([ \t]+(?:[^\s#]|#[^\s}]))?`)
})

// commented reports whether a comment with a reason lets the finding pass.
func (p *project) commented(f Finding) bool {
	text, ok := p.in.Files[f.File]
	if !ok || f.Line == 0 {
		return false
	}
	for _, line := range []int{f.Line, f.Line - 1} {
		if line < 1 {
			continue
		}
		written := lineOfText(text, line)
		if line < f.Line && !onlyComment(written) && strings.HasPrefix(strings.TrimSpace(lineOfText(text, f.Line)), "- ") {
			continue // it is about the item before
		}
		m := ignoreComment().FindStringSubmatch(written)
		if m != nil && m[1] == f.Code && m[2] != "" {
			return true
		}
	}
	return false
}

// onlyComment reports whether there is nothing but a comment on a line.
func onlyComment(line string) bool {
	line = strings.TrimSpace(line)
	return slices.ContainsFunc([]string{"#", "--", "{#"}, func(mark string) bool { return strings.HasPrefix(line, mark) })
}

// lineOfText is a line of a file, 1-based, without its end.
func lineOfText(text []byte, line int) string {
	rest, _, _ := strings.Cut(string(text[yamlx.Offset(text, line, 1):]), "\n")
	return rest
}

// checkIgnores finds the entries of ignore: that do not count, for one of the
// reasons.
func checkIgnores(code string) func(*project) []Finding {
	return func(p *project) []Finding {
		var out []Finding
		ignores := p.ignores()
		for _, subject := range sortedKeys(ignores) {
			for _, i := range ignores[subject] {
				var message, fix string
				switch {
				case code == "ignore_no_reason" && i.Reason == "":
					message, fix = "ignore: "+i.Check+" has no reason, so it does not count", "add reason: why this is fine here"
				case code == "ignore_unknown" && i.Check != "" && !known(i.Check):
					message, fix = "ignore: there is no check "+i.Check+meant(i.Check), "exposync lint --list"
				case code == "ignore_expired" && i.Reason != "" && !i.Holds(p.in.Now):
					message, fix = "ignore: "+i.Check+" was for a while that is over", "mend what it is about, or give it another day"
				default:
					continue
				}
				f := p.about(subject, message, fix)
				f.Column = i.Check
				out = append(out, f)
			}
		}
		return append(out, p.badComments(code)...)
	}
}

// badComments finds the comments that let nothing pass: without a reason, or
// of a check that there is not.
func (p *project) badComments(code string) []Finding {
	var out []Finding
	for _, file := range sortedKeys(p.in.Files) {
		text := p.in.Files[file]
		for _, at := range ignoreComment().FindAllSubmatchIndex(text, -1) {
			check := string(text[at[2]:at[3]])
			f := Finding{Finding: plan.Finding{Subject: file, File: file, Column: check}}
			_, explained := fault.Explain(check) // sync_invalid passes on the codes of others
			switch there := explained || known(check); {
			case code == "ignore_no_reason" && there && at[4] < 0:
				f.Message, f.Fix = "the comment gives no reason to ignore "+check+", so it does not count", "# exposync: ignore "+check+" why this is fine here"
			case code == "ignore_unknown" && !there:
				f.Message, f.Fix = "the comment ignores "+check+", and there is no such check"+meant(check), "exposync lint --list"
			default:
				continue
			}
			f.Line, f.Col = yamlx.Position(text, at[0])
			out = append(out, f)
		}
	}
	return out
}

func known(check string) bool {
	return slices.Contains(coverage.Names(), check) || slices.Contains(Codes(), check)
}
