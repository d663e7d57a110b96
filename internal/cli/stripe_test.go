package cli_test

import (
	"os"
	"strings"
	"testing"

	"exposync/internal/servicetest"
)

// stripe-mock, which holds requests against Stripe's official description, as a
// destination that a project describes itself: fixtures/destinations/stripe.yaml.

func newStripe(t *testing.T, meta, expect string) (*mini, *relay) {
	t.Helper()
	r := newRelay(t, servicetest.NewStripeMock(t))
	m := newMini(t, `create table main.export_t (id text primary key, name text, email text, ltv numeric(12,2), plan text, balance text)`, meta,
		`stripe: {type: stripe, url: "{{ env_var('STRIPE_URL') }}", key: "{{ env_var('STRIPE_KEY') }}", expect: {account: "`+expect+`"}, rate: {requests: 1000}}`)
	m.env = []string{"STRIPE_URL=" + r.URL, "STRIPE_KEY=sk_test_invented"}
	m.write("destinations/stripe.yaml", string(must(os.ReadFile("../../fixtures/destinations/stripe.yaml"))))
	m.exec(`insert into main.export_t select 'cus_' || i, 'Zoë & Söhne ' || i || '=100%', case when i % 5 > 0 then 'user' || i || '@example.com' end,
		i * 1.25, 'pro', (i * 101)::text from generate_series(1, 40) i`)
	return m, r
}

const customersMeta = `{"to": "stripe.customers", "key": "id", "mode": "update", "first": "send",
	"fields": {"name": "name", "email": "email", "balance": "balance", "metadata[ltv]": "ltv", "metadata[plan]": "plan"}}`

func TestStripe(t *testing.T) {
	t.Parallel()
	m, r := newStripe(t, customersMeta, "false")
	m.exec(`update main.export_t set balance = 'much' where id = 'cus_7'`)
	out := m.want(4, "run")
	m.wantCounts(map[string]int64{"read": 40, "created": 40, "ok": 39, "rejected": 1})
	if !strings.Contains(out, "value is not numeric") {
		t.Errorf("Stripe's reason is not told:\n%s", out)
	}
	if n := r.count(); n != 40 {
		t.Errorf("%d requests", n)
	}
	m.build()
	m.want(4, "run") // one of forty is more than max_rejected
	m.wantCounts(map[string]int64{"read": 40, "unchanged": 39, "held_back": 1, "standing": 1, "calls": 0})

	m.exec(`update main.export_t set balance = '0' where id = 'cus_7'`)
	m.exec(`update main.export_t set plan = null where id = 'cus_8'`)
	m.build()
	m.want(0, "run")
	m.wantCounts(map[string]int64{"read": 40, "unchanged": 38, "created": 1, "updated": 1, "ok": 2})
}

// A parameter that Stripe does not know is refused by Stripe.
func TestStripeUnknownParameter(t *testing.T) {
	t.Parallel()
	m, _ := newStripe(t, strings.Replace(customersMeta, `"balance"`, `"shoe_size"`, 1), "false")
	out := m.want(4, "run")
	if c := m.counts(); c["ok"] != 0 || c["rejected"] == 0 {
		t.Errorf("counts %v", c)
	}
	if !strings.Contains(strings.Join(strings.Fields(out), " "), "additional properties are not allowed") {
		t.Errorf("Stripe's reason is not told:\n%s", out)
	}
}

// Creations carry a name of their own, by which Stripe would notice them twice.
func TestStripeInsert(t *testing.T) {
	t.Parallel()
	m, r := newStripe(t, strings.Replace(customersMeta, `"update"`, `"insert"`, 1), "false")
	names := map[string]int{}
	r.each(func(method, path string, header map[string][]string) {
		if method == "POST" && path == "/v1/customers" {
			names[strings.Join(header["Idempotency-Key"], ",")]++
		}
	})
	m.want(0, "run")
	m.wantCounts(map[string]int64{"read": 40, "created": 40, "ok": 40})
	if len(names) != 40 || names[""] > 0 {
		t.Errorf("40 creations with the names %v", names)
	}
}

func TestStripeRefusesAKeyThatIsNone(t *testing.T) {
	t.Parallel()
	m, r := newStripe(t, customersMeta, "false")
	m.env[1] = "STRIPE_KEY=pk_wrong_canary"
	out := m.want(2, "run")
	if strings.Contains(out, "pk_wrong_canary") {
		t.Errorf("the key is told:\n%s", out)
	}
	if n := r.count(); n != 0 {
		t.Errorf("%d requests wrote", n)
	}
}

// A project that expects the live account writes nothing to a test account, and
// the other way round.
func TestStripeLivemode(t *testing.T) {
	t.Parallel()
	m, r := newStripe(t, customersMeta, "true")
	out := m.want(2, "run")
	if n := r.count(); n != 0 || !strings.Contains(out, "account") {
		t.Errorf("%d requests wrote:\n%s", n, out)
	}
}
