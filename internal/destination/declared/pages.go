package declared

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/tidwall/gjson"

	"exposync/internal/fault"
	"exposync/internal/rest"
)

// paging says how an answer leads to the next one.
type paging struct {
	next  string // path of an address, or with query of a value; nothing there: the end
	query string // the parameter that takes the value
	from  string // a header that holds the value, instead of next; "null" is the end
}

// mostPages ends a paging that leads in circles.
const mostPages = 10_000

// pages yields the answers to a reading request, page by page.
func (d *Destination) pages(ctx context.Context, v values, r request, body []byte, p paging, none string) iter.Seq2[gjson.Result, error] {
	return func(yield func(gjson.Result, error) bool) {
		target, err := v.target(r)
		if err != nil {
			yield(gjson.Result{}, err)
			return
		}
		header, err := d.requestHeader(v, r, body)
		if err != nil {
			yield(gjson.Result{}, err)
			return
		}
		first, seen := target, map[string]bool{}
		for len(seen) < mostPages && !seen[target] {
			seen[target] = true
			x := exchange{class: rest.Read, method: r.method, target: target, header: header, body: body, attempts: 5, none: none}
			doc, err := d.document(ctx, x)
			if !yield(doc, err) || err != nil {
				return
			}
			if target, err = p.follow(first, doc, d.host(ctx)); err != nil {
				yield(gjson.Result{}, d.unreadable("paging", err.Error()))
				return
			}
			if target == "" {
				return
			}
		}
		yield(gjson.Result{}, d.unreadable("paging", "the pages of its answer lead in circles"))
	}
}

// follow gives the next page's target; empty at the end. An address on
// another host is not followed: the credentials would go there.
func (p paging) follow(first string, doc gjson.Result, base string) (string, error) {
	next := plain(doc.Get(p.next))
	switch {
	case p.next == "" || next == "":
		return "", nil
	case p.query != "":
		path, query, _ := strings.Cut(first, "?")
		values, err := url.ParseQuery(query)
		if err != nil {
			return "", err
		}
		values.Set(p.query, next)
		return path + "?" + values.Encode(), nil
	case strings.HasPrefix(next, "/"):
		return next, nil
	}
	u, err := url.Parse(next)
	root, rerr := url.Parse(base)
	if err != nil || rerr != nil || u.Scheme != root.Scheme || u.Host != root.Host {
		return "", errors.New("the next page would be on another host")
	}
	rest, ok := strings.CutPrefix(u.RequestURI(), strings.TrimRight(root.EscapedPath(), "/"))
	if !ok || !strings.HasPrefix(rest, "/") {
		return "", errors.New("the next page would be outside of the connection's url")
	}
	return rest, nil
}

// header gives the next page's target where a header tells it.
func (p paging) header(first string, h http.Header) string {
	value := h.Get(p.from)
	if p.from == "" || value == "" || value == "null" {
		return ""
	}
	path, query, _ := strings.Cut(first, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return ""
	}
	values.Set(p.query, value)
	return path + "?" + values.Encode()
}

// host is where requests go now.
func (d *Destination) host(ctx context.Context) string {
	if d.creds.fetches() {
		if _, base, err := d.creds.current(ctx); err == nil && base != "" {
			return base
		}
	}
	return d.values.named["base_url"]
}

// requestHeader is the header of a request that carries no records.
func (d *Destination) requestHeader(v values, r request, body []byte) (http.Header, error) {
	header := d.header.Clone()
	if body != nil {
		header.Set("Content-Type", "application/json")
	}
	for _, h := range r.headers {
		text, err := v.text(h.text)
		if err != nil {
			return nil, err
		}
		header.Set(h.name, text)
	}
	return header, nil
}

// document reads a JSON answer of success; anything else is a fault.
func (d *Destination) document(ctx context.Context, x exchange) (gjson.Result, error) {
	resp, err := d.do(ctx, x)
	if err != nil {
		return gjson.Result{}, d.unreachable(err)
	}
	if x.none != "" && matchesStatus(x.none, resp.Status) {
		return gjson.Result{}, nil
	}
	if f := d.refusal(resp); f != nil {
		f.Msg = d.hideSecrets(f.Msg)
		return gjson.Result{}, f
	}
	if !resp.JSON() || !gjson.ValidBytes(resp.Body) {
		return gjson.Result{}, &fault.Fault{
			Code: rest.CodeReply, Kind: fault.Unavailable, Whose: fault.Destination, Where: d.cfg.Where,
			Msg:  fmt.Sprintf("connection %s: %s answered %d with something that is not JSON", d.cfg.Name, resp.Host, resp.Status),
			Hint: "check the url of the connection: a login page or a proxy answers like this",
		}
	}
	return gjson.ParseBytes(resp.Body), nil
}

// refusal is the fault of an answer that is no success.
func (d *Destination) refusal(resp *rest.Response) *fault.Fault {
	f := resp.Fault(d.cfg.Where)
	if f == nil || !d.spec.rate.limited(resp) {
		return f
	}
	f.Code, f.Kind, f.Whose = rest.CodeLimited, fault.Unavailable, fault.Destination
	f.Msg = fmt.Sprintf("%s answered %d: the account's limit of requests is reached", resp.Host, resp.Status)
	f.Hint = "run again later: what was not sent is still due"
	return f
}

// unreadable is an answer that is not as its description says.
func (d *Destination) unreadable(what, msg string) error {
	return &fault.Fault{
		Code: rest.CodeReply, Kind: fault.Unavailable, Whose: fault.Destination, Where: d.cfg.Where,
		Msg:  fmt.Sprintf("connection %s: the answer to %s is not as described: %s", d.cfg.Name, what, msg),
		Hint: "compare the description of the destination with the service's documentation",
	}
}

// noObject turns the 404 of an object into a word about the mapping.
func (d *Destination) noObject(err error, object string) error {
	f, ok := err.(*fault.Fault) //nolint:errorlint // document gives it as it is
	if !ok || f.Code != rest.CodeRefused {
		return err
	}
	return &fault.Fault{
		Code: "object_missing", Kind: fault.Config, Whose: fault.Mapping, Where: "connection " + d.cfg.Name,
		Msg:  fmt.Sprintf("the destination has no object %q, or hides it from this connection: %s", object, f.Msg),
		Hint: "correct the object after the dot in `to:`, or let the credentials see it",
	}
}
