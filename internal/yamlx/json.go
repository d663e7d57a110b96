package yamlx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"exposync/internal/fault"
)

// nestingLimit is as deep as JSON may nest, the limit of encoding/json.
const nestingLimit = 10_000

// ParseJSON reads one JSON value and keeps the order of its keys and the text
// of its numbers. Of a key that stands twice the last value counts, as in
// every JSON reader. What is not JSON is a fault with code json_syntax that
// tells the byte, not the text. Nodes have no positions.
func ParseJSON(data []byte) (*Node, error) {
	dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	dec.UseNumber()
	n, err := jsonValue(dec, 0)
	if err != nil {
		return nil, jsonFault(dec, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, jsonFault(dec, errTrailing)
	}
	return n, nil
}

var (
	errTrailing = errors.New("more text after the end of the value")
	errNesting  = errors.New("nested too deeply")
	errCut      = errors.New("the text ends early")
	errNoJSON   = errors.New("an unexpected character")
)

func jsonFault(dec *json.Decoder, err error) error {
	// The library's message quotes the character it met, which may be one of
	// a secret: only the kind of the problem is passed on.
	at := dec.InputOffset()
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		at, err = syntax.Offset, errNoJSON
	} else if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errCut
	}
	return &fault.Fault{
		Code: "json_syntax", Kind: fault.Config, Whose: fault.Setup,
		Msg: fmt.Sprintf("not valid JSON at byte %d", at), Err: err,
	}
}

func jsonValue(dec *json.Decoder, depth int) (*Node, error) {
	if depth > nestingLimit {
		return nil, errNesting
	}
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch v := token.(type) {
	case json.Delim:
		if v == '{' {
			return jsonMap(dec, depth)
		}
		return jsonList(dec, depth)
	case string:
		return &Node{Kind: String, Text: v}, nil
	case json.Number:
		return &Node{Kind: Number, Text: v.String()}, nil
	case bool:
		return &Node{Kind: Bool, Text: strconv.FormatBool(v)}, nil
	}
	return &Node{Kind: Null}, nil
}

func jsonMap(dec *json.Decoder, depth int) (*Node, error) {
	out, at := &Node{Kind: Map}, map[string]int{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, err
		}
		key, _ := token.(string) // the decoder refuses other keys
		value, err := jsonValue(dec, depth+1)
		if err != nil {
			return nil, err
		}
		if i, twice := at[key]; twice {
			out.Pairs[i].Value = value
			continue
		}
		at[key] = len(out.Pairs)
		out.Pairs = append(out.Pairs, Pair{Key: key, Value: value})
	}
	_, err := dec.Token() // the closing brace
	return out, err
}

func jsonList(dec *json.Decoder, depth int) (*Node, error) {
	out := &Node{Kind: List}
	for dec.More() {
		item, err := jsonValue(dec, depth+1)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, item)
	}
	_, err := dec.Token() // the closing bracket
	return out, err
}
