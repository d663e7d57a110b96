package sqlite

import "strings"

// parseRelation takes apart what dbt wrote: main."orders" by dbt-sqlite, but
// also "file"."main"."orders" or just orders. SQLite knows no databases, so
// the first of three parts is dropped. It is false for anything else.
func parseRelation(relation string) (quoted, schema, table string, ok bool) {
	var parts []string
	rest := strings.TrimSpace(relation)
	for {
		part, after, ok := parseName(rest)
		if !ok {
			return "", "", "", false
		}
		parts = append(parts, part)
		if after == "" {
			break
		}
		if rest, ok = strings.CutPrefix(after, "."); !ok {
			return "", "", "", false
		}
	}
	schema = "main"
	switch n := len(parts); n {
	case 2, 3:
		schema = parts[n-2]
	case 1:
	default:
		return "", "", "", false
	}
	table = parts[len(parts)-1]
	return quote(schema) + "." + quote(table), schema, table, true
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
		return name, rest, name != "" && !strings.ContainsAny(name, " \t\r\n\"'`[]();")
	}
	text = text[1:]
	for {
		end := strings.Index(text, closing)
		if end < 0 {
			return "", "", false
		}
		name += text[:end]
		text = text[end+1:]
		if closing == "]" || !strings.HasPrefix(text, closing) {
			return name, text, name != ""
		}
		name += closing // a doubled quote
		text = text[1:]
	}
}

// quote makes a name safe to stand in SQL.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
