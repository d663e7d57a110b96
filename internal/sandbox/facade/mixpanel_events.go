package facade

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// events imports events. One that came before, with the same name, time, person
// and $insert_id, is not kept twice, and counts as imported.
func (p *project) events(w http.ResponseWriter, r *http.Request) {
	list, ok := p.rows(w, r, mixpanelRows)
	if !ok {
		return
	}
	call := CallOf(r)
	p.take(w, r, "events", "import", list, func(tx *Tx, row gjson.Result) (string, error) {
		if err := p.check(row); err != nil {
			return "", err
		}
		properties := row.Get("properties")
		insert := properties.Get("$insert_id").String()
		fields := ParseFields([]byte(properties.Raw))
		fields.Set("event", row.Get("event").String())
		if bad, refused := call.Poisoned(properties.Get("distinct_id").String(), fields); refused {
			return "", &mixpanelError{Field: "properties", Message: cmp.Or(bad.Message, "a property of the event is invalid")}
		}
		same := strings.Join([]string{row.Get("event").String(), properties.Get("time").Raw, properties.Get("distinct_id").String(), insert}, "\n")
		fields.Set("same", same)
		if _, there, err := tx.Find(Property{Name: "same"}, same); err != nil || there {
			return "unchanged", err
		}
		_, err := tx.Create(Prefixed("event", 10), fields)
		return "created", err
	})
}

// check finds what is wrong with an event.
func (p *project) check(row gjson.Result) error {
	properties := row.Get("properties")
	id, _ := scalar(properties.Get("distinct_id"))
	insert := properties.Get("$insert_id")
	bad := func(field, message string) error {
		return &mixpanelError{Field: field, Message: "'" + field + "' is invalid: " + message}
	}
	switch {
	case len(row.Raw) > mixpanelRow:
		return bad("event", "the event is larger than 1 MB")
	case row.Get("event").Type != gjson.String || row.Get("event").Str == "":
		return bad("event", "must be a text that is not empty")
	case !properties.IsObject():
		return bad("properties", "must be an object")
	case len(ParseFields([]byte(properties.Raw))) >= 255:
		return bad("properties", "must be fewer than 255")
	case properties.Get("distinct_id").Exists() && id != "" && mixpanelNobody(id):
		return bad("properties.distinct_id", "the value is not allowed")
	case insert.Type != gjson.String || !mixpanelInsertID(insert.Str):
		return bad("properties.$insert_id", "must have 1 to 36 letters, digits and dashes")
	}
	if message := p.time(properties.Get("time")); message != "" {
		return bad("properties.time", message)
	}
	return mixpanelNested(properties, 0)
}

func mixpanelInsertID(id string) bool {
	return id != "" && len(id) <= 36 && !mixpanelNobody(id) &&
		strings.Trim(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-") == ""
}

// time says what is wrong with the time of an event: seconds or milliseconds.
func (p *project) time(v gjson.Result) string {
	if v.Type != gjson.Number || strings.ContainsAny(v.Raw, ".eE") {
		return "must be specified as seconds since epoch"
	}
	at := time.Unix(v.Int(), 0)
	if v.Int() > 100_000_000_000 {
		at = time.UnixMilli(v.Int())
	}
	switch {
	case at.Year() < 1971:
		return "must be later than 1971"
	case at.After(p.s.Now().Add(time.Hour)):
		return "must not be in the future"
	}
	return ""
}
