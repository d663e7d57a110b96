package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"exposync/internal/ledger"
	"exposync/internal/plan"
)

// Evidence reads what is known of a project's nodes.
func (s *store) Evidence(ctx context.Context, project string) (map[string]plan.Evidence, error) {
	out := map[string]plan.Evidence{}
	err := s.read(ctx, "read evidence", "select node, result::text from {s}.evidence where project = $1", []any{escape(project)}, func(rows pgx.Rows) error {
		var node, doc string
		if err := rows.Scan(&node, &doc); err != nil {
			return err
		}
		var e plan.Evidence
		if err := json.Unmarshal([]byte(doc), &e); err != nil {
			return s.damagedHistory("evidence of project " + project)
		}
		out[e.UniqueID] = e
		return nil
	})
	return out, err
}

// Record keeps the newer of two results of a node. Nodes are written in one
// order, so that two processes never wait for each other.
func (s *store) Record(ctx context.Context, project string, evidence []plan.Evidence) error {
	if len(evidence) == 0 {
		return nil
	}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	newest := map[string]plan.Evidence{}
	for _, e := range evidence {
		if known, ok := newest[e.UniqueID]; !ok || e.GeneratedAt.After(known.GeneratedAt) {
			newest[e.UniqueID] = e
		}
	}
	list := make([]plan.Evidence, 0, len(newest))
	for _, e := range newest {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b plan.Evidence) int { return cmp.Compare(a.UniqueID, b.UniqueID) })
	nodes, times, docs := make([]string, len(list)), make([]time.Time, len(list)), make([]string, len(list))
	for i, e := range list {
		doc, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("encode evidence of %s: %w", e.UniqueID, err)
		}
		nodes[i], times[i], docs[i] = escape(e.UniqueID), e.GeneratedAt, string(doc)
	}
	const put = `insert into {s}.evidence as e (project, node, generated_at, result)
		select $1, node, generated_at, result::json from unnest($2::text[], $3::timestamptz[], $4::text[]) as u (node, generated_at, result)
		on conflict (project, node) do update set generated_at = excluded.generated_at, result = excluded.result
		where excluded.generated_at > e.generated_at`
	return s.write(ctx, "record evidence", func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, s.sql(put), escape(project), nodes, times, docs)
		return err
	})
}

// Runs reads the runs of a job.
func (s *store) Runs(ctx context.Context, project, job string) (out []ledger.Run, err error) {
	query := "select run::text from {s}.runs where project = $1 and job = $2 order by started_at desc, seq desc"
	err = s.read(ctx, "read the runs of job "+job, query, []any{escape(project), escape(job)}, func(rows pgx.Rows) error {
		var doc string
		if err := rows.Scan(&doc); err != nil {
			return err
		}
		var r ledger.Run
		if err := json.Unmarshal([]byte(doc), &r); err != nil {
			return s.damagedHistory("runs of job " + job)
		}
		out = append(out, r)
		return nil
	})
	return out, err
}

// AddRun puts a run before those that started earlier; a run that is there
// already is replaced.
func (s *store) AddRun(ctx context.Context, project, job string, r ledger.Run) error {
	if err := s.prepare(ctx); err != nil {
		return err
	}
	doc, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode run of job %s: %w", job, err)
	}
	id := []any{escape(project), escape(job)}
	return s.write(ctx, "record a run of job "+job, func(ctx context.Context, tx pgx.Tx) error {
		// One at a time, so that exactly the oldest go.
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1)", s.lockKey("runs", project, job)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, s.sql("delete from {s}.runs where project = $1 and job = $2 and id = $3 and id <> ''"), append(id, escape(r.ID))...); err != nil {
			return err
		}
		add := "insert into {s}.runs (project, job, id, started_at, run) values ($1, $2, $3, $4, $5::text::json)"
		if _, err := tx.Exec(ctx, s.sql(add), append(id, escape(r.ID), r.StartedAt, string(doc))...); err != nil {
			return err
		}
		const trim = `delete from {s}.runs where seq in (select seq from {s}.runs where project = $1 and job = $2
			order by started_at desc, seq desc offset $3)`
		_, err := tx.Exec(ctx, s.sql(trim), append(id, ledger.KeptRuns)...)
		return err
	})
}

// unhandle makes sure that no run of a sync that is forgotten keeps a later
// one from starting.
func (s *store) unhandle(ctx context.Context, tx pgx.Tx, id plan.SyncID) error {
	if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1)", s.lockKey("runs", id.Project, id.Job)); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, s.sql("select seq, run::text from {s}.runs where project = $1 and job = $2"), escape(id.Project), escape(id.Job))
	if err != nil {
		return err
	}
	type stored struct {
		Seq int64
		Run string
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[stored])
	if err != nil {
		return err
	}
	for _, st := range list {
		var r ledger.Run
		if err := json.Unmarshal([]byte(st.Run), &r); err != nil {
			return s.damagedHistory("runs of job " + id.Job)
		}
		if !r.Handled || !ledger.Equal(r.Sync, id) {
			continue
		}
		r.Handled = false
		doc, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("encode run of job %s: %w", id.Job, err)
		}
		if _, err := tx.Exec(ctx, s.sql("update {s}.runs set run = $2::text::json where seq = $1"), st.Seq, string(doc)); err != nil {
			return err
		}
	}
	return nil
}
