package dbtshow

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"exposync/internal/fault"
	"exposync/internal/warehouse"
)

// failed is the fault of a dbt that ended with an error.
func (w *Warehouse) failed(q question, code int, output string) error {
	message := complaint(output)
	if q.data {
		message = discreet(message)
	}
	if message == "" {
		message = fmt.Sprintf("it ended with exit code %d and said nothing", code)
	}
	return w.showFault(q, errors.New(message))
}

// unanswered is the fault of a dbt that ended well and did not print what it
// was asked for.
func (w *Warehouse) unanswered(q question, err error) error { return w.showFault(q, err) }

func (w *Warehouse) showFault(q question, err error) error {
	return &fault.Fault{
		Code: "dbt_show_failed", Kind: fault.Unavailable, Whose: fault.DBT, Where: q.relation,
		Msg:  w.config.Program + " show could not read it",
		Hint: "see what dbt says itself: " + w.again(q.relation), Err: err,
	}
}

// again is the command that reads a relation through dbt alone.
func (w *Warehouse) again(relation string) string {
	parts, _ := parseRelation(relation)
	command := w.config.Program + " show --limit 1 --select " + parts[2]
	if i := slices.Index(w.config.Args, "--target"); i >= 0 && i+1 < len(w.config.Args) {
		command += " --target " + w.config.Args[i+1]
	}
	return command
}

// notStarted is the fault of a dbt that is not there.
func (w *Warehouse) notStarted(err error) error {
	return &fault.Fault{
		Code: "dbt_missing", Kind: fault.Config, Whose: fault.Setup,
		Msg:  w.config.Program + " could not be started, and rows of a " + w.config.Adapter + " warehouse are read through it",
		Hint: "activate dbt's environment, or name it: exposync run --dbt PATH (or EXPOSYNC_DBT=PATH)", Err: err,
	}
}

// columnless is the fault of a relation that is there and shows no column.
func (w *Warehouse) columnless(relation string) error {
	return warehouse.Denied(relation, errors.New("the adapter of dbt finds it and none of its columns"))
}

// lossy is the fault of a float that the warehouse cannot write out.
func lossy(relation string, c column) error {
	return &fault.Fault{
		Code: "dbt_show_lossy", Kind: fault.Config, Whose: fault.DBT, Where: relation,
		Msg:  fmt.Sprintf("column %q of type %s: the warehouse writes it as text with fewer digits than it has", c.Name, c.Type),
		Hint: "round it in the export model, or cast it to a decimal, then: dbt build",
	}
}

// masked is the fault of a row that dbt changed when it printed it.
func masked(relation string) error {
	return &fault.Fault{
		Code: "dbt_show_masked", Kind: fault.Config, Whose: fault.DBT, Where: relation,
		Msg:  "a value holds the text of a DBT_ENV_SECRET_ variable, and dbt puts ***** in its place when it prints rows",
		Hint: "choose another secret, or rename the variable to one without DBT_ENV_SECRET_",
	}
}

// complaint finds the first line that says what is wrong in all that a dbt
// that failed has printed.
func complaint(output string) string {
	output = ansi().ReplaceAllString(output, "")
	if _, after, ok := strings.Cut(output, "Encountered an error:"); ok { // 1.x
		output = after
	} else if at := strings.Index(output, "\n[error]"); at >= 0 { // v2
		output = output[at:]
	}
	lines := strings.Split(output, "\n")
	if strings.Contains(output, "Traceback (most recent call last)") {
		slices.Reverse(lines) // Python says it last
	}
	title := ""
	for _, line := range lines {
		line = strings.TrimSpace(prefix().ReplaceAllString(strings.TrimSpace(line), ""))
		switch {
		case line == "", strings.HasPrefix(line, "Usage:"), strings.HasPrefix(line, "Try '"), strings.HasPrefix(line, "=="), strings.HasPrefix(line, "[warning]"):
		case titles().MatchString(line):
			title = line
		default:
			return line
		}
	}
	return title
}

// ansi matches colours, prefix what dbt puts before a message, titles the
// lines that only name a kind of error.
func ansi() *regexp.Regexp { return regexp.MustCompile(`\x1b\[[0-9;]*m`) }

func prefix() *regexp.Regexp {
	return regexp.MustCompile(`^(\d\d:\d\d:\d\d\s+)?(\[(ERROR|error)\]:?\s*)?(\[[^\]]*\]:\s*)?`)
}

func titles() *regexp.Regexp { return regexp.MustCompile(`^[A-Z][a-z]+ Error( in .*)?$`) }

// discreet cuts from a message of the warehouse what may be a value of a
// record: what follows a colon, what stands in quotes, and numbers.
func discreet(message string) string {
	parts := strings.Split(message, ": ")
	keep := 1
	for keep < len(parts) && strings.HasSuffix(parts[keep], " Error") {
		keep++
	}
	message = strings.Join(parts[:min(keep, len(parts))], ": ")
	return regexp.MustCompile(`'[^']*'?|"[^"]*"?|`+"`[^`]*`?"+`|\b[0-9][^\s]*`).ReplaceAllString(message, "…")
}
