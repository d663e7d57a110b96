package declared

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"exposync/internal/destination"
	"exposync/internal/rest"
)

// issuer is a service that hands out tokens and takes requests with the one
// that is valid now.
type issuer struct {
	*httptest.Server
	mu        sync.Mutex
	valid     string // the token that is good
	issued    int
	forms     []string // what was asked for, grant by grant
	refuse    int      // status of the token endpoint, 0: it gives tokens
	refused   int
	taken     []sent
	elsewhere string // instance_url of the answer
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	s := &issuer{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		_ = r.ParseForm()
		s.forms = append(s.forms, r.Form.Encode())
		w.Header().Set("Content-Type", "application/json")
		if s.refuse != 0 {
			w.WriteHeader(s.refuse)
			_, _ = io.WriteString(w, `{"error":"invalid_client","error_description":"secret `+r.Form.Get("client_secret")+` is wrong"}`)
			return
		}
		s.issued++
		s.valid = fmt.Sprintf("token-canary-%d", s.issued)
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": s.valid, "token_type": "Bearer", "instance_url": s.elsewhere})
	})
	mux.HandleFunc("POST /inst/people", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		if r.Header.Get("Authorization") != "Bearer "+s.valid {
			s.refused++
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"message":"bad `+r.Header.Get("Authorization")+`"}`)
			return
		}
		s.taken = append(s.taken, sent{r.Method, r.RequestURI, string(body), r.Header})
		_, _ = io.WriteString(w, `{"accepted":1}`)
	})
	s.Server = httptest.NewServer(mux)
	s.elsewhere = s.URL + "/inst"
	t.Cleanup(s.Close)
	return s
}

func (s *issuer) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.valid = "another"
}

func oauth(t *testing.T, s *issuer, kind, more string) *Destination {
	t.Helper()
	d, err := New(connection(t, "http://127.0.0.1:1/nowhere",
		fmt.Sprintf(`auth: {type: %s, token_url: "%s/token", client_id: me, base_url_from: instance_url, %s}`, kind, s.URL, more)))
	if err != nil {
		t.Fatalf("New(): %v", err)
	}
	return d
}

func one(t *testing.T, d *Destination) destination.Outcome {
	t.Helper()
	return open1(t, d, destination.Upsert).Write(t.Context(), persons(1))[0]
}

// Tokens are fetched once, used where their answer says, and fetched anew
// once when a request was refused with one.
func TestTokens(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	bytes, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: bytes}))
	quoted, _ := json.Marshal(text)
	tests := map[string]struct{ kind, more, grant string }{
		"client credentials": {"oauth2_client_credentials", "client_secret: secret-canary", "grant_type=client_credentials"},
		"JWT":                {"oauth2_jwt_bearer", "audience: https://login.example.com, subject: bot@example.com, private_key: " + string(quoted), "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer"},
		"refresh":            {"oauth2_refresh", "refresh_token: refresh-canary", "grant_type=refresh_token"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newIssuer(t)
			d := oauth(t, s, tt.kind, tt.more)
			for range 2 {
				if o := one(t, d); o.State != destination.OK {
					t.Fatalf("outcome = %+v", o)
				}
			}
			if s.issued != 1 || !strings.Contains(s.forms[0], tt.grant) {
				t.Fatalf("%d tokens were issued for %v", s.issued, s.forms)
			}
			s.expire()
			if o := one(t, d); o.State != destination.OK || s.issued != 2 || s.refused != 1 {
				t.Fatalf("after the token ended: %+v, %d tokens, %d refused", o, s.issued, s.refused)
			}
			if tt.kind == "oauth2_jwt_bearer" {
				checkAssertion(t, s.forms[0], &key.PublicKey)
			}
		})
	}
}

func checkAssertion(t *testing.T, form string, key *rsa.PublicKey) {
	t.Helper()
	_, token, _ := strings.Cut(form, "assertion=")
	token, _, _ = strings.Cut(token, "&")
	parts := strings.Split(token, ".")
	claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
	var got struct {
		Iss, Sub, Aud string
		Iat, Exp      int64
	}
	if err := json.Unmarshal(claims, &got); err != nil {
		t.Fatal(err)
	}
	if got.Iss != "me" || got.Sub != "bot@example.com" || got.Aud != "https://login.example.com" || got.Exp-got.Iat > 300 {
		t.Errorf("claims = %s", claims)
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	signature, _ := base64.RawURLEncoding.DecodeString(parts[2])
	if err := rsa.VerifyPKCS1v15(key, 5, sum[:], signature); err != nil {
		t.Errorf("the assertion is not signed: %v", err)
	}
}

// A token that is refused again is the end, not a loop; and no text holds a
// secret.
func TestTokensThatDoNotHelp(t *testing.T) {
	t.Parallel()
	s := newIssuer(t)
	d := oauth(t, s, "oauth2_client_credentials", "client_secret: secret-canary")
	s.refuse = 401
	o := one(t, d)
	if o.State != destination.Auth || !strings.Contains(o.Message, "invalid_client") || strings.Contains(o.Message, "canary") {
		t.Fatalf("refused client: %+v", o)
	}
	s.refuse = 503
	if o := one(t, d); o.State != destination.Retry {
		t.Fatalf("token endpoint down: %+v", o)
	}
	s.refuse = 0
	if o := one(t, d); o.State != destination.OK {
		t.Fatalf("outcome = %+v", o)
	}
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"message":"bad `+r.Header.Get("Authorization")+`"}`)
	}))
	defer refuses.Close()
	s.elsewhere = refuses.URL
	s.expire()
	d = oauth(t, s, "oauth2_client_credentials", "client_secret: secret-canary")
	before := s.issued
	o = one(t, d)
	if o.State != destination.Auth || strings.Contains(o.Message, "canary") || s.issued != before+2 {
		t.Fatalf("outcome = %+v after %d tokens", o, s.issued-before)
	}
	s.elsewhere = "http://crm.example.com"
	d = oauth(t, s, "oauth2_client_credentials", "client_secret: secret-canary")
	if o = one(t, d); o.State != destination.Auth || !strings.Contains(o.Message, "must be https") {
		t.Fatalf("an instance in the open: %+v", o)
	}
}

// Workers that share a token renew it once.
func TestOneRenewalForAllWorkers(t *testing.T) {
	t.Parallel()
	s := newIssuer(t)
	d := oauth(t, s, "oauth2_client_credentials", "client_secret: secret-canary")
	one(t, d)
	s.expire()
	w := open1(t, d, destination.Upsert)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if o := w.Write(t.Context(), persons(1))[0]; o.State != destination.OK {
				t.Errorf("outcome = %+v", o)
			}
		})
	}
	group.Wait()
	if s.issued != 2 {
		t.Errorf("%d tokens were issued, want 2", s.issued)
	}
}

// The ways that need no token, as they arrive.
func TestProofs(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		auth  string
		check func(sent) string
	}{
		"query": {`{type: query, name: api key, value: "q&canary"}`, func(r sent) string {
			return wantText("/people?api+key=q%26canary", r.uri)
		}},
		"hmac": {`{type: hmac, name: X-Signature, secret: hush-canary, prefix: "sha256="}`, func(r sent) string {
			sum := hmac.New(sha256.New, []byte("hush-canary"))
			sum.Write([]byte(r.body))
			return wantText("sha256="+hex.EncodeToString(sum.Sum(nil)), r.header.Get("X-Signature"))
		}},
		"hmac with time": {`{type: hmac, name: X-Signature, secret: hush-canary, format: base64, algorithm: sha256, timestamp_name: X-Time}`, func(r sent) string {
			sum := hmac.New(sha256.New, []byte("hush-canary"))
			sum.Write([]byte(r.header.Get("X-Time") + "." + r.body))
			return wantText(base64.StdEncoding.EncodeToString(sum.Sum(nil)), r.header.Get("X-Signature"))
		}},
		"aws": {`{type: aws_sigv4, access_key: AKIDEXAMPLE, secret_key: hush-canary, region: eu-west-1, service: execute-api}`, func(r sent) string {
			if a := r.header.Get("Authorization"); !strings.HasPrefix(a, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/") ||
				!strings.Contains(a, "/eu-west-1/execute-api/aws4_request") || r.header.Get("X-Amz-Date") == "" {
				return a
			}
			return ""
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &recorder{}
			d := service(t, r.handle, "auth: "+tt.auth+"\nops: {upsert: {"+accept+"}}")
			one(t, d)
			if problem := tt.check(r.sent[0]); problem != "" {
				t.Error(problem)
			}
			for _, s := range []string{"hush-canary", "q&canary"} {
				if strings.Contains(tt.auth, s) && strings.Contains(d.hideSecrets("it said "+s), "canary") {
					t.Errorf("%s would be shown", s)
				}
			}
		})
	}
}

func wantText(want, got string) string {
	if want == got {
		return ""
	}
	return fmt.Sprintf("got %q, want %q", got, want)
}

// Of several ways the first is taken whose parameter is there.
func TestFirstWayThatApplies(t *testing.T) {
	t.Parallel()
	const list = `auth: [{type: header, when: "${plain_http}", name: X-Plain, value: a}, {type: bearer, when: "${token}", token: b}]`
	r := &recorder{}
	d := service(t, r.handle, list+"\nops: {upsert: {"+accept+"}}")
	one(t, d)
	if r.sent[0].header.Get("Authorization") != "Bearer b" { // plain_http is false
		t.Errorf("headers = %v", r.sent[0].header)
	}
	cfg := connection(t, "https://crm.example.com", `auth: [{type: bearer, when: "${token}", token: b}]`)
	cfg.Params["token"] = ""
	_, err := New(cfg)
	if err == nil || !strings.Contains(err.Error(), "no credentials: it needs one of token") {
		t.Errorf("New() = %v", err)
	}
}

func TestTokenErrorsKeepSecrets(t *testing.T) {
	t.Parallel()
	for _, err := range []error{errors.New("key: secret-canary"), &rest.Error{Msg: "refused"}} {
		out := tokenError(err)
		if failure := (*rest.Error)(nil); !errors.As(out, &failure) || failure.Fate != rest.NeverReached || strings.Contains(out.Error(), "canary") {
			t.Errorf("tokenError(%v) = %v", err, out)
		}
	}
}
