package cli

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"
)

// Env is the process as the commands see it: the only door to arguments,
// environment, streams, clock, randomness and signals.
type Env struct {
	Args   []string // without the program's name
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Lookup func(string) (string, bool) // environment
	Dir    string                      // working directory
	Host   string                      // name of this machine, empty if it has none
	Now    func() time.Time
	Rand   func() float64 // [0,1)
	NewID  func() string  // random, for runs
	// Interrupts yields once for every ^C or SIGTERM.
	Interrupts <-chan os.Signal
	// Terminal is whether Stderr is one, and its width; OutTerminal whether
	// Stdout is one.
	Terminal    bool
	OutTerminal bool
	Width       int
	// Exec runs a program with the process's own streams and gives its exit
	// code; Program is the path of this one.
	Exec    func(ctx context.Context, dir, name string, args ...string) (int, error)
	Program string
	// Capture runs a program whose output is read, not shown.
	Capture func(ctx context.Context, dir string, stdout, stderr io.Writer, name string, args ...string) (int, error)
	Environ func() []string // NAME=value, all of them
}

// processEnv is the real process.
func processEnv() *Env {
	interrupts := make(chan os.Signal, 2)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGTERM)
	dir, _ := os.Getwd()
	program, _ := os.Executable()
	host, _ := os.Hostname()
	width := 0
	if w, _, err := term.GetSize(int(os.Stderr.Fd())); err == nil {
		width = w
	}
	return &Env{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Lookup: os.LookupEnv, Dir: dir, Host: host,
		Now:  clock(),
		Rand: mathrand.Float64, NewID: newID, Interrupts: interrupts,
		Terminal: term.IsTerminal(int(os.Stderr.Fd())) && colours(os.Stderr), OutTerminal: term.IsTerminal(int(os.Stdout.Fd())) && colours(os.Stdout),
		Width: width, Exec: execProcess, Program: program, Capture: captureProcess, Environ: os.Environ,
	}
}

// get is an environment variable, empty if unset.
func (e *Env) get(name string) string {
	v, _ := e.Lookup(name)
	return v
}

func newID() string {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// execProcess lets dbt have the terminal. An interrupt reaches the child by
// itself, since it is of the same process group.
func execProcess(ctx context.Context, dir, name string, args ...string) (int, error) {
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // the dbt that the user named
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	if cmd.ProcessState != nil {
		return cmd.ProcessState.ExitCode(), nil
	}
	return -1, err
}

// captureProcess lets dbt answer to us. What it started itself may not hold
// the output open when it is gone.
func captureProcess(ctx context.Context, dir string, stdout, stderr io.Writer, name string, args ...string) (int, error) {
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // the dbt that the user named
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = dir, stdout, stderr, 5*time.Second
	err := cmd.Run()
	if cmd.ProcessState != nil {
		return cmd.ProcessState.ExitCode(), nil
	}
	return -1, err
}
