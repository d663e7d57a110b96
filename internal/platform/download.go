package platform

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"exposync/internal/fault"
)

// File is an artifact that dbt writes.
type File string

// The artifacts that are asked for. Paths are made of these alone: nothing
// that a server says becomes part of one.
const (
	Manifest   File = "manifest.json"
	RunResults File = "run_results.json"
	Sources    File = "sources.json"
	Catalog    File = "catalog.json"
)

// maxFile is what an artifact may hold. Manifests of 100 MB exist.
const maxFile = 2 << 30

// Download writes an artifact of one step to a path, in private and as a
// whole: an earlier file stays until the new one is complete. It reports false
// if the step has none. Without naming a step the API would give the last
// step's, which is often that of dbt docs generate.
func (c *Client) Download(ctx context.Context, run int64, step int, file File, path string) (bool, error) {
	part, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".part*") // 0600
	if err != nil {
		return false, c.unwritable(path, err)
	}
	defer func() { _ = os.Remove(part.Name()) }() // gone already where all went well
	found, err := c.fetch(ctx, run, step, file, part)
	if closed := part.Close(); err == nil && found {
		if err = errors.Join(closed, os.Rename(part.Name(), path)); err != nil {
			err = c.unwritable(path, err)
		}
	}
	return found && err == nil, err
}

func (c *Client) fetch(ctx context.Context, run int64, step int, file File, part *os.File) (bool, error) {
	r := c.request(fmt.Sprintf("runs/%d/artifacts/%s", run, file), url.Values{"step": {strconv.Itoa(step)}}, "application/json, */*;q=0.5")
	r.Into, r.Most = sink{part}, maxFile
	resp, err := c.files.Do(ctx, r)
	if err != nil {
		return false, c.failed(err)
	}
	if err := c.refused(resp); err != nil {
		if err == errMissing { //nolint:errorlint // refused gives the sentinel itself
			return false, nil
		}
		return false, err
	}
	if !object(part) {
		return false, c.fault("dbt_cloud_reply", "%s answers something else than %s of step %d of run %d", resp.Host, file, step, run)
	}
	return true, nil
}

// object reports whether the file begins as a JSON object does: pages of a
// login come with status 200, too.
func object(f *os.File) bool {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return false
	}
	head, _ := bufio.NewReader(io.LimitReader(f, 512)).Peek(512)
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n")
	return len(head) > 0 && head[0] == '{'
}

func (c *Client) unwritable(path string, err error) error {
	if inner := (*os.PathError)(nil); errors.As(err, &inner) {
		err = inner.Err // the path is said already
	}
	return &fault.Fault{
		Code: "http_unkept", Kind: fault.Config, Whose: fault.Setup, Where: path,
		Msg: "the artifact cannot be written here", Hint: "make room, or correct the permissions of the folder", Err: err,
	}
}

// sink writes a reply to a file.
type sink struct{ *os.File }

// Reset empties the file.
func (s sink) Reset() error {
	if err := s.Truncate(0); err != nil {
		return err
	}
	_, err := s.Seek(0, io.SeekStart)
	return err
}
