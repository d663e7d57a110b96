package postgres_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"exposync/internal/destination"
	"exposync/internal/record"
)

func TestModes(t *testing.T) {
	t.Parallel()
	seed := "insert into people values (1, 'old@x', 1), (2, 'two@x', 2)"
	tests := []struct {
		name    string
		mode    destination.Mode
		batch   []record.Change
		want    []string
		content []string
	}{
		{
			"upsert creates and changes", destination.Upsert,
			[]record.Change{put(number(1), text("new@x"), number(5)), put(number(3), null(), number(6))},
			[]string{"ok", "ok"},
			[]string{"1|new@x|5", "2|two@x|2", "3|<nil>|6"},
		},
		{
			"an absent field is left as it is, and takes its default when it is new", destination.Upsert,
			[]record.Change{put(number(1), text("new@x"), absent()), put(number(3), text("c@x"), absent()), put(number(2), absent(), number(9))},
			[]string{"ok", "ok", "ok"},
			[]string{"1|new@x|1", "2|two@x|9", "3|c@x|7"},
		},
		{
			"update never creates", destination.Update,
			[]record.Change{put(number(1), text("new@x"), absent()), put(number(3), text("c@x"), number(1))},
			[]string{"ok", "not_found"},
			[]string{"1|new@x|1", "2|two@x|2"},
		},
		{
			"insert never changes", destination.Insert,
			[]record.Change{put(number(1), text("new@x"), number(1)), put(number(2), text("two@x"), number(2)), put(number(3), text("c@x"), number(1))},
			[]string{"exists", "ok", "ok"}, // 2 is there as it should be: the answer to it was lost
			[]string{"1|old@x|1", "2|two@x|2", "3|c@x|1"},
		},
		{
			"mirror deletes, also what is gone already", destination.Mirror,
			[]record.Change{remove(number(1)), put(number(3), text("c@x"), number(1)), remove(number(8))},
			[]string{"ok", "ok", "ok"},
			[]string{"2|two@x|2", "3|c@x|1"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, peopleTable, seed)
			got := b.open(people(tt.mode)).Write(t.Context(), tt.batch)
			equal(t, "outcomes", tt.want, said(got))
			equal(t, "table", tt.content, b.rows("select * from people order by id"))
		})
	}
}

func TestAppendWritesEveryChange(t *testing.T) {
	t.Parallel()
	b := setup(t, "create table people (id int, email text, score int)")
	w := b.open(people(destination.Append))
	for range 2 {
		equal(t, "outcomes", []string{"ok"}, said(w.Write(t.Context(), []record.Change{put(number(1), text("a"), null())})))
	}
	equal(t, "table", []string{"1|a|<nil>", "1|a|<nil>"}, b.rows("select * from people"))
	if w.Traits().Idempotent {
		t.Error("append must not count as idempotent")
	}
}

// The lesson of a peer that reported 999 and landed 950.
func TestOneBadRowOfAFullBatch(t *testing.T) {
	t.Parallel()
	b := setup(t, peopleTable)
	batch := make([]record.Change, 5000)
	for i := range batch {
		batch[i] = put(number(i), text("x"), number(1))
	}
	batch[2503] = put(number(2503), text("secret-value"), number(-1))
	batch[4999] = put(number(4999), text("x"), text("not a number"))
	got := b.open(people(destination.Upsert)).Write(t.Context(), batch)
	equal(t, "ok", 4998, count(said(got), "ok"))
	equal(t, "outcome 2503", destination.Outcome{
		State: destination.Rejected, Code: "23514", Message: "check constraint people_score_check is violated",
	}, got[2503])
	equal(t, "outcome 4999", destination.Outcome{
		State: destination.Rejected, Code: "22P02", Message: "invalid input syntax for type integer",
	}, got[4999])
	equal(t, "rows that landed", []string{"4998"}, b.rows("select count(*) from people"))
	equal(t, "bad rows that landed", []string{"0"}, b.rows("select count(*) from people where id in (2503, 4999)"))
}

func TestEveryRowIsBad(t *testing.T) {
	t.Parallel()
	b := setup(t, peopleTable)
	batch := make([]record.Change, 5000)
	for i := range batch {
		batch[i] = put(number(i), text("x"), number(-1))
	}
	equal(t, "rejects", 5000, count(said(b.open(people(destination.Upsert)).Write(t.Context(), batch)), "23514"))
}

func TestWhatTriggersDo(t *testing.T) {
	t.Parallel()
	b := setup(
		t, peopleTable, "insert into people values (9, 'kept', 1)",
		`create function guard() returns trigger language plpgsql as $$ begin
  if tg_op = 'DELETE' then return null; end if;
  if new.email = 'drop' then return null; end if;
  if new.email like 'raise%' then raise exception 'no % here: "%"', new.email, new.id; end if;
  return new; end $$`,
		"create trigger guard before insert or update or delete on people for each row execute function guard()",
	)
	got := b.open(people(destination.Mirror)).Write(t.Context(), []record.Change{
		put(number(1), text("fine"), null()), put(number(2), text("drop"), null()),
		put(number(31), text("raise-jane@example.com"), null()), remove(number(9)),
	})
	equal(t, "outcomes", []string{"ok", "not_written", "P0001", "not_deleted"}, said(got))
	if m := got[2].Message; strings.Contains(m, "jane") || strings.Contains(m, "31") || !strings.Contains(m, "no ") {
		t.Errorf("the reason %q must stay, without the record's values", m)
	}
	equal(t, "table", []string{"1|fine", "9|kept"}, b.rows("select id, email from people order by id"))
}

func TestKeysThatTheTableTakesForOne(t *testing.T) {
	t.Parallel()
	for _, mode := range []destination.Mode{destination.Upsert, destination.Update, destination.Insert} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			b := setup(t, peopleTable, "insert into people values (5, 'five', 5)")
			target := people(mode)
			target.Key[0].Kind = record.Text
			batch := []record.Change{
				put(text("1"), text("a"), number(1)), put(text("01"), text("b"), number(1)),
				put(text("5"), text("five"), number(5)), put(text("x"), text("c"), number(1)),
			}
			got := b.open(target).Write(t.Context(), batch)
			equal(t, "outcomes", []string{"key_collision", "key_collision", "ok", "22P02"}, said(got))
			equal(t, "table", []string{"5|five|5"}, b.rows("select * from people"))
		})
	}
}

func TestAColumnThatANewRecordNeeds(t *testing.T) {
	t.Parallel()
	b := setup(t, "create table people (id int primary key, email text not null, score int)", "insert into people values (1, 'a', 1)")
	target := people(destination.Upsert)
	target.Fields[0].SkipNulls = true
	got := b.open(target).Write(t.Context(), []record.Change{put(number(1), absent(), number(5)), put(number(2), absent(), number(5))})
	equal(t, "outcomes", []string{"ok", "23502"}, said(got))
	equal(t, "table", []string{"1|a|5"}, b.rows("select * from people"))
}

func TestDeferredConstraintsNameTheirRecord(t *testing.T) {
	t.Parallel()
	b := setup(
		t, "create table teams (id int primary key)",
		"create table people (id int primary key, email text, score int references teams deferrable initially deferred)",
		"insert into teams values (1)",
	)
	got := b.open(people(destination.Upsert)).Write(t.Context(), []record.Change{put(number(1), text("a"), number(1)), put(number(2), text("b"), number(2))})
	equal(t, "outcomes", []string{"ok", "23503"}, said(got))
}

func TestOnlyKeys(t *testing.T) {
	t.Parallel()
	b := setup(t, "create table people (id int, at text, primary key (id, at))")
	for _, tt := range []struct {
		mode destination.Mode
		want string
	}{{destination.Update, "not_found"}, {destination.Upsert, "ok"}, {destination.Insert, "ok"}, {destination.Update, "ok"}} {
		target := destination.Target{Object: "public.people", Mode: tt.mode, Key: []destination.Field{{Name: "AT", Kind: record.Text}, {Name: "id", Kind: record.Int}}}
		got := b.open(target).Write(t.Context(), []record.Change{putAll(record.Record{text("x"), number(1)})})
		equal(t, string(tt.mode), []string{tt.want}, said(got))
	}
}

func TestValuesThatNoColumnHolds(t *testing.T) {
	t.Parallel()
	b := setup(t, peopleTable)
	got := b.open(people(destination.Upsert)).Write(t.Context(), []record.Change{
		put(number(1), text("a\x00b"), null()), put(number(2), text("\xff"), null()), put(number(3), text("tab\tline\r\nback\\slash \\N"), null()),
	})
	equal(t, "outcomes", []string{"invalid_value", "invalid_value", "ok"}, said(got))
	equal(t, "table", []string{"tab\tline\r\nback\\slash \\N"}, b.rows("select email from people"))
}

func TestNamesAreQuoted(t *testing.T) {
	t.Parallel()
	b := setup(t, `create schema "My ""CRM"`, `create table "My ""CRM"."Per.sons; --" ("Order By" int primary key, "LO" text, "HI'" text)`)
	target := destination.Target{
		Object: `"My ""CRM"."Per.sons; --"`, Mode: destination.Mirror,
		Key:    []destination.Field{{Name: "Order By", Kind: record.Int}},
		Fields: []destination.Field{{Name: "LO", Kind: record.Text}, {Name: "HI'", Kind: record.Text}},
	}
	got := b.open(target).Write(t.Context(), []record.Change{put(number(1), text("a"), text("b")), put(text("x"), text("a"), text("b"))})
	equal(t, "outcomes", []string{"ok", "22P02"}, said(got))
	equal(t, "table", []string{"1|a|b"}, b.rows(`select * from "My ""CRM"."Per.sons; --"`))
}

// Two batches with the same keys in opposite order would deadlock if rows
// were locked in the order of the batch.
func TestBatchesThatMeetDoNotDeadlock(t *testing.T) {
	t.Parallel()
	b := setup(t, peopleTable)
	for _, mode := range []destination.Mode{destination.Upsert, destination.Update, destination.Mirror} {
		w := b.open(people(mode))
		var wg sync.WaitGroup
		for worker := range 4 {
			wg.Go(func() {
				for range 5 {
					batch := make([]record.Change, 500)
					for i := range batch {
						n := i
						if worker%2 == 0 {
							n = len(batch) - 1 - i
						}
						batch[i] = put(number(n), text("x"), number(worker))
						if mode == destination.Mirror {
							batch[i] = remove(number(n))
						}
					}
					if ok := count(said(w.Write(context.Background(), batch)), "ok"); ok != len(batch) {
						t.Errorf("%s: %d of %d confirmed", mode, ok, len(batch))
					}
				}
			})
		}
		wg.Wait()
	}
}

func TestConnectionIsKilled(t *testing.T) {
	t.Parallel()
	b := setup(
		t, peopleTable,
		`create function die() returns trigger language plpgsql as $$ begin perform pg_terminate_backend(pg_backend_pid()); return new; end $$`,
		"create trigger die before insert on people for each row execute function die()",
	)
	got := b.open(people(destination.Upsert)).Write(t.Context(), []record.Change{put(number(1), text("a"), null())})
	if got[0].State != destination.Retry {
		t.Errorf("state %d, want Retry: nothing was committed", got[0].State)
	}
	equal(t, "table", []string{"0"}, b.rows("select count(*) from people"))
}

func TestEndedRunWritesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, peopleTable)
	w := b.open(people(destination.Upsert))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got := w.Write(ctx, []record.Change{put(number(1), text("a"), null())})
	if got[0].State != destination.NotSent {
		t.Errorf("state %d, want NotSent", got[0].State)
	}
}

func TestTableGoneBetweenOpenAndWrite(t *testing.T) {
	t.Parallel()
	b := setup(t, peopleTable)
	w := b.open(people(destination.Upsert))
	b.exec("alter table people drop column email")
	got := w.Write(t.Context(), []record.Change{put(number(1), text("a"), null())})
	equal(t, "outcome", destination.Outcome{
		State: destination.Mapping, Code: "42703", Message: `column "email" of relation "people" does not exist`,
	}, got[0])
}

func TestEmptyBatch(t *testing.T) {
	t.Parallel()
	b := setup(t, peopleTable)
	if got := b.open(people(destination.Upsert)).Write(t.Context(), nil); len(got) != 0 {
		t.Errorf("outcomes %v of nothing", got)
	}
}
