package cli_test

import (
	"strings"
	"testing"
)

// What other programs that trigger hosted syncs get wrong, end to end against a
// stand-in that behaves so: where they crash, hang, trigger twice or call a
// failure a success, a run of ours ends as it should. The names are those of
// reference programs and of what they do.
func TestHostedPeersBugs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		peer, does string // who, and what it does there
		fault      string // of the stand-in
		tool       string // hightouch if it is empty
		code       int    // that our run ends with
		says       string
		triggers   int
		runs       int
		also       func(m *mini, base string)
	}{
		{
			peer: "the Airflow hook and the Dagster library for Hightouch", does: "take the first of an empty list of runs, and crash",
			fault: "hosted-empty", says: "OK sync t", triggers: 1, runs: 1,
		},
		{
			peer: "the Airflow hook for Hightouch", does: "sends the trigger up to three times on any error, though the run was created",
			fault: "hosted-trigger-lost", says: "(found)", triggers: 1, runs: 1,
		},
		{
			peer: "the Airflow hook for Hightouch", does: "sends the trigger up to three times on any error, also where nobody knows",
			fault: "hosted-trigger-500", code: 4, says: "hosted_in_doubt", triggers: 1,
		},
		{
			peer: "the Prefect tasks for Hightouch", does: "ask for the state of the sync, which is that of the run before: a success at once",
			fault: "", code: 5, says: "hosted_failed", triggers: 2, runs: 2,
			also: func(m *mini, base string) { // a run that succeeded comes first
				m.want(0, "run")
				m.build()
				order(m, base, `{"kind": "hightouch", "connection": "ht", "sync": "42606", "scenario": "failed"}`)
			},
		},
		{
			peer: "the Prefect tasks for Hightouch", does: "do not know that a run with a warning has ended, and wait for ever",
			fault: "hosted-partial", code: 4, says: "3 rejected", triggers: 1, runs: 1,
		},
		{
			peer: "the GitHub Action for Hightouch", does: "fires and forgets: a run that fails is a success",
			fault: "hosted-failed", code: 5, says: "hosted_failed", triggers: 1, runs: 1,
		},
		{
			peer: "the Dagster library for Census", does: "reads the status of the envelope, which is a success whatever became of the run",
			fault: "hosted-failed", tool: "census", code: 5, says: "hosted_failed", triggers: 1, runs: 1,
		},
		{
			peer: "the Airflow sensor for Census", does: "knows completed and failed only: a skipped run is waited for for ever",
			tool: "census", says: "it is waited for, and a run follows", triggers: 2, runs: 3,
			also: func(m *mini, base string) {
				order(m, base, `{"kind": "census", "connection": "ht", "sync": "42606", "scenario": "skipped"}`)
			},
		},
		{
			peer: "the Airflow provider of RudderStack", does: "sends the start three times on any error, 409 included",
			tool: "rudderstack", says: "was going on already", triggers: 2, runs: 2,
			also: func(m *mini, base string) {
				order(m, base, `{"kind": "rudderstack", "connection": "ht", "sync": "42606", "scenario": "busy"}`)
			},
		},
		{
			peer: "the Go SDK of Polytomic", does: "sends a POST again on 409 and 5xx",
			fault: "hosted-trigger-500", tool: "polytomic", code: 4, says: "hosted_in_doubt", triggers: 1,
		},
	} {
		t.Run(test.peer+" "+test.does, func(t *testing.T) {
			t.Parallel()
			tool := test.tool
			if tool == "" {
				tool = "hightouch"
			}
			args := []string{}
			if test.fault != "" {
				args = []string{"--fault", test.fault}
			}
			m, base := hostedMini(t, tool, args...)
			if test.also != nil {
				test.also(m, base)
			}
			said := m.want(test.code, "run")
			if !strings.Contains(flat(said), test.says) {
				t.Errorf("it does not say %q:\n%s", test.says, said)
			}
			if got := hostedCounts(t, base); got.Triggers != test.triggers || got.Runs != test.runs {
				t.Errorf("%d triggers and %d runs, want %d and %d\n%s", got.Triggers, got.Runs, test.triggers, test.runs, said)
			}
		})
	}
}

// A client that prints requests, or puts an address that is a secret into its
// errors, tells the token: one that fails in every way says it nowhere.
func TestHostedPeersTellSecrets(t *testing.T) {
	t.Parallel()
	m, _ := hostedMini(t, "hightouch")
	const canary = "canary-7f3a9c51e2"
	m.env = []string{"HT=" + canary, "HOOK=https://127.0.0.1:1/" + canary}
	m.write("exposync.yml", `targets:
  prod:
    connections:
      ht: {type: hightouch, token: "{{ env_var('HT') }}", base_url: "{{ env_var('HOOK') }}"}
`)
	code, said := m.run("run", "--debug")
	if code != 5 || !strings.Contains(said, "hosted_unavailable") || strings.Contains(said, canary) {
		t.Errorf("exit %d\n%s", code, said)
	}
}

// Every tool's sync runs in a sandbox target: once for a dbt run.
func TestHostedToolsInASandbox(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"airbyte", "census", "hightouch", "multiwoven", "polytomic", "rudderstack", "segment"} {
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			m, base := hostedMini(t, tool)
			if said := m.want(0, "run"); !strings.Contains(said, "OK sync t") {
				t.Errorf("%s", said)
			}
			m.want(0, "run")
			if got := hostedCounts(t, base); got.Triggers != 1 || got.Runs != 1 {
				t.Errorf("%+v", got)
			}
		})
	}
}

// flat undoes the wrapping of lines.
func flat(text string) string { return strings.Join(strings.Fields(text), " ") }
