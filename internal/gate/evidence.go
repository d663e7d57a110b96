package gate

import (
	"maps"
	"slices"

	"exposync/internal/dbt"
	"exposync/internal/plan"
)

// NewEvidence gives what a ledger should remember of the files, one entry per
// node, sorted by unique_id: failures as well as successes. Files of commands
// that build and test nothing give none, nor do rows that say nothing a later
// gate could use: exposures, hooks, ephemeral models, tests that did not run
// (they would hide the failure before them).
//
// A file that does not fit the manifest gives entries without checksum, which
// prove nothing later. A message is kept only if it is one of dbt's fixed
// words: others quote the warehouse, and so perhaps a record.
func NewEvidence(p *dbt.Project, runs []*dbt.RunResults) []plan.Evidence {
	f := Collect(p, Input{Runs: runs})
	out := map[string]plan.Evidence{}
	for n, ft := range f.run {
		if ft == nil || ft.class == silent || ft.class == unknown {
			continue
		}
		node := f.graph.nodes[n]
		if node.Test() && !ft.ran() {
			continue
		}
		e := ft.Evidence
		e.Message, e.File = fixedWords(e.Message), ""
		if f.fits(ft.file) {
			e.Checksum = node.Checksum
			if e.RelationName == "" || node.Test() {
				e.RelationName = f.graph.relation(int32(n))
			}
		}
		out[e.UniqueID] = e
	}
	evidence := make([]plan.Evidence, 0, len(out))
	for _, id := range slices.Sorted(maps.Keys(out)) {
		evidence = append(evidence, out[id])
	}
	return evidence
}

// fits reports whether the manifest can vouch for the code that a file's
// results were made from.
func (f *Facts) fits(file *file) bool {
	return f.pairs(file.RunResults) || file.absent == 0 && file.moved == "" && file.renamed == ""
}

func fixedWords(message string) string {
	switch message {
	case "Skipped", "Skipped due to upstream failure", "Skipping due to fail_fast",
		"Skipped due to model reuse", "Statically checked", "Compilation Error":
		return message
	}
	return ""
}
