package lint

import (
	"slices"
	"strings"
)

// work is something in a query that an export should leave to its parent.
type work struct {
	what string // "joins", "aggregates", "uses a window function"
	word string // the key word or function that says so
	at   int    // byte of the text
}

// workOf finds what a query does beyond picking, naming and casting columns:
// joins, aggregates, windows and set operations. It is a guess by words, which
// knows strings, comments, names in quotes and Jinja; a macro may hide work.
func workOf(sql string) []work {
	w := &worker{tokens: tokenize(sql)}
	for i := range w.tokens {
		w.look(i)
	}
	return w.found
}

type worker struct {
	tokens []token
	from   []bool // by depth of parentheses: within a FROM clause
	found  []work
}

func (w *worker) look(i int) {
	t := w.tokens[i]
	if len(w.from) == 0 {
		w.from = []bool{false}
	}
	switch {
	case t.punct("("):
		w.from = append(w.from, false)
	case t.punct(")"):
		if len(w.from) > 1 {
			w.from = w.from[:len(w.from)-1]
		}
	case t.punct(",") && w.from[len(w.from)-1] && !w.tableFunction(i+1):
		w.add("joins", "a comma in from", t.at)
	case t.kind == wordToken && !w.name(i):
		w.word(i)
	}
}

// name reports whether a word is a name: behind a dot or `as`.
func (w *worker) name(i int) bool {
	return i > 0 && (w.tokens[i-1].punct(".") || w.tokens[i-1].is("as"))
}

func (w *worker) word(i int) {
	t, word := w.tokens[i], strings.ToLower(w.tokens[i].text)
	in := &w.from[len(w.from)-1]
	switch word {
	case "from":
		*in = !w.before(i, "distinct") // `is distinct from` compares
	case "where", "group", "order", "having", "limit", "qualify", "window", "union", "intersect", "except", "select":
		*in = false
	}
	switch {
	case word == "join" && *in:
		w.add("joins", "join", t.at)
	case word == "group" && w.after(i, "by"), word == "having":
		w.add("aggregates", map[bool]string{true: "group by", false: "having"}[word == "group"], t.at)
	case word == "distinct" && w.before(i, "select"):
		w.add("aggregates", "select distinct", t.at)
	case word == "union" || word == "intersect" && (w.after(i, "select") || w.after(i, "all") || w.after(i, "distinct")):
		w.add("puts sets together", word, t.at)
	case word == "qualify" && !w.before(i, "select"):
		w.add("uses a window function", "qualify", t.at)
	case word == "pivot" || word == "unpivot":
		if i+1 < len(w.tokens) && w.tokens[i+1].punct("(") {
			w.add("aggregates", word, t.at)
		}
	case slices.Contains(aggregates(), word) && i+1 < len(w.tokens) && w.tokens[i+1].punct("("):
		w.call(i, word)
	case slices.Contains(windows(), word) && i+1 < len(w.tokens) && w.tokens[i+1].punct("("):
		w.add("uses a window function", word, t.at)
	case word == "over" && i > 0 && w.tokens[i-1].punct(")") && i+1 < len(w.tokens) && (w.tokens[i+1].punct("(") || w.tokens[i+1].kind == wordToken):
		w.add("uses a window function", "over", t.at)
	}
}

// call looks at a call of an aggregate: with `over` behind it, that is told
// from there.
func (w *worker) call(i int, word string) {
	depth := 0
	for k := i + 1; k < len(w.tokens); k++ {
		switch {
		case w.tokens[k].punct("("):
			depth++
		case w.tokens[k].punct(")"):
			depth--
		}
		if depth > 0 {
			continue
		}
		if !w.after(k, "over") {
			w.add("aggregates", word, w.tokens[i].at)
		}
		return
	}
}

func (w *worker) before(i int, word string) bool { return i > 0 && w.tokens[i-1].is(word) }

func (w *worker) after(i int, word string) bool {
	return i+1 < len(w.tokens) && w.tokens[i+1].is(word)
}

// tableFunction reports whether what follows a comma in FROM opens the values
// of a column (unnest, flatten) and joins no table.
func (w *worker) tableFunction(i int) bool {
	if i < len(w.tokens) && w.tokens[i].is("lateral") {
		i++
	}
	return i+1 < len(w.tokens) && w.tokens[i].kind == wordToken && w.tokens[i+1].punct("(")
}

func (w *worker) add(what, word string, at int) {
	w.found = append(w.found, work{what: what, word: word, at: at})
}

func aggregates() []string {
	return []string{
		"sum", "count", "count_if", "countif", "avg", "min", "max", "min_by", "max_by", "any_value", "median", "mode", "stddev", "variance",
		"array_agg", "string_agg", "listagg", "group_concat", "json_agg", "jsonb_agg", "object_agg", "json_object_agg", "bool_and", "bool_or",
		"logical_and", "logical_or", "approx_count_distinct", "hll", "percentile_cont", "percentile_disc", "collect_list", "collect_set", "arg_max", "arg_min",
	}
}

func windows() []string {
	return []string{"row_number", "rank", "dense_rank", "percent_rank", "ntile", "lag", "lead", "first_value", "last_value", "nth_value"}
}
