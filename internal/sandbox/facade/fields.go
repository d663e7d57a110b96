package facade

import (
	"encoding/json"
	"maps"
	"strings"

	"github.com/tidwall/gjson"
)

// Fields are the values of a record by the vendor's names, each as JSON, so
// that a number stays as it was written.
type Fields map[string]json.RawMessage

// ParseFields reads a JSON object; anything else gives no fields.
func ParseFields(object []byte) Fields {
	out := Fields{}
	if parsed := gjson.ParseBytes(object); parsed.IsObject() {
		parsed.ForEach(func(name, value gjson.Result) bool {
			out[name.String()] = json.RawMessage(value.Raw)
			return true
		})
	}
	return out
}

// Has reports whether a field is there, and is not null.
func (f Fields) Has(name string) bool {
	raw, ok := f[name]
	return ok && string(raw) != "null"
}

// Text gives a field as text: of a JSON text what it says, of everything else
// the JSON itself; empty for null and for a field that is not there.
func (f Fields) Text(name string) string {
	if !f.Has(name) {
		return ""
	}
	return gjson.ParseBytes(f[name]).String()
}

// Set gives a field a text.
func (f Fields) Set(name, text string) {
	raw, err := json.Marshal(text)
	if err != nil {
		panic("BUG: a text cannot be written as JSON: " + err.Error())
	}
	f[name] = raw
}

// Merge gives these fields with others laid over them.
func (f Fields) Merge(over Fields) Fields {
	out := make(Fields, len(f)+len(over))
	maps.Copy(out, f)
	maps.Copy(out, over)
	return out
}

// value gives what a record is found by; false if it has none.
func (f Fields) value(p Property) (string, bool) {
	text := f.Text(p.Name)
	return fold(p, text), text != ""
}

func fold(p Property, value string) string {
	if p.Fold {
		return strings.ToLower(value)
	}
	return value
}
