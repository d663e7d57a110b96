package declared

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"exposync/internal/destination"
	"exposync/internal/record"
	"exposync/internal/rest"
)

// canaries are secrets that look like nothing else, in all the forms in which
// a request carries them.
func canaries(pemKey string) []string {
	plain := []string{
		"canary-token/+=&x", "canary-pass word", "canary-value\"q", "canaryclientsecret", "canary-refresh", "canary-hmac-secret",
		"CANARYSECRETKEY", "canary-session", "canary-access-token", "canary-header",
	}
	out := append([]string(nil), plain...)
	for _, s := range plain {
		quoted, err := json.Marshal(s)
		if err != nil {
			panic(err)
		}
		out = append(out, url.QueryEscape(s), url.PathEscape(s), base64.StdEncoding.EncodeToString([]byte(s)), strings.Trim(string(quoted), `"`))
	}
	out = append(out, base64.StdEncoding.EncodeToString([]byte("me:canary-pass word")))
	for line := range strings.Lines(pemKey) {
		if line = strings.TrimSpace(line); len(line) > 20 && !strings.HasPrefix(line, "-----") {
			out = append(out, line)
		}
	}
	return out
}

// repeater answers every request with everything it holds, in all the places
// where a message could come from.
func repeater(status int, away string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		var all []string
		for name, values := range r.Header {
			all = append(all, name+": "+strings.Join(values, ","))
		}
		form, _ := url.ParseQuery(string(body))
		for _, values := range []url.Values{r.URL.Query(), form} {
			for _, v := range values {
				all = append(all, v...)
			}
		}
		said := strings.Join(append(all, r.URL.String(), string(body)), " | ")
		if user, pass, basic := r.BasicAuth(); basic {
			said += user + ":" + pass
		}
		if r.URL.Path == "/token" && form.Get("client_id") != "refused" {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"access_token":"canary-access-token","token_type":"Bearer","expires_in":3600}`)
			return
		}
		word := form.Get("client_secret")
		w.Header().Set("Location", away+"/?"+url.Values{"said": {said}}.Encode())
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		text, err := json.Marshal(map[string]any{
			"message": said, "code": said, "error": word, "error_description": said, "state": said,
			"results": []any{map[string]any{"ok": false, "code": said, "message": said}},
		})
		if err == nil {
			_, _ = w.Write(text)
		}
	}
}

// No secret shows in an outcome, an error, a log, or what a person looks at,
// whatever way of proving a connection has and whatever a service repeats.
func TestSecretsShowNowhere(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pemKey := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	quotedPEM, err := json.Marshal(pemKey)
	if err != nil {
		t.Fatal(err)
	}
	ways := map[string]string{
		"bearer":      `{type: bearer, token: "canary-token/+=&x"}`,
		"basic":       `{type: basic, user: me, password: "canary-pass word"}`,
		"header":      `{type: header, name: X-Key, value: 'canary-value"q'}`,
		"query":       `{type: query, name: k, value: "canary-token/+=&x"}`,
		"client":      `{type: oauth2_client_credentials, token_url: "URL/token", client_id: me, client_secret: canaryclientsecret}`,
		"refused":     `{type: oauth2_client_credentials, token_url: "URL/token", client_id: refused, client_secret: canaryclientsecret}`,
		"refresh":     `{type: oauth2_refresh, token_url: "URL/token", client_id: me, refresh_token: canary-refresh, client_secret: canaryclientsecret}`,
		"not renewed": `{type: oauth2_refresh, token_url: "URL/token", client_id: refused, refresh_token: canary-refresh, client_secret: canaryclientsecret}`,
		"jwt":         `{type: oauth2_jwt_bearer, token_url: "URL/token", client_id: me, private_key: ` + string(quotedPEM) + `}`,
		"bad key":     `{type: oauth2_jwt_bearer, token_url: "URL/token", client_id: me, private_key: "canary-token/+=&x"}`,
		"hmac":        `{type: hmac, name: X-Sig, secret: canary-hmac-secret}`,
		"aws":         `{type: aws_sigv4, access_key: AKIA, secret_key: CANARYSECRETKEY, session_token: canary-session, region: eu, service: s3}`,
	}
	words := canaries(pemKey)
	for name, auth := range ways {
		for _, status := range []int{200, 302, 400, 401, 429, 500} {
			t.Run(fmt.Sprint(name, " ", status), func(t *testing.T) {
				t.Parallel()
				said := sayEverything(t, auth, status)
				for _, w := range words {
					if at := strings.Index(said, w); at >= 0 {
						t.Errorf("%q shows: …%s…", w, said[max(0, at-120):min(len(said), at+len(w)+20)])
					}
				}
			})
		}
	}
}

// sayEverything goes through all that a connection does, and gives all that it
// says.
func sayEverything(t *testing.T, auth string, status int) string {
	t.Helper()
	other := httptest.NewServer(repeater(200, ""))
	t.Cleanup(other.Close)
	server := httptest.NewServer(repeater(status, other.URL))
	t.Cleanup(server.Close)
	var said bytes.Buffer
	say := func(v any) { fmt.Fprintf(&said, "%v %+v\n", v, v) }
	inline := bulkOps + "headers: {X-More: canary-header}\nauth: " + strings.ReplaceAll(auth, "URL", server.URL) + `
check: {request: {method: GET, path: /me}, identity: id}
discover: {request: {method: GET, path: /fields}, fields: {at: fields, name: name}}
read: {rows: 3, request: {method: GET, path: "/${object}", query: {keys: "${keys}"}}, at: records, key: id}
`
	cfg := connection(t, server.URL, inline)
	delete(cfg.Params, "token")
	cfg.Rest.Log = slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug}))
	d, err := New(cfg)
	if err != nil {
		say(err)
		return said.String()
	}
	t.Cleanup(func() { _ = d.Close() })
	ctx := rest.Watch(t.Context(), func(x rest.Exchange) {
		fmt.Fprintf(&said, "%s %s %v %s %d %v %s %s\n", x.Method, x.URL, x.Header, x.Body, x.Status, x.Answer, x.Reply, x.Problem)
	})
	tell(ctx, d, say)
	return said.String()
}

func tell(ctx context.Context, d *Destination, say func(any)) {
	account, err := d.Account(ctx)
	say(account)
	say(err)
	_, err = d.Open(ctx, people(destination.Upsert))
	say(err)
	for _, err := range (Readable{d}).Read(ctx, people(destination.Upsert), []record.Key{person(1).Key}) {
		say(err)
	}
	for _, op := range []string{"insert", "upsert"} {
		s, problems := d.sender(op, people(destination.Upsert))
		say(problems)
		out := destination.All(2, destination.Outcome{})
		if s.job == nil {
			s.deliver(ctx, persons(2), func(int) bool { return true }, out)
			say(out)
			continue
		}
		id, out := s.job.submit(ctx, persons(2), func(string) error { return nil })
		say(id)
		say(out)
		p, _, err := s.job.status(ctx, "7")
		say(p)
		say(err)
		out, err = s.job.outcomes(ctx, "7", persons(2), d.trialDoc())
		say(out)
		say(err)
	}
}

// trialDoc is an answer of a job that has ended.
func (d *Destination) trialDoc() gjson.Result {
	return gjson.Parse(`{"state":"done","processed":2,"failed":0}`)
}
