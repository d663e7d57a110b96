package cli

import (
	"fmt"
	"strings"

	"exposync/internal/destination/declared"
	"exposync/internal/sandbox/facade"
)

// aboutText is a destination for a terminal.
func aboutText(d *declared.About) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", d.Name, d.Title)
	switch d.Origin {
	case declared.BuiltIn:
	case declared.Overridden:
		fmt.Fprintf(&b, "described by %s, in place of the built-in description\n", d.File)
	case declared.User:
		fmt.Fprintf(&b, "described by %s\n", d.File)
	}
	if d.Docs != "" && d.VerifiedOn != "" {
		fmt.Fprintf(&b, "described from %s on %s\n", d.Docs, d.VerifiedOn)
	}
	for _, row := range traits(d) {
		fmt.Fprintf(&b, "%-11s%s\n", row[0], strings.ReplaceAll(row[1], "`", ""))
	}
	b.WriteString("\noperations\n")
	object := ""
	for _, o := range d.Operations {
		if o.Object != object {
			object = o.Object
			fmt.Fprintf(&b, "  of %s\n", object)
		}
		fmt.Fprintf(&b, "  %-19s %s, %d at a time; %s\n", o.Name, amount(o), o.Concurrency, yesNo(o.Idempotent, "may be sent twice", "sent once"))
	}
	b.WriteString("\nparameters of a connection\n")
	for _, p := range d.Params {
		fmt.Fprintf(&b, "  %s%s\n      %s\n", p.Name, paramTraits(p, " "), p.Doc)
	}
	if d.Reject != nil {
		fmt.Fprintf(&b, "\na reject\n  %s\n  %s: %s\n", d.Reject.Name, d.Reject.Code, orDash(d.Reject.Message))
	}
	return b.String()
}

// traits are a destination's properties in a few words each.
func traits(d *declared.About) [][2]string {
	var rows [][2]string
	if len(d.Objects) > 0 {
		rows = append(rows, [2]string{"objects", "`" + strings.Join(d.Objects, "`, `") + "`"})
	}
	rows = append(rows, [][2]string{
		{"modes", strings.Join(d.Modes, ", ")},
		{"account", d.Identity},
		{"key", d.Key},
	}...)
	if len(d.Auth) > 0 {
		rows = append(rows, [2]string{"proof", strings.Join(d.Auth, ", or ")})
	}
	reads := "records cannot be read by key"
	if d.Reads {
		reads = fmt.Sprintf("records are read by key, %d at a time", d.ReadRows)
	}
	rows = append(
		rows,
		[2]string{"compare", reads},
		[2]string{"fields", yesNo(d.Discovers, "checked before the first write", "not told by the service")},
	)
	for _, more := range [][2]string{{"rate", d.Rate}, {"quota", d.Daily}} {
		if more[1] != "" {
			rows = append(rows, more)
		}
	}
	for _, route := range d.Routes {
		rows = append(rows, [2]string{"route", route})
	}
	return append(rows, [2]string{"sandbox", sandboxWords(d.Name)})
}

// sandboxWords say what a `dev: sandbox` target does with connections of a
// type.
func sandboxWords(name string) string {
	if name == "sandbox" {
		return "this is it"
	}
	if v, ok := facade.Of(name); ok {
		return "it answers as " + v.Title + " does"
	}
	return "records go to its generic store"
}

// amount is how much one request takes.
func amount(o declared.Operation) string {
	unit := yesNo(o.Job, "job", "request")
	switch {
	case o.Rows == 0:
		return "one file a run"
	case o.Rows == 1:
		return "1 record a " + unit
	}
	return fmt.Sprintf("%d records a %s", o.Rows, unit)
}

func paramTraits(p declared.Param, before string) string {
	text := ""
	if p.Required {
		text += before + "required"
	}
	if p.Secret {
		text += before + "secret"
	}
	if p.Default != "" {
		text += before + "default " + p.Default
	}
	return text
}

func yesNo(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}
