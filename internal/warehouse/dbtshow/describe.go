package dbtshow

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"exposync/internal/fault"
	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// column is a column and how it is read.
type column struct {
	record.Column
	form form
}

// answered is what dbt says of one relation.
type answered struct {
	Found   bool        `json:"found"`
	Columns [][2]string `json:"columns"` // name, type
}

// describe gives a relation's columns, which the adapter knows without
// reading rows. A start of dbt takes seconds, so the others that will be read
// are asked for along with the first; each such answer is used once.
func (w *Warehouse) describe(ctx context.Context, relation string) ([]column, error) {
	if _, ok := parseRelation(relation); !ok {
		return nil, warehouse.Missing(relation)
	}
	w.mu.Lock()
	got, known := w.known[relation]
	delete(w.known, relation)
	others := w.others
	w.others = nil
	w.mu.Unlock()
	if known {
		return w.columnsOf(relation, got)
	}
	all := append([]string{relation}, slices.DeleteFunc(others, func(r string) bool {
		_, ok := parseRelation(r)
		return r == relation || !ok
	})...)
	answers, err := w.catalog(ctx, all)
	if len(all) > 1 && fault.Is(err, "dbt_show_failed") { // because of another one, perhaps
		answers, err = w.catalog(ctx, all[:1])
	}
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	for i, a := range answers[1:] {
		w.known[all[i+1]] = a
	}
	w.mu.Unlock()
	return w.columnsOf(relation, answers[0])
}

// catalog asks the adapter for the columns of several relations.
func (w *Warehouse) catalog(ctx context.Context, relations []string) (answers []answered, err error) {
	err = w.ask(ctx, question{
		relation: relations[0], inline: describing(relations),
		read: func(a answer) error {
			_, err := a.rest.WriteTo(a.said)
			if json.Unmarshal([]byte(a.line), &answers) != nil || len(answers) != len(relations) {
				return errUnanswered
			}
			return err
		},
	})
	return answers, err
}

func (w *Warehouse) columnsOf(relation string, got answered) ([]column, error) {
	switch {
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
func describing(relations []string) string {
	lists := make([]string, len(relations))
	for i, relation := range relations {
		parts, _ := parseRelation(relation)
		var names [3]string
		for j, p := range parts {
			if names[j] = literal(p); p == "" {
				names[j] = "none"
			}
		}
		lists[i] = "[" + strings.Join(names[:], ", ") + "]"
	}
	return "{% if execute %}{% set answers = [] %}{% for r in [" + strings.Join(lists, ", ") + "] %}" +
		"{% set found = adapter.get_relation(database=r[0], schema=r[1], identifier=r[2]) %}{% set columns = [] %}" +
		"{% if found is not none %}{% for c in adapter.get_columns_in_relation(found) %}" +
		"{% do columns.append([c.name, c.data_type]) %}{% endfor %}{% endif %}" +
		"{% do answers.append({'found': found is not none, 'columns': columns}) %}{% endfor %}" +
		"{% do print('" + marker + "' ~ tojson(answers)) %}{% endif %}select 1 as c0"
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
