package mysql_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"exposync/internal/destination"
	"exposync/internal/destination/destinationtest"
	adapter "exposync/internal/destination/mysql"
	"exposync/internal/record"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	destinationtest.Run(t, destinationtest.Harness{New: subject})
}

var clerks atomic.Int64

// subject is a destination whose user can be locked out and whose connection
// runs through a proxy that can be broken.
func subject(t *testing.T) *destinationtest.Subject {
	t.Helper()
	clerk := fmt.Sprintf("clerk_%d", clerks.Add(1))
	b := setup(t, `create table things (id varchar(600) collate utf8mb4_nopad_bin not null, name longtext check (name <> 'spoiled'),
			score bigint, amount decimal(38,9), active boolean, day date, at datetime(6), local datetime(6), doc json, unique (id))`)
	b.exec("create user "+clerk+" identified by 'geheim'", "grant all on "+b.at.Name+".* to "+clerk)
	p := newProxy(t, fmt.Sprintf("%s:%d", b.at.Host, b.at.Port))
	dest, err := adapter.New(adapter.Config{
		Name: "crm", Host: "127.0.0.1", Port: p.port(), User: clerk, Password: "geheim", DBName: b.at.Name, TLS: adapter.Off,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &destinationtest.Subject{
		Destination: &loose{dest, b}, Object: "things", Secrets: []string{"geheim"},
		Spoil: func(ch *record.Change) { ch.Values[0] = text("spoiled") },
		Rows:  func(t *testing.T) []destinationtest.Row { t.Helper(); return b.things() },
		Seen:  p.sizes,
		Fail: func(t *testing.T, f destinationtest.Failure) {
			t.Helper()
			switch f {
			case destinationtest.Shed:
				b.exec("create sequence shed", `create trigger shed before insert on things for each row begin
  if nextval(shed) = 1 then signal sqlstate '40001' set mysql_errno = 1213, message_text = 'busy'; end if; end`)
			case destinationtest.Deny:
				b.exec("drop user " + clerk)
				for _, id := range b.rows("select id from information_schema.processlist where user = '" + clerk + "'") {
					b.exec("kill " + id)
				}
			case destinationtest.LoseAnswer:
				p.loseCommit.Store(true)
			case destinationtest.Hang:
				p.hang.Store(true)
			case destinationtest.Die:
				p.close()
			}
		},
	}
}

func (b *bundle) things() []destinationtest.Row {
	b.t.Helper()
	var out []destinationtest.Row
	for _, values := range b.texts(`select id, name, score, amount, case active when 1 then 'true' when 0 then 'false' end, day,
		concat(replace(at, ' ', 'T'), 'Z'), replace(local, ' ', 'T'), doc from things`) {
		row := destinationtest.Row{"id": values[0]}
		for i, f := range destinationtest.Fields() {
			row[f.Name] = plain(f.Name, values[i+1])
		}
		out = append(out, row)
	}
	return out
}

// plain cuts zeros that a column adds.
func plain(name string, v *string) *string {
	if v == nil {
		return nil
	}
	switch s := *v; name {
	case "amount":
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
		return &s
	case "at":
		s = strings.TrimRight(strings.TrimRight(strings.TrimSuffix(s, "Z"), "0"), ".") + "Z"
		return &s
	case "local":
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
		return &s
	}
	return v
}

// loose drops the unique index before appends: such a table has none.
type loose struct {
	*adapter.MySQL

	b *bundle
}

func (l *loose) Open(ctx context.Context, t destination.Target) (destination.Writer, error) {
	if t.Mode == destination.Append {
		if _, err := l.b.db.ExecContext(ctx, "alter table things drop index if exists id"); err != nil {
			return nil, err
		}
	}
	return l.MySQL.Open(ctx, t)
}
