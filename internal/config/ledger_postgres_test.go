package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/fault"
	"exposync/internal/secret"
)

func TestLedgerInPostgres(t *testing.T) {
	t.Parallel()

	c, problems := parse(t, "targets: {}\nledger: {postgres: \"{{ env_var('LEDGER_URL') }}\", schema: sync_state}\n")
	if problems != nil {
		t.Fatal(problems)
	}
	p := c.Ledger.Postgres
	if !p.Set() || p.Schema != "sync_state" || p.Where != "exposync.yml:2" || c.Ledger.Dir != ".exposync" {
		t.Errorf("ledger = %+v", c.Ledger)
	}
	const url = "postgres://me:hunter2@db/x"
	var redactor secret.Redactor
	resolver := secret.Resolver{Redactor: &redactor, Env: func(string) (string, bool) { return url, true }}
	got, err := p.URL(t.Context(), resolver)
	if err != nil || got.Reveal() != url {
		t.Errorf("URL() = %v, %v", got, err)
	}
	if text := redactor.Redact("failed as hunter2 at " + url); text != "failed as *** at ***" {
		t.Errorf("a message shows %q", text)
	}
	resolver.Env = func(string) (string, bool) { return "", false }
	if _, err := p.URL(t.Context(), resolver); !fault.Is(err, "env_missing") || fault.All(err)[0].Where != "exposync.yml:2" {
		t.Errorf("URL() without the variable = %v", err)
	}
}

func TestLedgerMistakes(t *testing.T) {
	t.Parallel()

	tests := map[string][]string{
		`{postgres: "postgres://me:hunter2@db/x"}`: {
			`exposync.yml:1: ledger.postgres: holds a secret and has to be a reference, not the value itself (secret_literal)`,
		},
		`{postgres: "{{ env_var('X', 'postgres://me:hunter2@db/x') }}"}`: {
			`exposync.yml:1: ledger.postgres: holds a secret and has to be a reference, not the value itself (secret_literal)`,
		},
		`{postgres: "{{ env_var('X') }}", dir: state}`: {
			`exposync.yml:1: ledger.postgres: stands beside dir, but a ledger is in one place (setting_invalid)`,
		},
		`{postgres: {url: x}}`: {
			`exposync.yml:1: ledger.postgres: must be one value, not a map (setting_invalid)`,
		},
		`{postgres: "{{ env_var('X') }}", schema: pg_mine}`: {
			`exposync.yml:1: ledger.schema: is no name for a schema of PostgreSQL: at most 63 bytes, and not pg_… (setting_invalid)`,
		},
		`{schema: mine}`: {
			`exposync.yml:1: ledger.schema: belongs to ledger.postgres, which is not set (setting_invalid)`,
		},
		`{postgress: "{{ env_var('X') }}"}`: {
			`exposync.yml:1: ledger: unknown key "postgress"; did you mean "postgres"? (unknown_key)`,
		},
	}
	for text, want := range tests {
		if _, got := parse(t, "ledger: "+text+"\n"); !cmp.Equal(want, got) {
			t.Errorf("%s: problems mismatch (-want +got):\n%s", text, cmp.Diff(want, got))
		}
	}
}
