package dbt

import (
	"path"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// fnmatch reports whether a text matches a pattern as Python's fnmatch sees
// it: * is any text (slashes and dots too), ? any character, [abc], [a-z] and
// [!a-z] one of some; a bracket that is never closed is just a bracket.
func fnmatch(pattern, text string) bool {
	p, t := []rune(pattern), []rune(text)
	star, resume := -1, 0 // where the last * was, and how much of t it has taken
	i, j := 0, 0
	for j < len(t) {
		if i < len(p) && p[i] == '*' {
			star, resume = i, j
			i++
			continue
		}
		if i < len(p) {
			if ok, width := one(p[i:], t[j]); ok {
				i, j = i+width, j+1
				continue
			}
		}
		if star < 0 {
			return false
		}
		resume++
		i, j = star+1, resume
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}

// one matches one character, and says how much of the pattern that used.
func one(p []rune, r rune) (ok bool, width int) {
	switch p[0] {
	case '?':
		return true, 1
	case '[':
		if set, width := brackets(p); width > 0 {
			return inSet(set, r), width
		}
	}
	return p[0] == r, 1
}

// brackets gives what stands between brackets; no width if they never close.
// A ] that comes first is a member.
func brackets(p []rune) (set []rune, width int) {
	start := 1
	if start < len(p) && p[start] == '!' {
		start++
	}
	if start < len(p) && p[start] == ']' {
		start++
	}
	for i := start; i < len(p); i++ {
		if p[i] == ']' {
			return p[1:i], i + 1
		}
	}
	return nil, 0
}

func inSet(set []rune, r rune) bool {
	negated := len(set) > 0 && set[0] == '!'
	if negated {
		set = set[1:]
	}
	for i := 0; i < len(set); i++ {
		if i+2 < len(set) && set[i+1] == '-' {
			if set[i] <= r && r <= set[i+2] {
				return !negated
			}
			i += 2
		} else if set[i] == r {
			return !negated
		}
	}
	return negated
}

// pathMethod matches files and folders below the project. dbt looks at the
// disk; here the paths of the project's own nodes stand for it, since no
// other file can make a difference. As in dbt a node of a package matches
// where the project has a path of the same name.
func pathMethod(s *selecting, c *criterion) (test, error) {
	pattern := segments(c.value)
	if len(pattern) == 0 || strings.HasPrefix(c.value, "/") {
		return nil, selectorFault(c.raw, "path: takes a file or folder below the project's, such as models/exports")
	}
	foldersOnly := pattern[len(pattern)-1] == "**"
	paths := ids{}
	for known, folder := range s.ownPaths() {
		if (folder || !foldersOnly) && globPath(pattern, segments(known)) {
			paths[known] = true
		}
	}
	return func(m *member) bool {
		if paths[m.path] || m.patch != "" && paths[m.patch] {
			return true
		}
		for _, dir := range dirs(m.path) {
			if paths[dir] {
				return true
			}
		}
		return false
	}, nil
}

// ownPaths are the files and folders that the project's own nodes tell of;
// folders are true.
func (s *selecting) ownPaths() map[string]bool {
	out := map[string]bool{}
	for i := range s.members {
		m := &s.members[i]
		if m.pkg != s.project.Name {
			continue
		}
		for _, file := range []string{m.path, m.patch} {
			if _, known := out[file]; known || file == "" {
				continue
			}
			out[file] = false
			for _, dir := range dirs(file) {
				out[dir] = true
			}
		}
	}
	return out
}

// dirs are the folders above a file, "." last.
func dirs(file string) []string {
	var out []string
	for dir := path.Dir(file); ; dir = path.Dir(dir) {
		out = append(out, dir)
		if dir == "." || dir == "/" {
			return out
		}
	}
}

// segments parts a path; empty parts and dots do not count.
func segments(p string) []string {
	parts := strings.Split(slashes(p), "/")
	return slices.DeleteFunc(parts, func(part string) bool { return part == "" || part == "." })
}

// globPath matches a path against a pattern, part by part; ** stands for any
// number of folders.
func globPath(pattern, parts []string) bool {
	if len(pattern) == 0 {
		return len(parts) == 0
	}
	if pattern[0] == "**" {
		return globPath(pattern[1:], parts) || len(parts) > 0 && globPath(pattern, parts[1:])
	}
	return len(parts) > 0 && fnmatch(pattern[0], parts[0]) && globPath(pattern[1:], parts[1:])
}

// configMethod matches what a key of config says, config.meta.owner and so
// on; severity in any case.
func configMethod(_ *selecting, c *criterion) (test, error) {
	severity := slices.Equal(c.args, []string{"severity"})
	return func(m *member) bool {
		if m.kind != "source" && !m.inNodes() {
			return false
		}
		v := gjson.ParseBytes(m.node.Config)
		for _, key := range c.args {
			if !v.IsObject() {
				return false
			}
			v = v.Get(gjson.Escape(key))
		}
		switch {
		case severity && v.Type == gjson.String:
			return strings.EqualFold(v.Str, c.value)
		case v.IsArray():
			return slices.ContainsFunc(v.Array(), func(item gjson.Result) bool { return c.equals(item) || truthIs(c.value, oneZero(item)) })
		}
		return c.equals(v) || truthIs(c.value, v)
	}, nil
}

// equals compares as dbt does: a text of the command line never equals a
// number.
func (c *criterion) equals(v gjson.Result) bool {
	switch c.typed {
	case number:
		return v.Type == gjson.Number && v.Raw != "" && gjson.Parse(c.value).Num == v.Num
	case boolean:
		return false // truthIs has it
	case text:
	}
	return v.Type == gjson.String && v.Str == c.value
}

// truthIs reports whether the value is the boolean that the text says.
func truthIs(value string, v gjson.Result) bool {
	return v.Type == gjson.True && strings.EqualFold(value, "true") || v.Type == gjson.False && strings.EqualFold(value, "false")
}

// oneZero takes 1 and 0 for booleans: in a list Python does not tell them
// apart.
func oneZero(v gjson.Result) gjson.Result {
	if v.Type == gjson.Number && v.Num == 1 {
		return gjson.Result{Type: gjson.True}
	}
	if v.Type == gjson.Number && v.Num == 0 {
		return gjson.Result{Type: gjson.False}
	}
	return v
}
