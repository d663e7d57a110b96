package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A sandbox knows what is written out and is no secret, and of two connections
// always the same one.
func TestLiteralsOfASandbox(t *testing.T) {
	t.Parallel()
	for range 20 { // maps have no order
		c, problems := parse(t, `targets:
  dev: sandbox
  prod: {connections: {crm: {type: http, url: "https://prod.example.com", token: "{{ env_var('X') }}"}}}
  staging: {connections: {crm: {type: http, url: "https://staging.example.com"}}}
`)
		if problems != nil {
			t.Fatal(problems)
		}
		dev, _ := c.Connection("dev", "crm")
		if diff := cmp.Diff(map[string]string{"url": "https://prod.example.com"}, dev.Literals()); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
}

// What a sandbox knows of its connection decides what is sent to it.
func TestFingerprintOfASandbox(t *testing.T) {
	t.Parallel()
	of := func(crm string) string {
		t.Helper()
		c, problems := parse(t, "targets:\n  prod: {connections: {crm: "+crm+"}}\n  dev: sandbox\n")
		if problems != nil {
			t.Fatal(problems)
		}
		dev, _ := c.Connection("dev", "crm")
		return dev.Fingerprint()
	}
	was := of(`{type: http, url: "https://x"}`)
	if was == of(`{type: http, url: "https://y"}`) {
		t.Error("another setting has the same fingerprint")
	}
	if was != of(`{type: http, url: "https://x", token: "{{ env_var('X') }}"}`) {
		t.Error("a reference, which a sandbox does not see, counts")
	}
}
