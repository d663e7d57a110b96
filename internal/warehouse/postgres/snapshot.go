package postgres

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// goodbye is how long Close waits for the server to take the rollback.
const goodbye = 5 * time.Second

// Snapshot is one transaction. It speaks the extended protocol with unnamed
// statements only, so a transaction-pooling proxy in between does no harm.
type Snapshot struct {
	conn      *pgxpool.Conn
	pg        *pgconn.PgConn
	redshift  bool                // see redshift.go
	relations map[string][]column // described so far
	unread    *reading            // an iteration that was broken off
	closed    func(*Snapshot)     // nil once closed
}

// reading is a result that is still coming in.
type reading struct {
	result interface{ Close() error }
	cancel context.CancelFunc
}

// extended is a result of the extended protocol.
type extended struct{ *pgconn.ResultReader }

// Close reads past what is left.
func (e extended) Close() error {
	_, err := e.ResultReader.Close()
	return err
}

// begin opens the transaction. A select among its statements settles what the
// transaction sees. Time zone and the like stay as they are for dbt, since
// the result of a view may depend on them; DateStyle is what dbt's driver
// sets too.
func (s *Snapshot) begin(ctx context.Context, c Config) error {
	if s.redshift {
		return s.beginRedshift(ctx, c)
	}
	const start = `begin isolation level repeatable read, read only;
set local datestyle = 'ISO';
set local idle_in_transaction_session_timeout = 0`
	if _, err := s.pg.Exec(ctx, start).ReadAll(); err != nil {
		return err
	}
	settings, values := []string{"1"}, [][]byte(nil)
	for _, set := range []struct{ name, value string }{{"role", c.Role}, {"search_path", c.SearchPath}} {
		if set.value != "" {
			values = append(values, []byte(set.value))
			settings = append(settings, fmt.Sprintf("set_config('%s', $%d, true)", set.name, len(values)))
		}
	}
	return s.pg.ExecParams(ctx, "select "+strings.Join(settings, ", "), values, nil, nil, nil).Read().Err
}

// Rows implements warehouse.Snapshot.
func (s *Snapshot) Rows(ctx context.Context, q warehouse.Query) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		columns, err := s.pick(ctx, q.Relation, q.Columns)
		if err != nil {
			yield(nil, err)
			return
		}
		st := statement{sql: "select " + expressions(columns) + " from " + q.Relation}
		if s.redshift {
			where, err := s.sinceRedshift(ctx, q)
			if err != nil {
				yield(nil, err)
				return
			}
			s.simple(ctx, q.Relation, columns, st.sql+where)(yield)
			return
		}
		if err := s.since(ctx, q, &st); err != nil {
			yield(nil, err)
			return
		}
		s.read(ctx, q.Relation, columns, st, yield)
	}
}

// statement is what the server is asked, with parameters as text.
type statement struct {
	sql    string
	values [][]byte
	types  []uint32
}

// read yields the rows of a statement. The context of the caller ends the
// reading, but only as long as it lasts: after a break the rest of the result
// waits for the next call, which skips it, or for Close, which cancels it.
func (s *Snapshot) read(
	ctx context.Context, relation string, columns []column, st statement, yield func(record.Record, error) bool,
) {
	if err := s.skip(ctx); err != nil {
		yield(nil, readFault(ctx, relation, err))
		return
	}
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	detach := context.AfterFunc(ctx, cancel)
	defer detach()
	result := s.pg.ExecParams(own, st.sql, st.values, st.types, nil, []int16{binaryFormat})
	s.unread = &reading{result: extended{result}, cancel: cancel}

	rows, count := newDecoder(columns), int64(0)
	for result.NextRow() {
		r, err := rows.decode(result.Values())
		if err != nil {
			yield(nil, warehouse.Broken(ctx, relation, err))
			return
		}
		if !yield(r, nil) {
			return
		}
		count++
	}
	tag, err := result.Close()
	s.unread = nil
	cancel()
	if err == nil && ctx.Err() == nil && tag.RowsAffected() != count {
		err = fmt.Errorf("the server says that it sent %d rows, %d arrived", tag.RowsAffected(), count)
	}
	if err != nil {
		yield(nil, readFault(ctx, relation, err))
	}
}

// skip reads past the rest of an iteration that was broken off.
func (s *Snapshot) skip(ctx context.Context) error {
	if s.unread == nil {
		return nil
	}
	u := s.unread
	s.unread = nil
	defer u.cancel()
	defer context.AfterFunc(ctx, u.cancel)()
	return u.result.Close()
}

// Close ends the transaction. A result that is still coming in is canceled
// at the server.
func (s *Snapshot) Close() error {
	if s.closed == nil {
		return nil
	}
	s.closed(s)
	s.closed = nil
	defer s.conn.Release()
	if s.unread != nil {
		s.unread.cancel()
		_ = s.unread.result.Close() // fails, because it was canceled: that ends the connection
		return nil
	}
	if s.pg.IsClosed() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	if _, err := s.pg.Exec(ctx, "rollback").ReadAll(); err != nil && !s.pg.IsClosed() {
		return fmt.Errorf("end the transaction: %w", err)
	}
	return nil
}
