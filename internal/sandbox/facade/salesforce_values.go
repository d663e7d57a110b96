package facade

import (
	"encoding/json"
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

var sfID = regexp.MustCompile(`^[A-Za-z0-9]{15}([A-Za-z0-9]{3})?$`)

// parse reads a value as JSON requests carry it: what is of another type than
// the field makes the whole request unreadable. An empty text is a null.
func (f *sfField) parse(raw json.RawMessage) (json.RawMessage, error) {
	v := gjson.ParseBytes(raw)
	if v.Type == gjson.Null || v.Type == gjson.String && v.Str == "" {
		return json.RawMessage("null"), nil
	}
	out, ok := f.fits(v)
	if !ok {
		kind := map[gjson.Type]string{gjson.String: "VALUE_STRING", gjson.Number: "VALUE_NUMBER_INT", gjson.True: "VALUE_TRUE", gjson.False: "VALUE_FALSE", gjson.JSON: "START_OBJECT"}[v.Type]
		return nil, &sfReason{
			status: 400, code: "JSON_PARSER_ERROR",
			message: fmt.Sprintf("Cannot deserialize instance of %s from %s value %s", f.Type, kind, v.String()),
		}
	}
	return out, nil
}

// fits gives a value as it is kept; false if it is of another type.
func (f *sfField) fits(v gjson.Result) (json.RawMessage, bool) {
	raw, text := json.RawMessage(v.Raw), v.Type == gjson.String
	switch f.Type {
	case "double", "currency", "percent", "int":
		number := v.Raw
		if text {
			number = strings.TrimSpace(v.Str)
		}
		if _, err := strconv.ParseFloat(number, 64); err != nil || !json.Valid([]byte(number)) {
			return nil, false
		}
		return json.RawMessage(number), true
	case "boolean":
		if text && (strings.EqualFold(v.Str, "true") || strings.EqualFold(v.Str, "false")) {
			return json.RawMessage(strings.ToLower(v.Str)), true
		}
		return raw, v.Type == gjson.True || v.Type == gjson.False
	case "date":
		if !text {
			return nil, false
		}
		_, err := time.Parse(time.DateOnly, v.Str)
		return raw, err == nil
	case "datetime":
		return raw, text && sfMoment(v.Str)
	}
	return raw, text
}

func sfMoment(text string) bool {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", time.DateOnly} {
		if _, err := time.Parse(layout, text); err == nil {
			return true
		}
	}
	return false
}

// parseCSV reads a cell of a job: empty is no value, #N/A is a null.
func (f *sfField) parseCSV(cell string) (raw json.RawMessage, given bool, err error) {
	switch cell {
	case "":
		return nil, false, nil
	case "#N/A":
		return json.RawMessage("null"), true, nil
	}
	quoted, err := json.Marshal(cell)
	if err != nil {
		return nil, false, err
	}
	out, ok := f.fits(gjson.ParseBytes(quoted))
	if !ok {
		return nil, false, &sfReason{
			code: "INVALID_TYPE_ON_FIELD_IN_RECORD", message: f.Name + ": value not of required type: " + cell, fields: []string{f.Name},
		}
	}
	return out, true, nil
}

// check says why a value of the right type is refused.
func (f *sfField) check(raw json.RawMessage) error {
	v := gjson.ParseBytes(raw)
	if v.Type != gjson.String {
		return nil
	}
	fail := func(code, message string) error {
		return &sfReason{code: code, message: message, fields: []string{f.Name}}
	}
	if n := utf8.RuneCountInString(v.Str); f.Length > 0 && n > f.Length && f.Type != "reference" {
		return fail("STRING_TOO_LONG", fmt.Sprintf("%s: data value too large: %s (max length=%d)", f.Label, v.Str, f.Length))
	}
	switch f.Type {
	case "email":
		if a, err := mail.ParseAddress(v.Str); err != nil || a.Address != v.Str || !strings.Contains(v.Str[strings.LastIndexByte(v.Str, '@'):], ".") {
			return fail("INVALID_EMAIL_ADDRESS", fmt.Sprintf("%s: invalid email address: %s", f.Label, v.Str))
		}
	case "reference":
		if !sfID.MatchString(v.Str) {
			return fail("MALFORMED_ID", fmt.Sprintf("%s: id value of incorrect type: %s", f.Label, v.Str))
		}
	case "picklist", "multipicklist":
		chosen := []string{v.Str}
		if f.Type == "multipicklist" {
			chosen = strings.Split(v.Str, ";")
		}
		for _, one := range chosen {
			if f.Restricted && !slices.Contains(f.Picklist, sfPicklist{Active: true, Label: one, Value: one}) {
				return fail("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", fmt.Sprintf("%s: bad value for restricted picklist field: %s", f.Label, one))
			}
		}
	}
	return nil
}
