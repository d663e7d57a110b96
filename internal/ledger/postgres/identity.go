package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"exposync/internal/ledger"
	"exposync/internal/plan"
)

const (
	byIdentity = ` where project = $1 and job = $2 and connection = $3 and account = $4 and object = $5 and key_fields = $6`
	findSync   = `select id from {s}.syncs` + byIdentity
	headOf     = `select generation, encoding, mapping, source_rows, read_to, full_at, first_answer, marks, standing, open_jobs::text, journal_encoding, targets
	from {s}.syncs where id = $1`
)

func identityArgs(id plan.SyncID) []any {
	return []any{
		escape(id.Project), escape(id.Job), escape(id.Connection), escape(id.Account), escape(id.Object), escapeAll(id.Key),
	}
}

// head is what a row of syncs says.
type head struct {
	ledger.Header

	journalEncoding int
	targets         []string
}

func (s *store) head(ctx context.Context, q queryer, id int64, job string) (h head, err error) {
	var first, jobs string
	err = q.QueryRow(ctx, s.sql(headOf), id).Scan(&h.Generation, &h.Encoding, &h.Mapping, &h.Rows, &h.Cursor, &h.FullAt, &first,
		&h.Marks, &h.Standing, &jobs, &h.journalEncoding, &h.targets)
	if err != nil {
		return h, err
	}
	h.Mapping, h.Cursor, h.First, h.targets = unescape(h.Mapping), unescape(h.Cursor), plan.First(unescape(first)), unescapeAll(h.targets)
	if err := json.Unmarshal([]byte(jobs), &h.Jobs); err != nil {
		return h, s.damaged(job, "its open jobs are not the JSON that was written")
	}
	if len(h.Jobs) == 0 {
		h.Jobs = nil
	}
	return h, nil
}

const putHead = `update {s}.syncs set generation = $2, encoding = $3, mapping = $4, source_rows = $5, read_to = $6, full_at = $7, first_answer = $8,
	marks = $9, standing = $10, open_jobs = $11::json where id = $1`

func (s *store) putHead(ctx context.Context, tx pgx.Tx, id int64, h ledger.Header) error {
	jobs, err := json.Marshal(append([]ledger.OpenJob{}, h.Jobs...))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, s.sql(putHead), id, h.Generation, h.Encoding, escape(h.Mapping), h.Rows, escape(h.Cursor), h.FullAt,
		escape(string(h.First)), h.Marks, h.Standing, string(jobs))
	return err
}

// find gives the number of a sync; ok is false if nobody ever opened it.
func (s *store) find(ctx context.Context, q queryer, id plan.SyncID) (n int64, ok bool, err error) {
	err = q.QueryRow(ctx, s.sql(findSync), identityArgs(id)...).Scan(&n)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, false, nil
	}
	return n, err == nil, err
}

// stored reads the identities that wrote something.
func (s *store) stored(ctx context.Context, where string, args ...any) ([]ledger.Stored, error) {
	var out []ledger.Stored
	query := `select project, job, connection, account, object, key_fields, targets from {s}.syncs where cardinality(targets) > 0` + where +
		` order by project collate "C", job collate "C", connection collate "C", account collate "C", object collate "C", key_fields collate "C"`
	err := s.read(ctx, "list what is remembered", query, args, func(rows pgx.Rows) error {
		var st ledger.Stored
		id := &st.Sync
		if err := rows.Scan(&id.Project, &id.Job, &id.Connection, &id.Account, &id.Object, &id.Key, &st.Targets); err != nil {
			return err
		}
		for _, text := range []*string{&id.Project, &id.Job, &id.Connection, &id.Account, &id.Object} {
			*text = unescape(*text)
		}
		id.Key, st.Targets = unescapeAll(id.Key), unescapeAll(st.Targets)
		slices.Sort(st.Targets)
		out = append(out, st)
		return nil
	})
	return out, err
}

// Siblings reads the identities of the job's syncs that were written to.
func (s *store) Siblings(ctx context.Context, project, job, target string) ([]plan.SyncID, error) {
	list, err := s.stored(ctx, " and project = $1 and job = $2 and $3 = any(targets)", escape(project), escape(job), escape(target))
	var out []plan.SyncID
	for _, st := range list {
		out = append(out, st.Sync)
	}
	return out, err
}

// Contents lists everything that was written.
func (s *store) Contents(ctx context.Context) (c ledger.Contents, err error) {
	if c.Syncs, err = s.stored(ctx, ""); err != nil {
		return c, err
	}
	err = s.read(ctx, "list what is remembered", `select distinct project collate "C" from {s}.evidence order by 1`, nil, func(rows pgx.Rows) error {
		var project string
		err := rows.Scan(&project)
		c.Evidence = append(c.Evidence, unescape(project))
		return err
	})
	if err != nil {
		return c, err
	}
	err = s.read(ctx, "list what is remembered", `select distinct project collate "C", job collate "C" from {s}.runs order by 1, 2`, nil, func(rows pgx.Rows) error {
		var name ledger.JobName
		err := rows.Scan(&name.Project, &name.Job)
		c.Jobs = append(c.Jobs, ledger.JobName{Project: unescape(name.Project), Job: unescape(name.Job)})
		return err
	})
	return c, err
}

// escape makes any bytes a text that PostgreSQL can store: without NUL, and
// valid UTF-8. Nearly every text stays as it is; a backslash is doubled.
func escape(text string) string {
	if utf8.ValidString(text) && !strings.ContainsAny(text, "\x00\\") {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == '\\':
			b.WriteString(`\\`)
		case r == 0, r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\%02x`, text[0])
		default:
			b.WriteString(text[:size])
		}
		text = text[size:]
	}
	return b.String()
}

// unescape takes back what escape did.
func unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] != '\\':
			b.WriteByte(text[i])
		case strings.HasPrefix(text[i+1:], `\`):
			b.WriteByte('\\')
			i++
		case i+2 < len(text):
			n, _ := strconv.ParseUint(text[i+1:i+3], 16, 8)
			b.WriteByte(byte(n))
			i += 2
		}
	}
	return b.String()
}

func escapeAll(list []string) []string {
	out := make([]string, len(list))
	for i, text := range list {
		out[i] = escape(text)
	}
	return out
}

func unescapeAll(list []string) []string {
	out := make([]string, len(list))
	for i, text := range list {
		out[i] = unescape(text)
	}
	return out
}
