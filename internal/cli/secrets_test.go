package cli_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"exposync/internal/pgtest"
)

// Canaries stand where a secret or a record value does, and must be found
// nowhere else: in no output, no result, no file of the ledger but its keys.
const (
	canaryToken    = "canary-token-6f1e"
	canaryPath     = "canary-path-93ab"
	canaryPassword = "canary-pass-77d0"
	canaryValue    = "canary-value-51c2"
	canaryKey      = "canary-key-28e4"
)

// unseen fails if a text holds one of the words.
func unseen(t *testing.T, where, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		for _, form := range []string{w, url.QueryEscape(w), strings.ToUpper(w)} {
			if at := strings.Index(text, form); at >= 0 {
				t.Errorf("%s holds %q: …%.300s…", where, form, text[max(0, at-100):])
			}
		}
	}
}

// unseenInFiles looks through everything that a run leaves behind. Keys are
// part of the marks, so that deletes can be sent.
func unseenInFiles(t *testing.T, m *mini) {
	t.Helper()
	for name, text := range tree(t, m.dir) {
		words := []string{canaryToken, canaryPath, canaryPassword, canaryValue}
		if base := filepath.Base(name); base != "marks" && base != "journal" {
			words = append(words, canaryKey)
		}
		unseen(t, name, text, words...)
	}
}

// Services that repeat in their errors what they were sent.
func TestNoSecretFromHTTP(t *testing.T) {
	t.Parallel()
	replies := map[string]func(w http.ResponseWriter, r *http.Request, record string){
		"refused one by one": func(w http.ResponseWriter, r *http.Request, record string) {
			_ = json.NewEncoder(w).Encode(map[string]any{"results": []any{map[string]any{
				"ok": false, "code": "invalid", "message": "cannot take " + record + " from " + r.Header.Get("Authorization") + " at " + r.URL.String(),
			}}})
		},
		"refused as a whole": func(w http.ResponseWriter, r *http.Request, record string) {
			w.WriteHeader(http.StatusUnprocessableEntity)
			_ = json.NewEncoder(w).Encode(map[string]any{"message": "bad request " + r.URL.Path + ": " + record + " " + r.Header.Get("Authorization")})
		},
		"not allowed": func(w http.ResponseWriter, r *http.Request, _ string) {
			w.WriteHeader(http.StatusUnauthorized)
			_ = json.NewEncoder(w).Encode(map[string]any{"error": "no such token: " + strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")})
		},
		"redirect": func(w http.ResponseWriter, r *http.Request, _ string) {
			http.Redirect(w, r, "/login?then="+url.QueryEscape(r.URL.Path)+"&token="+canaryToken, http.StatusFound)
		},
	}
	for name, reply := range replies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSink(t)
			s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var doc struct {
					Records []json.RawMessage `json:"records"`
				}
				if err := json.NewDecoder(r.Body).Decode(&doc); err != nil || len(doc.Records) == 0 {
					t.Errorf("no records: %v", err)
					return
				}
				if got := r.Header.Get("Authorization"); got != "Bearer "+canaryToken {
					t.Errorf("authorization %q: the canary is not where it should be", got)
				}
				reply(w, r, string(doc.Records[0]))
			})
			m := newMini(t, `create table main.export_t (id text primary key, name text, score int)`, peopleMeta("crm.people", "mirror"),
				`crm: {type: http, url: "{{ env_var('CRM_WEBHOOK') }}", token: "{{ env_var('CRM_TOKEN') }}", limits: {rows: 1}}`)
			m.env = []string{"CRM_WEBHOOK=" + s.URL + "/" + canaryPath, "CRM_TOKEN=" + canaryToken}
			m.exec(`insert into main.export_t values ('` + canaryKey + `', '` + canaryValue + `', 1)`)
			for _, args := range [][]string{
				{"plan", "--output", "json"},
				{"run", "--debug"},
				{"run", "--output", "json"},
				{"status"},
				{"retry", "--debug"},
				{"rejects"},
				{"rejects", "--output", "json"},
				{"plan", "--output", "markdown"},
				{"plan", "--full-refresh", "--samples", "3"},
				{"rejects", "release", "t"},
				{"rejects", "settle", "t", "--resend"},
				{"ledger", "show", "--debug"},
				{"ledger", "show", "t"},
				{"ledger", "show", "t", "--output", "json"},
				{"ledger", "rekey", "t"},
				{"ledger", "reset", "t"},
				{"ledger", "move", "--to", "elsewhere", "--debug"},
			} {
				_, out := m.run(args...)
				unseen(t, strings.Join(args, " "), out, canaryToken, canaryPath, canaryValue, canaryKey)
			}
			// who asks for keys is shown keys, and no other value
			for _, args := range [][]string{
				{"rejects", "--keys"},
				{"rejects", "--keys", "--output", "json"},
				{"rejects", "--output", "csv"},
				{"rejects", "release", "t", "--key", canaryKey},
				{"ledger", "show", "t", "--key", canaryKey},
			} {
				_, out := m.run(args...)
				unseen(t, strings.Join(args, " "), out, canaryToken, canaryPath, canaryValue)
			}
			// who looks at one record asked for its values, and for nothing else
			for _, format := range []string{"text", "json"} {
				args := []string{"test", "t", "--key", canaryKey, "--send", "--output", format}
				_, out := m.run(args...)
				unseen(t, strings.Join(args, " "), out, canaryToken, canaryPath)
				if !strings.Contains(out, canaryValue) || !strings.Contains(out, "POST ") {
					t.Errorf("the record or its request is not shown:\n%s", out)
				}
			}
			unseenInFiles(t, m)
		})
	}
}

// A database names the row in its errors, and the driver the URL.
func TestNoSecretFromPostgres(t *testing.T) {
	t.Parallel()
	theirs := pgtest.New(t)
	m := newMini(t, `create table main.export_t (id text primary key, name text, score int)`, peopleMeta("db.public.contacts", "mirror"),
		`db: {type: postgres, url: "{{ env_var('DB_URL') }}"}`)
	withPassword := strings.Replace(theirs, "postgres@", "postgres:"+canaryPassword+"@", 1)
	m.env = []string{"DB_URL=" + withPassword}
	db := connect(t, theirs)
	sqlExec(t, db, `create table contacts (ext text primary key, name text check (length(name) < 3), score int)`)
	m.exec(`insert into main.export_t values ('` + canaryKey + `', '` + canaryValue + `', 1)`)
	look := func(code int, args ...string) {
		t.Helper()
		out := m.want(code, args...)
		unseen(t, strings.Join(args, " "), out, canaryPassword, canaryValue, canaryKey)
	}
	look(4, "run", "--debug")
	m.build()
	look(4, "run", "--output", "json")
	sqlExec(t, db, `alter table contacts drop column name; alter table contacts add column name int`)
	m.exec(`update main.export_t set score = 2`)
	m.build()
	look(0, "plan")
	look(4, "run", "--debug") // PostgreSQL repeats what it cannot read as a number
	sqlExec(t, db, `drop table contacts; create table contacts (ext text primary key, name text, score int);
		create function shout() returns trigger language plpgsql as $$
			begin raise exception 'I dislike % of %', new.name, new.ext using detail = new.name, hint = new.ext; end $$;
		create trigger shout before insert on contacts for each row execute function shout()`)
	m.exec(`update main.export_t set score = 3`)
	m.build()
	look(4, "run", "--debug")
	for _, broken := range []string{
		strings.Replace(withPassword, "@127.0.0.1:", "@127.0.0.1:1", 1), // no such port
		strings.Replace(withPassword, "/test_", "/none_", 1),
		strings.Replace(withPassword, "postgres:", "nobody:", 1),
		"postgres://postgres:" + canaryPassword + "@[::bad/x",
		canaryPassword,
	} {
		m.build()
		m.env = []string{"DB_URL=" + broken}
		code, out := m.run("run", "--debug")
		if code != 2 && code != 5 {
			t.Errorf("exit %d\n%s", code, out)
		}
		unseen(t, "run", out, canaryPassword, canaryValue, canaryKey)
	}
	unseenInFiles(t, m)
}

// A saved plan holds values only where it says so, readable by its owner only.
func TestNoValueInAHashedPlan(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	m := s.project(t, `create table main.export_t (id text primary key, name text, score int)`, peopleMeta("crm.people", "mirror"), "{rows: 10}")
	m.exec(`insert into main.export_t values ('` + canaryKey + `', '` + canaryValue + `', 1)`)
	m.want(0, "plan", "--out", "p.json", "--values", "hashes")
	unseenInFiles(t, m)
	m.want(0, "plan", "--out", "p.json")
	found := false
	for name, text := range tree(t, m.dir) {
		if !strings.Contains(text, canaryValue) {
			continue
		}
		found = true
		if info := must(os.Stat(filepath.Join(m.dir, name))); info.Mode().Perm() != 0o600 || !strings.HasPrefix(name, "p.json.") {
			t.Errorf("%s, mode %s, holds values", name, info.Mode())
		}
	}
	if !found {
		t.Error("the plan with values holds none: the test looks at the wrong place")
	}
}
