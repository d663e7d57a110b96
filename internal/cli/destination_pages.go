package cli

import (
	"fmt"
	"slices"
	"strings"

	"exposync/internal/destination/declared"
)

// The pages below docs/destinations are written from the descriptions
// themselves: `make docs` writes them again, and a test holds them against
// what would be written.

// indexPage lists all destinations.
func indexPage(all []declared.About) string {
	var b strings.Builder
	b.WriteString(`# Destinations

What a connection in exposync.yml can be of, and what each of them does with records.
Databases and files are written in Go ([more about them](../destinations.md)); HTTP
services are descriptions in YAML, and [yours is one file](../adding-a-destination.md):
` + "`destinations/NAME.yaml`" + ` beside exposync.yml makes a type NAME, without a new release.

| type | | modes | compare | fields checked | records a request |
|---|---|---|---|---|---|
`)
	for i := range all {
		d := &all[i]
		rows := 0
		for _, o := range d.Operations {
			rows = max(rows, o.Rows)
		}
		count := "a file"
		if rows > 0 {
			count = fmt.Sprint(rows)
		}
		fmt.Fprintf(&b, "| [%s](%s.md) | %s | %s | %s | %s | %s |\n", d.Name, d.Name, d.Title, strings.Join(d.Modes, ", "),
			yesNo(d.Reads, "yes", "no"), yesNo(d.Discovers, "yes", "no"), count)
	}
	b.WriteString(`
*Compare*: a first run can read what is there and send only what differs (` + "`first: compare`" + `).
*Fields checked*: a mapping to a field that does not exist stops before the first write.
`)
	return b.String()
}

// destinationPage is everything about one destination.
func destinationPage(d *declared.About) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n", d.Title)
	notes(&b, d)
	fmt.Fprintf(&b, "| | |\n|---|---|\n| type | `%s` |\n", d.Name)
	for _, row := range traits(d) {
		fmt.Fprintf(&b, "| %s | %s |\n", row[0], cell(row[1]))
	}
	if d.Docs != "" {
		fmt.Fprintf(&b, "| described | from <%s>, read on %s |\n", d.Docs, orDash(d.VerifiedOn))
	}
	if d.Origin == declared.BuiltIn && len(d.Auth) == 0 {
		fmt.Fprintf(&b, "| more | [destinations](../destinations.md) |\n")
	}
	paramsTable(&b, d)
	operationsTable(&b, d)
	wire(&b, d)
	rejectText(&b, d)
	answersTable(&b, d)
	return b.String()
}

// notes are the prose of a description's own comment, with the example of a
// connection in it or behind it.
func notes(b *strings.Builder, d *declared.About) {
	shown := false
	for _, n := range d.Notes {
		if n.Code {
			shown = shown || n.Text == d.Example
			fmt.Fprintf(b, "```%s\n%s\n```\n\n", yesNo(n.Text == d.Example, "yaml", ""), n.Text)
			continue
		}
		fmt.Fprintf(b, "%s\n\n", n.Text)
	}
	if !shown {
		fmt.Fprintf(b, "```yaml\n%s\n```\n\n", d.Example)
	}
}

// cell is a text in a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text)
}

func paramsTable(b *strings.Builder, d *declared.About) {
	b.WriteString("\n## Parameters of a connection\n\n| parameter | | |\n|---|---|---|\n")
	var blocks []string
	for _, p := range d.Params {
		if p.Kind == "tree" {
			blocks = append(blocks, "`"+p.Name+"`")
			continue
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", p.Name, cell(strings.TrimPrefix(paramTraits(p, ", "), ", ")), cell(p.Doc))
	}
	b.WriteString("\nSecrets are references: `{{ env_var('NAME') }}`, `file:/path` or `exec:command`.\n")
	if len(d.Auth) > 0 {
		b.WriteString("A connection may also write blocks of the description inline, in place of its own:\n" +
			"`auth`, `headers`, `check`, `discover`, `read`, `limits`, `rate`, `encode`, `ops`.\n")
	}
}

func operationsTable(b *strings.Builder, d *declared.About) {
	b.WriteString("\n## Requests\n\n| operation | holds | bytes | at a time | after an answer that got lost |\n|---|---|---|---|---|\n")
	for _, o := range d.Operations {
		size := "-"
		if o.Bytes > 0 {
			size = bytesWord(o.Bytes)
		}
		if o.RowBytes > 0 {
			size += ", a record " + bytesWord(o.RowBytes)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %d | %s |\n", operationName(o), strings.TrimSuffix(amount(o), " a request"), size, o.Concurrency,
			yesNo(o.Idempotent, "sent again", "in doubt, a person decides"))
	}
}

// wire shows what leaves.
func wire(b *strings.Builder, d *declared.About) {
	if r := d.Request; r != nil {
		fmt.Fprintf(b, "\n## On the wire\n\nOne record with mode %s, its phone cleared:\n\n```http\n%s %s\nContent-Type: %s\n\n%s\n```\n",
			d.Modes[0], r.Method, r.Path, r.Type, r.Body)
	}
	if len(d.Formats) == 0 {
		return
	}
	b.WriteString("\n| value | |")
	for _, f := range d.Formats {
		how := yesNo(len(d.Formats) > 1, strings.Join(f.Operations, ", ")+": ", "")
		fmt.Fprintf(b, " %sas %s%s |", how, f.Format, yesNo(f.Gzip, ", compressed", ""))
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(d.Formats)) + "\n")
	for i, v := range d.Formats[0].Values {
		fmt.Fprintf(b, "| %s | %s |", valueWord(v.Kind), code(v.Value))
		for _, f := range d.Formats {
			fmt.Fprintf(b, " %s |", sentWord(f.Values[i]))
		}
		b.WriteString("\n")
	}
	for _, f := range d.Formats {
		if len(f.Hashed) > 0 {
			fmt.Fprintf(b, "\nOf %s only a SHA-256 leaves.\n", strings.Join(f.Hashed, ", "))
		}
	}
}

// bytesWord is a size as people write it.
func bytesWord(n int) string {
	switch {
	case n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n%1_000_000 == 0:
		return fmt.Sprintf("%d MB", n/1_000_000)
	case n%1000 == 0:
		return fmt.Sprintf("%d kB", n/1000)
	}
	return fmt.Sprint(n)
}

func valueWord(kind string) string {
	switch kind {
	case "null":
		return "null with `nulls: clear`"
	case "absent":
		return "null with `nulls: skip`"
	}
	return kind
}

func sentWord(v declared.Wire) string {
	if v.Sent == "" {
		return v.Note
	}
	return code(v.Sent)
}

func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + cell(text) + "`"
}

func rejectText(b *strings.Builder, d *declared.About) {
	r := d.Reject
	if r == nil {
		return
	}
	fmt.Fprintf(b, "\n## What a reject looks like\n\n%s.\n\n", capital(r.Name))
	if r.Body != "" {
		status := ""
		if r.Status > 0 {
			status = fmt.Sprintf(" %d", r.Status)
		}
		fmt.Fprintf(b, "The service answers%s:\n\n```\n%s\n```\n\n", status, r.Body)
	}
	fmt.Fprintf(b, "`exposync rejects` then shows the code `%s`", r.Code)
	if len(r.Message) > 2 { // fixtures often have no real text
		fmt.Fprintf(b, " and the message\n\"%s\"", r.Message)
	}
	b.WriteString(".\nThe record stays out until it or the mapping changes, or until `exposync retry`. Values of\nrecords are taken out of messages.\n")
}

func capital(text string) string {
	return strings.ToUpper(text[:1]) + text[1:]
}

// answersTable says what every answer that is described makes of the records.
func answersTable(b *strings.Builder, d *declared.About) {
	if len(d.Answers) == 0 {
		return
	}
	b.WriteString("\n## What an answer makes of the records\n\nEach line is a test of the description (`exposync destination test " + d.Name + "`).\n\n" +
		"| operation | answer | status | records |\n|---|---|---|---|\n")
	for _, a := range d.Answers {
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", a.Operation, cell(a.Name), orDash(a.Status), cell(strings.Join(a.Records, ", ")))
	}
	states := map[string]string{
		"ok": "confirmed", "fail": "rejected", "retry": "sent again after a wait", "bisect": "sent again in parts, until the refused one is found",
		"auth": "the run stops: the credentials", "stop": "the run stops, and goes on next time",
		"mapping_error": "the run stops: every record would fail alike", "in_doubt": "nobody knows, so nothing is claimed",
	}
	var used []string
	for _, word := range []string{"ok", "fail", "retry", "bisect", "auth", "stop", "mapping_error", "in_doubt"} {
		if slices.ContainsFunc(d.Answers, func(a declared.Answer) bool {
			return slices.ContainsFunc(a.Records, func(r string) bool { return r == word || strings.HasPrefix(r, word+"/") })
		}) {
			used = append(used, "`"+word+"` "+states[word])
		}
	}
	b.WriteString("\n" + strings.Join(used, " · ") + "\n")
}

// operationName is an operation with the object that it is for.
func operationName(o declared.Operation) string {
	if o.Object == "" {
		return o.Name
	}
	return "`" + o.Object + "` " + o.Name
}
