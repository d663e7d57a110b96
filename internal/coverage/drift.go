package coverage

import (
	"cmp"
	"slices"
)

// DriftKind says what does not fit together between exposures and the syncs of
// hosted tools.
type DriftKind string

// The kinds, worst first.
const (
	SyncGone     DriftKind = "hosted_missing"    // an exposure declares a sync that the tool does not have
	SyncDisabled DriftKind = "hosted_disabled"   // the declared sync is switched off
	OwnSchedule  DriftKind = "own_schedule"      // the tool runs the declared sync by itself, too
	NotAnExport  DriftKind = "hosted_no_export"  // a sync reads a model that is no export
	Undeclared   DriftKind = "hosted_undeclared" // no exposure declares the sync
	Unread       DriftKind = "hosted_unread"     // the tool could not be asked
)

func kindRank(k DriftKind) int {
	return slices.Index([]DriftKind{SyncGone, SyncDisabled, OwnSchedule, NotAnExport, Undeclared, Unread}, k)
}

// Drift is one thing that does not fit together.
type Drift struct {
	Kind     DriftKind `json:"kind"`
	Ref      string    `json:"sync"`               // connection/id; the connection alone where it could not be asked
	Title    string    `json:"title,omitempty"`    // as people call it in the tool
	Exposure string    `json:"exposure,omitempty"` // unique_id
	Model    string    `json:"model,omitempty"`    // unique_id, or the tool's own name of what it reads
	Detail   string    `json:"detail,omitempty"`   // the schedule, or why the tool could not be asked
	URL      string    `json:"url,omitempty"`
}

// Declares is one sync that an exposure declares or shows, as asked for.
type Declares struct {
	Exposure   string // unique_id
	Connection string
	Sync       HostedSync
	Gone       bool   // the tool does not have it
	Disabled   string // in the tool's words; empty if it is on
}

// DriftOf compares, both ways, what exposures declare with what the tools have:
// worst first, then by sync. declared are the syncs that exposures declare, as
// the tools tell of them.
func (f *Facts) DriftOf(declared []Declares) []Drift {
	var out []Drift
	for _, d := range declared {
		item := Drift{Ref: d.Connection + "/" + d.Sync.ID, Title: d.Sync.Name, Exposure: d.Exposure, URL: d.Sync.URL}
		switch {
		case d.Gone:
			item.Kind = SyncGone
		case d.Disabled != "":
			item.Kind, item.Detail = SyncDisabled, d.Disabled
		case d.Sync.Schedule != "":
			item.Kind, item.Detail = OwnSchedule, d.Sync.Schedule
		default:
			continue
		}
		out = append(out, item)
	}
	if f.in.Hosted != nil {
		for _, h := range f.in.Hosted.Syncs {
			out = append(out, f.driftOf(h)...)
		}
		for connection, why := range f.in.Hosted.Unread {
			out = append(out, Drift{Kind: Unread, Ref: connection, Detail: why})
		}
	}
	slices.SortStableFunc(out, func(a, b Drift) int {
		return cmp.Or(kindRank(a.Kind)-kindRank(b.Kind), cmp.Compare(a.Ref, b.Ref), cmp.Compare(a.Exposure, b.Exposure))
	})
	return out
}

// driftOf judges one sync that a tool has.
func (f *Facts) driftOf(h HostedSync) []Drift {
	var out []Drift
	item := Drift{Ref: cmp.Or(h.Connection, h.Tool) + "/" + h.ID, Title: h.Name, Model: cmp.Or(h.Model, h.Relation), URL: h.URL}
	if !f.declares(h) {
		item.Kind = Undeclared
		out = append(out, item)
	}
	if n := f.ModelOf(h); n != nil && !f.exports[n.UniqueID] {
		item.Kind, item.Model = NotAnExport, n.UniqueID
		out = append(out, item)
	}
	return out
}

// declares reports whether an exposure stands for a sync: by its job, or by
// its url.
func (f *Facts) declares(h HostedSync) bool {
	return slices.ContainsFunc(f.Applications, func(e *Exposure) bool {
		return slices.ContainsFunc(f.hostedOf(e), func(o HostedSync) bool { return o.ID == h.ID && o.Tool == h.Tool && o.Connection == h.Connection })
	})
}
