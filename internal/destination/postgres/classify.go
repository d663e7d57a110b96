package postgres

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"exposync/internal/destination"
)

// outcome says what an error of the server means for every change of a batch
// that it ended. Classes are those of appendix A of the PostgreSQL manual.
// known are the names of the target, which messages may quote.
func outcome(pg *pgconn.PgError, known []string) destination.Outcome {
	return destination.Outcome{State: stateOf(pg.Code), Code: pg.Code, Message: clean(pg, known, nil)}
}

func stateOf(code string) destination.State {
	switch {
	case strings.HasPrefix(code, "28"):
		return destination.Auth
	case transient(code):
		return destination.Retry
	case recordClass(code), code == codeUncounted:
		return destination.Bisect
	case code == "42501": // insufficient_privilege
	case strings.HasPrefix(code, "42"), strings.HasPrefix(code, "0A"):
		return destination.Mapping
	}
	return destination.Stop // 25006: a standby; 3D000: no such database; XX: damage
}

// transient reports whether the same statement may succeed a moment later.
func transient(code string) bool {
	switch code {
	case "40001", "40P01", "55P03", "57014", "25P03", "25P04":
		return true // serialization, deadlock, lock_timeout, statement and transaction timeouts
	}
	switch code[:min(2, len(code))] {
	case "08", "53", "58":
		return true
	case "57":
		return code != "57P04" // the database was dropped
	}
	return false
}

// recordClass reports whether an error is about the values of one record:
// data exceptions, constraints, check options, program limits (an indexed
// text too long), and what triggers raise. 21000 is two records of one
// statement that mean the same row.
func recordClass(code string) bool {
	switch code[:min(2, len(code))] {
	case "22", "23", "44", "54", "P0", "21":
		return true
	}
	return false
}

// failed gives the outcome of changes whose transaction ended with err before
// it was committed, so nothing of them was written.
func failed(ctx context.Context, err error, known []string) destination.Outcome {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && ctx.Err() == nil {
		return outcome(pg, known)
	}
	if ctx.Err() != nil {
		return destination.Outcome{State: destination.NotSent, Code: "interrupted", Message: "the run ended before the transaction was committed"}
	}
	return destination.Outcome{State: destination.Retry, Code: "connection", Message: "the connection to the database broke before the transaction was committed"}
}

// uncommitted gives the outcome of changes whose commit did not succeed.
func uncommitted(err error, known []string) destination.Outcome {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && !strings.HasPrefix(pg.Code, "08") && !strings.HasPrefix(pg.Code, "57P") {
		return outcome(pg, known) // the server says that it rolled back
	}
	return destination.Outcome{
		State: destination.InDoubt, Code: "connection",
		Message: "the connection to the database broke during the commit",
	}
}

// clean gives the server's reason without the values it quotes; what is known
// to be a name stays. Detail, Hint and Where are never used: they hold whole
// rows.
func clean(pg *pgconn.PgError, known, values []string) string {
	switch pg.Code {
	case "23502":
		return "null in column " + pg.ColumnName + ", which does not take nulls"
	case "23503":
		return "foreign key " + pg.ConstraintName + " of table " + pg.TableName + " is violated"
	case "23505":
		return "another record has the same value: unique constraint " + pg.ConstraintName
	case "23514":
		if pg.ConstraintName != "" {
			return "check constraint " + pg.ConstraintName + " is violated"
		}
	}
	text := pg.Message
	if strings.HasPrefix(pg.Code, "22") { // the value follows the colon
		text, _, _ = strings.Cut(text, ":")
	}
	return destination.WithoutValues(unquoted(text, append(names(pg), known...)), values)
}

// names are the quoted words of a message that are no values.
func names(pg *pgconn.PgError) []string {
	return []string{pg.SchemaName, pg.TableName, pg.ColumnName, pg.ConstraintName, pg.DataTypeName}
}

// unquoted replaces whatever stands in quotes, in the ways that the server's
// translations quote, unless it is one of keep.
func unquoted(text string, keep []string) string {
	pairs := map[rune]rune{'"': '"', '«': '»', '„': '“', '“': '”', '»': '«', '「': '」'}
	var b strings.Builder
	for text != "" {
		start := strings.IndexFunc(text, func(r rune) bool { return pairs[r] != 0 })
		if start < 0 {
			break
		}
		open := []rune(text[start:])[0]
		body := text[start+len(string(open)):]
		end := strings.IndexRune(body, pairs[open])
		if end < 0 { // cut off: the rest is a value
			b.WriteString(text[:start] + "…")
			return b.String()
		}
		word := body[:end]
		if word == "" || !slices.Contains(keep, word) {
			word = "…"
		}
		b.WriteString(text[:start] + `"` + word + `"`)
		text = body[end+len(string(pairs[open])):]
	}
	return b.String() + text
}
