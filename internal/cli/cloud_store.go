package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"exposync/internal/config"
	"exposync/internal/fault"
	"exposync/internal/platform"
)

// keptRuns is how many runs of dbt platform stay on this disk.
const keptRuns = 3

// cloudStore is the private folder with the artifacts of one run, beside the
// ledger: cloud/run-ID/step-N. A run that ended never changes, so what was
// fetched completely is not fetched again.
type cloudStore struct {
	dir      string
	client   *platform.Client
	run      *platform.Run
	identity []byte // what run.json holds when all is there
	complete bool
}

// cloudStore makes the folder of a run.
func (s *session) cloudStore(client *platform.Client, access config.DBTCloudAccess, run *platform.Run) (*cloudStore, error) {
	identity, err := json.Marshal(map[string]any{"base": access.Base, "account": access.Account, "run": run.ID})
	if err != nil {
		return nil, err
	}
	root := filepath.Join(s.ledgerDir(), "cloud")
	c := &cloudStore{dir: filepath.Join(root, fmt.Sprintf("run-%d", run.ID)), client: client, run: run, identity: identity}
	was, err := os.ReadFile(c.marker())
	if c.complete = err == nil && bytes.Equal(was, identity); c.complete {
		return c, nil
	}
	err = errors.Join(os.RemoveAll(c.dir), os.MkdirAll(c.dir, 0o700))
	if err == nil {
		err = os.WriteFile(filepath.Join(root, ".gitignore"), []byte("*\n"), 0o600)
	}
	return c, unkept(c.dir, err)
}

func (c *cloudStore) marker() string { return filepath.Join(c.dir, "run.json") }

// get gives the path of a step's file, fetched if it is not here yet; empty if
// the step has none.
func (c *cloudStore) get(ctx context.Context, step platform.Step, file platform.File) (string, error) {
	dir := filepath.Join(c.dir, fmt.Sprintf("step-%d", step.Index))
	path := filepath.Join(dir, string(file))
	if c.complete {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return "", nil
		}
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", unkept(dir, err)
	}
	found, err := c.client.Download(ctx, c.run.ID, step.Index, file, path)
	if !found {
		path = ""
	}
	return path, err
}

// layBeside gives a file a second place.
func layBeside(from, to string) error {
	if _, err := os.Stat(to); err == nil {
		return nil // the same place, or laid there before
	}
	if os.Link(from, to) == nil {
		return nil
	}
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o600) //nolint:gosec // both stand in the folder of the run
	}
	return unkept(to, err)
}

// keepRuns says of runs that all is here, and lets those go that were used
// longest ago.
func keepRuns(used []*cloudStore, now time.Time) error {
	dirs := make([]string, len(used))
	for i, c := range used {
		dirs[i] = c.dir
		if !c.complete && c.run.Saved == platform.SavedYes {
			if err := os.WriteFile(c.marker(), c.identity, 0o600); err != nil {
				return unkept(c.marker(), err)
			}
		}
		_ = os.Chtimes(c.dir, now, now) // else it goes a little earlier
	}
	others := otherRuns(dirs)
	for _, old := range others[min(len(others), max(keptRuns-len(used), 0)):] {
		_ = os.RemoveAll(old) // another process may read it just now: it goes next time
	}
	return nil
}

// otherRuns are the folders of other runs than these, the one used last first.
func otherRuns(these []string) []string {
	root := filepath.Dir(these[0])
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil
	}
	used := map[string]time.Time{}
	var out []string
	for _, e := range entries {
		path := filepath.Join(root, e.Name())
		if info, err := e.Info(); err == nil && e.IsDir() && strings.HasPrefix(e.Name(), "run-") && !slices.Contains(these, path) {
			used[path] = info.ModTime()
			out = append(out, path)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return cmp.Or(used[b].Compare(used[a]), cmp.Compare(a, b)) })
	return out
}

// unkept is the fault of a folder for artifacts that cannot be written; nil
// without an error.
func unkept(path string, err error) error {
	if err == nil {
		return nil
	}
	if inner, ok := errors.AsType[*fs.PathError](err); ok {
		err = inner.Err // the path is said already
	}
	return &fault.Fault{
		Code: "http_unkept", Kind: fault.Config, Whose: fault.Setup, Where: path,
		Msg: "the artifacts of dbt platform cannot be kept here", Hint: "make room, or correct the permissions of the folder", Err: err,
	}
}
