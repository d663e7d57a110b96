package cli

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
)

// shortestPath is the length from which the path of a secret URL is a secret
// by itself; "/api" is not.
const shortestPath = 8

// secretParts gives what must not be shown of a connection's value, nothing
// if the value as a whole is no secret: an address such as a webhook's is one
// when the variable that holds it says so by its name.
func (a *app) secretParts(value string) []string {
	if value == "" || strings.Trim(a.redactor.Redact(value), "*") != "" {
		return nil
	}
	parts := []string{value}
	if u, err := url.Parse(value); err == nil && len(u.Path) >= shortestPath {
		path := strings.TrimRight(u.EscapedPath(), "/")
		a.redactor.Add(path)
		parts = append(parts, path)
	}
	return parts
}

// redactJSON takes secrets out of the texts of a JSON document. Names,
// numbers and structure stay, even where a secret looks like one of them.
func (a *app) redactJSON(doc []byte) []byte {
	out := make([]byte, 0, len(doc))
	for {
		start := bytes.IndexByte(doc, '"')
		if start < 0 {
			return append(out, doc...)
		}
		end := start + literal(doc[start:])
		out = append(out, doc[:start]...)
		if name := bytes.TrimLeft(doc[end:], " \n"); len(name) > 0 && name[0] == ':' {
			out = append(out, doc[start:end]...)
		} else {
			out = append(out, a.redactText(doc[start:end])...)
		}
		doc = doc[end:]
	}
}

// literal is the length of the JSON text that b begins with, quotes included.
func literal(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

func (a *app) redactText(quoted []byte) []byte {
	var text string
	if json.Unmarshal(quoted, &text) != nil {
		return quoted
	}
	safe := a.redactor.Redact(text)
	if safe == text {
		return quoted
	}
	encoded, err := indented(safe)
	if err != nil {
		return []byte(`"***"`)
	}
	return bytes.TrimRight(encoded, "\n")
}

// indented encodes a document as every command prints it.
func indented(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	return b.Bytes(), err
}
