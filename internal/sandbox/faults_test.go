package sandbox_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"exposync/internal/sandbox"
)

func TestFaults(t *testing.T) {
	t.Parallel()
	const body = `{"mode":"upsert","records":[{"op":"upsert","key":{"id":1},"fields":{"email":"bad","n":1}},{"op":"upsert","key":{"id":2},"fields":{"email":"good","n":1.0}}]}`
	tests := []struct {
		name   string
		rule   string
		status int // 0: the connection breaks
		says   string
		stored int
	}{
		{"status", `{"kind":"status","status":429,"headers":{"Retry-After":"7"}}`, 429, `"fault"`, 0},
		{"status with a body", `{"kind":"status","status":503,"body":"down"}`, 503, "down", 0},
		{"html", `{"kind":"html"}`, 200, "<h1>", 0},
		{"reset", `{"kind":"reset"}`, 0, "", 0},
		{"reset after the commit", `{"kind":"reset_after_commit"}`, 0, "", 2},
		{"half a reply", `{"kind":"half"}`, 0, "", 2},
		{"reject", `{"kind":"reject","field":"email","value":"bad","code":"INVALID_EMAIL"}`, 200, `"accepted":1,"results":[{"status":"rejected","id":"`, 1},
		{"reject a number as it is written", `{"kind":"reject","field":"n","value":1.0}`, 200, `"accepted":1,`, 1},
		{"reject by key", `{"kind":"reject","field":"id","value":2}`, 200, `"accepted":1,`, 1},
		{"reject all", `{"kind":"reject"}`, 200, `"accepted":0,`, 0},
		{"another object", `{"kind":"reset","object":"accounts"}`, 200, `"accepted":2`, 2},
		{"another method", `{"kind":"reset","method":"DELETE"}`, 200, `"accepted":2`, 2},
		{"later", `{"kind":"reset","after":1}`, 200, `"accepted":2`, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, t.TempDir())
			if status, answer := b.call(http.MethodPost, "/v1/_faults", `{"rules":[`+tt.rule+`]}`); status != 200 {
				t.Fatal(answer)
			}
			status, answer, err := b.try(http.MethodPost, "/v1/crm/contacts/batch", body)
			if tt.status == 0 && err == nil || tt.status != 0 && (err != nil || status != tt.status) || !strings.Contains(answer, tt.says) {
				t.Errorf("%d %s, %v", status, answer, err)
			}
			b.call(http.MethodDelete, "/v1/_faults", "")
			lines, _ := b.records("")
			equal(t, "stored", tt.stored, len(lines))
		})
	}
}

func TestFaultsPass(t *testing.T) {
	t.Parallel()
	b := setup(t, t.TempDir())
	b.call(http.MethodPost, "/v1/_faults", `{"rules":[{"kind":"status","status":500,"after":1,"times":2}]}`)
	var got []int
	for range 5 {
		status, _ := b.call(http.MethodGet, "/v1/crm", "")
		got = append(got, status)
	}
	equal(t, "statuses", []int{200, 500, 500, 200, 200}, got)
}

func TestRulesThatMakeNoSense(t *testing.T) {
	t.Parallel()
	b := setup(t, t.TempDir())
	for _, rule := range []string{`{"kind":"explode"}`, `{"kind":"status"}`, `{"kind":"reject","value":1}`, `{"kind":"html","typo":1}`, `7`} {
		if status, _ := b.call(http.MethodPost, "/v1/_faults", `{"rules":[`+rule+`]}`); status != http.StatusBadRequest {
			t.Errorf("%s: status %d", rule, status)
		}
	}
	if _, err := sandbox.Open(sandbox.Config{Dir: t.TempDir(), Now: time.Now, Rules: []sandbox.Rule{{Kind: "explode"}}}); err == nil {
		t.Error("Open took a rule that makes no sense")
	}
}
