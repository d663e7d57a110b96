package facade

import (
	"encoding/json"
	"strings"

	"github.com/tidwall/gjson"
)

// keep lays fields over those of the record that a property finds, or makes one
// with a shape of id, and tells what that was: created, updated or unchanged.
// A field that is null is taken away.
func keep(tx *Tx, by Property, value string, shape func(int64) string, fields Fields) (what string, err error) {
	rec, there, err := tx.Find(by, value)
	if err != nil {
		return "", err
	}
	merged := rec.Fields.Merge(fields)
	for name := range merged {
		if !merged.Has(name) {
			delete(merged, name)
		}
	}
	if !there {
		_, err = tx.Create(shape, merged)
		return "created", err
	}
	changed, err := tx.Put(rec.ID, merged)
	if err != nil || !changed {
		return "unchanged", err
	}
	return "updated", nil
}

// drop deletes the record that a property finds; unchanged if there is none.
func drop(tx *Tx, by Property, value string) (what string, err error) {
	rec, there, err := tx.Find(by, value)
	if err != nil || !there {
		return "unchanged", err
	}
	if _, err := tx.Delete(rec.ID); err != nil {
		return "", err
	}
	return "deleted", nil
}

// scalar is a text or number as text; false for anything else.
func scalar(v gjson.Result) (string, bool) {
	return v.String(), v.Type == gjson.String || v.Type == gjson.Number
}

// object reads a body that is a JSON object; false if it is none.
func object(body []byte) (gjson.Result, bool) {
	doc := gjson.ParseBytes(body)
	return doc, json.Valid(body) && doc.IsObject()
}

// hexadecimal reports whether a text is n digits, small letters only.
func hexadecimal(text string, n int) bool {
	return len(text) == n && strings.Trim(text, "0123456789abcdef") == ""
}
