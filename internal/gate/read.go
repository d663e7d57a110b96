package gate

import (
	"cmp"
	"strings"

	"exposync/internal/dbt"
	"exposync/internal/plan"
)

// read merges one file; files come oldest first. A file that is no evidence
// is left for checkPresence to name.
func (f *Facts) read(r *dbt.RunResults) {
	if !isEvidence(r, f.graph) {
		return
	}
	file := &file{RunResults: r, cut: f.cutOf(r), refused: refused(r)}
	rows := map[int32]*fact{}
	for i := range r.Results {
		f.readRow(file, &r.Results[i], rows)
	}
	if file.rows == 0 {
		return
	}
	f.files = append(f.files, file)
	for n, next := range rows {
		f.run[n] = newer(f.graph.isTest[n], f.run[n], next)
	}
}

// isEvidence reports whether a file tells what was built or tested. A test
// with status "success" stands only in files of dbt compile and docs, whatever
// their args say.
func isEvidence(r *dbt.RunResults, g *graph) bool {
	if !r.Executes() {
		return false
	}
	for i := range r.Results {
		row := &r.Results[i]
		if row.Status != "success" {
			continue
		}
		if n, ok := g.index[row.UniqueID]; ok && g.isTest[n] {
			return false
		}
	}
	return true
}

// readRow adds one row of a file. A node that stands twice in one file has its
// worst status.
func (f *Facts) readRow(file *file, row *dbt.Result, rows map[int32]*fact) {
	if row.UniqueID == "" {
		return
	}
	file.rows++
	next := &fact{file: file, Evidence: evidenceOf(file, row)}
	kind, _, _ := strings.Cut(row.UniqueID, ".")
	switch n, ok := f.graph.index[row.UniqueID]; {
	case kind == "operation" || kind == "macro" || strings.HasPrefix(row.UniqueID, "sql"):
		next.class = statusOnly(row.Status)
		f.hooks[row.UniqueID] = newer(false, f.hooks[row.UniqueID], next)
	case ok:
		node := f.graph.nodes[n]
		file.present++
		file.compare(row, node)
		next.class = classify(node, row.Status, row.Message, file.cut)
		rows[n] = worse(rows[n], next)
	case f.graph.project.Exposures[row.UniqueID] != nil:
		file.present++
		next.class = statusOnly(row.Status)
		f.exposures[row.UniqueID] = newer(false, f.exposures[row.UniqueID], next)
	default:
		file.absent++
		if file.missing == "" || row.UniqueID < file.missing {
			file.missing = row.UniqueID
		}
	}
}

// statusOnly reads the status of hooks and exposures, of which only failures
// and skips say anything.
func statusOnly(status string) class {
	switch status {
	case "error", "fail", "runtime error":
		return failed
	case "skipped":
		return skipped
	}
	return silent
}

func evidenceOf(f *file, row *dbt.Result) plan.Evidence {
	return plan.Evidence{
		UniqueID: row.UniqueID, Status: row.Status, Message: row.Message, Failures: row.Failures,
		InvocationID: f.InvocationID, Which: f.Args.Which, GeneratedAt: f.GeneratedAt,
		RelationName: row.RelationName, Cut: f.cut, File: f.File,
	}
}

// compare notes where a result and the manifest disagree about a relation.
func (f *file) compare(row *dbt.Result, n *dbt.Node) {
	at := &f.moved
	switch {
	case !moved(row.RelationName, n.RelationName):
		return
	case place(row.RelationName) == place(n.RelationName):
		at = &f.renamed
	}
	if *at == "" || row.UniqueID < *at {
		*at = row.UniqueID
	}
}

// place is a relation without its last part: database and schema.
func place(relation string) string {
	p := plain(relation)
	return p[:max(strings.LastIndexByte(p, '.'), 0)]
}

// refused reports whether v2 stopped before it did anything: it then writes
// one error for every node that was selected, also for a failed hook and after
// a failure under --fail-fast.
func refused(r *dbt.RunResults) bool {
	for i := range r.Results {
		if r.Results[i].Status != "error" || r.Results[i].Message != "Compilation Error" {
			return false
		}
	}
	return len(r.Results) > 1
}

// newer gives the fact that stands after next was read, which is not older
// than old. Two of one instant count as the worse.
func newer(test bool, old, next *fact) *fact {
	switch {
	case old == nil:
		return next
	case replacedBySilence(test, old, next):
		return old
	case old.GeneratedAt.Equal(next.GeneratedAt):
		return worse(old, next)
	}
	return next
}

// worse gives the worse of two facts, and always the same one of two that are
// as bad: order never counts.
func worse(old, next *fact) *fact {
	if old == nil || cmp.Or(
		cmp.Compare(next.class, old.class), cmp.Compare(next.Status, old.Status),
		cmp.Compare(next.Failures, old.Failures), cmp.Compare(next.Message, old.Message),
		cmp.Compare(next.InvocationID, old.InvocationID), cmp.Compare(next.File, old.File),
	) > 0 {
		return next
	}
	return old
}

// readKnown takes over what the ledger knows. What was built elsewhere, under
// another relation, says nothing here; a test counts where its model does.
func (f *Facts) readKnown(known map[string]plan.Evidence) {
	for id, e := range known {
		n, ok := f.graph.index[id]
		if !ok || moved(e.RelationName, f.graph.relation(n)) {
			continue
		}
		node := f.graph.nodes[n]
		k := &fact{Evidence: e, class: classify(node, e.Status, e.Message, e.Cut)}
		if k.class != silent && k.class != unknown {
			f.known[n] = k
		}
	}
}

// relation is where a node's rows stand; for a test, those it is about.
func (g *graph) relation(n int32) string {
	node := g.nodes[n]
	switch {
	case !node.Test():
		return node.RelationName
	case g.attached[n] >= 0:
		return g.nodes[g.attached[n]].RelationName
	case len(g.parents[n]) > 0:
		return g.nodes[g.parents[n][0]].RelationName
	}
	return ""
}

// moved reports whether two relations, both known, are not the same one.
func moved(a, b string) bool { return a != "" && b != "" && a != b && plain(a) != plain(b) }

// plain is a relation without quotes and case, which engines write differently.
func plain(relation string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if strings.ContainsRune("\"`[]", r) {
			return -1
		}
		return r
	}, relation))
}

// readSources keeps the worse of two results of one source.
func (f *Facts) readSources(s *dbt.Sources) {
	if s == nil {
		return
	}
	for _, r := range s.Results {
		old, twice := f.fresh[r.UniqueID]
		if r.UniqueID != "" && (!twice || old.MaxLoadedAt.After(r.MaxLoadedAt) || old.MaxLoadedAt.Equal(r.MaxLoadedAt) && old.Status < r.Status) {
			f.fresh[r.UniqueID] = r
		}
	}
}
