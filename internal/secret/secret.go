// Package secret resolves references to what must not stand in a file:
// Jinja's env_var as dbt writes it, file:PATH and exec:COMMAND. It reaches
// the outside only through the functions it is given, and keeps what it
// resolves out of errors, logs and encoders.
package secret

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"exposync/internal/fault"
)

// Resolver resolves references. Every field may be nil: then the kind of
// reference that needs it is refused.
type Resolver struct {
	Env      func(name string) (string, bool)
	ReadFile func(path string) ([]byte, error)
	Exec     func(ctx context.Context, argv []string) ([]byte, error) // gives the standard output
	Vars     func(name string) (string, bool)                         // dbt's --vars
	Redactor *Redactor                                                // learns the secrets that were resolved
}

// Render resolves the references in text: `{{ env_var('X') }}` anywhere in
// it, or the whole of it as `file:PATH` or `exec:COMMAND ARG…`. Other text
// comes back unchanged. Faults: env_missing, var_missing, jinja_invalid,
// jinja_unsupported, secret_unreadable.
func (r Resolver) Render(ctx context.Context, text string) (string, error) {
	return r.RenderAt(ctx, "", text)
}

// RenderAt is Render with the place of text (file:line or a key path), which
// faults name.
func (r Resolver) RenderAt(ctx context.Context, where, text string) (string, error) {
	// The prefix counts only where the file itself has it: the value of a
	// variable must never become a command.
	if path, ok := strings.CutPrefix(text, "file:"); ok {
		return r.file(where, path)
	}
	if command, ok := strings.CutPrefix(text, "exec:"); ok {
		return r.exec(ctx, where, command)
	}
	return r.Jinja(where, text)
}

func (r Resolver) file(where, path string) (string, error) {
	path, err := r.Jinja(where, path)
	if err != nil {
		return "", err
	}
	if r.ReadFile == nil {
		return "", unreadable(where, "file: references cannot be used here", nil)
	}
	data, err := r.ReadFile(path)
	if err != nil {
		return "", unreadable(where, "cannot read the secret's file", err)
	}
	return r.learn(where, "the secret's file is empty", data)
}

func (r Resolver) exec(ctx context.Context, where, command string) (string, error) {
	argv, err := words(command)
	if err != nil || len(argv) == 0 {
		return "", unreadable(where, "exec: needs a command, with its quotes closed", err)
	}
	// Split first, render then: a value with spaces stays one argument.
	for i := range argv {
		if argv[i], err = r.Jinja(where, argv[i]); err != nil {
			return "", err
		}
	}
	if r.Exec == nil {
		return "", unreadable(where, "exec: references cannot be used here", nil)
	}
	out, err := r.Exec(ctx, argv)
	if err != nil {
		// The arguments may hold secrets, what the command wrote even more so.
		return "", unreadable(where, fmt.Sprintf("the command %q that gives a secret failed", argv[0]), exitOnly(err))
	}
	return r.learn(where, fmt.Sprintf("the command %q gave no secret", argv[0]), out)
}

// learn makes a secret known to the redactor. An empty one is refused: it
// would be sent as "no password", and fail far from its cause.
func (r Resolver) learn(where, empty string, data []byte) (string, error) {
	text := strings.TrimRight(string(data), "\r\n")
	if text == "" {
		return "", unreadable(where, empty, nil)
	}
	if r.Redactor != nil {
		r.Redactor.Add(text)
	}
	return text, nil
}

// exitOnly keeps of a command's error that it was stopped, or how it ended.
func exitOnly(err error) error {
	for _, stop := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, stop) {
			return stop
		}
	}
	var exit interface{ ExitCode() int }
	if errors.As(err, &exit) {
		return fmt.Errorf("exit code %d", exit.ExitCode())
	}
	return errors.New("it could not be run")
}

func unreadable(where, msg string, err error) error {
	return &fault.Fault{
		Code: "secret_unreadable", Kind: fault.Config, Whose: fault.Setup, Where: where, Msg: msg, Err: err,
		Hint: "run the command or look at the file by hand: exposync explain secret_unreadable",
	}
}
