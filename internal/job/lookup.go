package job

import (
	"fmt"
	"slices"
	"strings"

	"exposync/internal/config"
	"exposync/internal/fault"
	"exposync/internal/plan"
)

// readLookup reads lookup: the job whose ids are looked up, and miss:.
func readLookup(r *config.Reader) *plan.Lookup {
	miss := plan.Miss(r.Choice("miss", string(plan.MissWait), string(plan.MissSkip), string(plan.MissClear)))
	if r.Node("lookup") == nil {
		if miss != "" {
			r.Fault("miss", "setting_invalid", "remove it", "is for fields with lookup")
		}
		return nil
	}
	if miss == "" {
		miss = plan.MissWait
	}
	for _, key := range []string{"value", "expr", "object", "array", "normalize", "hash"} {
		if r.Has(key) {
			r.Fault(key, "setting_invalid", "remove it; `from:` is the column with the other record's key, which `cast:` may bring to its type",
				"cannot be said of a field with lookup")
		}
	}
	return &plan.Lookup{Job: r.Text("lookup"), Miss: miss, Where: r.Place("lookup").Where}
}

// resolveLookups finds the jobs that fields look up, and reports what cannot
// be: jobs that are not there, and jobs that wait for each other.
func resolveLookups(jobs []plan.Job) {
	byID := map[string]*plan.Job{}
	for i := range jobs {
		byID[jobs[i].ID] = &jobs[i]
	}
	for i := range jobs {
		j := &jobs[i]
		j.Fields = slices.Clone(j.Fields) // inherited fields are shared by several syncs
		for k := range j.Fields {
			if j.Fields[k].Lookup != nil {
				own := *j.Fields[k].Lookup
				j.Fields[k].Lookup = &own
				resolveLookup(j, j.Fields[k], byID)
			}
		}
	}
	refuseCircles(jobs, byID)
}

func resolveLookup(j *plan.Job, f plan.Field, byID map[string]*plan.Job) {
	l := f.Lookup
	exposure, _, _ := strings.Cut(j.ID, ".")
	found := byID[exposure+"."+l.Job]
	if found == nil {
		found = byID[l.Job]
	}
	wrong := func(code, hint, format string, args ...any) {
		j.Problems = append(j.Problems, &fault.Fault{
			Code: code, Kind: fault.Config, Whose: fault.Mapping, Where: l.Where,
			Msg: fmt.Sprintf("job %s: fields.%s: lookup: %s", j.ID, f.Name, fmt.Sprintf(format, args...)), Hint: hint,
		})
	}
	if found == nil {
		var names []string
		for id := range byID {
			names = append(names, id, strings.TrimPrefix(id, exposure+"."))
		}
		slices.Sort(names)
		hint := "write the name of a sync of this exposure, of another exposure, or exposure.sync"
		if near := fault.Suggest(l.Job, names); near != "" {
			hint = "did you mean " + near + "? Else " + hint
		}
		wrong("lookup_unknown", hint, "there is no sync %q", l.Job)
		return
	}
	l.Job = found.ID
	if len(found.Key) > 1 {
		wrong("lookup_key", "look up a sync whose key is one field", "%s has a key of several fields, and one column cannot hold it", found.ID)
	}
	if j.Incremental.On() {
		wrong("lookup_incremental", "remove "+j.Incremental.Setting()+", or make the other record's id a column of the export model",
			"with %s, a record would not be read again when the id that it waits for is there", j.Incremental.Setting())
	}
}

// refuseCircles reports jobs that look each other up: none could be first.
func refuseCircles(jobs []plan.Job, byID map[string]*plan.Job) {
	for i := range jobs {
		j := &jobs[i]
		for _, f := range j.Fields {
			if f.Lookup == nil || byID[f.Lookup.Job] == nil {
				continue
			}
			way := wayTo(f.Lookup.Job, j.ID, byID, nil)
			if way == nil {
				continue
			}
			var said []string
			for k, id := range way {
				if k+1 < len(way) {
					said = append(said, fmt.Sprintf("%s looks up %s (%s)", id, way[k+1], placeOf(byID[id], way[k+1])))
				}
			}
			text := "looks up itself"
			if len(said) > 0 {
				text = fmt.Sprintf("%s looks up %s, but %s: none of them could be first", j.ID, f.Lookup.Job, strings.Join(said, ", and "))
			}
			j.Problems = append(j.Problems, &fault.Fault{
				Code: "lookup_circle", Kind: fault.Config, Whose: fault.Mapping, Where: f.Lookup.Where,
				Msg:  fmt.Sprintf("job %s: fields.%s: lookup: %s", j.ID, f.Name, text),
				Hint: "make one of the links a sync of its own that runs after both: it sends the key and this field only, in mode update",
			})
		}
	}
}

// wayTo is the way of lookups from one job to another; nil if there is none.
func wayTo(from, to string, byID map[string]*plan.Job, passed []string) []string {
	passed = append(slices.Clone(passed), from)
	if from == to {
		return passed
	}
	for _, next := range byID[from].LooksUp() {
		if byID[next] == nil || slices.Contains(passed, next) {
			continue
		}
		if way := wayTo(next, to, byID, passed); way != nil {
			return way
		}
	}
	return nil
}

// placeOf is where a job declares that it looks another one up.
func placeOf(j *plan.Job, other string) string {
	for _, f := range j.Fields {
		if f.Lookup != nil && f.Lookup.Job == other {
			return f.Lookup.Where
		}
	}
	return j.Where
}
