package config_test

import (
	"strings"
	"testing"
)

func TestFingerprint(t *testing.T) {
	t.Parallel()
	of := func(crm string) string {
		t.Helper()
		c, problems := parse(t, "# a comment\ntargets:\n  prod: {connections: {crm: "+crm+"}}\n  dev: sandbox\n")
		if problems != nil {
			t.Fatal(problems)
		}
		conn, _ := c.Connection("prod", "crm")
		return conn.Fingerprint()
	}
	was := of(`{type: http, url: "https://x", ops: {upsert: {response: [{status: "200"}]}}}`)
	if !strings.HasPrefix(was, "c1:") || was != of(`{ops: {upsert: {response: [{status: '200'}]}}, url: "https://x", type: http}`) {
		t.Error("order and quotes count")
	}
	for _, other := range []string{
		`{type: http, url: "https://y", ops: {upsert: {response: [{status: "200"}]}}}`,
		`{type: http, url: "https://x", ops: {upsert: {response: [{status: "201"}]}}}`,
		`{type: http, url: "https://x", ops: {upsert: {response: [{status: 200}]}}}`,
		`{type: http, url: "https://x", ops: {upsert: {response: []}}}`,
		`{type: http, url: "https://x", token: "{{ env_var('X') }}", ops: {upsert: {response: [{status: "200"}]}}}`,
		`{type: http, url: "https://x", expect: {account: a}, ops: {upsert: {response: [{status: "200"}]}}}`,
	} {
		if was == of(other) {
			t.Errorf("%s has the same fingerprint", other)
		}
	}
	c, _ := parse(t, "targets:\n  prod: {connections: {crm: {type: http, url: x}}}\n  dev: sandbox\n")
	dev, _ := c.Connection("dev", "crm")
	prod, _ := c.Connection("prod", "crm")
	if dev.Fingerprint() == prod.Fingerprint() {
		t.Error("a sandbox has the fingerprint of what it stands in for")
	}
}
