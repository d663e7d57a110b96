package cli

import (
	"errors"
	"os"
	"path/filepath"

	"exposync/internal/fault"
	"exposync/internal/report"
)

// resultsFile is the result of the last run, beside dbt's own.
const resultsFile = "exposync_run_results.json"

// writeResults replaces target/exposync_run_results.json as a whole.
func (s *session) writeResults(run report.Run) error {
	data, err := indented(run.JSON(run.Ended()))
	if err != nil {
		return err
	}
	path := s.artifact(resultsFile)
	if err := replaceFile(path, s.a.redactJSON(data), 0o644); err != nil {
		return &fault.Fault{
			Code: "results_unwritable", Kind: fault.Unavailable, Whose: fault.Setup, Where: path,
			Msg:  "the run's results could not be written; what was sent is remembered in the ledger all the same",
			Hint: "make the folder writable", Err: err,
		}
	}
	return nil
}

// replaceFile writes beside the file and renames. Results get the mode of
// dbt's own files, so that other steps of a pipeline can read them.
func replaceFile(path string, data []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // dbt's own folder
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(data)
	if err = errors.Join(err, f.Chmod(mode), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// pathInProject gives a path of exposync.yml as seen from the dbt project.
func (s *session) pathInProject(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(s.dir, path)
}
