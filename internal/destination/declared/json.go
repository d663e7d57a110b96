package declared

import "exposync/internal/record"

// appendValue appends a value as JSON, the way the spec wants it where JSON
// leaves a choice.
func appendValue(dst []byte, v record.Value, e encoding) ([]byte, error) {
	var asText bool
	switch v.Kind {
	case record.Null:
		if e.null != nil {
			return record.AppendJSONText(dst, *e.null)
		}
	case record.Int, record.Float, record.Bool:
		asText = e.stringify
	case record.Decimal:
		asText = e.stringify || e.decimal
	default:
	}
	if !asText {
		return record.AppendJSON(dst, v)
	}
	start := len(dst)
	out, err := record.AppendJSON(append(dst, '"'), v)
	if err != nil {
		return out[:start], err
	}
	return append(out, '"'), nil
}

// quoted appends text that needs no escaping.
func quoted(dst []byte, text string) []byte {
	return append(append(append(dst, '"'), text...), '"')
}
