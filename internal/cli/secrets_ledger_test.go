package cli_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const canaryAccess = "canary-access-40d7"

// asking are commands that open the ledger, each in its own way.
func asking() [][]string {
	return [][]string{
		{"run", "--debug"},
		{"run", "--output", "json"},
		{"retry", "--debug"},
		{"plan", "--debug"},
		{"plan", "--output", "markdown"},
		{"gate", "--record"},
		{"status"},
		{"rejects"},
		{"rejects", "--output", "csv"},
		{"rejects", "release", "t", "--yes"},
		{"rejects", "settle", "t", "--sent", "--yes"},
		{"test", "t", "--key", "1"},
		{"ledger", "show"},
		{"ledger", "show", "--output", "json"},
		{"ledger", "rekey", "t"},
		{"ledger", "reset", "t"},
		{"ledger", "move", "--to", "elsewhere"},
	}
}

// ask runs commands, and wants one of the exit codes, if any is named, and no
// canary said.
func ask(t *testing.T, m *mini, where string, commands [][]string, exits ...int) {
	t.Helper()
	for _, args := range commands {
		code, out := m.run(args...)
		unseen(t, where+strings.Join(args, " "), out, canaryPassword, canaryToken, canaryAccess)
		wanted := len(exits) == 0
		for _, exit := range exits {
			wanted = wanted || exit == code
		}
		if !wanted {
			t.Errorf("%s%s: exit %d\n%s", where, strings.Join(args, " "), code, out)
		}
	}
}

// The address of a ledger is a secret, whatever is wrong with it.
func TestNoSecretFromALedgerInPostgres(t *testing.T) {
	t.Parallel()
	m, ledger := newShared(t)
	m.exec(`insert into main.export_t values (1, 'a')`)
	with := strings.Replace(ledger, "postgres@", "postgres:"+canaryPassword+"@", 1)
	m.env[1] = "LEDGER_URL=" + with
	m.want(0, "run", "--debug")
	ask(t, m, "", asking())
	u := must(url.Parse(with))
	for name, broken := range map[string]string{
		"nobody listens": strings.Replace(with, u.Host, "127.0.0.1:1", 1),
		"no database":    strings.Replace(with, u.Path, "/none", 1),
		"nobody":         strings.Replace(with, "postgres:", "nobody:", 1),
		"no URL":         "postgres://postgres:" + canaryPassword + "@[::bad/x",
		"a word":         canaryPassword,
		"an option":      with + "&application_name=" + canaryPassword + "&nonsense=" + canaryPassword,
	} {
		m.env[1] = "LEDGER_URL=" + broken
		ask(t, m, name+": ", asking(), 2, 5)
	}
	unseenInFiles(t, m)
}

// A store may repeat what it was sent; keys show neither then nor where a
// signature is refused.
func TestNoSecretFromALedgerInABucket(t *testing.T) {
	t.Parallel()
	store := newObjectStore(t)
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte("<Error><Code>SignatureDoesNotMatch</Code><Message>" + r.Header.Get("Authorization") + " " + canaryToken + "</Message></Error>"))
	}))
	t.Cleanup(echo.Close)
	m := newSink(t).project(t, `create table main.export_t (id text primary key, name text, score int)`, peopleMeta("crm.people", "mirror"), "{rows: 10}")
	m.exec(`insert into main.export_t values ('1', '` + canaryValue + `', 1)`)
	m.inBucket(store)
	keys := []string{"S3_ID=" + canaryAccess, "S3_SECRET=" + canaryToken}
	m.env = append(m.env, keys...) // the last of a name counts
	m.want(0, "run", "--debug")
	ask(t, m, "", asking())
	for name, at := range map[string]string{
		"echo": echo.URL, "no URL": "http://" + canaryToken + "@[bad",
		"in the address": strings.Replace(echo.URL, "http://", "http://me:"+canaryToken+"@", 1),
	} {
		m.env = append(m.env, "S3_URL="+at)
		ask(t, m, name+": ", asking(), 2, 5)
	}
	m.env = append(m.env, "S3_URL=http://127.0.0.1:1") // where nobody listens, each tries for a while
	ask(t, m, "nobody listens: ", [][]string{{"run", "--debug"}, {"ledger", "show"}}, 5)
	unseenInFiles(t, m)
}

// A secret typed where only a reference belongs is refused without being
// repeated, and one that a reference stands for is not written down.
func TestNoSecretFromLedgerMove(t *testing.T) {
	t.Parallel()
	store := newObjectStore(t)
	m := newSink(t).project(t, `create table main.export_t (id text primary key, name text, score int)`, peopleMeta("crm.people", "mirror"), "{rows: 10}")
	m.exec(`insert into main.export_t values ('1', '` + canaryValue + `', 1)`)
	m.want(0, "run")
	m.env = append(m.env, "TO_URL=postgres://me:"+canaryPassword+"@127.0.0.1:1/x", "TO_ID="+canaryAccess, "TO_SECRET="+canaryToken, "TO_S3="+store.url)
	for to, exit := range map[string]int{
		"postgres://me:" + canaryPassword + "@db/x":                                                                                                      2,
		"postgres: postgres://me:" + canaryPassword + "@db/x":                                                                                            2,
		"{postgres: 'postgres://me:" + canaryPassword + "@db/x'}":                                                                                        2,
		"{s3: s3://ledgers/x, access_key: " + canaryAccess + ", secret_key: " + canaryToken + "}":                                                        2,
		"s3://" + canaryAccess + ":" + canaryToken + "@ledgers/x":                                                                                        2,
		"s3: s3://" + canaryAccess + ":" + canaryToken + "@ledgers/x":                                                                                    2,
		"{s3: s3://ledgers/x, endpoint: 'https://me:" + canaryPassword + "@127.0.0.1:1'}":                                                                2,
		"{gcs: gs://ledgers/x, credentials: '{\"private_key\": \"" + canaryToken + "\"}'}":                                                               2,
		"{dir: elsewhere, token: " + canaryToken + "}":                                                                                                   2,
		"postgres: \"{{ env_var('TO_URL') }}\"":                                                                                                          5,
		"{s3: s3://ledgers/x, endpoint: \"{{ env_var('TO_S3') }}\", access_key: \"{{ env_var('TO_ID') }}\", secret_key: \"{{ env_var('TO_SECRET') }}\"}": 0,
	} {
		code, out := m.run("ledger", "move", "--debug", "--to", to)
		if code != exit {
			t.Errorf("%s: exit %d, want %d\n%s", to, code, exit, out)
		}
		unseen(t, "--to "+to, out, canaryPassword, canaryToken, canaryAccess, canaryValue)
	}
	unseenInFiles(t, m)
}

// The export of rejects holds keys: nobody else can read the file, whatever
// stood there before.
func TestExportOfRejectsIsPrivate(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	s.refusing(func(map[string]any) string { return "not_welcome" })
	m := s.project(t, `create table main.export_t (id text primary key, name text, score int)`, peopleMeta("crm.people", "mirror"), "{rows: 10}")
	m.exec(`insert into main.export_t values ('` + canaryKey + `', '` + canaryValue + `', 1)`)
	m.run("run")
	path := filepath.Join(m.dir, "rejects.csv")
	if err := os.WriteFile(path, []byte("open to all"), 0o644); err != nil {
		t.Fatal(err)
	}
	m.want(0, "rejects", "--out", "rejects.csv")
	if info := must(os.Stat(path)); info.Mode().Perm() != 0o600 {
		t.Errorf("the export has mode %s", info.Mode())
	}
	text := string(must(os.ReadFile(path)))
	unseen(t, "the export", text, canaryValue)
	if !strings.Contains(text, canaryKey) {
		t.Errorf("the export does not name the record:\n%s", text)
	}
}
