package dbt

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"exposync/internal/fault"
	"exposync/internal/secret"
	"exposync/internal/yamlx"
)

const profilesFile = "profiles.yml"

// Profile is one profile of profiles.yml with the one output that was asked
// for.
type Profile struct {
	Name    string
	File    string
	Target  string
	Targets []string // every output's name, in the order of the file
	Output  Output
}

// Output is the connection of one target, rendered. The other outputs are
// not: they may ask for variables that only another machine has.
type Output struct {
	Adapter  string // type: postgres, duckdb, sqlite, …
	Database string // as dbt derives it for relations
	Schema   string
	Threads  int
	// Params has every key that is not a list or a map. They are all kept as
	// secrets: which of them is one differs from adapter to adapter.
	Params map[string]secret.Value

	tree *yamlx.Node
	file string
	dir  string // where relative paths start: the project's folder
}

// ProfilesPlaces says where to look for profiles.yml.
type ProfilesPlaces struct {
	Flag    string // --profiles-dir
	Dir     string // the current folder
	Project string // the project's folder
	Home    string // the user's home folder
	Env     func(name string) (string, bool)
}

// FindProfiles gives the path of profiles.yml in dbt's order: the flag, else
// DBT_ENGINE_PROFILES_DIR, else DBT_PROFILES_DIR (each of these alone, if
// set), else the current folder, the project's folder, ~/.dbt. None is a
// fault with code profiles_missing.
func FindProfiles(p ProfilesPlaces) (string, error) {
	dirs := []string{p.Dir, p.Project, filepath.Join(p.Home, ".dbt")}
	if p.Home == "" {
		dirs = dirs[:2]
	}
	asked := p.Flag
	if asked == "" {
		asked = option(p.Env, "PROFILES_DIR")
	}
	if asked != "" {
		asked = expand(asked, p.Home)
		dirs = []string{under(p.Dir, asked)}
	}
	for _, dir := range dirs {
		if path := filepath.Join(dir, profilesFile); dir != "" && isFile(path) {
			return path, nil
		}
	}
	return "", &fault.Fault{
		Code: "profiles_missing", Kind: fault.Config, Whose: fault.Setup,
		Msg:  "no " + profilesFile + " in " + strings.Join(slices.DeleteFunc(dirs, func(d string) bool { return d == "" }), ", "),
		Hint: "name its folder: --profiles-dir DIR",
	}
}

// expand puts the home folder in the place of a leading ~, as dbt does: also
// with the backslash of Windows.
func expand(path, home string) string {
	if home == "" || path != "~" && !strings.HasPrefix(path, "~/") && !strings.HasPrefix(path, `~\`) {
		return path
	}
	return filepath.Join(home, strings.TrimLeft(path[1:], `/\`))
}

// ProfileChoice says which profile and target to take.
type ProfileChoice struct {
	Profile string       // --profile
	Target  string       // --target
	Project *ProjectFile // names the profile where no flag does
}

// LoadProfile reads one output of profiles.yml. The profile is that of the
// flag, else DBT_PROFILE, else the project's; the target that of the flag,
// else DBT_TARGET, else the profile's target, else "default". All problems
// of the output are reported together. Faults: profiles_missing,
// profile_unknown, target_unknown, profile_invalid, and those of rendering.
func LoadProfile(path string, choice ProfileChoice, r secret.Resolver) (*Profile, error) {
	root, err := readYAML(path, "profiles_missing")
	if err != nil {
		return nil, err
	}
	out := &Profile{File: path, Name: firstOf(choice.Profile, option(r.Env, "PROFILE"), choice.profile())}
	names := slices.DeleteFunc(root.Keys(), func(k string) bool { return k == "config" })
	profile, err := pick(path, root, out.Name, "profile", names)
	if err != nil {
		return nil, err
	}
	t := &renderer{file: path, resolver: r}
	out.Targets = profile.Get("outputs").Keys()
	out.Target = firstOf(choice.Target, option(r.Env, "TARGET"))
	if out.Target == "" {
		out.Target = firstOf(t.text(profile.Get("target")), "default")
	}
	if err := t.problems.Err(); err != nil {
		return nil, err
	}
	output, err := pick(path, profile.Get("outputs"), out.Target, "target", out.Targets)
	if err != nil {
		return nil, err
	}
	out.Output = t.output(output)
	if choice.Project != nil {
		out.Output.dir = choice.Project.Dir
	}
	out.Output.Database = out.Output.database()
	if err := t.problems.Err(); err != nil {
		return nil, err
	}
	return out, nil
}

func (c ProfileChoice) profile() string {
	if c.Project == nil {
		return ""
	}
	return c.Project.Profile
}

// pick gives the profile or the output of a name.
func pick(file string, from *yamlx.Node, name, what string, known []string) (*yamlx.Node, error) {
	if n := from.Get(name); n != nil && n.Kind == yamlx.Map {
		return n, nil
	}
	f := &fault.Fault{
		Code: what + "_unknown", Kind: fault.Config, Whose: fault.Setup, Where: from.Where(file),
		Msg: fmt.Sprintf("there is no %s %q", what, name),
	}
	switch near := fault.Suggest(name, known); {
	case name == "":
		f.Msg = fmt.Sprintf("no %s is named, neither in %s nor by --%s", what, projectFile, what)
	case near != "":
		f.Hint = fmt.Sprintf("did you mean --%s %s?", what, near)
	case len(known) > 0:
		f.Hint = "there is " + strings.Join(known, ", ")
	default:
		f.Hint = "the file has none"
	}
	return nil, f
}

// output renders one output and reads what all adapters share.
func (t *renderer) output(n *yamlx.Node) Output {
	tree := t.node(n)
	out := Output{Params: map[string]secret.Value{}, Threads: 1, tree: tree, file: t.file}
	for _, p := range tree.Pairs {
		if text, ok := p.Value.Scalar(); ok {
			out.Params[p.Key] = secret.New(text)
		}
	}
	t.learn(tree)
	out.Adapter, out.Schema = out.text("type"), out.text("schema", "dataset")
	if out.Adapter == "" && len(t.problems) == 0 {
		t.problem("profile_invalid", tree, "the output has no type")
	}
	if threads := out.text("threads"); threads != "" {
		var err error
		if out.Threads, err = strconv.Atoi(threads); err != nil || out.Threads < 1 {
			t.problem("profile_invalid", tree.Get("threads"), "threads is not a whole number above 0")
			out.Threads = 1
		}
	}
	return out
}

// learn makes the output's passwords known to the redactor, wherever they
// stand. One that is also a plain setting (user postgres, password postgres)
// protects nothing, and hiding it would hide that setting everywhere.
func (t *renderer) learn(tree *yamlx.Node) {
	if t.resolver.Redactor == nil {
		return
	}
	plain := map[string]bool{}
	for _, p := range tree.Pairs {
		if text, ok := p.Value.Scalar(); ok && !secret.Sensitive(p.Key) {
			plain[text] = true
		}
	}
	var visit func(n *yamlx.Node)
	visit = func(n *yamlx.Node) {
		for _, p := range n.Pairs {
			if text, ok := p.Value.Str(); ok && secret.Sensitive(p.Key) && !plain[text] {
				t.resolver.Redactor.Add(text)
			}
			visit(p.Value)
		}
		for _, item := range n.Items {
			visit(item)
		}
	}
	visit(tree)
}

// text gives the first of the keys that is set.
func (o Output) text(keys ...string) string {
	for _, key := range keys {
		if v := o.Params[key].Reveal(); v != "" {
			return v
		}
	}
	return ""
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
