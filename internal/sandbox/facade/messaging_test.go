package facade_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"exposync/internal/sandbox/facade"
	"exposync/internal/sandbox/facade/facadetest"
)

func bearer(r *http.Request) { r.Header.Set("Authorization", "Bearer "+facadetest.Secret) }

func basic(r *http.Request) { r.SetBasicAuth(facadetest.Secret, "") }

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// write makes the Write of a harness: one request, and where its answer says
// why the record was refused.
func write(path string, body func(key, value string) string, status int, why string, header ...string) func(*facadetest.Client, string, string) string {
	return func(c *facadetest.Client, key, value string) string {
		got, _, answer := c.Do(http.MethodPost, path, body(key, value), header...)
		refused := gjson.Get(answer, why).String()
		if got != status && refused == "" {
			c.T.Fatalf("status %d: %s", got, answer)
		}
		return refused
	}
}

func answers(unauthorized, expired, throttled, exhausted, down facadetest.Answer) map[facade.Trouble]facadetest.Answer {
	return map[facade.Trouble]facadetest.Answer{
		facade.Unauthorized: unauthorized, facade.Expired: expired, facade.Throttled: throttled, facade.Exhausted: exhausted, facade.Down: down,
	}
}

// messaging are the harnesses of the services that send messages and hold
// audiences.
func messaging() map[string]facadetest.Harness {
	type answer = facadetest.Answer
	denied := answer{Status: 401, Says: "Unauthorized"}
	return map[string]facadetest.Harness{
		"customerio": {
			Kind: "customerio", Object: "people", Method: http.MethodGet, Path: "/api/v1/accounts/region", Authorize: basic,
			Write: write("/api/v2/batch", func(key, value string) string {
				return fmt.Sprintf(`{"batch":[{"type":"person","action":"identify","identifiers":{"email":%q},"attributes":{"name":%q}}]}`, key, value)
			}, 200, "errors.0.message"),
			Answers: answers(denied, denied, answer{Status: 429, Says: "too many"}, answer{Status: 429, Says: "too many"}, answer{Status: 503, Says: "meta"}),
		},
		"braze": {
			Kind: "braze", Object: "users", Method: http.MethodGet, Path: "/custom_attributes", Authorize: bearer,
			Write: write("/users/track", func(key, value string) string {
				return fmt.Sprintf(`{"attributes":[{"external_id":%q,"name":%q}]}`, key, value)
			}, 201, "errors.0.type"),
			Answers: answers(answer{Status: 401, Says: "Invalid API key"}, answer{Status: 401, Says: "Invalid API key"},
				answer{Status: 429, Header: map[string]string{"X-RateLimit-Remaining": "0"}}, answer{Status: 429}, answer{Status: 503, Says: "message"}),
		},
		"mixpanel": {
			Kind: "mixpanel", Object: "profiles", Method: http.MethodGet, Path: "/lookup-tables", Authorize: basic,
			Write: write("/engage?strict=1", func(key, value string) string {
				return fmt.Sprintf(`[{"$token":"t","$distinct_id":%q,"$set":{"name":%q}}]`, key, value)
			}, 200, "failed_records.0.message"),
			Answers: answers(answer{Status: 401, Says: "Invalid credentials"}, answer{Status: 401, Says: "Invalid credentials"},
				answer{Status: 429, Says: "exceeded rate limits"}, answer{Status: 429}, answer{Status: 503, Says: "503"}),
		},
		"slack": {
			Kind: "slack", Object: "C0123456789", Method: http.MethodGet, Path: "/auth.test", Authorize: bearer, Write: slackWrite,
			Answers: answers(answer{Status: 200, Says: `"error":"not_authed"`}, answer{Status: 200, Says: `"error":"token_expired"`},
				answer{Status: 429, Says: "ratelimited", Header: map[string]string{"Retry-After": "1"}}, answer{Status: 429}, answer{Status: 503}),
		},
		"meta_audiences": {
			Kind: "meta_audiences", Object: "2385", Method: http.MethodGet, Path: "/v25.0/act_7?fields=account_id", Authorize: bearer,
			Write: func(c *facadetest.Client, key, value string) string {
				body := fmt.Sprintf(`{"payload":{"schema":["EMAIL_SHA256","MADID"],"data":[[%q,%q]]}}`, digest(key), value)
				status, _, answer := c.Do(http.MethodPost, "/v25.0/2385/users", body)
				if status != 200 || gjson.Get(answer, "num_received").Int() != 1 {
					c.T.Fatalf("status %d: %s", status, answer)
				}
				if gjson.Get(answer, "num_invalid_entries").Int() > 0 {
					return answer
				}
				return ""
			},
			Answers: answers(answer{Status: 401, Says: `"code":190`}, answer{Status: 401, Says: `"code":190`},
				answer{Status: 400, Says: `"code":80003`}, answer{Status: 400, Says: `"code":80003`}, answer{Status: 503, Says: `"code":2,`}),
		},
		"linkedin_segments": {
			Kind: "linkedin_segments", Object: "55", Method: http.MethodGet, Path: "/rest/adAccounts/7",
			Authorize: func(r *http.Request) { bearer(r); r.Header.Set("LinkedIn-Version", "202603") },
			Write: write("/rest/dmpSegments/55/users", func(key, value string) string {
				return fmt.Sprintf(`{"elements":[{"action":"ADD","userIds":[{"idType":"SHA256_EMAIL","idValue":%q},{"idType":"GOOGLE_AID","idValue":%q}]}]}`, digest(key), value)
			}, 200, "elements.0.error.message", "X-RestLi-Method", "BATCH_CREATE"),
			Answers: answers(answer{Status: 401, Says: "INVALID_ACCESS_TOKEN"}, answer{Status: 401, Says: "EXPIRED_ACCESS_TOKEN"},
				answer{Status: 429, Says: "throttle"}, answer{Status: 429}, answer{Status: 503}),
		},
	}
}

// slackWrite posts a message, and edits it from then on.
func slackWrite(c *facadetest.Client, key, value string) string {
	method, ts := "/chat.postMessage", ""
	if records := c.Records("C0123456789"); len(records) > 0 {
		method, ts = "/chat.update", records[0].Key.ID
	}
	_, _, answer := c.Do(http.MethodPost, method, fmt.Sprintf(`{"channel":"C0123456789","ts":%q,"text":%q}`, ts, key+" "+value))
	return gjson.Get(answer, "error").String()
}

func TestMessagingKeepsTheSeam(t *testing.T) {
	t.Parallel()
	for name, h := range messaging() {
		t.Run(name, func(t *testing.T) { t.Parallel(); facadetest.Run(t, h) })
	}
}

// What the vendors refuse, and how.
func TestMessagingRefuses(t *testing.T) {
	t.Parallel()
	many := func(one string, n int) string { return strings.TrimSuffix(strings.Repeat(one+",", n), ",") }
	tests := []struct {
		kind, name, path, body string
		status                 int
		says                   []string
	}{
		{"customerio", "no JSON", "/api/v2/batch", `{"batch":`, 400, []string{`"field":"batch"`}},
		{"customerio", "a value that is too long", "/api/v2/batch", `{"batch":[{"type":"person","action":"identify","identifiers":{"id":"1"},"attributes":{"a":"` + strings.Repeat("x", 1001) + `"}}]}`, 207, []string{`"batch_index":0`, `"field":"attributes.a"`}},
		{"customerio", "an operation that is too large", "/api/v2/batch", `{"batch":[{"type":"person","action":"identify","identifiers":{"id":"1"},"attributes":{` + many(`"a":"`+strings.Repeat("x", 900)+`"`, 40) + `}}]}`, 207, []string{"32 KB"}},
		{"customerio", "two identifiers", "/api/v2/batch", `{"batch":[{"type":"person","action":"identify","identifiers":{"id":"1","email":"a@example.com"}}]}`, 207, []string{`"reason":"required"`}},
		{"customerio", "no such type of objects", "/api/v2/batch", `{"batch":[{"type":"object","action":"identify","identifiers":{"object_type_id":"accounts","object_id":"a"}}]}`, 207, []string{"object_type_id"}},
		{"customerio", "more than 500 KB", "/api/v2/batch", `{"batch":["` + strings.Repeat("x", 500_001) + `"]}`, 413, nil},
		{"braze", "no id", "/users/track", `{"attributes":[{"name":"x"}]}`, 201, []string{`"input_array":"attributes"`, `"index":0`, `"attributes_processed":0`}},
		{"braze", "a number for an id", "/users/track", `{"attributes":[{"external_id":7}]}`, 201, []string{"must be a string"}},
		{"braze", "more than 75", "/users/track", `{"attributes":[` + many(`{"external_id":"a"}`, 76) + `]}`, 400, []string{"75"}},
		{"braze", "a bad time", "/users/track", `{"events":[{"external_id":"a","name":"e","time":"yesterday"}]}`, 201, []string{`"input_array":"events"`, "'time'"}},
		{"braze", "more than 50 deletes", "/users/delete", `{"external_ids":[` + many(`"a"`, 51) + `]}`, 400, nil},
		{"mixpanel", "an insert id with a blank", "/import?strict=1", `[{"event":"e","properties":{"time":1767225600,"distinct_id":"u1","$insert_id":"a b"}}]`, 400, []string{`properties.$insert_id`, `"num_records_imported":0`, `"index":0`}},
		{"mixpanel", "a time of 1970", "/import?strict=1", `[{"event":"e","properties":{"time":7,"distinct_id":"u1","$insert_id":"a"}}]`, 400, []string{"properties.time"}},
		{"mixpanel", "a time in the future", "/import?strict=1", `[{"event":"e","properties":{"time":1893456000,"distinct_id":"u1","$insert_id":"a"}}]`, 400, []string{"future"}},
		{"mixpanel", "a time with a fraction", "/import?strict=1", `[{"event":"e","properties":{"time":1767225600.5,"distinct_id":"u1","$insert_id":"a"}}]`, 400, []string{"seconds since epoch"}},
		{"mixpanel", "a person who is nobody", "/engage?strict=1", `[{"$token":"t","$distinct_id":"null","$set":{}}]`, 400, []string{"$distinct_id"}},
		{"mixpanel", "two commands", "/engage?strict=1", `[{"$token":"t","$distinct_id":"u","$set":{},"$unset":["a"]}]`, 400, []string{"exactly one"}},
		{"mixpanel", "neither strict nor verbose", "/engage", `[{"$token":"t","$distinct_id":"","$set":{}}]`, 200, []string{"0"}},
		{"mixpanel", "no token", "/engage?strict=1", `[{"$distinct_id":"u","$set":{}}]`, 401, nil},
		{"mixpanel", "2001 events", "/import?strict=1", `[` + many(`{}`, 2001) + `]`, 400, []string{"2000"}},
		{"slack", "nothing to say", "/chat.postMessage", `{"channel":"C0123456789","text":" "}`, 200, []string{`"error":"no_text"`}},
		{"slack", "a novel", "/chat.postMessage", `{"channel":"C0123456789","text":"` + strings.Repeat("x", 40_001) + `"}`, 200, []string{"msg_too_long"}},
		{"slack", "no such channel", "/chat.postMessage", `{"channel":"nowhere","text":"x"}`, 200, []string{"channel_not_found"}},
		{"slack", "an archived channel", "/chat.postMessage", `{"channel":"#archived","text":"x"}`, 200, []string{"is_archived"}},
		{"meta_audiences", "an address that is not hashed", "/v25.0/2385/users", `{"payload":{"schema":["EMAIL_SHA256"],"data":[["a@example.com"],["` + digest("b@example.com") + `"]]}}`, 200, []string{`"num_received":2`, `"num_invalid_entries":1`}},
		{"meta_audiences", "an unknown column", "/v25.0/2385/users", `{"payload":{"schema":["NAME"],"data":[["x"]]}}`, 400, []string{`"code":100`}},
		{"meta_audiences", "an old version", "/v9.0/2385/users", `{}`, 400, []string{`"code":2635`}},
		{"meta_audiences", "10,001 users", "/v25.0/2385/users", `{"payload":{"schema":["EXTERN_ID"],"data":[` + many(`["x"]`, 10_001) + `]}}`, 400, []string{`"code":105`}},
		{"linkedin_segments", "an address that is not hashed", "/rest/dmpSegments/55/users", `{"elements":[{"action":"ADD","userIds":[{"idType":"SHA256_EMAIL","idValue":"a@example.com"}]}]}`, 200, []string{`"status":400`, "idValue"}},
		{"linkedin_segments", "an empty list", "/rest/dmpSegments/55/users", `{"elements":[]}`, 200, []string{`"elements":[]`}},
		{"linkedin_segments", "5001 users", "/rest/dmpSegments/55/users", `{"elements":[` + many(`{}`, 5001) + `]}`, 400, []string{"5000"}},
	}
	for _, tt := range tests {
		t.Run(tt.kind+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			h := messaging()[tt.kind]
			c := facadetest.New(t, h)
			status, _, body := c.Do(http.MethodPost, tt.path, tt.body, "X-RestLi-Method", "BATCH_CREATE")
			if status != tt.status {
				t.Errorf("status %d, want %d: %s", status, tt.status, body)
			}
			for _, says := range tt.says {
				if !strings.Contains(body, says) {
					t.Errorf("%s is not in %s", says, body)
				}
			}
		})
	}
}

// An event that comes twice is imported twice, and kept once.
func TestMixpanelKeepsAnEventOnce(t *testing.T) {
	t.Parallel()
	c := facadetest.New(t, messaging()["mixpanel"])
	event := `[{"event":"e","properties":{"time":1767225600,"distinct_id":"u1","$insert_id":"a-1"}}]`
	for range 2 {
		if status, _, body := c.Do(http.MethodPost, "/import?strict=1", event); status != 200 || gjson.Get(body, "num_records_imported").Int() != 1 {
			t.Fatalf("status %d: %s", status, body)
		}
	}
	c.Do(http.MethodPost, "/import?strict=1", strings.Replace(event, "a-1", "a-2", 1))
	if records := c.Records("events"); len(records) != 2 {
		t.Errorf("kept %+v", records)
	}
}

// A channel takes a few messages at once, then one a second.
func TestSlackSlowsDown(t *testing.T) {
	t.Parallel()
	c := facadetest.New(t, messaging()["slack"])
	post := func() int {
		status, _, _ := c.Do(http.MethodPost, "/chat.postMessage", `{"channel":"C0123456789","text":"x"}`)
		return status
	}
	taken := 0
	for post() == http.StatusOK {
		if taken++; taken > 100 {
			t.Fatal("no end of messages")
		}
	}
	if status, _, _ := c.Do(http.MethodPost, "/chat.postMessage", `{"channel":"C999","text":"x"}`); status != http.StatusOK {
		t.Errorf("another channel: status %d", status)
	}
	c.Pass(1_000_000_000)
	if first, second := post(), post(); first != 200 || second != 429 {
		t.Errorf("a second later: %d, %d", first, second)
	}
}
