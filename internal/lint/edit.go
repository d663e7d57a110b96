package lint

import (
	"maps"
	"slices"

	"exposync/internal/yamlx"
)

// Edit changes some bytes of one file.
type Edit struct {
	File string // as in Input.Files
	yamlx.Edit
}

// Fixed is a file with what could be mended in it.
type Fixed struct {
	File     string
	Was, Now []byte
	Codes    []string // of what was mended, sorted
}

// rounds is how often Fix looks again: a file that could not be read shows
// what else is wrong with it only once it can.
const rounds = 6

// Fix mends what the rules can mend without a person, in every file, and gives
// the files that it changes, by name. Mending again changes nothing. An edit
// after which its file would not be YAML is not made.
func Fix(in Input) []Fixed {
	files, done := maps.Clone(in.Files), map[string]*Fixed{}
	in.Only = mending(in.Only)
	if len(in.Only) == 0 {
		return nil
	}
	if in.Read == nil {
		in.Read = &Read{}
	}
	for range rounds {
		in.Files = files
		changed := false
		for file, group := range byFile(Check(in).Findings) {
			now := mended(file, files[file], group)
			if now == nil {
				continue
			}
			if done[file] == nil {
				done[file] = &Fixed{File: file, Was: files[file]}
			}
			files[file], changed = now.text, true
			done[file].Now, done[file].Codes = now.text, append(done[file].Codes, now.codes...)
		}
		if !changed {
			break
		}
	}
	var out []Fixed
	for _, file := range slices.Sorted(maps.Keys(done)) {
		f := done[file]
		slices.Sort(f.Codes)
		f.Codes = slices.Compact(f.Codes)
		out = append(out, *f)
	}
	return out
}

// mending are the rules that can mend something, of those that are asked for.
func mending(only []string) []string {
	var out []string
	for _, r := range Rules() {
		if r.Fixes && (len(only) == 0 || slices.Contains(only, r.Code)) {
			out = append(out, r.Code)
		}
	}
	return out
}

// byFile are the findings with edits.
func byFile(all []Finding) map[string][]Finding {
	out := map[string][]Finding{}
	for _, f := range all {
		if len(f.Edits) > 0 {
			out[f.Edits[0].File] = append(out[f.Edits[0].File], f)
		}
	}
	return out
}

type mendedText struct {
	text  []byte
	codes []string
}

// mended applies the edits of findings that do not get into each other's way:
// of two that do, the second waits for the next round. A text that was YAML has
// to be YAML afterwards; where all edits together break it, each is tried alone.
func mended(file string, text []byte, findings []Finding) *mendedText {
	all := apply(file, text, findings)
	if all != nil {
		return all
	}
	for _, f := range findings {
		if one := apply(file, text, []Finding{f}); one != nil {
			return one
		}
	}
	return nil
}

func apply(file string, text []byte, findings []Finding) *mendedText {
	var edits []yamlx.Edit
	out := &mendedText{}
	for _, f := range findings {
		own := make([]yamlx.Edit, 0, len(f.Edits))
		for _, e := range f.Edits {
			own = append(own, e.Edit)
		}
		if _, err := yamlx.Splice(text, append(slices.Clone(edits), own...)); err != nil {
			continue
		}
		edits, out.codes = append(edits, own...), append(out.codes, f.Code)
	}
	var err error
	if out.text, err = yamlx.Splice(text, edits); err != nil || string(out.text) == string(text) {
		return nil
	}
	_, before := yamlx.ParseAll(file, text)
	_, after := yamlx.ParseAll(file, out.text)
	if before == nil && after != nil {
		return nil
	}
	return out
}
