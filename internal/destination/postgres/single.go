package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"exposync/internal/destination"
	"exposync/internal/record"
)

// refused is the temporary table in which a block notes the records that the
// server refused. An empty code means that a statement confirmed nothing.
const refused = "pg_temp.exposync_refused"

// slice is how many records a block tries at once before it goes record by
// record: small, so that one bad record costs little, and large enough to be
// fast when only one slice of many is bad.
const slice = 100

// single writes a group inside of one block on the server, slice by slice and
// where a slice is refused record by record, each in a subtransaction of its
// own. It gives records whose keys collide: they must not be written.
func (t *transaction) single(ctx context.Context, g group) ([]int, error) {
	if err := t.index(ctx); err != nil {
		return nil, err
	}
	table := "create temporary table if not exists exposync_refused " +
		"(n integer, code text, message text, tab text, col text, con text, typ text) on commit drop; truncate " + refused
	if err := t.exec(ctx, table); err != nil {
		return nil, fmt.Errorf("make the table of refused records: %w", err)
	}
	// A server without PL/pgSQL refuses this: see unsupported.
	if err := t.exec(ctx, "do '"+strings.ReplaceAll(t.w.shape.block(g), "'", "''")+"'"); err != nil {
		return nil, err
	}
	if t.w.shape.mode != destination.Append && !g.del {
		same, err := t.numbers(ctx, t.w.shape.collisions(g))
		if err != nil || len(same) > 0 {
			return same, err
		}
	}
	return nil, t.reasons(ctx, g)
}

// reasons turns the server's notes into outcomes.
func (t *transaction) reasons(ctx context.Context, g group) error {
	rows, err := t.tx.Query(ctx, "select n, code, message, tab, col, con, typ from "+refused)
	if err != nil {
		return fmt.Errorf("read the refused records: %w", err)
	}
	zero := t.w.shape.step(g, "0", "0").zero
	var n int
	pg := &pgconn.PgError{}
	_, err = pgx.ForEachRow(rows, []any{&n, &pg.Code, &pg.Message, &pg.TableName, &pg.ColumnName, &pg.ConstraintName, &pg.DataTypeName}, func() error {
		if n < 0 || n >= len(t.stage.order) {
			return errors.New("the server refused a record that was not sent")
		}
		if pg.Code == "" {
			t.refused[n] = zero
			return nil
		}
		t.refused[n] = rejected(pg.Code, clean(pg, t.w.known, texts(t.batch[t.stage.order[n]])))
		return nil
	})
	return err
}

// texts are the values of a change that a trigger may have put into words.
func texts(ch record.Change) []string {
	var out []string
	for _, r := range []record.Record{ch.KeyVals, ch.Values} {
		for _, v := range r {
			out = append(out, string(v.Data))
		}
	}
	return out
}

func (t *transaction) numbers(ctx context.Context, sql string) ([]int, error) {
	rows, err := t.tx.Query(ctx, sql)
	if err != nil {
		return nil, fmt.Errorf("look for keys that collide: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[int])
}

// numbers writes an array literal.
func numbers(list []int) string {
	texts := make([]string, len(list))
	for i, n := range list {
		texts[i] = strconv.Itoa(n)
	}
	return "{" + strings.Join(texts, ",") + "}"
}

// codeUncounted is the code that a block raises when the counts of a slice do
// not add up.
const codeUncounted = "XP001"

// block is the program that the server runs. Only errors about values are
// caught; every other one ends the batch.
func (s *shape) block(g group) string {
	caught := "left(sqlstate, 2) not in ('22', '23', '44', '54', 'P0', '21') and sqlstate <> '" + codeUncounted + "'"
	part, one := s.step(g, "exposync_lo", "exposync_hi"), s.step(g, "exposync_n", "exposync_n + 1")
	return fmt.Sprintf(`
declare
  exposync_lo integer := %d; exposync_hi integer; exposync_n integer;
  exposync_rows bigint; exposync_bad boolean;
  exposync_code text; exposync_text text; exposync_tab text; exposync_col text; exposync_con text; exposync_typ text;
begin
  while exposync_lo < %d loop
    exposync_hi := least(exposync_lo + %d, %d);
    begin
      %s
      if exposync_bad then raise exception using errcode = '%s'; end if;
    exception when others then
      if %s then raise; end if;
      for exposync_n in select s.n from %s s where s.n >= exposync_lo and s.n < exposync_hi order by s.n loop
        begin
          %s
          %s
          if exposync_bad then insert into %s values (exposync_n, '', '', '', '', '', ''); end if;
        exception when others then
          get stacked diagnostics exposync_code = returned_sqlstate, exposync_text = message_text,
            exposync_tab = table_name, exposync_col = column_name, exposync_con = constraint_name, exposync_typ = pg_datatype_name;
          if %s then raise; end if;
          insert into %s values (exposync_n, exposync_code, exposync_text, exposync_tab, exposync_col, exposync_con, exposync_typ);
        end;
      end loop;
    end;
    exposync_lo := exposync_hi;
  end loop;
end`, g.lo, g.hi, slice, g.hi,
		part.body("(select count(*) from "+staged+" s where s.n >= exposync_lo and s.n < exposync_hi)"), codeUncounted, caught, staged,
		one.body("1"), one.pardon(), refused, caught, refused)
}

// body runs a step inside of a block and sets exposync_bad when it did not do
// what it should for want records.
func (s step) body(want string) string {
	out := ""
	if s.lock != "" {
		out = statement(s.lock)
	}
	out += statement(s.main) + "get diagnostics exposync_rows = row_count; exposync_bad := "
	if s.counted {
		out += "exposync_rows <> " + want + ";"
	} else {
		out += "false;"
	}
	if s.wrong != "" {
		out += statement(s.wrong) + "exposync_bad := exposync_bad or found;"
	}
	return out
}

// pardon forgives an insert whose record is there already, value for value.
func (s step) pardon() string {
	if s.same == "" {
		return ""
	}
	return "if exposync_bad then " + statement(s.same) + "exposync_bad := not found; end if;"
}

// statement writes SQL as a block wants it: a query whose rows nobody reads
// is performed.
func statement(sql string) string {
	if rest, query := strings.CutPrefix(sql, "select "); query {
		return "perform " + rest + "; "
	}
	return sql + "; "
}
