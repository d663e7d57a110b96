package dbtshow

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// column is a column and how it is read.
type column struct {
	record.Column
	form form
}

// describe asks the adapter for a relation's columns. It reads no row.
func (w *Warehouse) describe(ctx context.Context, relation string) ([]column, error) {
	parts, ok := parseRelation(relation)
	if !ok {
		return nil, warehouse.Missing(relation)
	}
	var got struct {
		Found   bool        `json:"found"`
		Columns [][2]string `json:"columns"` // name, type
	}
	err := w.ask(ctx, question{
		relation: relation, inline: describing(parts),
		read: func(a answer) error {
			if err := json.Unmarshal([]byte(a.line), &got); err != nil {
				return errUnanswered
			}
			_, err := a.rest.WriteTo(a.said)
			return err
		},
	})
	switch {
	case err != nil:
		return nil, err
	case !got.Found:
		return nil, warehouse.Missing(relation)
	case len(got.Columns) == 0:
		return nil, w.columnless(relation)
	}
	columns := make([]column, len(got.Columns))
	for i, c := range got.Columns {
		columns[i].Name, columns[i].Type = c[0], c[1]
		columns[i].form = w.dialect.formOf(c[1])
		columns[i].Kind = columns[i].form.kind
	}
	return columns, nil
}

// describing is the template that prints the columns. The adapter's own
// methods are asked, as dbt's materializations do, so nothing depends on what
// each warehouse's catalog looks like.
func describing(parts [3]string) string {
	names := make([]string, len(parts))
	for i, p := range parts {
		if names[i] = literal(p); p == "" {
			names[i] = "none"
		}
	}
	return "{% if execute %}" +
		"{% set found = adapter.get_relation(database=" + names[0] + ", schema=" + names[1] + ", identifier=" + names[2] + ") %}" +
		"{% set columns = [] %}{% if found is not none %}{% for c in adapter.get_columns_in_relation(found) %}" +
		"{% do columns.append([c.name, c.data_type]) %}{% endfor %}{% endif %}" +
		"{% do print('" + marker + "' ~ tojson({'found': found is not none, 'columns': columns})) %}" +
		"{% endif %}select 1 as c0"
}

// literal writes a text as a literal of Jinja, with nothing in it that could
// end a literal or a tag.
func literal(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == ' ':
			b.WriteRune(r)
		case r > 0xffff: // minijinja knows no \U: the character stands for itself
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// parseRelation takes apart what dbt wrote: "db"."schema"."t", `p`.`d`.`t`,
// db.schema.t, schema.t. Parts that are not there are empty.
func parseRelation(relation string) (parts [3]string, ok bool) {
	var names []string
	rest := strings.TrimSpace(relation)
	for {
		name, after, ok := parseName(rest)
		if !ok || len(names) == len(parts) {
			return parts, false
		}
		names = append(names, name)
		if after == "" {
			copy(parts[len(parts)-len(names):], names)
			return parts, true
		}
		if rest, ok = strings.CutPrefix(after, "."); !ok {
			return parts, false
		}
	}
}

// parseName reads a name, quoted or plain, and gives what follows it.
func parseName(text string) (name, rest string, ok bool) {
	if text == "" {
		return "", "", false
	}
	closing, quoted := map[byte]string{'"': `"`, '`': "`", '[': "]"}[text[0]]
	if !quoted {
		name, rest = text, ""
		if dot := strings.IndexByte(text, '.'); dot >= 0 {
			name, rest = text[:dot], text[dot:]
		}
		return name, rest, name != "" && !strings.ContainsAny(name, " \t\r\n\"'`[](){};")
	}
	text = text[1:]
	for {
		end := strings.Index(text, closing)
		if end < 0 {
			return "", "", false
		}
		name += text[:end]
		text = text[end+1:]
		if !strings.HasPrefix(text, closing) {
			return name, text, name != ""
		}
		name += closing // a doubled quote
		text = text[1:]
	}
}
