package cli

import (
	"encoding/json"
	"slices"
	"strings"

	"exposync/internal/fault"
	"exposync/internal/plan"
)

// keyParts reads a key from the command line: the value where there is one key
// field; field=value,field=value or a JSON array of the values, as rejects
// shows it, where there are several. A field goes by their name or ours. The
// parts come in the order of the job's key.
func keyParts(j plan.Job, text string) ([]string, error) {
	if len(j.Key) == 1 {
		if name, value, ok := strings.Cut(text, "="); ok && (name == j.Key[0].Field || name == j.Key[0].Column) {
			return []string{value}, nil
		}
		return []string{text}, nil
	}
	var list []string
	if strings.HasPrefix(text, "[") && json.Unmarshal([]byte(text), &list) == nil && len(list) == len(j.Key) {
		return list, nil
	}
	out, seen := make([]string, len(j.Key)), map[int]bool{}
	for pair := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(pair, "=")
		i := slices.IndexFunc(j.Key, func(k plan.KeyField) bool { return k.Field == name || k.Column == name })
		if !ok || i < 0 || seen[i] {
			return nil, badKey(j, text)
		}
		out[i], seen[i] = value, true
	}
	if len(seen) != len(j.Key) {
		return nil, badKey(j, text)
	}
	return out, nil
}

func badKey(j plan.Job, text string) error {
	var pairs []string
	for _, k := range j.Key {
		pairs = append(pairs, k.Field+"=VALUE")
	}
	return usage("exposync rejects --keys", "--key %s: the key of %s has %d fields; write %s", text, j.ID, len(j.Key), strings.Join(pairs, ","))
}

// near is the end of a message that names what was probably meant.
func near(word string, known []string) string {
	if s := fault.Suggest(word, known); s != "" {
		return "; did you mean " + s + "?"
	}
	return ""
}
