package impact_test

import (
	"encoding/json"
	"strings"
	"testing"

	"exposync/internal/impact"
)

// A constant that may be a token is compared, and not shown.
func TestNoTokenOfAMapping(t *testing.T) {
	t.Parallel()
	const token, other = "xoxb-1234567890123-abcdefgh", "xoxb-1234567890123-ijklmnop"
	with := func(field string) func(m tree) {
		return func(m tree) {
			doc{t, m}.declare("finance_erp_export", `{"to": "erp.invoices", "key": "invoice_id", "fields": {"net": "net_amount", "state": `+field+`}}`)
		}
	}
	for name, c := range map[string]struct{ before, after, says string }{
		"new":         {`"status"`, `{"value": "` + token + `"}`, "the constant \"…\" now"},
		"another":     {`{"value": "` + token + `"}`, `{"value": "` + other + `"}`, "the constant \"…\" now"},
		"in an expr":  {`"status"`, `{"expr": "status + 'Bearer ` + token + `'"}`, "status + '…' now"},
		"a word":      {`"status"`, `{"value": "shop"}`, `the constant "shop" now`},
		"a long text": {`"status"`, `{"value": "an order of the shop in 2026"}`, `"an order of the shop in 2026" now`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := impact.Compare(shop(t, with(c.before)), shop(t, with(c.after)), impact.Options{})
			all, err := json.Marshal(i)
			if err != nil {
				t.Fatal(err)
			}
			if len(i.Changes) != 1 || i.Changes[0].Kind != "job_field_changed" || !strings.Contains(i.Changes[0].Message, c.says) {
				t.Errorf("%+v", i.Changes)
			}
			if strings.Contains(string(all), "xoxb") {
				t.Errorf("the token is shown: %s", all)
			}
		})
	}
}
