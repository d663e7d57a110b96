package dbtshow

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"exposync/internal/warehouse"
)

// marker stands before everything that is an answer: what dbt, packages and
// the project's own macros print before it is not.
const marker = "EXPOSYNC-ANSWER "

// errUnanswered says that dbt ended well and did not print what it was asked.
var errUnanswered = errors.New("it ended well and printed no answer: print() is turned off, or this dbt prints something else than dbt 1.5 to 2.0 do")

// question is what dbt is asked about a relation.
type question struct {
	relation string
	inline   string
	data     bool // rows are read: a message of the warehouse may quote a value
	read     func(answer) error
}

// answer is what dbt prints from the marker on.
type answer struct {
	line string        // what follows the marker on its line
	rest *bufio.Reader // the lines after it
	said *head         // takes the lines that are no answer
}

// ask runs `dbt show --inline` once and has its answer read while dbt prints
// it. It returns when dbt has ended. If dbt failed, that is the error: what
// was made of half an answer is not worth telling then.
func (w *Warehouse) ask(ctx context.Context, q question) error {
	if err := w.wait(ctx); err != nil {
		return warehouse.Broken(ctx, q.relation, err)
	}
	defer func() { <-w.turn }()
	err := w.call(ctx, q)
	if errors.Is(err, errUnanswered) && q.data && !w.loud { // dbt before 1.8 shows no rows with --quiet
		w.loud = true
		err = w.call(ctx, q)
	}
	return err
}

// call is one start of dbt.
func (w *Warehouse) call(ctx context.Context, q question) error {
	dir, err := w.private()
	if err != nil {
		return spoolFault(err)
	}
	said, complaint := &head{}, &head{}
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() {
		lines := bufio.NewReaderSize(out, 64<<10)
		err := listen(lines, said, q.read)
		_, rest := io.Copy(io.Discard, lines) // dbt must not wait for a reader that has given up
		done <- errors.Join(err, rest)
	}()
	code, err := w.config.Run(ctx, in, complaint, w.arguments(dir, q.inline)...)
	_ = in.Close()
	answered := <-done
	switch {
	case ctx.Err() != nil:
		return warehouse.Broken(ctx, q.relation, ctx.Err())
	case err != nil:
		return w.notStarted(err)
	case code != 0:
		return w.failed(q, code, said.String()+"\n"+complaint.String())
	case errors.Is(answered, errUnanswered):
		return w.unanswered(q, answered)
	}
	return answered
}

// wait waits for the turn to run dbt.
func (w *Warehouse) wait(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case w.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// listen finds the marker and has the answer read.
func listen(lines *bufio.Reader, said *head, read func(answer) error) error {
	for {
		line, err := lines.ReadString('\n')
		if found, ok := strings.CutPrefix(line, marker); ok {
			return read(answer{line: found, rest: lines, said: said})
		}
		said.add(line)
		if errors.Is(err, io.EOF) {
			return errUnanswered
		}
		if err != nil {
			return fmt.Errorf("read what dbt prints: %w", err)
		}
	}
}

// arguments are understood by dbt 1.5 to 1.12 and by v2 alike; v2 warns of
// flags that it no longer knows, and a project may make warnings errors.
func (w *Warehouse) arguments(dir, inline string) []string {
	args := []string{"--quiet"}
	if w.loud {
		args = nil
	}
	args = append(args, "--log-format", "text", "--log-level-file", "error", "--no-write-json", "show")
	args = append(args, w.config.Args...)
	return append(args, "--inline", inline, "--limit", "-1", "--output", "json",
		"--target-path", filepath.Join(dir, "target"), "--log-path", filepath.Join(dir, "logs"))
}

// private makes the folder that dbt may write to, once. What dbt knows of the
// project from its last run is copied into it.
func (w *Warehouse) private() (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dir != "" {
		return w.dir, nil
	}
	if err := os.MkdirAll(w.config.Spool, 0o700); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(w.config.Spool, "dbt-*")
	if err != nil {
		return "", err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", err
	}
	if err := os.Mkdir(filepath.Join(dir, "target"), 0o700); err != nil {
		return "", err
	}
	if parsed, err := os.ReadFile(w.config.Parsed); w.config.Parsed != "" && err == nil {
		if err := os.WriteFile(filepath.Join(dir, "target", "partial_parse.msgpack"), parsed, 0o600); err != nil { //nolint:gosec // dir is ours
			return "", err
		}
	}
	w.dir = dir
	return dir, nil
}

// head keeps the beginning of what is written to it.
type head struct{ text []byte }

const headSize = 64 << 10

// Write keeps what still has room and never fails.
func (h *head) Write(p []byte) (int, error) {
	h.text = append(h.text, p[:min(len(p), headSize-len(h.text))]...)
	return len(p), nil
}

func (h *head) add(line string) { _, _ = h.Write([]byte(line)) }

func (h *head) String() string { return string(h.text) }
