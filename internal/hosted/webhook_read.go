package hosted

import (
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"exposync/internal/fault"
	"exposync/internal/rest"
	"exposync/internal/yamlx"
)

// request reads what all requests have; given are the names that it may use.
func (r *hookReader) request(in string, n *yamlx.Node, method string, given []string) hookRequest {
	q := hookRequest{method: method, url: r.needed(in, n, "url"), uses: map[string]bool{}}
	if m := r.text(in, n, "method"); m != "" {
		q.method = strings.ToUpper(m)
	}
	if !slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}, q.method) {
		r.fail("setting_invalid", n.Get("method"), in+".method is GET, POST, PUT, PATCH or DELETE", "")
	}
	if q.url != "" {
		r.address(in, n.Get("url"), q.url)
	}
	q.headers = r.headers(in+".headers", n.Get("headers"), given)
	if q.body = n.Get("body"); q.method == http.MethodGet && q.body != nil {
		r.fail("setting_invalid", q.body, in+": a GET has no body", "write method: POST, or put it into the url")
	}
	r.known(in, n.Get("url"), given)
	r.known(in, q.body, given)
	for _, part := range []*yamlx.Node{n.Get("url"), n.Get("headers"), q.body} {
		mention(part, q.uses)
	}
	r.hide(q.body)
	return q
}

// address makes sure that a request goes where the settings say and nowhere
// else.
func (r *hookReader) address(in string, n *yamlx.Node, text string) {
	host, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(text, "https://"), "http://"), "/")
	host, _, _ = strings.Cut(host, "?")
	msg := addressProblem(names{}.fill(text), r.plain)
	if strings.Contains(host, "${") {
		msg = "has a ${name} in its host"
	}
	if msg != "" {
		r.fail(rest.CodeURL, n, in+".url "+msg, "write it as https://host/path")
	}
	if u, err := url.Parse(text); err == nil { // the address of a webhook may be all that protects it
		r.secrets = append(r.secrets, long(strings.Split(u.Path, "/")...)...)
		for _, values := range u.Query() {
			r.secrets = append(r.secrets, long(values...)...)
		}
	}
}

func (r *hookReader) headers(in string, n *yamlx.Node, given []string) []hookHeader {
	var out []hookHeader
	if n != nil && n.Kind != yamlx.Map {
		r.fail("setting_invalid", n, in+" is a map of names and texts", "")
		return nil
	}
	r.known(in, n, given)
	for _, key := range n.Keys() {
		value, ok := n.Get(key).Scalar()
		if !ok || strings.ContainsAny(key+value, "\r\n\x00") || strings.ContainsAny(key, " :") || key == "" {
			r.fail("setting_invalid", n.Get(key), in+": "+strconv.Quote(key)+" is no header with a text of one line", "a secret that is read from a file often ends with a line break")
			continue
		}
		out = append(out, hookHeader{textproto.CanonicalMIMEHeaderKey(key), value})
		if !slices.Contains([]string{"Accept", "Content-Type"}, textproto.CanonicalMIMEHeaderKey(key)) {
			r.secrets = append(r.secrets, long(value, value[strings.LastIndex(value, " ")+1:])...)
		}
	}
	return out
}

// long keeps the texts that could be secrets: without names, and of some
// length.
func long(texts ...string) []string {
	return slices.DeleteFunc(slices.Clone(texts), func(s string) bool { return len(s) < 8 || strings.Contains(s, "${") })
}

// hide takes every longer text of a body for a secret.
func (r *hookReader) hide(n *yamlx.Node) {
	if n == nil {
		return
	}
	if s, ok := n.Str(); ok {
		r.secrets = append(r.secrets, long(s)...)
	}
	for _, item := range n.Items {
		r.hide(item)
	}
	for _, p := range n.Pairs {
		r.hide(p.Value)
	}
}

// mention collects the names that a tree uses.
func mention(n *yamlx.Node, into map[string]bool) {
	if n == nil {
		return
	}
	for _, m := range reference.FindAllStringSubmatch(n.Text, -1) {
		into[m[1]] = true
	}
	for _, item := range n.Items {
		mention(item, into)
	}
	for _, p := range n.Pairs {
		mention(p.Value, into)
	}
}

// known reports names that nothing fills.
func (r *hookReader) known(in string, n *yamlx.Node, given []string) {
	used := map[string]bool{}
	mention(n, used)
	for name := range used {
		if name == "" || slices.Contains(given, name) {
			continue
		}
		hint := "known here: ${" + strings.Join(given, "}, ${") + "}"
		if near := fault.Suggest(name, given); near != "" {
			hint = "did you mean ${" + near + "}?"
		}
		if len(given) == 0 {
			hint = "nothing is filled in here"
		}
		r.fail("setting_invalid", n, in+": ${"+name+"} is not known", hint)
	}
}

func (r *hookReader) keys(in string, n *yamlx.Node, known ...string) {
	if n != nil && n.Kind != yamlx.Map {
		r.fail("setting_invalid", n, in+" is a map", "")
		return
	}
	for _, key := range n.Keys() {
		if slices.Contains(known, key) {
			continue
		}
		hint := ""
		if near := fault.Suggest(key, known); near != "" {
			hint = "did you mean " + near + "?"
		}
		r.fail("unknown_key", n.Get(key), fmt.Sprintf("%s has no key %q", in, key), hint)
	}
}

func (r *hookReader) text(in string, n *yamlx.Node, key string) string {
	v := n.Get(key)
	s, ok := v.Str()
	if v != nil && !ok {
		r.fail("setting_invalid", v, in+"."+key+" is a text", "")
	}
	return s
}

func (r *hookReader) needed(in string, n *yamlx.Node, key string) string {
	s := r.text(in, n, key)
	if s == "" && n.Get(key) == nil {
		r.fail("setting_missing", n, in+" needs "+key, "add "+key+" to "+in)
	}
	return s
}

// list1 reads a text or a list of texts; numbers and true or false are taken
// as they are written.
func (r *hookReader) list1(in string, n *yamlx.Node, key string) []string {
	v := n.Get(key)
	if v == nil {
		return nil
	}
	items := v.Items
	if v.Kind != yamlx.List {
		items = []*yamlx.Node{v}
	}
	var out []string
	for _, item := range items {
		s, ok := item.Scalar()
		if !ok || s == "" {
			r.fail("setting_invalid", v, in+"."+key+" is a text or a list of texts", "")
			return nil
		}
		out = append(out, s)
	}
	return out
}

func (r *hookReader) flag(in string, n *yamlx.Node, key string) bool {
	v := n.Get(key)
	b, ok := v.Bool()
	if v != nil && !ok {
		r.fail("setting_invalid", v, in+"."+key+" is true or false", "")
	}
	return b
}

func (r *hookReader) statuses(in string, n *yamlx.Node, key string) []int {
	var out []int
	for _, s := range r.list1(in, n, key) {
		code, err := strconv.Atoi(s)
		if err != nil || code < 400 || code > 499 {
			r.fail("setting_invalid", n.Get(key), in+"."+key+" is a list of statuses from 400 to 499", "")
			continue
		}
		out = append(out, code)
	}
	return out
}

func (r *hookReader) fail(code string, at *yamlx.Node, msg, hint string) {
	where := r.cfg.Where
	if at != nil && at.Line > 0 {
		where = at.Where(r.cfg.File)
	}
	r.problems = append(r.problems, &fault.Fault{
		Code: code, Kind: fault.Config, Whose: fault.Setup, Where: where, Msg: "connection " + r.cfg.Name + ": " + msg, Hint: hint,
	})
}
