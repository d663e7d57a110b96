package declared

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"exposync/internal/yamlx"
)

// Schema is the JSON Schema of a description, for editors. It is drawn by the
// decoder itself: the code that reads a key says what may stand there.
func Schema() ([]byte, error) {
	d := &decoder{drawing: &drawing{defs: node{
		"text": node{"type": []string{"string", "number", "boolean"}}, "state": node{"enum": stateWords()},
	}}}
	root := d.drawing.of(func(n *yamlx.Node) { d.spec(n) })
	root["$schema"], root["$defs"] = "https://json-schema.org/draft/2020-12/schema", d.drawing.defs
	root["title"], root["description"] = "A destination of Exposync", "How batches of records are sent to an HTTP service, and what its answers mean for every record."
	root["type"], root["required"] = "object", []string{"name", "ops"}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(root)
	return out.Bytes(), err
}

// node is a part of a JSON Schema.
type node = map[string]any

// drawing is what a decoder fills that reads no spec, but draws what it would
// read. The nil drawing draws nothing.
type drawing struct {
	at   node // what is being drawn
	defs node
}

// of draws what read would read. The node that it is given is there and empty.
func (g *drawing) of(read func(*yamlx.Node)) node {
	outer := g.at
	g.at = node{}
	read(&yamlx.Node{Kind: yamlx.Map})
	drawn := g.at
	g.at = outer
	return drawn
}

// put draws a value; it is false where nothing is drawn.
func (g *drawing) put(part node) bool {
	if g == nil {
		return false
	}
	clear(g.at) // the last word is the narrowest
	maps.Copy(g.at, part)
	return true
}

// keys draws a map whose keys are known.
func (g *drawing) keys(what string, fields known) {
	properties := node{}
	for name, read := range fields {
		drawn := g.of(read)
		if doc := docOf(what, name); doc != "" {
			drawn["description"] = doc
		}
		properties[name] = drawn
	}
	g.put(node{"type": []string{"object", "null"}, "properties": properties, "additionalProperties": false})
}

// free draws a map with any keys.
func (g *drawing) free(read func(*yamlx.Node)) bool {
	return g != nil && g.put(node{"type": "object", "additionalProperties": g.of(read)})
}

// vars draws a map with any keys, whose values are texts or maps of them.
func (g *drawing) vars(read func(*yamlx.Node)) bool {
	if g == nil {
		return false
	}
	text := g.of(read)
	return g.put(node{"type": "object", "additionalProperties": node{"anyOf": []any{text, node{"type": "object", "additionalProperties": text}}}})
}

func (g *drawing) list(item func(*yamlx.Node)) bool {
	return g != nil && g.put(node{"type": "array", "items": g.of(item)})
}

func (g *drawing) oneOrMore(read func(*yamlx.Node)) bool {
	if g == nil {
		return false
	}
	one := g.of(read)
	return g.put(node{"anyOf": []any{one, node{"type": "array", "items": one}}})
}

// ops draws the operations: those of the modes, and others that a route may
// lead to.
func (g *drawing) ops(read func(*yamlx.Node)) bool {
	if g == nil {
		return false
	}
	g.defs["operation"] = g.of(read)
	operation := node{"$ref": "#/$defs/operation"}
	properties := node{}
	for _, name := range opNames() {
		properties[name] = operation
	}
	return g.put(node{"type": []string{"object", "null"}, "properties": properties, "additionalProperties": operation})
}

// anyText is what YAML has for a text: quotes are often left out.
func anyText() node { return node{"$ref": "#/$defs/text"} }

// stateWords are the words for states, sorted.
func stateWords() []string { return slices.Sorted(maps.Keys(states())) }
