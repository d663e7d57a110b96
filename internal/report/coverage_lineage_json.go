package report

import (
	"time"

	"exposync/internal/coverage"
)

// LineageJSON is one exposure with everything above it, and where it goes.
type LineageJSON struct {
	UniqueID string            `json:"unique_id"`
	Name     string            `json:"name"`
	Label    string            `json:"label,omitempty"`
	Type     string            `json:"type"`
	Maturity string            `json:"maturity,omitempty"`
	URL      string            `json:"url,omitempty"`
	Owner    string            `json:"owner,omitempty"`
	SLA      float64           `json:"sla_seconds,omitempty"`
	File     string            `json:"file,omitempty"`
	Line     int               `json:"line,omitempty"`
	Misses   int               `json:"misses"`
	Nodes    []LineageNodeJSON `json:"nodes"`
	Edges    []EdgeJSON        `json:"edges"`
}

// LineageNodeJSON is one node of a lineage.
type LineageNodeJSON struct {
	ID           string         `json:"id"`
	Kind         string         `json:"kind"`
	Layer        string         `json:"layer"`
	Depth        int            `json:"depth"` // longest way to the exposure, which is 0; destinations are -1
	Name         string         `json:"name"`
	Materialized string         `json:"materialized,omitempty"`
	Owner        string         `json:"owner,omitempty"`
	File         string         `json:"file,omitempty"`
	Line         int            `json:"line,omitempty"`
	External     bool           `json:"external,omitempty"`
	Exists       *bool          `json:"exists,omitempty"`
	Tests        *TestsJSON     `json:"tests,omitempty"`
	Freshness    *FreshnessJSON `json:"freshness,omitempty"`
	Evidence     *EvidenceJSON  `json:"evidence,omitempty"`
	Job          string         `json:"job,omitempty"`
	LastRun      *LastSyncJSON  `json:"last_run,omitempty"`
	Misses       int            `json:"misses"`
}

// TestsJSON counts the tests about a node.
type TestsJSON struct {
	Total  int `json:"total"`
	Passed int `json:"passed"`
	Warned int `json:"warned"`
	Failed int `json:"failed"`
	NotRun int `json:"not_run"`
}

// FreshnessJSON is what a source promises and how fresh it was.
type FreshnessJSON struct {
	WarnAfter  float64    `json:"warn_after_seconds,omitempty"`
	ErrorAfter float64    `json:"error_after_seconds,omitempty"`
	LoadedAt   *time.Time `json:"loaded_at,omitempty"`
	Age        float64    `json:"age_seconds,omitempty"`
	Status     string     `json:"status,omitempty"`
}

// EvidenceJSON is the newest result of a node.
type EvidenceJSON struct {
	Status      string     `json:"status"`
	GeneratedAt *time.Time `json:"generated_at"`
	Invocation  string     `json:"invocation_id"`
	InRun       bool       `json:"in_run"`
	Good        bool       `json:"good"`
}

// LastSyncJSON is the newest run of a job.
type LastSyncJSON struct {
	ID      string     `json:"id"`
	Status  string     `json:"status"`
	EndedAt *time.Time `json:"ended_at"`
	Success *time.Time `json:"last_success"`
}

// EdgeJSON leads from a node to the one that reads it.
type EdgeJSON struct {
	From string `json:"from"`
	To   string `json:"to"`
}

func lineageJSON(l coverage.Lineage) LineageJSON {
	out := LineageJSON{
		UniqueID: l.Exposure, Name: l.Name, Label: l.Label, Type: l.Type, Maturity: l.Maturity, URL: l.URL, Owner: l.Owner,
		SLA: l.SLA.Seconds(), File: l.File, Line: l.Line, Misses: l.Misses,
		Nodes: make([]LineageNodeJSON, 0, len(l.Nodes)), Edges: make([]EdgeJSON, 0, len(l.Edges)),
	}
	for _, n := range l.Nodes {
		out.Nodes = append(out.Nodes, lineageNodeJSON(n))
	}
	for _, e := range l.Edges {
		out.Edges = append(out.Edges, EdgeJSON(e))
	}
	return out
}

func lineageNodeJSON(n coverage.Node) LineageNodeJSON {
	out := LineageNodeJSON{
		ID: n.ID, Kind: n.Kind, Layer: string(n.Layer), Depth: n.Depth, Name: n.Name, Materialized: n.Materialized,
		Owner: n.Owner, File: n.File, Line: n.Line, External: n.External, Exists: n.Exists, Job: n.Job, Misses: n.Misses,
	}
	if n.Tests.Total > 0 {
		t := TestsJSON(n.Tests)
		out.Tests = &t
	}
	if f := n.Freshness; f != nil {
		out.Freshness = &FreshnessJSON{f.WarnAfter.Seconds(), f.ErrorAfter.Seconds(), moment(f.LoadedAt), f.Age.Seconds(), f.Status}
	}
	if e := n.Evidence; e != nil {
		out.Evidence = &EvidenceJSON{e.Status, moment(e.GeneratedAt), e.Invocation, e.InRun, e.Good}
	}
	if l := n.Last; l != nil {
		out.LastRun = &LastSyncJSON{l.RunID, l.Status, moment(l.EndedAt), moment(l.Success)}
	}
	return out
}
