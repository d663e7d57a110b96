package sandbox

import "github.com/tidwall/gjson"

// fieldsOf gives the fields of a line's JSON; an empty object for a delete.
func fieldsOf(body []byte) []byte {
	if f := gjson.GetBytes(body, "fields"); f.IsObject() {
		return []byte(f.Raw)
	}
	return []byte("{}")
}

// merge lays the members of an object over those of another. Both are
// canonical, so their names stand in order, and so do those of the result.
func merge(below, above []byte) []byte {
	a, b := members(below), members(above)
	out := append(make([]byte, 0, len(below)+len(above)), '{')
	for len(a) > 0 || len(b) > 0 {
		var next member
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].name < b[0].name:
			next, a = a[0], a[1:]
		case len(a) > 0 && a[0].name == b[0].name:
			next, a, b = b[0], a[1:], b[1:]
		default:
			next, b = b[0], b[1:]
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, next.name...), ':'), next.value...)
	}
	return append(out, '}')
}

// member is one member of an object, both parts as they are written.
type member struct{ name, value string }

func members(object []byte) []member {
	var out []member
	gjson.ParseBytes(object).ForEach(func(name, value gjson.Result) bool {
		out = append(out, member{name.Raw, value.Raw})
		return true
	})
	return out
}
