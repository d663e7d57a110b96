package job

import (
	"slices"
	"strings"

	"exposync/internal/config"
	"exposync/internal/fault"
	"exposync/internal/plan"
)

// readWas reads was: a former name, or several, newest first.
func readWas(r *config.Reader) []string {
	names := r.Texts("was")
	if r.Node("was") != nil && len(names) == 0 {
		r.Fault("was", "setting_invalid", "", "names no former name")
	}
	for _, name := range names {
		exposure, sync, several := strings.Cut(name, ".")
		if strings.TrimSpace(name) != "" && (!validName(exposure) || several && !validName(sync)) {
			r.Fault("was", "setting_invalid", "write the former name of the exposure or sync, or exposure.sync",
				"%q is no name of an exposure or sync", name)
		}
	}
	return names
}

// formerIDs gives the IDs that a job may have had before, newest first. of are
// the exposure's former names, own those of a sync in it. A name with a dot is
// a whole ID. A sync of that has the name of its exposure was all of it once.
func formerIDs(exposure, sync string, of, own []string) []string {
	var out []string
	add := func(id string) {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	if sync == "" {
		for _, name := range of {
			add(name)
		}
		return out
	}
	exposures := append([]string{exposure}, of...)
	for _, name := range own {
		if strings.Contains(name, ".") || slices.Contains(exposures, name) {
			add(name)
			continue
		}
		for _, x := range exposures {
			add(x + "." + name)
		}
	}
	for _, x := range of {
		if !strings.Contains(x, ".") {
			add(x + "." + sync)
		}
	}
	return out
}

// refuseWas reports former names that are nobody's: of jobs that still exist,
// which would lose their memory, and of two jobs at once.
func refuseWas(jobs []plan.Job, places map[string]string) {
	heirs := map[string]*plan.Job{}
	for i := range jobs {
		j := &jobs[i]
		for _, was := range j.Was {
			var f *fault.Fault
			switch k := slices.IndexFunc(jobs, func(o plan.Job) bool { return o.ID == was }); {
			case was == j.ID:
				f = &fault.Fault{Code: "was_exists", Msg: "was: " + was + ": that is its present name", Hint: "write the name it had before, or remove `was`"}
			case k >= 0:
				f = &fault.Fault{
					Code: "was_exists", Msg: "was: " + was + ": that sync still exists (" + jobs[k].Where + "), so this one cannot continue what it confirmed",
					Hint: "remove `was`, or remove the old exposure or sync; then run dbt parse",
				}
			case heirs[was] != nil:
				f = &fault.Fault{
					Code: "was_twice", Msg: "was: " + was + ": " + heirs[was].ID + " continues that sync already (" + heirs[was].Where + ")",
					Hint: "what was confirmed can be continued by one sync only: remove one of the two",
				}
			default:
				heirs[was] = j
				continue
			}
			f.Kind, f.Whose, f.Where = fault.Config, fault.Mapping, places[j.ID]
			j.Problems = append(j.Problems, f)
		}
	}
}
