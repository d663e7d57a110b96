package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"exposync/internal/fault"
)

// failed explains why something could not be done; nil for no error.
func (s *store) failed(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if ended := ctx.Err(); ended != nil {
		return ended
	}
	if _, known := errors.AsType[*fault.Fault](err); known {
		return err
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return s.refused(doing, pg)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return &fault.Fault{
			Code: "ledger_corrupt", Kind: fault.Config, Whose: fault.Setup, Where: s.opts.Where,
			Msg:  "a row of the ledger's tables is missing (" + doing + ")",
			Hint: fmt.Sprintf("restore schema %s from a backup, or drop it and start again with: exposync run --first compare", s.schema),
		}
	}
	return &fault.Fault{
		Code: "ledger_unreachable", Kind: fault.Unavailable, Whose: fault.Network, Where: s.opts.Where,
		Msg:  "the ledger's database does not answer (" + doing + ")",
		Hint: "check it with psql from this machine, then run again: what was confirmed before is saved", Err: err,
	}
}

// refused explains an answer of the server.
func (s *store) refused(doing string, pg *pgconn.PgError) *fault.Fault {
	f := &fault.Fault{
		Code: "ledger_refused", Kind: fault.Unavailable, Whose: fault.Setup, Where: s.opts.Where,
		Msg: "the ledger's database refuses it (" + doing + ")", Err: said(pg),
		Hint: "exposync explain ledger_refused",
	}
	switch class := pg.Code[:min(2, len(pg.Code))]; {
	case pg.Code == "42501":
		f.Code, f.Kind = "ledger_denied", fault.Config
		f.Msg = fmt.Sprintf("user %s lacks a right in the ledger's database (%s)", s.user, doing)
		f.Hint = "let an administrator run, then try again: " + s.grants()
	case class == "28", class == "3D":
		f.Kind = fault.Config
		f.Hint = "correct what `ledger: {postgres: …}` refers to; try it with psql"
	case class == "08", class == "57", pg.Code == "53300", pg.Code == "25P03", pg.Code == "55000":
		f.Code, f.Whose = "ledger_unreachable", fault.Network
		f.Msg = "the ledger's database does not answer (" + doing + ")"
		f.Hint = "try again when it accepts connections: what was confirmed before is saved"
	case class == "53", class == "58":
		f.Code = "ledger_write"
		f.Msg = "the ledger could not be written (" + doing + ")"
		f.Hint = "make room on the database's server, then run again: what was confirmed before is saved"
	case pg.Code == "XX001", pg.Code == "XX002", pg.Code == "42P01", pg.Code == "42703":
		f.Code, f.Kind = "ledger_corrupt", fault.Config
		f.Msg = "the ledger's tables are damaged (" + doing + ")"
		f.Hint = fmt.Sprintf("restore schema %s from a backup, or drop it and start again with: exposync run --first compare", s.schema)
	}
	return f
}

// grants is what an administrator has to run so that the ledger works.
func (s *store) grants() string {
	user := pgx.Identifier{s.user}.Sanitize()
	return fmt.Sprintf("create schema if not exists %s; grant usage, create on schema %s to %s; "+
		"grant select, insert, update, delete on all tables in schema %s to %s;", s.schema, s.schema, user, s.schema, user)
}

// said repeats what the server says, unless its message may quote data: then
// only its code.
func said(pg *pgconn.PgError) error {
	quiet := []string{"08", "25", "26", "28", "3D", "40", "42", "53", "54", "55", "57", "58"}
	if len(pg.Code) == 5 && slices.Contains(quiet, pg.Code[:2]) {
		return fmt.Errorf("%s (SQLSTATE %s)", pg.Message, pg.Code)
	}
	return fmt.Errorf("SQLSTATE %s", pg.Code)
}

// newer is a schema that a later Exposync migrated.
func (s *store) newer(version int) error {
	return &fault.Fault{
		Code: "ledger_newer", Kind: fault.Config, Whose: fault.Setup, Where: s.opts.Where,
		Msg:  fmt.Sprintf("the ledger's tables in schema %s were made by a newer Exposync (version %d)", s.schema, version),
		Hint: "update exposync here, as the others who run it did (exposync version), or name another `schema:` beside ledger.postgres",
	}
}

// newerEntry is an entry of a journal that this version does not know.
func (s *store) newerEntry(job string, kind int64) error {
	return &fault.Fault{
		Code: "ledger_newer", Kind: fault.Config, Whose: fault.Setup, Where: s.opts.Where,
		Msg:  fmt.Sprintf("the journal of job %s was written by a newer Exposync (entry of kind %d)", job, kind),
		Hint: "update exposync here, as the others who run it did: exposync version",
	}
}

// damaged is a sync whose tables are not what was written.
func (s *store) damaged(job, what string) error {
	return &fault.Fault{
		Code: "ledger_corrupt", Kind: fault.Config, Whose: fault.Setup, Where: s.opts.Where,
		Msg:  fmt.Sprintf("the ledger of job %s is damaged: %s", job, what),
		Hint: fmt.Sprintf("restore schema %s from a backup, or forget what was confirmed: exposync ledger reset %s", s.schema, job),
	}
}

// holder is who has a lease.
type holder struct {
	host  string
	pid   int64
	since time.Time
}

// String names the holder for a message.
func (h holder) String() string {
	if h.pid == 0 {
		return "another run"
	}
	who := fmt.Sprintf("process %d", h.pid)
	if h.host != "" {
		who += " on " + h.host
	}
	if !h.since.IsZero() {
		who += " since " + h.since.Local().Format("2006-01-02 15:04:05 MST")
	}
	return who
}

// locked is a lease that somebody else has.
func (s *store) locked(job string, h holder) error {
	return &fault.Fault{
		Code: "locked", Kind: fault.Blocked, Whose: fault.User, Where: s.opts.Where,
		Msg:  "the sync of job " + job + " is in use by " + h.String(),
		Hint: fmt.Sprintf("wait until it has ended, then run again; if it hangs, stop that process: its lease runs out within %s", s.opts.TTL),
	}
}

// lost is a lease that was taken over while this process did not renew it.
func (s *store) lost(job string) error {
	return &fault.Fault{
		Code: "lease_lost", Kind: fault.Unavailable, Whose: fault.Setup, Where: s.opts.Where,
		Msg:  "another run took over the sync of job " + job + ", because this process did not renew its lease in time; nothing more is written",
		Hint: "when the other run has ended, run again: it goes on with what was confirmed",
	}
}

// damagedHistory is a document of the history that is not what was written.
func (s *store) damagedHistory(what string) error {
	return &fault.Fault{
		Code: "ledger_corrupt", Kind: fault.Config, Whose: fault.Setup, Where: s.opts.Where,
		Msg:  "the ledger's " + what + " cannot be read: it is not the JSON that was written",
		Hint: fmt.Sprintf("restore schema %s from a backup, or delete those rows: marks are kept elsewhere and are not touched", s.schema),
	}
}
