package fault

import (
	"maps"
	"strings"
)

// lintPages has the rules of lint, and the faults of the command itself.
func lintPages() map[string]Page {
	out := map[string]Page{}
	for _, table := range []map[string]Page{lintFilePages(), lintYAMLPages(), lintPlacePages(), lintExposurePages(), lintExportPages(), lintColumnPages(), lintJobPages(), lintIgnorePages()} {
		maps.Copy(out, table)
	}
	return out
}

// example is the page of a rule, with what it finds and what it wants.
func example(title, means, bad, good, next string) Page {
	return Page{
		Title: title,
		Means: means + "\n\nFound:\n\n" + indented(bad),
		Next:  "Write:\n\n" + indented(good) + "\n\n" + next,
	}
}

// indented sets an example off, so that it is shown as it stands.
func indented(text string) string { return "    " + strings.ReplaceAll(text, "\n", "\n    ") }

// lintFilePages has what may go wrong with the files that lint reads and writes.
func lintFilePages() map[string]Page {
	return map[string]Page{
		"lint_unreadable": {
			Title: "a file of the project cannot be read",
			Means: "lint reads the YAML files below model-paths. The system does not let it read this one.",
			Next:  "Check the owner and the permissions of the file, then type exposync lint again.",
		},
		"lint_unwritable": {
			Title: "a file could not be mended",
			Means: "exposync lint --fix writes each file as a whole, beside it first. The system did not let it. The message says how many files were written before; each of those is whole.",
			Next:  "Make the file and its folder writable, then type exposync lint --fix again: what was mended already stays as it is.",
		},
		"lint_changed": {
			Title: "a file was changed while it was checked",
			Means: "Between reading the file and writing it, somebody else wrote it: an editor, or another program. Nothing was written, in no file.",
			Next:  "Save what you are editing, then type exposync lint --fix again.",
		},
		"lint_outside": {
			Title: "a file of the project is a link to one outside of it",
			Means: "exposync lint --fix changes files of the dbt project only. This one leads to a file elsewhere, which other projects may share. Nothing was written.",
			Next:  "exposync lint --diff shows what to change; change it where the file is.",
		},
	}
}

// lintIgnorePages has the rules about `ignore:`.
func lintIgnorePages() map[string]Page {
	return map[string]Page{
		"ignore_expired": example("an `ignore:` whose last day has passed",
			"A finding was let pass until a day, and that day is over. The finding counts again; this one says why.",
			`ignore: [{check: exposure_no_url, reason: "moves in March", until: "2026-03-31"}]`,
			`ignore: [{check: exposure_no_url, reason: "moves in June", until: "2027-06-30"}]`,
			"Better: mend what it is about, and remove it."),
		"ignore_unknown": example("an `ignore:` of a check that there is not",
			"No rule of lint and no dimension of coverage has this name, so nothing is let pass. It may be a slip of the pen.",
			`ignore: [{check: exposure_nourl, reason: "internal"}]`,
			`ignore: [{check: exposure_no_url, reason: "internal"}]`,
			"exposync lint --list shows the rules."),
		"ignore_no_reason": example("an `ignore:` without a reason, which does not count",
			"Whoever reads the project next has to know why this is fine. Without a reason the finding is not let pass.",
			`ignore: [{check: exposure_no_url}]`,
			`ignore: [{check: exposure_no_url, reason: "the partner has no page"}]`,
			"A day is optional: until: \"2027-01-31\", in quotes."),
	}
}
