package sandbox

import (
	"cmp"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	"exposync/internal/sandbox/tools"
)

// Hosted gives the workspace of a connection to a tool with hosted syncs: what
// its stand-in remembers, and how the next runs go. There is none of a kind
// that is no tool.
func (s *Sandbox) Hosted(kind, connection string) (*tools.Workspace, bool) {
	if _, tool := tools.Of(kind); !tool {
		return nil, false
	}
	m, ok := s.facade(kind, connection)
	if !ok {
		return nil, false
	}
	return tools.WorkspaceOf(m.handler), true
}

// hostedWorkspace is one connection to a tool, as people look at it.
type hostedWorkspace struct {
	Kind       string `json:"kind"`
	Title      string `json:"title"`
	Connection string `json:"connection"`
	tools.Snapshot
}

// How many runs of a sync are shown, and looked through for those that go on.
const (
	shownRuns = 50
	goingRuns = 10
)

// workspaces gives the tools that were asked for, in this sandbox or one before
// it over the same folder.
func (s *Sandbox) workspaces(runs int) ([]hostedWorkspace, error) {
	out := []hostedWorkspace{}
	for _, v := range tools.Vendors() {
		found, err := os.ReadDir(filepath.Join(s.config.Dir, "vendors", escape(v.Kind)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, f := range found {
			connection, ok := unescape(f.Name())
			if !ok {
				continue
			}
			ws, ok := s.Hosted(v.Kind, connection)
			if !ok {
				continue
			}
			shown, err := ws.Snapshot(runs)
			if err != nil {
				return nil, err
			}
			out = append(out, hostedWorkspace{v.Kind, v.Title, connection, shown})
		}
	}
	slices.SortFunc(out, func(a, b hostedWorkspace) int {
		return cmp.Or(cmp.Compare(a.Connection, b.Connection), cmp.Compare(a.Kind, b.Kind))
	})
	return out, nil
}

// toolSummary is one tool on the overview.
type toolSummary struct {
	Kind       string         `json:"kind"`
	Title      string         `json:"title"`
	Connection string         `json:"connection"`
	Syncs      int            `json:"syncs"`
	Runs       int            `json:"runs"`
	Going      int            `json:"going"` // runs that have not ended, as far as they are shown
	Latest     *tools.RunView `json:"latest,omitempty"`
}

func (s *Sandbox) toolSummaries() ([]toolSummary, error) {
	all, err := s.workspaces(goingRuns)
	if err != nil {
		return nil, err
	}
	out := []toolSummary{}
	for _, t := range all {
		sum := toolSummary{Kind: t.Kind, Title: t.Title, Connection: t.Connection, Syncs: len(t.Syncs)}
		for _, sync := range t.Syncs {
			sum.Runs += sync.Counts.Runs
			for i, r := range sync.Runs {
				if r.Ended.IsZero() {
					sum.Going++
				}
				if i == 0 && (sum.Latest == nil || r.Created.After(sum.Latest.Created)) {
					sum.Latest = &sync.Runs[0]
				}
			}
		}
		out = append(out, sum)
	}
	return out, nil
}

func (s *Sandbox) hostedSyncs(w http.ResponseWriter, _ *http.Request) {
	all, err := s.workspaces(shownRuns)
	if err != nil {
		failWith(w, err)
		return
	}
	about := map[string]string{}
	for _, name := range tools.Scenarios() {
		about[name] = tools.About(name)
	}
	answer(w, map[string]any{"workspaces": all, "scenarios": about})
}

// hostedOrder is what changes a workspace from outside: everything in it that
// is set is done, from the top.
type hostedOrder struct {
	Kind       string `json:"kind"`
	Connection string `json:"connection"`

	Models   []tools.Model   `json:"models,omitempty"`   // to declare
	Syncs    []tools.Sync    `json:"syncs,omitempty"`    // to declare
	Sequence *hostedSequence `json:"sequence,omitempty"` // to declare

	Sync     string         `json:"sync,omitempty"`     // that the rest is about; empty with scripts: every sync
	Scenario string         `json:"scenario,omitempty"` // for the next trigger
	Scripts  []tools.Script `json:"scripts"`            // for the next triggers; [] makes them usual again
	Start    *tools.Script  `json:"start,omitempty"`    // a run that somebody else starts
	End      *hostedEnd     `json:"end,omitempty"`      // of runs that go on
}

type hostedSequence struct {
	ID    string   `json:"id"`
	Syncs []string `json:"syncs"`
}

type hostedEnd struct {
	Run string    `json:"run,omitempty"` // empty: all of the sync
	As  tools.End `json:"as,omitempty"`  // empty: as their script says
}

// changeHosted does what an order says, and answers with all workspaces.
func (s *Sandbox) changeHosted(w http.ResponseWriter, r *http.Request) {
	var o hostedOrder
	if err := decodeStrictly(w, r, &o); err != nil {
		failWith(w, problem("bad_order", "the body is no order for hosted syncs: "+err.Error()))
		return
	}
	ws, ok := s.Hosted(o.Kind, o.Connection)
	if !ok {
		fail(w, http.StatusNotFound, "no_such_facade", "the sandbox stands in for no tool of this type")
		return
	}
	if err := o.do(ws); err != nil {
		failWith(w, problem("bad_order", err.Error()))
		return
	}
	s.hostedSyncs(w, r)
}

func (o *hostedOrder) do(ws *tools.Workspace) error {
	for _, m := range o.Models {
		if err := ws.DeclareModel(m); err != nil {
			return err
		}
	}
	for _, sync := range o.Syncs {
		if err := ws.Declare(sync); err != nil {
			return err
		}
	}
	if o.Sequence != nil {
		if err := ws.Sequence(o.Sequence.ID, o.Sequence.Syncs...); err != nil {
			return err
		}
	}
	if o.Scenario != "" {
		script, known := tools.ScriptOf(o.Scenario)
		if !known {
			return errors.New("there is no scenario of that name for a run: GET /v1/_hosted lists them")
		}
		script.Times = 1
		o.Scripts = append([]tools.Script{script}, o.Scripts...)
	}
	if o.Scripts != nil {
		if err := ws.Script(o.Sync, o.Scripts...); err != nil {
			return err
		}
	}
	if o.Start != nil {
		if _, err := ws.Start(o.Sync, *o.Start); err != nil {
			return err
		}
	}
	if o.End != nil {
		return ws.End(o.Sync, o.End.Run, o.End.As)
	}
	return nil
}
