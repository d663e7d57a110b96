package job

import (
	"fmt"
	"slices"
	"strings"

	"exposync/internal/config"
	"exposync/internal/dbt"
	"exposync/internal/plan"
	"exposync/internal/yamlx"
)

// Showing says how much of each column of an export model samples may show.
// The first of these that speaks of a column decides:
//
//  1. its own meta in dbt: exposync: {mask: true|hash|none}
//  2. its name under columns: in exposync.yml
//  3. a mark of personal data, on the column or on the model: pii and its
//     like, as a tag or in meta
//  4. the strictest pattern under columns: that matches it
//  5. samples: {default: …} in exposync.yml, which is mask
//
// So a pattern never shows what dbt marks, and a column that nobody thought
// of is masked. The texts say which meta could not be understood; such a
// column is masked.
func Showing(model *dbt.Node, columns config.Columns) (showing func(column string) plan.Showing, mistakes []string) {
	said := readMarks(model)
	return func(column string) plan.Showing {
		name := strings.ToLower(column)
		if s, own := said.own[name]; own {
			return s
		}
		if word := columns.Named(name); word != "" {
			return showingOf(word)
		}
		if said.all || said.marked[name] {
			return plan.Mask
		}
		if word := columns.Matched(name); word != "" {
			return showingOf(word)
		}
		return showingOf(columns.Default)
	}, said.mistakes
}

// columnMarks is what dbt says about the columns of one model, by their names
// in lower case.
type columnMarks struct {
	own      map[string]plan.Showing
	marked   map[string]bool
	all      bool // the model itself is marked
	mistakes []string
}

func readMarks(model *dbt.Node) columnMarks {
	m := columnMarks{own: map[string]plan.Showing{}, marked: map[string]bool{}}
	if model == nil {
		return m
	}
	m.all = personal(model.Tags, metaOf(model.Meta))
	for _, c := range model.Columns {
		name, meta := strings.ToLower(c.Name), metaOf(c.Meta)
		m.marked[name] = m.marked[name] || personal(c.Tags, meta)
		s, said, mistake := ownMask(meta)
		if mistake != "" {
			m.mistakes = append(m.mistakes, fmt.Sprintf("%s: column %s: %s; it is masked", orElse(model.PatchPath, model.Path), c.Name, mistake))
		}
		if was, twice := m.own[name]; said && (!twice || s < was) {
			m.own[name] = s
		}
	}
	return m
}

func showingOf(word string) plan.Showing {
	switch word {
	case config.ShowValue:
		return plan.Show
	case config.ShowHash:
		return plan.Hash
	}
	return plan.Mask
}

// ownMask reads exposync: {mask: …} of a column's meta.
func ownMask(meta *yamlx.Node) (s plan.Showing, said bool, mistake string) {
	ours := meta.Get("exposync")
	if ours == nil {
		return plan.Mask, false, ""
	}
	n := ours.Get("mask")
	if keys := ours.Keys(); n == nil || len(keys) != 1 {
		return plan.Mask, true, "exposync of a column takes the key mask and no other"
	}
	word, _ := n.Scalar()
	switch word {
	case "true":
		return plan.Mask, true, ""
	case "hash":
		return plan.Hash, true, ""
	case "none", "false":
		return plan.Show, true, ""
	}
	return plan.Mask, true, "exposync.mask must be true, hash or none"
}

// marks are the words by which projects mark personal data, as tags and as
// keys of meta.
func marks() []string {
	return []string{"pii", "contains_pii", "is_pii", "has_pii", "phi", "contains_phi", "sensitive", "is_sensitive", "gdpr"}
}

// personal reports whether tags or meta mark personal data: a tag such as
// pii, pii_email or pii:email, or a key of meta that is not switched off.
func personal(tags []string, meta *yamlx.Node) bool {
	for _, tag := range tags {
		word, _, _ := strings.Cut(strings.ToLower(tag), ":")
		if slices.Contains(marks(), word) || strings.HasPrefix(word, "pii_") || strings.HasPrefix(word, "pii-") {
			return true
		}
	}
	for _, key := range meta.Keys() {
		if slices.Contains(marks(), strings.ToLower(key)) && !off(meta.Get(key)) {
			return true
		}
	}
	return false
}

// off reports whether a mark says that something is not personal.
func off(n *yamlx.Node) bool {
	if n.IsNull() {
		return true
	}
	text, ok := n.Scalar()
	return ok && slices.Contains([]string{"", "false", "no", "none", "0", "off"}, strings.ToLower(text))
}

// metaOf reads meta; nil where there is none.
func metaOf(meta []byte) *yamlx.Node {
	if len(meta) == 0 {
		return nil
	}
	n, err := yamlx.ParseJSON(meta)
	if err != nil { // the manifest is valid JSON
		return nil
	}
	return n
}
