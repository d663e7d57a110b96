package declared

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/oauth2/jwt"

	"exposync/internal/rest"
)

// auth says how requests prove who sends them.
type auth struct {
	kind  string
	when  string             // a text: of several ways the first whose text is not empty is taken
	texts map[string]*string // by the keys of authKinds
}

// get is the text of one key; empty if the kind has none.
func (a auth) get(key string) string {
	if p := a.texts[key]; p != nil {
		return *p
	}
	return ""
}

// authKind is what one way of proving needs and takes.
type authKind struct {
	needs, takes []string
}

// authKinds are the ways that the engine knows. Keys without a reference in
// them (names, addresses) are in plainAuthKeys.
func authKinds() map[string]authKind {
	return map[string]authKind{
		"none":   {},
		"bearer": {needs: []string{"token"}},
		"basic":  {needs: []string{"user", "password"}},
		"header": {needs: []string{"name", "value"}},
		"query":  {needs: []string{"name", "value"}},
		"oauth2_client_credentials": {
			needs: []string{"token_url", "client_id", "client_secret"}, takes: []string{"scope", "audience", "base_url_from"},
		},
		"oauth2_jwt_bearer": {
			needs: []string{"token_url", "client_id", "private_key"}, takes: []string{"subject", "scope", "audience", "base_url_from"},
		},
		"oauth2_refresh": {
			needs: []string{"token_url", "client_id", "refresh_token"}, takes: []string{"client_secret", "scope", "base_url_from"},
		},
		"hmac":      {needs: []string{"name", "secret"}, takes: []string{"algorithm", "format", "prefix", "timestamp_name"}},
		"aws_sigv4": {needs: []string{"access_key", "secret_key", "region", "service"}, takes: []string{"session_token"}},
	}
}

// authWords are the types in the order in which the documentation has them.
func authWords() []string {
	return []string{
		"none", "bearer", "basic", "header", "query", "oauth2_client_credentials", "oauth2_jwt_bearer", "oauth2_refresh",
		"hmac", "aws_sigv4",
	}
}

// authKeys are all keys but type and when.
func authKeys() []string {
	return []string{
		"token", "user", "password", "name", "value", "token_url", "client_id", "client_secret", "refresh_token",
		"private_key", "subject", "scope", "audience", "base_url_from", "secret", "algorithm", "format", "prefix",
		"timestamp_name", "access_key", "secret_key", "session_token", "region", "service",
	}
}

// openAuthKeys are those whose values are no secrets: a message may repeat
// them.
func openAuthKeys() []string {
	return []string{"name", "token_url", "scope", "audience", "base_url_from", "algorithm", "format", "prefix", "timestamp_name", "region", "service"}
}

// earlyRefresh is how long before its end a token is replaced.
const earlyRefresh = 30 * time.Second

// credentials prove requests. Tokens are fetched when they are first needed,
// kept until they end, and fetched anew once a request was refused with one.
type credentials struct {
	kind   string
	filled map[string]string // the spec's texts, filled
	now    func() time.Time
	client *http.Client // for tokens
	allow  func(base string) string

	mu    sync.Mutex
	token *oauth2.Token
	base  string // that the token's answer told
	old   []string
	forms []string // of old, as messages may repeat them
}

func newCredentials(a auth, v values, now func() time.Time, client *http.Client, allow func(string) string) *credentials {
	c := &credentials{kind: a.kind, filled: map[string]string{}, now: now, client: client, allow: allow}
	for key := range a.texts {
		c.filled[key], _ = v.text(a.get(key)) // the spec's texts are checked
	}
	return c
}

// static are the headers that never change.
func (c *credentials) static() (name, value string) {
	f := c.filled
	switch c.kind {
	case "bearer":
		if f["token"] != "" {
			return "Authorization", "Bearer " + f["token"]
		}
	case "basic":
		return "Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(f["user"]+":"+f["password"]))
	case "header":
		if f["value"] != "" {
			return f["name"], f["value"]
		}
	}
	return "", ""
}

// fetches reports whether there are tokens to fetch.
func (c *credentials) fetches() bool { return strings.HasPrefix(c.kind, "oauth2_") }

// current gives a token that is good, and where requests with it go: empty
// for the spec's own address.
func (c *credentials) current(ctx context.Context) (token, base string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token == nil || !c.token.Expiry.IsZero() && !c.now().Before(c.token.Expiry.Add(-earlyRefresh)) {
		if err := c.fetch(ctx); err != nil {
			return "", "", err
		}
	}
	return c.token.AccessToken, c.base, nil
}

// refused forgets a token that a request was refused with, and reports
// whether there may be a better one.
func (c *credentials) refused(token string) bool {
	if !c.fetches() {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token != nil && c.token.AccessToken == token {
		c.token = nil
	}
	return true
}

// fetch asks for a token; c.mu is held.
func (c *credentials) fetch(ctx context.Context) error {
	source, failure := c.source(context.WithValue(ctx, oauth2.HTTPClient, c.client))
	if failure != nil {
		return failure
	}
	token, err := source.Token()
	if err != nil {
		return tokenError(err)
	}
	base := ""
	if from := c.filled["base_url_from"]; from != "" {
		base, _ = token.Extra(from).(string)
		if msg := c.allow(base); msg != "" {
			return denied("the answer's " + from + " " + msg)
		}
	}
	if token.RefreshToken != "" && c.kind == "oauth2_refresh" {
		c.filled["refresh_token"] = token.RefreshToken // some services replace it with every use
		c.old = append(c.old, token.RefreshToken)
	}
	c.token, c.base = token, base
	c.old = append(c.old, token.AccessToken)
	if n := len(c.old); n > 8 {
		c.old = c.old[n-8:]
	}
	c.forms = formsOf(c.old)
	return nil
}

// source makes the library's way to a token, one that caches nothing.
func (c *credentials) source(ctx context.Context) (oauth2.TokenSource, error) {
	f := c.filled
	scopes := strings.Fields(f["scope"])
	switch c.kind {
	case "oauth2_client_credentials":
		cfg := clientcredentials.Config{ClientID: f["client_id"], ClientSecret: f["client_secret"], TokenURL: f["token_url"], Scopes: scopes}
		if f["audience"] != "" {
			cfg.EndpointParams = map[string][]string{"audience": {f["audience"]}}
		}
		cfg.AuthStyle = oauth2.AuthStyleInParams
		return cfg.TokenSource(ctx), nil
	case "oauth2_jwt_bearer":
		cfg := jwt.Config{
			Email: f["client_id"], PrivateKey: []byte(f["private_key"]), Subject: f["subject"], Scopes: scopes,
			TokenURL: f["token_url"], Audience: f["audience"], Expires: 3 * time.Minute,
		}
		if !strings.Contains(f["private_key"], "PRIVATE KEY") {
			return nil, denied("the private key is not in PEM form")
		}
		return cfg.TokenSource(ctx), nil
	}
	cfg := oauth2.Config{
		ClientID: f["client_id"], ClientSecret: f["client_secret"], Scopes: scopes,
		Endpoint: oauth2.Endpoint{TokenURL: f["token_url"], AuthStyle: oauth2.AuthStyleInParams},
	}
	return cfg.TokenSource(ctx, &oauth2.Token{RefreshToken: f["refresh_token"]}), nil
}

// tokenError says why there is no token. The request that wanted one was not
// sent, so nothing can have happened. Of an answer only the protocol's own
// error word is told: the rest may repeat what was sent.
func tokenError(err error) error {
	if refusal := (*oauth2.RetrieveError)(nil); errors.As(err, &refusal) {
		if refusal.Response != nil && refusal.Response.StatusCode >= 500 {
			return &rest.Error{Fate: rest.NeverReached, Code: rest.CodeUnavailable, Msg: "the token endpoint is not available"}
		}
		why := ""
		if simpleWord(refusal.ErrorCode) {
			why = ": " + refusal.ErrorCode
		}
		return denied("the token endpoint refuses the credentials" + why)
	}
	if failure := (*rest.Error)(nil); errors.As(err, &failure) {
		out := *failure
		out.Fate, out.Msg = rest.NeverReached, "no token: "+failure.Msg
		return &out
	}
	return denied("no token: the key or the answer of the token endpoint cannot be read")
}

func denied(msg string) *rest.Error {
	return &rest.Error{Fate: rest.NeverReached, Code: rest.CodeAuth, Denied: true, Msg: msg}
}

func simpleWord(s string) bool {
	for _, r := range s {
		if r != '_' && (r < 'a' || r > 'z') {
			return false
		}
	}
	return s != "" && len(s) <= 40
}

// secrets are the tokens that no message may repeat.
func (c *credentials) secrets() []string {
	if !c.fetches() {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.forms...)
}
