package declared

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"exposync/internal/rest"
)

// exchange is one request to the service, without what proves who sends it.
type exchange struct {
	class    rest.Class
	method   string
	target   string // path and query
	header   http.Header
	body     []byte
	attempts int
	none     string // a status that says, to a reading request, that there is nothing
}

// do sends a request with the connection's credentials. One that is refused
// because its token ended is sent again with a new one, once: a refusal means
// that nothing happened.
func (d *Destination) do(ctx context.Context, x exchange) (*rest.Response, error) {
	for renewed := false; ; renewed = true {
		r, token, err := d.prove(ctx, x)
		if err != nil {
			return nil, err
		}
		resp, err := d.client.Do(ctx, r)
		for room := (*rest.Error)(nil); x.class == rest.Read && errors.As(err, &room) && room.After > 0; {
			if err := rest.Pause(ctx, room.After); err != nil {
				return nil, err
			}
			resp, err = d.client.Do(ctx, r)
		}
		if err != nil || renewed || resp.Status != http.StatusUnauthorized || !d.creds.refused(token) {
			return resp, err
		}
	}
}

// prove completes a request.
func (d *Destination) prove(ctx context.Context, x exchange) (r rest.Request, token string, err error) {
	base := d.values.named["base_url"]
	header := x.header
	switch c := d.creds; {
	case c.fetches():
		var from string
		if token, from, err = c.current(ctx); err != nil {
			return r, "", err
		}
		if from != "" {
			base = from
		}
		header = x.header.Clone()
		header.Set("Authorization", "Bearer "+token)
	case c.kind == "hmac", c.kind == "aws_sigv4":
		header = x.header.Clone()
	case c.kind == "query" && c.filled["value"] != "":
		base = withQuery(base, url.QueryEscape(c.filled["name"])+"="+url.QueryEscape(c.filled["value"]))
	}
	r = rest.Request{
		Class: x.class, Method: x.method, URL: under(base, x.target), Header: header, Body: x.body, Attempts: x.attempts, Hide: d.hideSecrets,
	}
	return r, token, d.creds.sign(ctx, &r)
}

// under puts a path with its query behind an address that may have a query of
// its own.
func under(base, target string) string {
	base, more, _ := strings.Cut(base, "?")
	path, query, _ := strings.Cut(target, "?")
	out := strings.TrimRight(base, "/") + path
	if more != "" {
		out = withQuery(out, more)
	}
	if query != "" {
		out = withQuery(out, query)
	}
	return out
}

func withQuery(address, query string) string {
	sep := "?"
	if strings.Contains(address, "?") {
		sep = "&"
	}
	return address + sep + query
}
