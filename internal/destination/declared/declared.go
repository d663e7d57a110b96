// Package declared writes to HTTP services that are described as data: a spec
// in YAML says how a batch is sent and what an answer means for every record
// in it. The embedded specs are the contracts that users can build against;
// a connection may replace any block of them inline.
//
// The package encodes and classifies. It never retries, waits or bisects, and
// whatever a spec does not declare to be a success is none.
package declared

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"exposync/internal/destination"
	"exposync/internal/fault"
	"exposync/internal/rest"
	"exposync/internal/yamlx"
)

// Config is one connection.
type Config struct {
	Kind    string                 // see Catalog.Kinds
	Catalog *Catalog               // that Kind is from; nil: the embedded ones
	Name    string                 // of the connection, for messages
	Where   string                 // of the connection, for messages: "exposync.yml:12"
	File    string                 // that the blocks below stand in
	Params  map[string]string      // values of the spec's parameters, references resolved
	Blocks  map[string]*yamlx.Node // blocks that stand inline, references resolved
	Secrets []string               // more values that no message may repeat
	Rest    rest.Config            // clock, random numbers, proxy, user agent; rate and concurrency are the spec's
	Rates   *Rates                 // shared by all connections of the process; nil: this one's own
}

// Destination is one described service, opened for one run.
type Destination struct {
	cfg     Config
	spec    *spec
	values  values
	header  http.Header
	client  *rest.Client
	creds   *credentials
	pacer   *pacer
	catalog *catalog
	trial   *trial // nil outside of fixtures
	secrets []string
}

var (
	_ destination.Destination = (*Destination)(nil)
	_ destination.Paced       = (*Destination)(nil)
)

// New reads the spec, puts the connection's blocks over it and checks
// everything that can be checked without a connection. Problems are a
// fault.List with the codes spec_invalid, param_missing and http_url.
func New(cfg Config) (*Destination, error) {
	s, err := cfg.Catalog.load(cfg.Kind, newOverlay(cfg.File, cfg.Blocks))
	if err != nil {
		return nil, err
	}
	return open(cfg, s)
}

func open(cfg Config, s *spec) (*Destination, error) {
	d := &Destination{cfg: cfg, spec: s, catalog: &catalog{}}
	if err := d.params().Err(); err != nil {
		return nil, err
	}
	var err error
	if d.values, err = newValues(s, cfg.Params); err != nil {
		return nil, fmt.Errorf("connection %s: %w", cfg.Name, err)
	}
	a, err := d.way()
	if err != nil {
		return nil, err
	}
	tokens := rest.New(cfg.Rest)
	d.creds = newCredentials(a, d.values, cfg.Rest.Now, &http.Client{Transport: tokens.Tripper(rest.Read)}, d.baseProblem)
	if d.header, err = d.headers(); err != nil {
		return nil, err
	}
	d.secrets = d.collectSecrets(a)
	rc := cfg.Rest
	rc.Concurrency = s.concurrency()
	rc.MaxReply = s.longestReply(rc.MaxReply)
	if d.creds.fetches() {
		// every worker of every job may meet the end of a token once
		rc.Breaker.Denials = max(rc.Breaker.Denials, 32, 4*rc.Concurrency)
	}
	d.pacer = newPacer(s.rate, rc.Concurrency, rc.Now)
	rc.Pacer = d.pacer
	d.client = rest.New(rc)
	return d, nil
}

// way is how this connection proves who it is.
func (d *Destination) way() (auth, error) {
	for _, a := range d.spec.auth {
		if text, err := d.values.text(a.when); a.when == "" || err == nil && text != "" && text != "false" {
			return a, d.tokenURL(a)
		}
	}
	var needs []string
	for _, a := range d.spec.auth {
		needs = append(needs, strings.Trim(a.when, "${}"))
	}
	return auth{}, &fault.Fault{
		Code: "param_missing", Kind: fault.Config, Whose: fault.Setup, Where: d.cfg.Where,
		Msg:  fmt.Sprintf("connection %s has no credentials: it needs one of %s", d.cfg.Name, strings.Join(needs, ", ")),
		Hint: "add one of them to the connection in exposync.yml",
	}
}

// tokenURL makes sure that secrets do not travel in the open.
func (d *Destination) tokenURL(a auth) error {
	text, err := d.values.text(a.get("token_url"))
	if a.get("token_url") == "" || err != nil {
		return err
	}
	if msg := urlProblem(text, d.cfg.Params["plain_http"] == "true"); msg != "" {
		return &fault.Fault{
			Code: rest.CodeURL, Kind: fault.Config, Whose: fault.Setup, Where: d.cfg.Where,
			Msg:  fmt.Sprintf("connection %s: the address that tokens come from %s", d.cfg.Name, msg),
			Hint: "write it as https://host/path",
		}
	}
	return nil
}

func (d *Destination) baseProblem(base string) string {
	return urlProblem(base, d.cfg.Params["plain_http"] == "true")
}

// PerSecond is the rate that the spec declares for the whole connection.
func (d *Destination) PerSecond() float64 { return d.spec.rate.perSecond() }

// concurrency is the most that any operation wants.
func (s *spec) concurrency() int {
	n := s.limits.concurrency
	for _, o := range s.ops {
		n = max(n, o.limits.concurrency)
	}
	for _, o := range s.objects {
		n = max(n, o.spec.concurrency())
	}
	return n
}

// longestReply is how much of one answer is read: the results of a job may
// repeat all that it was given, in quotes.
func (s *spec) longestReply(most int64) int64 {
	for _, o := range s.ops {
		if o.job != nil {
			most = max(most, 32<<20, 3*int64(o.limits.bytes))
		}
	}
	for _, o := range s.objects {
		most = max(most, o.spec.longestReply(most))
	}
	return most
}

// params checks the connection's values.
func (d *Destination) params() fault.List {
	var out fault.List
	for _, p := range d.spec.params {
		value := d.cfg.Params[p.Name]
		switch {
		case value == "" && p.Required:
			out = append(out, &fault.Fault{
				Code: "param_missing", Kind: fault.Config, Whose: fault.Setup, Where: d.cfg.Where,
				Msg:  fmt.Sprintf("connection %s needs %s: %s", d.cfg.Name, p.Name, p.Doc),
				Hint: fmt.Sprintf("add %s to the connection in exposync.yml", p.Name),
			})
		case value != "" && p.Kind == "url":
			if msg := urlProblem(value, d.cfg.Params["plain_http"] == "true"); msg != "" {
				out = append(out, &fault.Fault{
					Code: rest.CodeURL, Kind: fault.Config, Whose: fault.Setup, Where: d.cfg.Where,
					Msg:  fmt.Sprintf("connection %s: %s %s", d.cfg.Name, p.Name, msg),
					Hint: "write it as https://host/path",
				})
			}
		}
	}
	return out
}

// urlProblem says what is wrong with an address, without repeating it: it may
// hold a secret.
func urlProblem(text string, plain bool) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https"):
		return "is not an http or https URL"
	case u.User != nil:
		return "holds a user or password: use auth: {type: basic, user: …, password: …}"
	case u.Scheme == "http" && !plain && !loopback(u.Hostname()):
		return "must be https, or records and credentials travel in the open (plain_http: true allows it)"
	}
	return ""
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// headers are those of every request: the spec's, the connection's and the
// credentials.
func (d *Destination) headers() (http.Header, error) {
	out := http.Header{"Accept": {"application/json"}}
	for _, h := range d.spec.headers {
		text, err := d.values.text(h.text)
		if err != nil {
			return nil, fmt.Errorf("header %s: %w", h.name, err)
		}
		out.Set(h.name, text)
	}
	if name, value := d.creds.static(); name != "" {
		out.Set(name, value)
	}
	for name, list := range out {
		if strings.ContainsAny(name+list[0], "\r\n\x00") {
			return nil, &fault.Fault{
				Code: "spec_invalid", Kind: fault.Config, Whose: fault.Setup, Where: d.cfg.Where,
				Msg:  fmt.Sprintf("connection %s: the header %q would hold a line break", d.cfg.Name, name),
				Hint: "a secret that is read from a file often ends with one",
			}
		}
	}
	return out, nil
}

// Account asks the service who it is; a service without a check is known by
// its address.
func (d *Destination) Account(ctx context.Context) (string, error) {
	c := d.spec.check
	if c == nil {
		d.pacer.share(d.cfg.Rates, d.spec.name+"\x00"+d.address())
		return d.address(), nil
	}
	if c.fingerprint != "" {
		return d.known(c.fingerprint)
	}
	target, err := d.values.target(c.request)
	if err != nil {
		return "", fmt.Errorf("connection %s: check: %w", d.cfg.Name, err)
	}
	doc, err := d.document(ctx, exchange{class: rest.Read, method: c.request.method, target: target, header: d.header, attempts: 3})
	if err != nil {
		return "", err
	}
	if problem := plain(doc.Get(c.problem)); c.problem != "" && problem != "" {
		return "", &fault.Fault{
			Code: rest.CodeAuth, Kind: fault.Config, Whose: fault.Setup, Where: d.cfg.Where,
			Msg:  fmt.Sprintf("connection %s: the service refuses the check: %s", d.cfg.Name, short(d.hideSecrets(problem), longestMessage)),
			Hint: "check the credentials of the connection in exposync.yml, and their scopes",
		}
	}
	account := c.account(doc)
	if account != "" {
		d.pacer.share(d.cfg.Rates, d.spec.name+"\x00"+account)
	}
	if account == "" {
		return "", &fault.Fault{
			Code: "account_unknown", Kind: fault.Config, Whose: fault.Destination, Where: d.cfg.Where,
			Msg:  fmt.Sprintf("connection %s: the answer to the check holds no %q", d.cfg.Name, c.identity),
			Hint: "check.identity must be the path of the account in the answer",
		}
	}
	return account, nil
}

// known is who a service is that does not say so: its address, and a
// fingerprint of the key that decides whose data is written.
func (d *Destination) known(text string) (string, error) {
	key, err := d.values.text(text)
	if err != nil {
		return "", fmt.Errorf("connection %s: check: %w", d.cfg.Name, err)
	}
	sum := sha256.Sum256([]byte("exposync account\x00" + key))
	account := d.address() + "#" + hex.EncodeToString(sum[:6])
	d.pacer.share(d.cfg.Rates, d.spec.name+"\x00"+account)
	return account, nil
}

// account is who the answer says we are; empty if it does not.
func (c *check) account(doc gjson.Result) string {
	text := plain(doc.Get(c.identity))
	if c.part == nil {
		return text
	}
	m := c.part.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	return m[len(m)-1]
}

func (d *Destination) unreachable(err error) error {
	if failure, ok := err.(*rest.Error); ok { //nolint:errorlint // Do gives it as it is
		f := failure.Fault(d.cfg.Where)
		f.Msg = d.hideSecrets(f.Msg)
		return f
	}
	return err
}

// address is who a service without a check is: where it listens. Of an
// address that is a secret the path is only told apart.
func (d *Destination) address() string {
	base := d.values.named["base_url"]
	text := address(base)
	if u, err := url.Parse(base); err == nil && slices.Contains(d.cfg.Secrets, base) {
		sum := sha256.Sum256([]byte(text))
		return strings.ToLower(u.Scheme+"://"+u.Host) + "#" + hex.EncodeToString(sum[:8])
	}
	return text
}

// address is a URL as an identity: no user, query or trailing slash.
func address(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Scheme+"://"+u.Host) + strings.TrimRight(u.EscapedPath(), "/")
}

// Close drops idle connections.
func (d *Destination) Close() error {
	d.client.Close()
	return nil
}
