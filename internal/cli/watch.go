package cli

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"exposync/internal/destination"
	"exposync/internal/report"
	"exposync/internal/rest"
)

// watch notes everything that is said to the destination.
func (a *app) watch(ctx context.Context, said *[]report.OneExchange) context.Context {
	ctx = destination.Watch(ctx, func(s destination.Spoken) {
		*said = append(*said, report.OneExchange{Kind: s.Kind, Request: s.Said, Response: s.Heard})
	})
	return rest.Watch(ctx, func(x rest.Exchange) {
		item := report.OneExchange{
			Kind: "http", Request: x.Method + " " + a.safeURL(x.URL), Headers: headerLines(x.Header), Body: string(x.Body),
			Response: x.Problem, Answer: headerLines(x.Answer), Reply: string(x.Reply), Attempts: x.Attempts,
		}
		if x.Status > 0 {
			item.Response = fmt.Sprintf("%d %s", x.Status, http.StatusText(x.Status))
		}
		*said = append(*said, item)
	})
}

func headerLines(h http.Header) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(h)) {
		out = append(out, name+": "+strings.Join(h[name], ", "))
	}
	return out
}

// safeURL hides secrets in an address also where they are percent-encoded, and
// whatever a parameter holds that is called like one.
func (a *app) safeURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "an address that cannot be read"
	}
	parts := strings.Split(u.EscapedPath(), "/")
	for i, p := range parts {
		if plain, err := url.PathUnescape(p); err == nil && a.redactor.Redact(plain) != plain {
			parts[i] = "***"
		}
	}
	out := u.Scheme + "://" + u.Host + strings.Join(parts, "/")
	var query []string
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(value); err != nil || a.redactor.Redact(plain) != plain || secretName(name) {
			value = "***"
		}
		if pair != "" {
			query = append(query, name+"="+value)
		}
	}
	if len(query) > 0 {
		out += "?" + strings.Join(query, "&")
	}
	return out
}

func secretName(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"key", "token", "secret", "pass", "auth", "sig", "credential"}, func(w string) bool {
		return strings.Contains(name, w)
	})
}
