package hosted

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/tidwall/gjson"
)

// parrot answers everything with one body; logins succeed.
type parrot struct{ body []byte }

func (p parrot) RoundTrip(r *http.Request) (*http.Response, error) {
	body := p.body
	if strings.HasSuffix(r.URL.Path, "/applications/token") || strings.HasSuffix(r.URL.Path, "/login") {
		body = []byte(`{"access_token":"canary-session","data":{"attributes":{"token":"canary-session"}}}`)
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Request: r, Body: io.NopCloser(bytes.NewReader(body)),
	}, nil
}

// FuzzReplies answers with anything: no tool breaks, and none takes it for
// success unless it says so.
func FuzzReplies(f *testing.F) {
	for i, seed := range replies() {
		f.Add(uint8(i), []byte(seed))
		f.Add(uint8(i+1), []byte(seed))
	}
	f.Fuzz(checkReplies)
}

// The same with replies of every tool that were cut, joined and garbled.
func TestGarbledReplies(t *testing.T) {
	t.Parallel()
	seeds, random := replies(), rand.New(rand.NewPCG(1, 2))
	pieces := []string{`"`, `{`, `}`, `[`, `]`, `:`, `,`, `null`, `-1`, `1e999`, `""`, `"success"`, `{}`, `[{}]`, "\x00", "\xff", `"id":43`, `\u0000`, `true`}
	for i := range 1500 {
		body := []byte(seeds[random.IntN(len(seeds))])
		for range 1 + random.IntN(4) {
			at := random.IntN(len(body) + 1)
			to := min(len(body), at+random.IntN(6))
			body = slices.Concat(body[:at:at], []byte(pieces[random.IntN(len(pieces))]), body[to:])
		}
		checkReplies(t, uint8(i), body)
	}
}

// replies are what tools answer, and what they should not.
func replies() []string {
	return []string{
		``, `null`, `[]`, `{}`, `"success"`, `{"data":null}`, `{"data":[null,{"id":{}},{"id":43,"status":["success"]}]}`, `{"data":{"id":43}}`,
		`{"hasMore":true,"data":[{"id":43,"status":"success","failedRows":{"addedCount":-1}}]}`, `{"hasMore":false,"data":[{"id":43,"status":"success"}]}`,
		`{"status":"success","data":{"id":43,"sync_run_id":43,"status":"completed","canceled":"yes"}}`, `{"status":"success","pagination":{"next_page":2},"data":[{"id":43}]}`,
		`{"data":{"id":"` + aRun + `","status":"completed","counts":{"error":1e308}}}`, `{"id":"s1","status":"succeeded","metrics":{"failed":{"total":"x"}}}`,
		`{"data":{"reverseETLSyncStatus":{"syncId":"r1","syncStatus":"SUCCESS"},"syncStatuses":[{}],"pagination":{"next":"x"}}}`,
		`{"jobId":1234,"status":"succeeded","startTime":"9999-99-99"}`, `{"data":{"id":"43","attributes":{"status":"success","failed_rows":"2"}},"links":{"next":"x"}}`,
		`{"status":"done","syncRuns":[{"status":"success"}]}`, "{\"id\":\"43\u0000\",\"message\":\"\\u0000\\n\"}", `{"data":[{"id":"43","createdAt":1e400}]}`,
	}
}

func checkReplies(t *testing.T, which uint8, body []byte) {
	t.Helper()
	kinds := Kinds()
	k := kinds[int(which)%len(kinds)]
	tool := parroted(t, k.Name, body)
	sync, run := ids(k.Name)
	if r, err := tool.Run(t.Context(), sync, run); err == nil {
		checkRun(t, k.Name, r, body)
		if r.ID != run {
			t.Errorf("%s: another run: %q", k.Name, r.ID)
		}
	}
	if r, err := tool.Trigger(t.Context(), sync, TriggerOptions{}); err == nil {
		checkRun(t, k.Name, r, body)
		if r.ID == "" && k.Name != "multiwoven" {
			t.Errorf("%s: a run without an id from %q", k.Name, body)
		}
	}
	if list, err := tool.Recent(t.Context(), sync, testNow().Add(-time.Hour)); err == nil {
		for i, r := range list {
			checkRun(t, k.Name, r, body)
			if r.ID == "" || i > 0 && list[i-1].begun().After(r.begun()) || !r.begun().IsZero() && r.begun().Before(testNow().Add(-time.Hour)) {
				t.Errorf("%s: not in order, or not recent: %v", k.Name, list)
			}
		}
	}
	if s, err := tool.Inspect(t.Context(), sync); err == nil && s.ID != sync && !strings.EqualFold(s.ID, sync) {
		t.Errorf("%s: another sync: %q", k.Name, s.ID)
	}
	if l, can := tool.(Lister); can {
		_, _ = l.List(t.Context())
	}
}

func parroted(t *testing.T, kind string, body []byte) Tool {
	t.Helper()
	rc := testRest()
	rc.Transport = parrot{body}
	if kind == "webhook" {
		k := webhookKind()
		cfg := hookConfig(t, nil, secretHook, nil)
		cfg.Rest = rc
		tool, err := k.Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return tool
	}
	k, _ := KindOf(kind)
	params := map[string]string{}
	for _, p := range k.Params {
		if p.Required {
			params[p.Name] = "canary-" + p.Name
		}
	}
	tool, err := k.Open(Config{Kind: kind, Params: params, Rest: rc, Now: testNow})
	if err != nil {
		t.Fatal(err)
	}
	return tool
}

// checkRun holds a run against what may never be.
func checkRun(t *testing.T, kind string, r Run, body []byte) {
	t.Helper()
	if !slices.Contains(States(), r.State) {
		t.Errorf("%s: no state: %q", kind, r.State)
	}
	if r.State == Succeeded {
		said := strings.ToLower(gjson.ParseBytes(body).Raw)
		if !gjson.ValidBytes(body) || !strings.Contains(said, "success") && !strings.Contains(said, "completed") && !strings.Contains(said, "succeeded") && !strings.Contains(said, `\u00`) {
			t.Errorf("%s: success from %q", kind, body)
		}
	}
	for _, n := range []*int64{r.Rows.Added, r.Rows.Changed, r.Rows.Removed, r.Rows.Total, r.Rows.OK, r.Rows.Failed} {
		if n != nil && *n < 0 {
			t.Errorf("%s: a negative count", kind)
		}
	}
	if r.State == Succeeded && some(r.Rows.Failed) {
		t.Errorf("%s: a success with %d failed rows", kind, *r.Rows.Failed)
	}
	for _, text := range []string{r.Error, r.Status} {
		if len([]rune(text)) > longestText+1 || strings.ContainsFunc(text, unicode.IsControl) || strings.Contains(text, "canary-") {
			t.Errorf("%s: not fit to be shown: %q", kind, text)
		}
	}
}
