package cli_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"exposync/internal/mariatest"
)

const placeSecret = "geheim-4711-canary"

// quiet looks at everything that was written: no file of the project but its
// settings, and no line on the terminal, holds the secret.
func quiet(t *testing.T, m *mini, said string) {
	t.Helper()
	if strings.Contains(said, placeSecret) {
		t.Errorf("the secret was shown:\n%s", said)
	}
	for _, dir := range []string{".exposync", "target"} {
		err := filepath.WalkDir(filepath.Join(m.dir, dir), func(path string, d os.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			if strings.Contains(string(must(os.ReadFile(path))), placeSecret) {
				t.Errorf("%s holds the secret", path)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// toMaria makes a project that syncs peopleTable to a table of MariaDB.
func toMaria(t *testing.T, mode string) (*mini, *sql.DB) {
	t.Helper()
	at := mariatest.New(t)
	settings := mysql.NewConfig()
	settings.User, settings.Net, settings.Addr, settings.DBName = at.User, "tcp", fmt.Sprintf("%s:%d", at.Host, at.Port), at.Name
	db := sql.OpenDB(must(mysql.NewConnector(settings)))
	t.Cleanup(func() { _ = db.Close() })
	user := "clerk_" + at.Name
	for _, s := range []string{
		"create table contacts (ext int primary key, name varchar(40) unique, score int)",
		"create user " + user + " identified by '" + placeSecret + "'", "grant all on " + at.Name + ".* to " + user,
	} {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	m := newMini(t, peopleTable, peopleMeta("db.contacts", mode), `db: {type: mysql, url: "{{ env_var('DB_URL') }}", tls: "off"}`)
	m.env = []string{fmt.Sprintf("DB_URL=mysql://%s:%s@%s:%d/%s", user, placeSecret, at.Host, at.Port, at.Name)}
	return m, db
}

func mariaContacts(t *testing.T, db *sql.DB) map[string]string {
	t.Helper()
	out := map[string]string{}
	rows, err := db.QueryContext(t.Context(), "select ext, name from contacts")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var key, name string
		if err := rows.Scan(&key, &name); err != nil {
			t.Fatal(err)
		}
		out[key] = name
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRunIntoMySQL(t *testing.T) {
	t.Parallel()
	m, db := toMaria(t, "mirror")
	m.exec(thousand)
	quiet(t, m, m.want(0, "run"))
	agree(t, m, func() map[string]string { return mariaContacts(t, db) })
	m.exec(`update main.export_t set name = 'name 2' where id = 1; update main.export_t set name = 'new' where id = 3; delete from main.export_t where id = 4`)
	m.build()
	said := m.want(4, "run") // 1 would take the name of 2, which is unique there
	quiet(t, m, said)
	m.wantCounts(map[string]int64{"read": 999, "unchanged": 997, "updated": 2, "deleted": 1, "ok": 2, "rejected": 1, "calls": 2})
	if _, out := m.run("rejects"); !strings.Contains(out, "1062") || !strings.Contains(out, "unique index name") || strings.Contains(out, "name 2") {
		t.Errorf("rejects:\n%s", out)
	}
	got := mariaContacts(t, db)
	if got["1"] != "name 1" || got["2"] != "name 2" || got["3"] != "new" || len(got) != 999 {
		t.Errorf("1 %q, 2 %q, 3 %q, %d rows", got["1"], got["2"], got["3"], len(got))
	}
	m.env[0] = strings.Replace(m.env[0], placeSecret, placeSecret+"-old", 1)
	m.build()
	said = m.want(2, "run")
	quiet(t, m, said)
	if !strings.Contains(said, "destination_auth") {
		t.Errorf("run with a wrong password:\n%s", said)
	}
}

func TestCompareWithMySQL(t *testing.T) {
	t.Parallel()
	m, db := toMaria(t, "upsert")
	m.exec(`insert into main.export_t values (1, 'same', 1), (2, 'differs', 2), (3, 'new', 3)`)
	if _, err := db.ExecContext(t.Context(), "insert into contacts values (1, 'same', 1), (2, 'other', 2)"); err != nil {
		t.Fatal(err)
	}
	m.want(0, "run", "--first", "compare")
	m.wantCounts(map[string]int64{"read": 3, "unchanged": 1, "adopted": 1, "updated": 1, "created": 1, "ok": 2})
	agree(t, m, func() map[string]string { return mariaContacts(t, db) })
}

func TestKillPostgresToMySQL(t *testing.T) {
	t.Parallel()
	m, db := toMaria(t, "mirror")
	if _, err := db.ExecContext(t.Context(), "alter table contacts drop column score, drop index name"); err != nil {
		t.Fatal(err)
	}
	m.exec("alter table main.export_t drop column score")
	m.meta = `{"to": "db.contacts", "mode": "mirror", "key": {"ext": "id"}, "fields": {"name": "name"}, "first": "send", ` + quietGuards + `}`
	m.build()
	killing(t, m, func() map[string]string { return mariaContacts(t, db) })
}

// Kill -9 after the object is there and before the answer: the next run puts
// the same records under the same name, and nothing is lost or twice.
func TestRunIntoS3(t *testing.T) {
	t.Parallel()
	backend := s3mem.New()
	if err := backend.CreateBucket("exports"); err != nil {
		t.Fatal(err)
	}
	inner := gofakes3.New(backend).Server()
	var hold atomic.Bool
	arrived, release := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(w, r)
		if r.Method == http.MethodPut && hold.Swap(false) {
			close(arrived)
			<-release
		}
	}))
	t.Cleanup(server.Close)
	m := newMini(t, peopleTable, peopleMeta("lake.people", "upsert"), `lake:
        type: s3
        path: s3://exports/crm
        endpoint: "{{ env_var('S3_URL') }}"
        path_style: true
        access_key: someone
        secret_key: "{{ env_var('S3_SECRET') }}"
        format: parquet`)
	m.env = []string{"S3_URL=" + server.URL, "S3_SECRET=" + placeSecret}
	m.exec(thousand)
	hold.Store(true)
	p := m.start("run")
	<-arrived
	p.signal(syscall.SIGKILL)
	p.exit()
	close(release)
	quiet(t, m, p.said.text())
	m.build()
	quiet(t, m, m.want(0, "run"))
	m.wantCounts(map[string]int64{"read": 1000, "created": 1000, "ok": 1000})
	list := must(backend.ListBucket("exports", nil, gofakes3.ListBucketPage{}))
	if len(list.Contents) != 1 || !strings.HasPrefix(list.Contents[0].Key, "crm/people-") || !strings.HasSuffix(list.Contents[0].Key, ".parquet") {
		t.Errorf("objects %+v", list.Contents)
	}
	m.build()
	m.want(0, "run")
	m.wantCounts(map[string]int64{"read": 1000, "unchanged": 1000, "calls": 0})
}

// sshServer serves SFTP on this machine's files.
func sshServer(t *testing.T) (port int, fingerprint string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer := must(ssh.NewSignerFromKey(private))
	config := &ssh.ServerConfig{PasswordCallback: func(_ ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
		if string(password) != placeSecret {
			return nil, errors.New("no")
		}
		return nil, nil
	}}
	config.AddHostKey(signer)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			group.Go(func() { serveSFTP(conn, config) })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); group.Wait() })
	return listener.Addr().(*net.TCPAddr).Port, ssh.FingerprintSHA256(signer.PublicKey())
}

func serveSFTP(conn net.Conn, config *ssh.ServerConfig) {
	defer func() { _ = conn.Close() }()
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		channel, requests, err := c.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range requests {
				_ = r.Reply(r.Type == "subsystem", nil)
			}
		}()
		server, err := sftp.NewServer(channel)
		if err != nil {
			return
		}
		_ = server.Serve()
		_ = channel.Close()
	}
}

func TestRunIntoSFTP(t *testing.T) {
	t.Parallel()
	port, fingerprint := sshServer(t)
	folder := filepath.Join(t.TempDir(), "drop")
	connection := func(key string) string {
		return fmt.Sprintf(`out: {type: sftp, host: 127.0.0.1, port: %d, user: me, password: "{{ env_var('SFTP_PASSWORD') }}", path: %s%s}`, port, folder, key)
	}
	m := newMini(t, peopleTable, peopleMeta("out.people", "mirror"), connection(""))
	m.env = []string{"SFTP_PASSWORD=" + placeSecret}
	m.exec(thousand)
	for _, tt := range []struct{ key, code string }{
		{"", "host_key_missing"}, {", host_key: 'SHA256:0000000000000000000000000000000000000000000'", "host_key_changed"},
	} {
		m.write("exposync.yml", "targets:\n  prod:\n    connections:\n      "+connection(tt.key)+"\n")
		said := m.want(2, "run")
		if quiet(t, m, said); !strings.Contains(said, tt.code) {
			t.Errorf("want %s:\n%s", tt.code, said)
		}
	}
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Fatal("something was sent to a server that nobody knows")
	}
	m.write("exposync.yml", "targets:\n  prod:\n    connections:\n      "+connection(", host_key: '"+fingerprint+"'")+"\n")
	quiet(t, m, m.want(0, "run"))
	m.exec("delete from main.export_t where id = 1")
	m.build()
	m.want(0, "run")
	m.wantCounts(map[string]int64{"read": 999, "unchanged": 999, "deleted": 1, "ok": 1})
	files := must(filepath.Glob(filepath.Join(folder, "people-*.csv")))
	if len(files) != 2 || strings.Count(string(must(os.ReadFile(files[0]))), "\n") != 1001 || !strings.Contains(string(must(os.ReadFile(files[1]))), "1,,,delete") {
		t.Errorf("files %v", files)
	}
	m.build()
	m.want(0, "run")
	m.wantCounts(map[string]int64{"read": 999, "unchanged": 999, "calls": 0})
}
