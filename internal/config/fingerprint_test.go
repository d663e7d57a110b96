package config_test

import (
	"strings"
	"testing"

	"exposync/internal/config"
	"exposync/internal/fault"
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

// described has one type with a description of the user's own.
type described config.Type

func (described) Names() []string           { return []string{"acme"} }
func (d described) Type(string) config.Type { return config.Type(d) }

// A description of the user's own is part of the fingerprint, that of an
// embedded type is not.
func TestFingerprintOfADescription(t *testing.T) {
	t.Parallel()
	of := func(d described) config.Connection {
		t.Helper()
		c, err := config.Parse("exposync.yml", []byte("targets: {prod: {connections: {crm: {type: acme, url: x}}}}"), d)
		if err != nil {
			t.Fatal(err)
		}
		conn, _ := c.Connection("prod", "crm")
		return conn
	}
	params := []config.Param{{Name: "url"}}
	none := of(described{Params: params}).Fingerprint()
	one := of(described{Params: params, Digest: "one"}).Fingerprint()
	other := of(described{Params: params, Digest: "other"}).Fingerprint()
	if none == one || one == other {
		t.Errorf("fingerprints %s, %s, %s", none, one, other)
	}
	if none != "c1:8e42a394d63385944a4bbbb3def94131" {
		t.Errorf("the fingerprint without a description is %s: every saved plan would be refused", none)
	}

	broken := of(described{Problem: fault.List{{Code: "spec_invalid", Msg: "no"}}.Err()})
	if list := fault.All(broken.Problem); len(list) != 1 || list[0].Code != "spec_invalid" {
		t.Errorf("problem %v", broken.Problem)
	}
}
