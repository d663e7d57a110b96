package mysql_test

import (
	"fmt"
	"strings"
	"testing"

	"exposync/internal/destination"
	"exposync/internal/mariatest"
	"exposync/internal/record"
)

// A record that has the same value as another one in a second unique index
// must not become that one: `on duplicate key update` would make it so.
func TestAnotherUniqueIndexIsNoIdentity(t *testing.T) {
	t.Parallel()
	b := setup(t, "create table people (id int primary key, email varchar(40) unique, score int)", "insert into people values (1, 'ada@example.com', 10)")
	out := b.write(people(destination.Upsert), put(number(2), text("ada@example.com"), number(99)), put(number(3), text("c"), number(3)))
	equal(t, "outcomes", []string{"1062", "ok"}, said(out))
	equal(t, "message", "another record has the same value: unique index email", out[0].Message)
	equal(t, "rows", []string{"1|ada@example.com|10", "3|c|3"}, b.rows("select * from people order by id"))
	out = b.write(people(destination.Upsert), put(number(3), text("ada@example.com"), number(4)), put(number(1), text("d"), number(1)))
	equal(t, "outcomes of updates", []string{"ok", "ok"}, said(out)) // one statement: 1 gives the address up
	equal(t, "rows after it", []string{"1|d|1", "3|ada@example.com|4"}, b.rows("select * from people order by id"))
}

// What the server would cut, round or make up, with a note or without a word,
// is a reject of that record; the others land.
func TestNothingIsChangedInSilence(t *testing.T) {
	t.Parallel()
	const table = `create table odd (id int auto_increment primary key, price decimal(6,2), day date, at datetime, fine time(3), qty int,
		name varchar(3) character set latin1, size enum('S','M'), flag bit(1), made timestamp not null default current_timestamp)`
	kinds := map[string]record.Kind{
		"price": record.Decimal, "day": record.Text, "at": record.Timestamp, "fine": record.Time, "qty": record.Decimal,
		"name": record.Text, "size": record.Text, "flag": record.Bool, "made": record.Instant,
	}
	for _, tt := range []struct {
		column string
		value  record.Value
		want   string
	}{
		{"price", value(record.Decimal, "1234.56"), "ok"},
		{"price", value(record.Decimal, "1234.567"), "1265"},
		{"price", value(record.Decimal, "12345.6"), "1264"},
		{"price", value(record.Decimal, "NaN"), "1366"},
		{"price", value(record.Text, "12x"), "1366"},
		{"price", value(record.Text, "1.005"), "1265"},
		{"day", text("2024-02-29"), "ok"},
		{"day", text("2024-02-30"), "1292"},
		{"day", text("2024-02-29 10:15:00"), "1265"},
		{"day", text("0000-00-00"), "1292"},
		{"at", value(record.Timestamp, "2024-02-29T10:15:00"), "ok"},
		{"at", value(record.Timestamp, "2024-02-29T10:15:00.5"), "1265"},
		{"at", value(record.Timestamp, "infinity"), "1292"},
		{"fine", value(record.Time, "10:15:00.123"), "ok"},
		{"fine", value(record.Time, "10:15:00.1234"), "1265"},
		{"qty", value(record.Decimal, "12"), "ok"},
		{"qty", value(record.Decimal, "1.5"), "1265"},
		{"qty", value(record.Decimal, "2147483648"), "1264"},
		{"name", text("abc"), "ok"},
		{"name", text("abcd"), "1406"},
		{"name", text("abc  "), "1265"}, // spaces are cut with a note
		{"name", text("日"), "1366"},
		{"size", text("M"), "ok"},
		{"size", text("XL"), "1265"},
		{"flag", value(record.Bool, "true"), "ok"},
		{"made", null(), "1048"}, // some servers put the time of day there
		{"made", value(record.Instant, "2024-03-31T01:30:00Z"), "ok"},
		{"made", value(record.Instant, "9999-12-31T00:00:00Z"), "1292"},
	} {
		t.Run(tt.column+" "+string(tt.value.Data), func(t *testing.T) {
			t.Parallel()
			b := setup(t, table, "insert into odd (id) values (2)")
			target := destination.Target{
				Object: "odd", Mode: destination.Upsert, Key: []destination.Field{{Name: "id", Kind: record.Int}},
				Fields: []destination.Field{{Name: tt.column, Kind: kinds[tt.column]}},
			}
			good := map[string]record.Value{
				"price": value(record.Decimal, "1"), "day": text("2024-01-01"), "at": value(record.Timestamp, "2024-01-01T00:00:00"),
				"fine": value(record.Time, "00:00:00"), "qty": value(record.Decimal, "1"), "name": text("a"), "size": text("S"),
				"flag": value(record.Bool, "false"), "made": value(record.Instant, "2024-01-01T00:00:00Z"),
			}[tt.column]
			// 0 in an auto_increment column stays 0; 1 is new, 2 is there.
			for _, id := range []int{1, 2} {
				out := b.write(target, put(number(0), good), put(number(id), tt.value), put(number(3), good))
				equal(t, fmt.Sprintf("outcomes for id %d (%s)", id, out[1].Message), []string{"ok", tt.want, "ok"}, said(out))
				if strings.Contains(out[1].Message, string(tt.value.Data)) && len(tt.value.Data) > 3 {
					t.Errorf("the message holds the value: %s", out[1].Message)
				}
			}
			equal(t, "rows", map[bool]string{true: "4", false: "3"}[tt.want == "ok"], b.rows("select count(*) from odd")[0])
			equal(t, "row 0", "1", b.rows("select count(*) from odd where id = 0")[0])
		})
	}
}

// A collation may take two keys for one. The second must not replace the
// first, whether they come in one batch, in two, or the first is not ours.
func TestKeysThatTheCollationTakesForOne(t *testing.T) {
	t.Parallel()
	b := setup(t, "create table people (id varchar(20) primary key, email text, score int)", "insert into people values ('Ada', 'theirs', 1)")
	target := people(destination.Upsert)
	target.Key[0].Kind = record.Text
	out := b.write(target, put(text("ada"), text("x"), number(1)), put(text("Bob"), text("b"), number(1)), put(text("Ada"), text("ours"), number(1)))
	equal(t, "outcomes", []string{"key_collision", "ok", "ok"}, said(out))
	out = b.write(target, put(text("BOB"), text("x"), number(1)), put(text("bob "), text("x"), number(1)), put(text("c"), text("c"), number(1)))
	equal(t, "outcomes of the second", []string{"key_collision", "key_collision", "ok"}, said(out))
	out = b.write(target, put(text("new"), text("x"), number(1)), put(text("NEW"), text("x"), number(1)))
	equal(t, "outcomes of one batch", 1, count(said(out), "ok"))
	target.Mode = destination.Mirror
	equal(t, "deletes", []string{"ok", "ok"}, said(b.write(target, remove(text("ADA")), remove(text("c")))))
	equal(t, "rows", 3, len(b.rows("select id from people where id in ('Ada', 'Bob', 'new')")))
}

func TestColumnsOfOtherCharsets(t *testing.T) {
	t.Parallel()
	b := setup(t, "create table people (id varchar(20) character set latin1 collate latin1_german2_ci, email text character set ucs2, score int, unique (id))")
	target := people(destination.Upsert)
	target.Key[0].Kind = record.Text
	for _, name := range []string{"一", "二"} { // an insert, then an update
		out := b.write(target, put(text("Müller"), text(name), number(1)), put(text("日"), text("x"), number(1)))
		equal(t, "outcomes", []string{"ok", "1366"}, said(out))
		equal(t, "rows", []string{"Müller|" + name}, b.rows("select convert(id using utf8mb4), convert(email using utf8mb4) from people"))
	}
}

func TestAbsentFieldsAndMissingValues(t *testing.T) {
	t.Parallel()
	b := setup(t, "create table people (id int primary key, email varchar(40) not null, score int default 7)", "insert into people values (1, 'a', 1)")
	out := b.write(people(destination.Upsert),
		put(number(1), absent(), number(5)), put(number(2), absent(), number(5)), put(number(3), text("c"), absent()), put(number(4), null(), absent()))
	equal(t, "outcomes", []string{"ok", "1364", "ok", "1048"}, said(out))
	equal(t, "rows", []string{"1|a|5", "3|c|7"}, b.rows("select * from people order by id"))
}

func TestTriggersSpeakWithoutValues(t *testing.T) {
	t.Parallel()
	b := setup(t, peopleTable, `create trigger judge before insert on people for each row begin
  if new.email = 'bad@example.com' then signal sqlstate '45000' set message_text = 'we do not like bad@example.com'; end if;
  if new.email = 'moved' then set new.id = 1000; end if; end`)
	out := b.write(people(destination.Upsert), put(number(1), text("a"), null()), put(number(2), text("bad@example.com"), null()), put(number(3), text("moved"), null()))
	equal(t, "outcomes", []string{"ok", "1644", "not_written"}, said(out))
	equal(t, "message", "we do not like …", out[1].Message)
	equal(t, "rows", []string{"1"}, b.rows("select id from people"))
}

func TestRejectsNameColumnsAndConstraintsNotValues(t *testing.T) {
	t.Parallel()
	b := setup(t, "create table owners (id int primary key)", "insert into owners values (1)",
		`create table people (id int primary key, email varchar(5), score int, constraint owned foreign key (score) references owners (id),
		  constraint lower_case check (email = lower(email) collate utf8mb4_bin))`)
	out := b.write(people(destination.Upsert), put(number(1), text("secret-value"), number(1)), put(number(2), text("a"), number(4711)), put(number(3), text("A"), null()), put(number(4), text("x"), number(1)))
	equal(t, "outcomes", []string{"1406", "1452", "4025", "ok"}, said(out))
	equal(t, "messages", []string{
		"the value is too long for column email", "a foreign key is violated: owned", "a check constraint is violated: lower_case", "",
	}, []string{out[0].Message, out[1].Message, out[2].Message, out[3].Message})
}

// A batch in which many records are bad costs exactly these.
func TestManyBadRecords(t *testing.T) {
	t.Parallel()
	b := setup(t, peopleTable)
	var batch []record.Change
	for i := range 1300 {
		score := i
		if i%7 == 0 {
			score = -1
		}
		batch = append(batch, put(number(i), text("e"), number(score)))
	}
	for range 2 { // inserts, then updates
		out := said(b.write(people(destination.Upsert), batch...))
		equal(t, "ok", 1300-186, count(out, "ok"))
		equal(t, "refused", 186, count(out, "4025"))
	}
	equal(t, "rows", []string{"1114"}, b.rows("select count(*) from people where score = id"))
}

func TestCompositeKeysAndWideNumbers(t *testing.T) {
	t.Parallel()
	b := setup(t, `create table m (a bigint unsigned, b date, c varbinary(4), price decimal(65,30), score float, primary key (a, b, c))`)
	target := destination.Target{
		Object: b.at.Name + ".m", Mode: destination.Mirror,
		Key:    []destination.Field{{Name: "a", Kind: record.Int}, {Name: "b", Kind: record.Date}, {Name: "c", Kind: record.Bytes}},
		Fields: []destination.Field{{Name: "price", Kind: record.Decimal}, {Name: "score", Kind: record.Float}},
	}
	key := func(a, day, c string) record.Record {
		return record.Record{value(record.Int, a), value(record.Date, day), value(record.Bytes, c)}
	}
	first, second := key("18446744073709551615", "2024-02-29", "\x00'\xff"), key("1", "0001-01-01", "")
	long := strings.Repeat("9", 35) + ".5"
	for _, p := range []string{long, "0.000000000000000000000000000001"} {
		out := b.write(target, putAll(first, value(record.Decimal, p), value(record.Float, "0.1")), putAll(second, value(record.Decimal, "1"), value(record.Float, "1e+30")))
		equal(t, "outcomes", []string{"ok", "ok"}, said(out))
		equal(t, "price", p, strings.TrimRight(b.rows("select price from m where a > 1")[0], "0"))
	}
	gone := putAll(first)
	gone.Op, gone.Values = record.Delete, nil
	equal(t, "delete", []string{"ok"}, said(b.write(target, gone)))
	equal(t, "rows", []string{"1"}, b.rows("select a from m"))
}

// An insert whose answer was lost is confirmed when it comes again; another
// record under the same key is not.
func TestInsertAgain(t *testing.T) {
	t.Parallel()
	b := setup(t, `create table people (id int primary key, email char(10), score float)`)
	target := people(destination.Insert)
	target.Fields[1].Kind = record.Float
	batch := []record.Change{put(number(1), text("a "), value(record.Float, "0.1")), put(number(2), null(), null())}
	for range 2 {
		equal(t, "outcomes", []string{"ok", "ok"}, said(b.write(target, batch...)))
	}
	equal(t, "others", []string{"exists", "exists"}, said(b.write(target, put(number(1), text("a"), value(record.Float, "0.2")), put(number(2), text(""), null()))))
}

// A server that dies in the middle loses nothing that was confirmed, and what
// it did not confirm is not counted.
func TestServerKilled(t *testing.T) {
	t.Parallel()
	s := mariatest.Start(t)
	b := on(t, s.New(t), peopleTable)
	w := b.open(people(destination.Upsert))
	equal(t, "before", []string{"ok"}, said(w.Write(t.Context(), []record.Change{put(number(1), text("a"), null())})))
	s.Kill()
	for _, o := range w.Write(t.Context(), []record.Change{put(number(2), text("a"), null())}) {
		if o.State != destination.Retry && o.State != destination.InDoubt {
			t.Errorf("outcome of a dead server: %+v", o)
		}
	}
}

func TestBatchesThatMeetDoNotLoseRecords(t *testing.T) {
	t.Parallel()
	b := setup(t, peopleTable)
	w := b.open(people(destination.Upsert))
	done := make(chan []string)
	for n := range 4 {
		go func() {
			var batch []record.Change
			for i := range 400 {
				batch = append(batch, put(number((i*7+n*100)%500), text("e"), number(n)))
			}
			for {
				out := said(w.Write(t.Context(), batch))
				if !strings.Contains(strings.Join(out, " "), "state 3") && !strings.Contains(strings.Join(out, " "), "1062") { // deadlock, or a race for a new row
					done <- out
					return
				}
			}
		}()
	}
	for range 4 {
		equal(t, "ok", 400, count(<-done, "ok"))
	}
	equal(t, "rows", []string{"500"}, b.rows("select count(*) from people"))
}

func BenchmarkUpsert(bm *testing.B) {
	b := setup(bm, peopleTable)
	w := b.open(people(destination.Upsert))
	var batch []record.Change
	for i := range 5000 {
		batch = append(batch, put(number(i), text("someone@example.com"), number(i)))
	}
	bm.ResetTimer()
	for i := range bm.N {
		for k := range batch {
			batch[k].Values[1] = number(i + k)
		}
		if n := count(said(w.Write(bm.Context(), batch)), "ok"); n != len(batch) {
			bm.Fatalf("%d of %d", n, len(batch))
		}
	}
	bm.ReportMetric(float64(bm.N*len(batch))/bm.Elapsed().Seconds(), "records/s")
}
