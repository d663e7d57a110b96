package sqlreader_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"exposync/internal/mariatest"
	"exposync/internal/record"
	"exposync/internal/warehouse"
)

// BenchmarkRead compares reading and hashing a million rows of 8 columns with
// the floor: the driver alone, each row thrown away. Read the two side by
// side; each reports the highest memory of the process so far.
func BenchmarkRead(b *testing.B) {
	const rows = 1_000_000
	db := mariatest.New(b)
	execute(b, db, `create table t as select seq as id, concat('user', seq, '@example.com') as email, concat('Ada ', seq) as name,
		cast((seq % 100000) / 7 as decimal(18,6)) as clv, seq % 3 = 0 as active, date_add('2020-01-01', interval seq % 2000 day) as first_order,
		timestamp'2020-01-01 00:00:00' + interval seq second as updated_at, case when seq % 4 > 0 then seq * 0.1e0 end as score from seq_1_to_1000000`)
	columns := []string{"id", "email", "name", "clv", "active", "first_order", "updated_at", "score"}
	b.Run("Floor", func(b *testing.B) {
		c := mysql.NewConfig()
		c.Net, c.Addr, c.User, c.DBName = "tcp", net.JoinHostPort(db.Host, strconv.Itoa(db.Port)), db.User, db.Name
		connector, err := mysql.NewConnector(c)
		if err != nil {
			b.Fatal(err)
		}
		conn, err := connector.Connect(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		b.ReportAllocs()
		for b.Loop() {
			if n := floor(b.Context(), b, conn, "select "+strings.Join(columns, ", ")+" from t"); n != rows {
				b.Fatalf("%d rows", n)
			}
		}
		report(b, rows)
	})
	s := snapshot(b, open(b, config(db)))
	q := warehouse.Query{Relation: "t", Columns: columns, Key: []string{"id"}}
	b.Run("Hashed", func(b *testing.B) {
		b.ReportAllocs()
		hasher := record.NewHasher(columns)
		for b.Loop() {
			n := 0
			for r, err := range s.Rows(b.Context(), q) {
				if err != nil {
					b.Fatal(err)
				}
				hasher.Sum(r)
				n++
			}
			if n != rows {
				b.Fatalf("%d rows", n)
			}
		}
		report(b, rows)
	})
	b.Run("Fetch", func(b *testing.B) {
		keys := make([]record.Key, warehouse.FetchChunk)
		for i := range keys {
			keys[i] = record.AppendKey(nil, record.Value{Kind: record.Int, Data: strconv.AppendInt(nil, int64(i*7+1), 10)})
		}
		for b.Loop() {
			n := 0
			for _, err := range s.Fetch(b.Context(), q, keys) {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
			if n != len(keys) {
				b.Fatalf("%d rows", n)
			}
		}
		report(b, len(keys))
	})
}

func floor(ctx context.Context, b *testing.B, conn driver.Conn, sql string) (rows int) {
	b.Helper()
	result, err := conn.(driver.QueryerContext).QueryContext(ctx, sql, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = result.Close() }()
	cells := make([]driver.Value, len(result.Columns()))
	for {
		switch err := result.Next(cells); {
		case errors.Is(err, io.EOF):
			return rows
		case err != nil:
			b.Fatal(err)
		}
		rows++
	}
}

// report adds rows a second and the peak of memory.
func report(b *testing.B, rows int) {
	b.Helper()
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	status, _ := os.ReadFile("/proc/self/status")
	if _, after, ok := strings.Cut(string(status), "VmHWM:"); ok {
		if kb, err := strconv.Atoi(strings.Fields(after)[0]); err == nil {
			b.ReportMetric(float64(kb)/1024, "peak-MB")
		}
	}
}
