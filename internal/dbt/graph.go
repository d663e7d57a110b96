package dbt

import (
	"crypto/md5" //nolint:gosec // dbt's own choice of project_id; nothing is protected by it
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// edges fills Parents: what parent_map says, and every depends_on that it
// leaves out. An edge too many asks for more proof; an edge too few would let
// a sync start on none.
func (d *manifestReader) edges(parentMap gjson.Result) error {
	given := parentMap.IsObject()
	if given {
		broken := ""
		parentMap.ForEach(func(key, value gjson.Result) bool {
			parents, ok := d.ids(value)
			if !ok {
				broken = key.Str
			}
			d.Parents[strings.Clone(key.Str)] = parents
			return ok
		})
		if broken != "" {
			return artifactFault("artifact_invalid", d.File, fmt.Sprintf("parent_map: %q has no list of ids", broken), nil)
		}
	} else {
		d.diagnose("edge_rebuilt", "the manifest has no parent_map; its edges are taken from depends_on")
	}
	for id, n := range d.Nodes {
		d.addParents(id, n.DependsOn, given)
	}
	for id, e := range d.Exposures {
		d.addParents(id, e.DependsOn, given)
	}
	for id, parents := range d.Parents {
		slices.Sort(parents)
		d.Parents[id] = slices.Compact(parents)
	}
	d.dangling()
	slices.SortFunc(d.Diagnostics, func(a, b Diagnostic) int { return strings.Compare(a.Code+a.Message, b.Code+b.Message) })
	return nil
}

func (d *manifestReader) addParents(id string, parents []string, given bool) {
	for _, parent := range parents {
		if slices.Contains(d.Parents[id], parent) {
			continue
		}
		d.Parents[id] = append(d.Parents[id], parent)
		if given {
			d.diagnose("edge_added", fmt.Sprintf("parent_map lacks %s -> %s, which depends_on has", parent, id))
		}
	}
}

// ids reads a list of unique_ids with one copy of each text. Anything else is
// not ok: an edge that is passed over could open the gate.
func (d *manifestReader) ids(v gjson.Result) (ids []string, ok bool) {
	if v.Type == gjson.Null {
		return nil, true
	}
	if !v.IsArray() {
		return nil, false
	}
	v.ForEach(func(_, id gjson.Result) bool {
		ids, ok = append(ids, d.name(id)), id.Type == gjson.String
		return ok
	})
	return ids, ok || len(ids) == 0
}

func (d *manifestReader) dependsOn(n *rawNode, v gjson.Result) {
	ids, ok := d.ids(v.Get("nodes"))
	n.DependsOn, n.edgesBroken = ids, !ok || !v.IsObject()
}

// dangling reports edges to nodes that the manifest does not have.
func (d *manifestReader) dangling() {
	for id, parents := range d.Parents {
		for _, parent := range parents {
			_, disabled := d.Disabled[parent]
			if d.Nodes[parent] == nil && d.Exposures[parent] == nil && !disabled {
				d.diagnose("edge_dangling", fmt.Sprintf("%s depends on %s, which the manifest does not have", id, parent))
			}
		}
	}
}

// rootPackage finds the project's name in manifests before dbt 1.6, which do
// not say it: project_id is the md5 of the name, so the package whose name
// hashes to it is the root. Without an id it is the package with most
// exposures, then most nodes.
func (d *manifestReader) rootPackage() string {
	weight := map[string]int{}
	for _, n := range d.Nodes {
		weight[n.Package]++
	}
	for _, e := range d.Exposures {
		weight[e.Package] += len(d.Nodes) + 1
	}
	for id := range d.Disabled {
		if parts := strings.SplitN(id, ".", 3); len(parts) == 3 {
			weight[parts[1]] += 0
		}
	}
	names := slices.Sorted(maps.Keys(weight))
	for _, name := range names {
		sum := md5.Sum([]byte(name)) //nolint:gosec // see the import
		if hex.EncodeToString(sum[:]) == d.ID {
			return name
		}
	}
	best := ""
	for _, name := range names {
		if best == "" || weight[name] > weight[best] {
			best = name
		}
	}
	d.diagnose("project_guessed", fmt.Sprintf("the manifest does not name its project; it is taken to be %q", best))
	return best
}

// markExternal marks the models of other projects: dbt gives them no file.
func (d *manifestReader) markExternal() {
	for _, n := range d.pathless {
		n.External = n.Package != d.Name
	}
}
