package dbt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"exposync/internal/fault"
	"exposync/internal/secret"
	"exposync/internal/yamlx"
)

const projectFile = "dbt_project.yml"

// ProjectFile is what Exposync needs of dbt_project.yml.
type ProjectFile struct {
	Dir        string // the folder that holds it
	File       string // its path
	Name       string
	Profile    string
	TargetPath string   // target-path; "target" if the file says none
	ModelPaths []string // model-paths; "models" if the file says none
}

// FindProject gives the nearest folder, from dir upwards, that holds a
// dbt_project.yml, as dbt finds it. None is a fault with code project_missing.
func FindProject(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find the dbt project: %w", err)
	}
	for at := dir; ; at = filepath.Dir(at) {
		if isFile(filepath.Join(at, projectFile)) {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", &fault.Fault{
				Code: "project_missing", Kind: fault.Config, Whose: fault.User, Where: dir,
				Msg:  "no " + projectFile + " here or in any folder above",
				Hint: "go to the dbt project, or name it: --project-dir DIR",
			}
		}
	}
}

// ReadProjectFile reads the dbt_project.yml in dir. Only the keys of
// ProjectFile are rendered, so Jinja elsewhere in the file does no harm.
func ReadProjectFile(dir string, r secret.Resolver) (*ProjectFile, error) {
	file := filepath.Join(dir, projectFile)
	root, err := readYAML(file, "project_missing")
	if err != nil {
		return nil, err
	}
	t := &renderer{file: file, resolver: r}
	out := &ProjectFile{Dir: dir, File: file, TargetPath: "target", ModelPaths: []string{"models"}}
	out.Name = t.text(root.Get("name"))
	out.Profile = t.text(root.Get("profile"))
	if path := t.text(root.Get("target-path")); path != "" {
		out.TargetPath = path
	}
	for _, key := range []string{"model-paths", "source-paths"} { // source-paths: before dbt 1.0
		if paths, ok := t.node(root.Get(key)).Strings(); ok && len(paths) > 0 {
			out.ModelPaths = paths
			break
		}
	}
	if root.Kind != yamlx.Map || out.Name == "" && len(t.problems) == 0 {
		t.problem("project_invalid", root, "this is no dbt_project.yml: it has no name")
	}
	if err := t.problems.Err(); err != nil {
		return nil, err
	}
	return out, nil
}

// Target gives the folder that dbt writes artifacts to: the flag, else
// DBT_ENGINE_TARGET_PATH, else DBT_TARGET_PATH, else target-path. A relative
// path is meant from the project's folder, wherever it was written.
func (p *ProjectFile) Target(flag string, env func(string) (string, bool)) string {
	path := flag
	if path == "" {
		path = option(env, "TARGET_PATH")
	}
	if path == "" {
		path = p.TargetPath
	}
	return under(p.Dir, path)
}

// option reads one of dbt's environment variables; since 1.11 the ENGINE
// spelling wins.
func option(env func(string) (string, bool), name string) string {
	if env == nil {
		return ""
	}
	for _, prefix := range []string{"DBT_ENGINE_", "DBT_"} {
		if v, ok := env(prefix + name); ok && v != "" {
			return v
		}
	}
	return ""
}

// under gives path as seen from dir.
func under(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func readYAML(file, missing string) (*yamlx.Node, error) {
	data, err := os.ReadFile(file)
	if err == nil {
		return yamlx.Parse(file, data)
	}
	f := &fault.Fault{
		Code: missing, Kind: fault.Config, Whose: fault.Setup, Where: file, Msg: "the file does not exist",
		Hint: "exposync explain " + missing,
	}
	if inner, ok := errors.AsType[*fs.PathError](err); ok && !errors.Is(err, fs.ErrNotExist) {
		f.Msg, f.Err = "the file cannot be read", inner.Err
	}
	return nil, f
}

// renderer renders the Jinja in a tree and collects what is wrong with it.
type renderer struct {
	file     string
	resolver secret.Resolver
	problems fault.List
}

// node gives the tree with every text rendered. A text that held Jinja gets
// the type that YAML would give the result: "{{ env_var('PORT') }}" is a
// number. References other than Jinja are none of dbt's and stay as they are.
func (t *renderer) node(n *yamlx.Node) *yamlx.Node {
	if n == nil {
		return nil
	}
	out := *n
	switch n.Kind {
	case yamlx.List:
		out.Items = make([]*yamlx.Node, len(n.Items))
		for i, item := range n.Items {
			out.Items[i] = t.node(item)
		}
	case yamlx.Map:
		out.Pairs = make([]yamlx.Pair, len(n.Pairs))
		for i, p := range n.Pairs {
			p.Value = t.node(p.Value)
			out.Pairs[i] = p
		}
	case yamlx.String:
		t.render(&out)
	case yamlx.Null, yamlx.Bool, yamlx.Number:
	}
	return &out
}

func (t *renderer) render(n *yamlx.Node) {
	if !strings.Contains(n.Text, "{{") && !strings.Contains(n.Text, "{%") && !strings.Contains(n.Text, "{#") {
		return
	}
	text, err := t.resolver.Jinja(n.Where(t.file), n.Text)
	if err != nil {
		t.problems = append(t.problems, fault.All(err)...)
		return
	}
	n.Text = text
	typed, err := yamlx.Parse(t.file, []byte(text))
	if err != nil { // not even YAML: a text
		return
	}
	if typed.Kind == yamlx.Bool || typed.Kind == yamlx.Number && typed.Text == text {
		n.Kind, n.Text = typed.Kind, typed.Text
	}
}

// text gives a rendered scalar, "" if it is missing.
func (t *renderer) text(n *yamlx.Node) string {
	text, _ := t.node(n).Scalar()
	return text
}

func (t *renderer) problem(code string, at *yamlx.Node, msg string) {
	t.problems = append(t.problems, &fault.Fault{
		Code: code, Kind: fault.Config, Whose: fault.Setup, Where: at.Where(t.file), Msg: msg,
		Hint: "exposync explain " + code,
	})
}
