package lint

import (
	"bytes"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"exposync/internal/config"
	"exposync/internal/plan"
	"exposync/internal/yamlx"
)

// checkSecrets looks for what must not be in a file of the project: the shapes
// of known tokens anywhere, and values of keys with telling names in meta,
// which dbt writes into manifest.json as it stands. It never says the value.
func checkSecrets(p *project) []Finding {
	var out []Finding
	for _, d := range p.docs {
		told := map[int]bool{}
		for _, s := range shapesIn(d.text) {
			f := Finding{Finding: plan.Finding{Subject: d.path, Message: "this looks like " + s.what + "; it is not shown here", Fix: secretFix, File: d.path}}
			f.Line, f.Col = yamlx.Position(d.text, s.at)
			if !told[f.Line] {
				told[f.Line] = true
				f.Column = s.what
				out = append(out, f)
			}
		}
		d.meta(func(path []string, e yamlx.Pair) {
			what := secretIn(e.Key, e.Value)
			if what == "" {
				return
			}
			f := d.atPair(e, d.path, strings.Join(append(path, e.Key), ".")+": "+what, secretFix)
			if f.Column = strings.Join(append(path, e.Key), "."); !told[f.Line] {
				told[f.Line] = true
				out = append(out, f)
			}
		})
	}
	return append(out, p.secretsOfManifest()...)
}

const secretFix = "change it at its source, write connections into exposync.yml with \"{{ env_var('NAME') }}\", and keep meta free of it"

// secretsOfManifest looks at the meta of exposures whose YAML is not at hand.
func (p *project) secretsOfManifest() []Finding {
	var out []Finding
	for _, x := range p.exposures {
		if x.yaml != nil || x.dbt == nil || len(x.dbt.Meta) == 0 {
			continue
		}
		meta, err := yamlx.ParseJSON(x.dbt.Meta)
		if err != nil { // the manifest is valid JSON
			continue
		}
		below(nil, meta, func(path []string, e yamlx.Pair) {
			what := secretIn(e.Key, e.Value)
			if text, ok := e.Value.Str(); ok && what == "" {
				if shapes := shapesIn([]byte(text)); len(shapes) > 0 {
					what = "looks like " + shapes[0].what + "; it is not shown here"
				}
			}
			if what != "" {
				f := x.finding("meta."+strings.Join(append(path, e.Key), ".")+": "+what, secretFix)
				f.Column = strings.Join(append(path, e.Key), ".")
				out = append(out, f)
			}
		})
	}
	return out
}

// meta visits the entries of every meta map of a file, and of what is below.
func (d *doc) meta(visit func(path []string, e yamlx.Pair)) {
	seen := map[*yamlx.Node]bool{}
	var walk func(n *yamlx.Node)
	walk = func(n *yamlx.Node) {
		if n == nil || seen[n] {
			return
		}
		seen[n] = true
		for _, item := range n.Items {
			walk(item)
		}
		for _, e := range n.Pairs {
			if e.Key == "meta" {
				below([]string{"meta"}, e.Value, visit)
				continue
			}
			walk(e.Value)
		}
	}
	walk(d.root)
}

func below(path []string, n *yamlx.Node, visit func(path []string, e yamlx.Pair)) {
	if n == nil {
		return
	}
	for _, item := range n.Items {
		below(path, item, visit)
	}
	for _, e := range n.Pairs {
		visit(path, e)
		below(append(slices.Clip(path), e.Key), e.Value, visit)
	}
}

// secretIn says what is wrong with a value at a key that is named like a
// secret; empty if nothing is.
func secretIn(key string, n *yamlx.Node) string {
	text, ok := n.Scalar()
	text = strings.TrimSpace(text)
	if !ok || text == "" {
		return ""
	}
	if strings.Contains(text, "://") && config.LiteralSecret(text) {
		return "holds a password; it is not shown here"
	}
	if !config.Credential(key) || n.Kind != yamlx.String {
		return ""
	}
	switch {
	case strings.Contains(text, "env_var"):
		return "dbt puts the value of env_var here into manifest.json, in plain text"
	case strings.Contains(text, "{{"), harmless(text):
		return ""
	}
	return "looks like a secret; it is not shown here"
}

// harmless reports whether a text only says where a secret is, or that there
// is none: a reference, the name of an environment variable, a placeholder.
func harmless(text string) bool {
	for _, prefix := range []string{"file:", "exec:", "env:", "$", "<", "vault:", "op://", "arn:"} {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	if strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == "" && strings.Contains(text, "_") {
		return true
	}
	return slices.Contains([]string{"none", "null", "todo", "tbd", "required", "optional", "true", "false", "yes", "no"}, strings.ToLower(text)) || strings.Trim(text, "*x.…") == ""
}

// shape is the place of something that looks like a token.
type shape struct {
	what string
	at   int
}

// shapesIn finds tokens by the prefixes that their makers gave them, so that
// they can be found.
func shapesIn(text []byte) []shape {
	var out []shape
	lower := bytes.ToLower(text)
	for _, what := range slices.Sorted(maps.Keys(tokenShapes())) {
		s := tokenShapes()[what]
		if !slices.ContainsFunc(s.hints, func(h string) bool { return bytes.Contains(lower, []byte(h)) }) {
			continue
		}
		for _, m := range s.pattern.FindAllIndex(text, -1) {
			out = append(out, shape{what: what, at: m[0]})
		}
	}
	slices.SortFunc(out, func(a, b shape) int { return a.at - b.at })
	return out
}

// tokenShape is a pattern, and texts in lower case without which it is not
// looked for.
type tokenShape struct {
	hints   []string
	pattern *regexp.Regexp
}

// tokenShapes are public facts about tokens: the makers document their
// prefixes for secret scanners.
var tokenShapes = sync.OnceValue(func() map[string]tokenShape {
	shape := func(pattern string, hints ...string) tokenShape {
		return tokenShape{hints: hints, pattern: regexp.MustCompile(pattern)}
	}
	return map[string]tokenShape{
		"an access key of AWS":            shape(`\b(?:AKIA|ASIA)[0-9A-Z]{16}\b`, "akia", "asia"),
		"a token of GitHub":               shape(`\b(?:gh[pousr]_[0-9A-Za-z]{36,}|github_pat_[0-9A-Za-z_]{50,})`, "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
		"a token of GitLab":               shape(`\bglpat-[0-9A-Za-z_-]{20,}`, "glpat-"),
		"a token of Slack":                shape(`\bxox[abeprs]-[0-9A-Za-z-]{10,}`, "xox"),
		"a webhook of Slack":              shape(`hooks\.slack\.com/services/T[0-9A-Z]+/B[0-9A-Z]+/[0-9A-Za-z]+`, "hooks.slack.com"),
		"a webhook of Teams":              shape(`\.webhook\.office\.com/webhookb2/[0-9a-f-]{36}`, "webhook.office.com"),
		"a key of Stripe":                 shape(`\b[sr]k_(?:live|test)_[0-9A-Za-z]{16,}`, "k_live_", "k_test_"),
		"a token of HubSpot":              shape(`\bpat-(?:na|eu|ap)\d-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`, "pat-"),
		"a key of SendGrid":               shape(`\bSG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}`, "sg."),
		"a private key of Klaviyo":        shape(`\bpk_[0-9a-f]{34}\b`, "pk_"),
		"a key of Mailchimp":              shape(`\b[0-9a-f]{32}-us\d{1,2}\b`, "-us"),
		"a key of Google":                 shape(`\bAIza[0-9A-Za-z_-]{35}`, "aiza"),
		"a token of Google":               shape(`\bya29\.[0-9A-Za-z_-]{20,}`, "ya29."),
		"a token of Shopify":              shape(`\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}`, "shpat_", "shpca_", "shppa_", "shpss_"),
		"a token of dbt platform":         shape(`\bdbt[cus]_[0-9A-Za-z_-]{30,}`, "dbtc_", "dbtu_", "dbts_"),
		"a token of Databricks":           shape(`\bdapi[0-9a-f]{32}\b`, "dapi"),
		"a token of Segment":              shape(`\bsgp_[0-9A-Za-z]{30,}`, "sgp_"),
		"a key of OpenAI":                 shape(`\bsk-(?:proj-)?[0-9A-Za-z_-]{32,}`, "sk-"),
		"a JSON web token":                shape(`\beyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{10,}`, "eyj"),
		"a private key":                   shape(`-----BEGIN [A-Z ]*PRIVATE KEY-----`, "private key"),
		"an address with a password":      shape(`\b[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/:@"'{}]+:[^\s/@"'{}$<*]{3,}@[^\s/"']+`, "://"),
		"an address with a token in it":   shape(`[?&](?:access_token|api_key|apikey|token|sig)=[0-9A-Za-z%._-]{12,}`, "token=", "key=", "sig="),
		"an `Authorization` with a token": shape(`\b(?:Bearer|Basic) [0-9A-Za-z._~+/=-]{20,}`, "bearer ", "basic "),
	}
})
