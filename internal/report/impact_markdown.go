package report

import (
	"fmt"
	"slices"
	"strings"

	"exposync/internal/impact"
)

// ImpactMarkdown draws an impact as the comment of a pull request: breaking
// changes in full, a table of the exposures, and what reaches each folded below
// it. Its first line, which does not show, is the same for every impact of a
// project. Text of others stands in code, owners too, unless mention asks for
// those that are written as @somebody to be told.
func ImpactMarkdown(doc Impact, mention bool) string {
	i := doc.Impact
	var b strings.Builder
	fmt.Fprintf(&b, "<!-- exposync:impact %s -->\n### Exposync impact: %s%s\n", mdMark(doc.Project), impactHead(i), impactReach(i))
	if owners := mdOwners(i.Totals().Owners, mention); owners != "" {
		b.WriteString("\n" + owners + "\n")
	}
	rows, left := mdImpactRows(i, mention)
	b.WriteString(rows)
	if left > 0 {
		fmt.Fprintf(&b, "\nand %s\n", Count(int64(left), "more exposure"))
	}
	foot := mdImpactFoot(doc)
	room, left := mdLimit-b.Len()-len(foot)-200, 0
	for n, x := range matters(i) {
		if room < mdLeast || left == mdTries {
			left += len(matters(i)) - n
			break
		}
		text := mdReached(i, x)
		if len(text) > room {
			left++
			continue
		}
		room -= len(text)
		b.WriteString(text)
	}
	if left > 0 {
		fmt.Fprintf(&b, "\nand details of %s: `exposync impact` shows them\n", Count(int64(left), "more exposure"))
	}
	b.WriteString(foot)
	return b.String()
}

// matters are the exposures that something breaking or risky reaches.
func matters(i impact.Impact) []impact.Reached {
	return slices.DeleteFunc(slices.Clone(i.Exposures), func(x impact.Reached) bool { return x.Severity == impact.Safe })
}

func mdOwners(owners []string, mention bool) string {
	if len(owners) == 0 {
		return ""
	}
	var out []string
	for n, o := range owners {
		if n == mdItems {
			out = append(out, fmt.Sprintf("and %d more", len(owners)-n))
			break
		}
		out = append(out, mdOwner(o, mention))
	}
	return "owners: " + strings.Join(out, ", ")
}

// mdOwner is an owner as text. Only one that is written as GitHub spells a
// user or a team is ever mentioned, and only where that was asked for.
func mdOwner(owner string, mention bool) string {
	if mention && githubName(owner) {
		return owner
	}
	return mdCode(owner)
}

// githubName reports whether a text is @user or @organisation/team.
func githubName(text string) bool {
	name, ok := strings.CutPrefix(text, "@")
	if !ok || name == "" || len(name) > 100 || strings.Count(name, "/") > 1 {
		return false
	}
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_/") == "" &&
		!strings.HasPrefix(name, "/") && !strings.HasSuffix(name, "/")
}

// mdImpactRows is the table of exposures, and how many it leaves out.
func mdImpactRows(i impact.Impact, mention bool) (table string, left int) {
	list := matters(i)
	if len(list) == 0 {
		return "", 0
	}
	var b strings.Builder
	b.WriteString("\n| exposure | owner | breaking | risky | fields |\n| --- | --- | ---: | ---: | --- |\n")
	for _, x := range list {
		count, fields := mdImpactSums(i, x)
		owner := ""
		if x.Owner != "" {
			owner = mdOwner(x.Owner, mention)
		}
		row := fmt.Sprintf("| %s | %s | %d | %d | %s |\n", mdCode(x.Name), owner, count[impact.Breaking], count[impact.Risky], mdCodes(fields))
		if b.Len()+len(row) > mdTable {
			left++
			continue
		}
		b.WriteString(row)
	}
	return b.String(), left
}

// mdImpactSums counts what reaches an exposure, and lists the fields of what is
// more than safe.
func mdImpactSums(i impact.Impact, x impact.Reached) (count map[impact.Severity]int, fields []string) {
	count = map[impact.Severity]int{}
	for _, n := range x.Changes {
		reaches := reachesOf(i.Changes[n], x.ID)
		count[reaches[0].Severity]++
		for _, r := range reaches {
			for _, f := range r.Fields {
				if r.Severity != impact.Safe && !slices.Contains(fields, f) {
					fields = append(fields, f)
				}
			}
		}
	}
	return count, fields
}

// mdReached is what reaches one exposure, folded unless it breaks something.
func mdReached(i impact.Impact, x impact.Reached) string {
	open, items, left := "", []string{}, 0
	if x.Severity == impact.Breaking {
		open = " open"
	}
	count := map[impact.Severity]int{}
	for _, n := range x.Changes {
		c := i.Changes[n]
		reaches := reachesOf(c, x.ID)
		count[reaches[0].Severity]++
		switch {
		case reaches[0].Severity == impact.Safe:
		case len(items) == mdItems:
			left++
		default:
			items = append(items, mdChange(c, reaches))
		}
	}
	var parts []string
	for _, s := range impact.Severities() {
		if count[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[s], s))
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n<details%s>\n<summary>%s %s</summary>\n\n", open, mdHTML(x.Name), strings.Join(parts, ", "))
	for _, item := range items {
		b.WriteString("- " + item + "\n")
	}
	if left > 0 {
		fmt.Fprintf(&b, "- and %d more\n", left)
	}
	if x.Next != "" {
		b.WriteString("\nnext: " + mdNext(x.Next) + "\n")
	}
	b.WriteString("\n</details>\n")
	return b.String()
}

// mdChange is one change with its ways to one exposure.
func mdChange(c impact.Change, reaches []impact.Reach) string {
	at := ""
	if c.File != "" {
		at = " at " + mdCode(place(c.File, c.Line))
	}
	lines := []string{fmt.Sprintf("**%s** %s: %s%s", reaches[0].Severity, mdCode(string(c.Kind)), mdProse(c.Message), at)}
	for n, r := range reaches {
		if n == mdItems {
			lines = append(lines, fmt.Sprintf("  - and %d more syncs", len(reaches)-n))
			break
		}
		if text, path := reachText(c, r); text != "" {
			lines = append(lines, strings.TrimRight("  - to: "+mdProse(text)+" "+mdCode(path), " "))
		}
	}
	return strings.Join(append(lines, "  - why: "+mdProse(reaches[0].Why)), "\n")
}

func mdImpactFoot(doc Impact) string {
	var b strings.Builder
	if len(doc.Notes) > 0 {
		b.WriteString("\n")
		lines := make([]string, len(doc.Notes))
		for i, n := range doc.Notes {
			lines[i] = "note: " + mdProse(n)
		}
		b.WriteString(mdList(lines))
	}
	fmt.Fprintf(&b, "\n---\nbefore %s of dbt %s · after %s of dbt %s · exposync %s\n",
		mdCode(doc.Before.GeneratedAt), mdCode(doc.Before.DBTVersion), mdCode(doc.After.GeneratedAt), mdCode(doc.After.DBTVersion), mdCode(doc.Version))
	return b.String()
}
