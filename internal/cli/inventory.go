package cli

import (
	"context"
	"maps"
	"slices"

	"exposync/internal/coverage"
	"exposync/internal/fault"
	"exposync/internal/hosted"
	"exposync/internal/report"
)

// inventory asks the hosted tools of the target which syncs they have. A tool
// that does not answer, or cannot list, is told in Unread.
func (s *session) inventory(ctx context.Context) *coverage.HostedInventory {
	inv := &coverage.HostedInventory{Unread: map[string]string{}}
	connections := s.config.Targets[s.target].Connections
	for _, name := range slices.Sorted(maps.Keys(connections)) {
		if !connections[name].Hosted {
			continue
		}
		inv.Asked = append(inv.Asked, name)
		tool, _, err := s.tool(ctx, name)
		if err != nil {
			inv.Unread[name] = oneLine(err)
			continue
		}
		lister, can := tool.(hosted.Lister)
		if !can {
			inv.Unread[name] = "this tool does not list its syncs"
			continue
		}
		syncs, err := lister.List(ctx)
		if err != nil {
			inv.Unread[name] = oneLine(err)
			continue
		}
		for _, y := range syncs {
			inv.Syncs = append(inv.Syncs, inventoried(connections[name].Type, name, y))
		}
	}
	return inv
}

func inventoried(kind, connection string, y hosted.Sync) coverage.HostedSync {
	return coverage.HostedSync{
		Tool: kind, Connection: connection, ID: y.ID, Name: y.Title, Model: y.Model.UniqueID, Relation: y.Model.Relation, Columns: y.Columns,
		Schedule: y.Schedule, Enabled: y.Disabled == "", URL: y.URL, LastRun: y.LastRun,
	}
}

// oneLine is the first of the faults, without where and what next.
func oneLine(err error) string { return fault.All(err)[0].Msg }

// declared asks the tools about every sync that an exposure declares.
func (s *session) declaredSyncs(ctx context.Context, inv *coverage.HostedInventory) []coverage.Declares {
	var out []coverage.Declares
	for _, j := range s.selected() {
		if j.Hosted == nil || j.Connection == "" || j.Object == "" {
			continue
		}
		tool, _, err := s.tool(ctx, j.Connection)
		if err != nil {
			inv.Unread[j.Connection] = oneLine(err)
			continue
		}
		y, err := tool.Inspect(ctx, j.Hosted.Sync)
		d := coverage.Declares{Exposure: j.Exposure, Connection: j.Connection, Sync: coverage.HostedSync{Tool: j.Type, ID: j.Hosted.Sync}}
		switch {
		case fault.Is(err, "hosted_missing"):
			d.Gone = true
		case err != nil:
			inv.Unread[j.Connection] = oneLine(err)
			continue
		default:
			d.Sync, d.Disabled = inventoried(j.Type, j.Connection, y), y.Disabled
			d.Sync.ID = j.Hosted.Sync
		}
		out = append(out, d)
	}
	return out
}

// online adds to a listing what the hosted tools say.
func (s *session) online(ctx context.Context, doc *report.Exposures) {
	inv := s.inventory(ctx)
	declared := s.declaredSyncs(ctx, inv)
	in := s.coverageInput()
	in.Hosted = inv
	doc.Online = &report.Online{Asked: report.NonNil(inv.Asked), Syncs: len(inv.Syncs), Drift: report.NonNil(coverage.Collect(in).DriftOf(declared))}
}
