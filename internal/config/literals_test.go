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
