package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"exposync/internal/fault"
	"exposync/internal/lint"
)

// mendFiles writes mended files, each as a whole. Nothing is written where one
// of them cannot be: it changed since it was read, or is not of the project.
func (s *session) mendFiles(files []lint.Fixed) error {
	var problems fault.List
	targets := make([]string, len(files))
	for i, f := range files {
		target, err := s.mendable(f)
		targets[i], problems = target, append(problems, fault.All(err)...)
	}
	if err := problems.Err(); err != nil {
		return err
	}
	for i, f := range files {
		info, err := os.Stat(targets[i])
		if err == nil {
			err = replaceFile(targets[i], f.Now, info.Mode().Perm())
		}
		if err != nil {
			return &fault.Fault{
				Code: "lint_unwritable", Kind: fault.Config, Whose: fault.User, Where: s.shownFile(f.File),
				Msg: fmt.Sprintf("the file could not be written; %d of %d were", i, len(files)), Hint: "make it writable, then exposync lint --fix", Err: err,
			}
		}
	}
	return nil
}

// mendable gives the file to write, behind a link that stays within the
// project.
func (s *session) mendable(f lint.Fixed) (string, error) {
	refuse := func(code, msg, hint string) error {
		return &fault.Fault{Code: code, Kind: fault.Config, Whose: fault.User, Where: s.shownFile(f.File), Msg: msg, Hint: hint}
	}
	root, err := filepath.EvalSymlinks(s.dir)
	if err != nil {
		return "", err
	}
	target, err := filepath.EvalSymlinks(filepath.Join(s.dir, filepath.FromSlash(f.File)))
	if err != nil {
		return "", refuse("lint_changed", "the file is gone", "exposync lint --fix")
	}
	rel, err := filepath.Rel(root, target)
	if err != nil || !filepath.IsLocal(rel) {
		return "", refuse("lint_outside", "the file is a link to one outside of the project, which is not changed", "mend it where it is")
	}
	now, err := os.ReadFile(target)
	if err != nil || !bytes.Equal(now, f.Was) {
		return "", refuse("lint_changed", "the file was changed while it was checked; nothing was written", "exposync lint --fix")
	}
	return target, nil
}
