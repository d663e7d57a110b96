package cli

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"exposync/internal/dbt"
	"exposync/internal/report"
	"exposync/internal/secret"
)

// app is what all commands share.
type app struct {
	env      *Env
	flags    flags
	redactor *secret.Redactor
	keep     dbt.Keep // of the manifest, beyond what selectors ask for
}

func newApp(env *Env) *app { return &app{env: env, redactor: &secret.Redactor{}} }

// logger writes to stderr: with --debug everything, else nothing below a
// warning. Secrets that were resolved never pass.
func (a *app) logger() *slog.Logger {
	level := slog.LevelWarn
	if a.flags.debug {
		level = slog.LevelDebug
	}
	out := redacting{a}
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: level}))
}

// redacting is a writer to stderr that takes secrets out.
type redacting struct{ a *app }

// Write redacts and writes p as a whole.
func (r redacting) Write(p []byte) (int, error) {
	if _, err := fmt.Fprint(r.a.env.Stderr, r.a.redactor.Redact(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// errStyle is the style of stderr, outStyle that of stdout.
func (a *app) errStyle() report.Style {
	return report.Style{Colour: a.colour(a.env.Terminal), Width: a.width()}
}

func (a *app) outStyle() report.Style {
	return report.Style{Colour: a.colour(a.env.OutTerminal), Width: a.width()}
}

func (a *app) width() int {
	if n, err := strconv.Atoi(a.env.get("COLUMNS")); err == nil && n >= 40 {
		return n
	}
	if a.env.Width > 0 {
		return a.env.Width
	}
	return 80
}

// colour decides in the order: flag, DBT_USE_COLORS, NO_COLOR, FORCE_COLOR,
// terminal.
func (a *app) colour(terminal bool) bool {
	switch {
	case a.flags.noColours:
		return false
	case a.flags.useColours:
		return true
	}
	if v, ok := a.env.Lookup("DBT_USE_COLORS"); ok {
		if on, err := strconv.ParseBool(v); err == nil {
			return on
		}
	}
	if a.env.get("NO_COLOR") != "" {
		return false
	}
	if v := a.env.get("FORCE_COLOR"); v != "" && v != "0" {
		return true
	}
	return terminal && a.env.get("TERM") != "dumb"
}

// say writes a sentence for people to stderr, wrapped.
func (a *app) say(format string, args ...any) {
	a.line(strings.TrimRight(report.Prose(a.errStyle(), fmt.Sprintf(format, args...)), "\n"))
}

// next writes the next command to type to stderr: on one line, to be copied.
func (a *app) next(format string, args ...any) { a.line("next: " + fmt.Sprintf(format, args...)) }

// line writes a line for people to stderr as it is.
func (a *app) line(text string) {
	if !a.flags.quiet {
		fmt.Fprintln(a.env.Stderr, a.redactor.Redact(a.errStyle().Safe(text)))
	}
}

// printJSON writes a result for programs to stdout.
func (a *app) printJSON(v any) error {
	doc, err := indented(v)
	if err != nil {
		return err
	}
	_, err = a.env.Stdout.Write(a.redactJSON(doc))
	return err
}

// printProse writes sentences for people to stdout, wrapped.
func (a *app) printProse(text string) error { return a.printText(report.Prose(a.outStyle(), text)) }

// printText writes a result for people to stdout.
func (a *app) printText(text string) error {
	_, err := fmt.Fprint(a.env.Stdout, a.redactor.Redact(a.outStyle().Safe(text)))
	return err
}
