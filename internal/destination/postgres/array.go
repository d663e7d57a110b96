package postgres

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
)

// errArray is a JSON value that is no array of the column's elements.
var errArray = errors.New("the value is not a JSON array that fits the column")

// appendArray turns a JSON array into PostgreSQL's array literal. elem names
// the type of the elements; those of json and jsonb stay JSON, whatever they
// are, all others may nest.
func appendArray(dst, data []byte, elem string) ([]byte, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(data, &items); err != nil || items == nil {
		return nil, errArray
	}
	dst = append(dst, '{')
	for i, item := range items {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = appendElement(dst, item, elem); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

func appendElement(dst []byte, item json.RawMessage, elem string) ([]byte, error) {
	asJSON := slices.Contains([]string{"json", "jsonb"}, elem)
	switch {
	case bytes.Equal(item, []byte("null")):
		return append(dst, "NULL"...), nil
	case asJSON:
		return appendQuoted(dst, item), nil
	case item[0] == '[':
		return appendArray(dst, item, elem)
	case item[0] == '{':
		return nil, errArray
	case item[0] == '"':
		var s string
		if err := json.Unmarshal(item, &s); err != nil {
			return nil, errArray
		}
		return appendQuoted(dst, []byte(s)), nil
	}
	return append(dst, item...), nil // a number, true or false
}

func appendQuoted(dst, text []byte) []byte {
	dst = append(dst, '"')
	for _, c := range text {
		if c == '"' || c == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}
