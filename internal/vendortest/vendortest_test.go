package vendortest

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// Every description is sound, and every operation has a name of its own.
func TestDescriptionsAreSound(t *testing.T) {
	t.Parallel()
	if len(Kinds()) < 11 {
		t.Errorf("described are %v", Kinds())
	}
	for _, kind := range Kinds() {
		d, err := Load(kind)
		if err != nil {
			t.Error(err)
			continue
		}
		names := d.Operations()
		if all := len(names); all == 0 || slices.Contains(names, "") || len(slices.Compact(names)) != all {
			t.Errorf("%s: operations %v", kind, names)
		}
	}
}

// What vendors refuse is refused here; each line is a mistake that was made by
// somebody's connector.
func TestCheck(t *testing.T) {
	t.Parallel()
	const upsert = "/crm/v3/objects/contacts/batch/upsert"
	inputs := func(n int) string {
		return `{"inputs":[` + strings.TrimSuffix(strings.Repeat(`{"id":"a","properties":{"x":"1"}},`, n), ",") + `]}`
	}
	tests := map[string]struct{ kind, method, path, auth, body, want string }{
		"as described":      {"hubspot", "POST", upsert, "Bearer x", inputs(100), ""},
		"a number":          {"hubspot", "POST", upsert, "Bearer x", `{"inputs":[{"id":"a","properties":{"x":1}}]}`, "must be a string"},
		"a null":            {"hubspot", "POST", upsert, "Bearer x", `{"inputs":[{"id":"a","properties":{"x":null}}]}`, "not nullable"},
		"one too many":      {"hubspot", "POST", upsert, "Bearer x", inputs(101), "maximum number of items is 100"},
		"an unknown key":    {"hubspot", "POST", upsert, "Bearer x", `{"inputs":[{"id":"a","properties":{}}],"more":1}`, `"more" is unsupported`},
		"no token":          {"hubspot", "POST", upsert, "", inputs(1), "prove"},
		"another version":   {"hubspot", "POST", "/crm/objects/2024-01/contacts/batch/upsert", "Bearer x", inputs(1), "not one of the allowed values"},
		"another path":      {"hubspot", "POST", "/crm/v4/objects", "Bearer x", inputs(1), "no path"},
		"another method":    {"hubspot", "PUT", upsert, "Bearer x", inputs(1), "no method"},
		"a query":           {"hubspot", "POST", upsert + "?dry=1", "Bearer x", inputs(1), `no parameter "dry"`},
		"no body":           {"hubspot", "POST", upsert, "Bearer x", "", "required"},
		"a body too many":   {"hubspot", "GET", "/account-info/v3/details", "Bearer x", "{}", "body not allowed"},
		"no suffix":         {"zendesk", "GET", "/api/v2/users/me", "Basic eDp5", "", ""},
		"a suffix":          {"zendesk", "GET", "/api/v2/users/me.json", "Basic eDp5", "", ""},
		"another suffix":    {"zendesk", "GET", "/api/v2/views.xml", "Basic eDp5", "", "no path"},
		"part of a segment": {"salesforce", "GET", "/services/data/v60.0/query?q=SELECT+Id+FROM+Organization", "Bearer x", "", ""},
		"no query":          {"salesforce", "GET", "/services/data/v60.0/query", "Bearer x", "", "required"},
		"a list in a query": {"salesforce", "DELETE", "/services/data/v60.0/composite/sobjects?ids=001000000000001AAA,001000000000002AAA", "Bearer x", "", ""},
		"no id":             {"salesforce", "DELETE", "/services/data/v60.0/composite/sobjects?ids=001000000000001AAA,A-2", "Bearer x", "", "doesn't match"},
		"no revision":       {"klaviyo", "GET", "/api/accounts", "Klaviyo-API-Key x", "", "revision"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := Load(tt.kind)
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequestWithContext(t.Context(), tt.method, tt.path, strings.NewReader(tt.body))
			r.Header.Set("Content-Type", "application/json")
			if tt.auth != "" {
				r.Header.Set("Authorization", tt.auth)
			}
			_, err = d.Check(r)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Check() = %v, want %q", err, tt.want)
			}
		})
	}
}

// A guard fails the test for what is not as described, and hands everything on.
func TestGuardHandsOn(t *testing.T) {
	t.Parallel()
	got := ""
	g := NewGuard(t, "hubspot", "/as/hubspot/crm", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Method + " " + r.URL.Path
		w.WriteHeader(http.StatusNoContent)
	}))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/as/hubspot/crm/account-info/v3/details", nil)
	r.Header.Set("Authorization", "Bearer x")
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	if w.Code != http.StatusNoContent || got != "GET /as/hubspot/crm/account-info/v3/details" || g.Seen()["account"] != 1 {
		t.Errorf("status %d, handed on %q, seen %v", w.Code, got, g.Seen())
	}
}
