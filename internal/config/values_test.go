package config_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/config"
	"exposync/internal/fault"
	"exposync/internal/secret"
)

// env makes a resolver of a few variables; the redactor learns what it gives.
func env(vars map[string]string) (secret.Resolver, *secret.Redactor) {
	redactor := &secret.Redactor{}
	return secret.Resolver{
		Env:      func(name string) (string, bool) { v, ok := vars[name]; return v, ok },
		Redactor: redactor,
	}, redactor
}

func connection(t *testing.T, text, name string) config.Connection {
	t.Helper()
	c, problems := parse(t, text)
	if problems != nil {
		t.Fatal(problems)
	}
	conn, ok := c.Connection("prod", name)
	if !ok {
		t.Fatalf("no connection %s", name)
	}
	return conn
}

func TestResolveGivesValuesAndDefaults(t *testing.T) {
	t.Parallel()

	resolver, redactor := env(map[string]string{"PG": "hunter2", "PORT": "6432", "ACCOUNT": "123", "KEY": "k-123456"})
	v, problems := connection(t, `
targets:
  prod:
    connections:
      desk: {type: postgres, host: db, port: "{{ env_var('PORT') }}", password: "{{ env_var('PG') }}", expect: {account: "{{ env_var('ACCOUNT') }}"}}
  qa:
    connections:
      desk: {type: postgres, url: "{{ env_var('NOT_SET') }}"}
`, "desk").Resolve(t.Context(), resolver)
	if problems != nil {
		t.Fatal(problems)
	}
	if v.Text("host") != "db" || v.Int("port") != 6432 || v.Secret("password").Reveal() != "hunter2" || v.Account() != "123" {
		t.Errorf("values: host %q, port %d, account %q", v.Text("host"), v.Int("port"), v.Account())
	}
	if v.Duration("connect_timeout") != 10*time.Second || v.Has("url") || !v.Has("connect_timeout") {
		t.Errorf("defaults: timeout %s, url %t", v.Duration("connect_timeout"), v.Has("url"))
	}
	if got := redactor.Redact("password hunter2 refused"); strings.Contains(got, "hunter2") {
		t.Errorf("the redactor did not learn the password: %q", got)
	}
}

func TestResolveGivesMapsAndTrees(t *testing.T) {
	t.Parallel()

	resolver, redactor := env(map[string]string{"KEY": "k-123456", "V": "v2"})
	v, problems := connection(t, `
targets:
  prod:
    connections:
      http:
        url: "https://x/{{ env_var('V') }}"
        headers: {X-Api-Key: "{{ env_var('KEY') }}", Accept: application/json}
        ops: {upsert: [{path: "/{{ env_var('V') }}", rows: 10, on: true}]}
`, "http").Resolve(t.Context(), resolver)
	if problems != nil {
		t.Fatal(problems)
	}
	if got := v.Text("url"); got != "https://x/v2" {
		t.Errorf("url = %q", got)
	}
	headers := map[string]string{}
	for name, value := range v.Map("headers") {
		headers[name] = value.Reveal()
	}
	if diff := cmp.Diff(map[string]string{"X-Api-Key": "k-123456", "Accept": "application/json"}, headers); diff != "" {
		t.Errorf("headers mismatch (-want +got):\n%s", diff)
	}
	op := v.Tree("ops").Get("upsert").Items[0]
	if op.Get("path").Text != "/v2" || op.Get("rows").Text != "10" || op.Get("rows").Line != 8 || v.Tree("none") != nil {
		t.Errorf("ops = %+v", op)
	}
	if got := redactor.Redact("k-123456"); strings.Contains(got, "k-123456") {
		t.Errorf("the redactor did not learn the header: %q", got)
	}
}

func TestResolveCollectsProblems(t *testing.T) {
	t.Parallel()

	resolver, _ := env(map[string]string{"PORT": "many", "EMPTY": ""})
	_, problems := connection(t, `
targets:
  prod:
    connections:
      desk:
        type: postgres
        host: "{{ env_var('EMPTY') }}"
        port: "{{ env_var('PORT') }}"
        password: "{{ env_var('PG') }}"
`, "desk").Resolve(t.Context(), resolver)
	var got []string
	for _, f := range problems {
		got = append(got, f.Error())
	}
	want := []string{
		"exposync.yml:7: targets.prod.connections.desk.host: what the reference stands for is empty (setting_invalid)",
		"exposync.yml:8: targets.prod.connections.desk.port: what the reference stands for must be a whole number (setting_invalid)",
	}
	if len(got) != 3 || !strings.HasPrefix(got[2], "exposync.yml:9: targets.prod.connections.desk.password: ") ||
		problems[2].Code != "env_missing" || !strings.Contains(got[2], "PG") {
		t.Errorf("problems = %q", got)
	}
	if diff := cmp.Diff(want, got[:2]); diff != "" {
		t.Errorf("problems mismatch (-want +got):\n%s", diff)
	}
}

// A secret that reached the configuration shows in no way of printing it, and
// a literal one in no problem.
func TestSecretsDoNotShow(t *testing.T) {
	t.Parallel()

	const canary = "canary-81723"
	resolver, _ := env(map[string]string{"S": canary})
	conn := connection(t, `targets: {prod: {connections: {api: {type: http, url: x, token: "{{ env_var('S', '') }}", ops: {token: "{{ env_var('S') }}"}}}}}`, "api")
	v, problems := conn.Resolve(context.Background(), resolver)
	if problems != nil || v.Secret("token").Reveal() != canary || v.Tree("ops").Get("token").Text != canary {
		t.Fatalf("Resolve() = %v", problems)
	}
	encoded, err := json.Marshal(map[string]any{"values": v})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprintf("%v %+v %#v", v, v, v), fmt.Sprintf("%+v", &v), string(encoded)} {
		if strings.Contains(text, canary) {
			t.Errorf("the secret shows in %q", text)
		}
	}
	for _, param := range []string{
		"type: postgres, url: %s", "type: postgres, host: x, password: %s", "type: postgres, host: x, port: %s",
		"type: postgres, host: x, connect_timeout: %s", "type: file, path: x, format: %s", "type: file, path: x, header: %s",
		"type: http, url: 'https://me:%s@x'", "type: http, url: x, headers: {Cookie: %s}", "type: http, url: x, headers: {X: Bearer %s}",
		`type: postgres, url: "{{ env_var('X', '%s') }}"`, "type: http, url: x, headers: [%s]", "type: postgres, host: x, passwort: %s", "type: http, url: x, ops: {a: [{client_secret: %s}]}",
	} {
		_, err := config.Parse("exposync.yml", fmt.Appendf(nil, "targets: {prod: {connections: {c: {"+param+"}}}}", canary), types())
		if err == nil {
			t.Errorf("%s: no problem", param)
			continue
		}
		for _, f := range fault.All(err) {
			if strings.Contains(f.Error()+f.Hint, canary) {
				t.Errorf("%s: the secret shows in %q", param, f.Error())
			}
		}
	}
}
