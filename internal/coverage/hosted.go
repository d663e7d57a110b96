package coverage

import (
	"slices"
	"strings"
	"time"

	"exposync/internal/dbt"
	"exposync/internal/plan"
)

// HostedInventory is what hosted tools say about the syncs they have.
type HostedInventory struct {
	Syncs []HostedSync
	Asked []string // the connections that were asked
	// Unread says for each connection that did not answer why.
	Unread map[string]string
}

// HostedSync is one sync of a hosted tool.
type HostedSync struct {
	Tool string // hightouch, census, …
	// Connection names the workspace in exposync.yml: the same id is another
	// sync in another workspace.
	Connection string
	ID         string   // the tool's own
	Name       string   // as people call it there
	Model      string   // unique_id of the dbt model that it reads, where the tool knows it
	Relation   string   // the table or view that it reads, as the tool writes it
	Columns    []string // of that, which it sends; nil if the tool does not say
	Key        []string // columns that identify a record; nil if the tool does not say
	Schedule   string   // in words; empty if none
	Enabled    bool
	URL        string
	LastRun    time.Time // zero if it never ran, or the tool does not say
}

// Ref names a hosted sync: tool/id.
func (h HostedSync) Ref() string { return h.Tool + "/" + h.ID }

// ModelOf finds the node that a hosted sync reads: by the tool's word, else by
// its relation. It is nil if the project has none.
func (f *Facts) ModelOf(h HostedSync) *dbt.Node {
	if n := f.Project.Nodes[h.Model]; n != nil || h.Relation == "" {
		return n
	}
	var found *dbt.Node
	for _, n := range f.Project.Nodes {
		if n.Relation() && sameRelation(n, h.Relation) && (found == nil || n.UniqueID < found.UniqueID) {
			found = n
		}
	}
	return found
}

// sameRelation compares as warehouses do: quotes and case left out, and a name
// that leaves out the database means any.
func sameRelation(n *dbt.Node, relation string) bool {
	own, theirs := bare(n.RelationName), bare(relation)
	return own != "" && theirs != "" && (own == theirs || strings.Contains(theirs, ".") && strings.HasSuffix(own, "."+theirs))
}

func bare(relation string) string {
	return strings.ToLower(strings.NewReplacer(`"`, "", "`", "", "[", "", "]", "", " ", "").Replace(relation))
}

// hostedOf gives the hosted syncs that an exposure stands for: those that its
// jobs trigger, and the one that its url shows.
func (f *Facts) hostedOf(e *Exposure) []HostedSync {
	if f.in.Hosted == nil {
		return nil
	}
	var out []HostedSync
	for _, h := range f.in.Hosted.Syncs {
		triggers := func(j plan.Job) bool {
			return j.Hosted != nil && j.Hosted.Sync == h.ID && (j.Type == "" || j.Type == h.Tool) && (h.Connection == "" || h.Connection == j.Connection)
		}
		shown := e.SyncID() == h.ID && (e.Watched == "" || e.Watched == h.Tool)
		if shown || slices.ContainsFunc(e.Jobs, triggers) {
			out = append(out, h)
		}
	}
	return out
}

// referenced gives the columns that a hosted sync sends.
func (f *Facts) referenced(h HostedSync) []Sent {
	n := f.ModelOf(h)
	if n == nil {
		return nil
	}
	var out []Sent
	for _, name := range h.Columns {
		out = append(out, Sent{n, f.Column(n, name).Name})
	}
	return out
}

// HostedID gives the id of the sync that an address shows, as in
// https://app.hightouch.com/acme/syncs/42606; empty if it shows none.
func HostedID(address string) string {
	address, _, _ = strings.Cut(address, "?")
	address, _, _ = strings.Cut(address, "#")
	parts := strings.Split(address, "/")
	at := slices.Index(parts, "syncs")
	if at < 0 || at+1 >= len(parts) || parts[at+1] == "" || strings.Trim(parts[at+1], "0123456789") != "" {
		return ""
	}
	return parts[at+1]
}
