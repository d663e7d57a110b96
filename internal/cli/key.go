package cli

import (
	"encoding/csv"
	"encoding/json"
	"slices"
	"strings"

	"exposync/internal/plan"
)

// keyHelp is what the help of every --key says about keys of several fields.
const keyHelp = "of several fields: field=value,field=value"

// keyParts reads a record's key from the command line, every command in the
// same way: the value where there is one key field; where there are several,
// field=value,field=value, the same in one --key each, the values alone with
// commas between them, or the JSON array that rejects shows. A field goes by
// their name or ours. The parts come in the order of the key, which is sorted.
func keyParts(job string, fields []plan.KeyField, given ...string) ([]string, error) {
	if out, ok := namedKey(fields, given); ok {
		return out, nil
	}
	if len(given) == 1 {
		if len(fields) == 1 {
			return given, nil
		}
		var list []string
		if json.Unmarshal([]byte(given[0]), &list) == nil && len(list) == len(fields) {
			return list, nil
		}
		list = separated(given[0])
		if out, ok := namedKey(fields, list); ok {
			return out, nil
		}
		if len(list) == len(fields) && !slices.ContainsFunc(list, func(text string) bool { return strings.Contains(text, "=") }) {
			return list, nil
		}
	}
	names, pairs := make([]string, len(fields)), make([]string, len(fields))
	for i, f := range fields {
		names[i], pairs[i] = f.Field, f.Field+"=…"
	}
	return nil, usage("--key "+strings.Join(pairs, ","),
		"the key of %s has the fields %s: --key needs one value for each", job, strings.Join(names, ", "))
}

// separated takes a text apart at its commas, but for those within quotes.
func separated(text string) []string {
	r := csv.NewReader(strings.NewReader(text))
	r.TrimLeadingSpace = true
	out, err := r.Read()
	if err != nil {
		return strings.Split(text, ",")
	}
	return out
}

// namedKey reads field=value for every field.
func namedKey(fields []plan.KeyField, given []string) ([]string, bool) {
	if len(given) != len(fields) {
		return nil, false
	}
	out, seen := make([]string, len(fields)), make([]bool, len(fields))
	for _, g := range given {
		name, value, ok := strings.Cut(g, "=")
		i := slices.IndexFunc(fields, func(f plan.KeyField) bool { return name == f.Field || name == f.Column && name != "" })
		if !ok || i < 0 || seen[i] {
			return nil, false
		}
		out[i], seen[i] = value, true
	}
	return out, true
}
