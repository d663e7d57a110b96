package hosted

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"exposync/internal/fault"
	"exposync/internal/rest"
)

// baseURL is the parameter of every tool with an address.
func baseURL(def, doc string) Param {
	return Param{Name: "base_url", Default: def, Doc: doc}
}

// plainHTTP is the parameter of tools that people run themselves.
func plainHTTP() Param {
	return Param{
		Name: "plain_http", Choices: []string{"true", "false"}, Default: "false",
		Doc: "Allows an address that starts with http://: the credentials then travel in the open.",
	}
}

// settings checks what a connection sets against the parameters of its kind,
// and gives it with the defaults filled in. Problems are a fault.List with the
// codes param_missing, setting_invalid and http_url.
func (k Kind) settings(cfg Config) (map[string]string, error) {
	out := map[string]string{}
	var problems fault.List
	fail := func(code, hint, format string, args ...any) {
		problems = append(problems, &fault.Fault{
			Code: code, Kind: fault.Config, Whose: fault.Setup, Where: cfg.Where, Hint: hint,
			Msg: "connection " + cfg.Name + fmt.Sprintf(format, args...),
		})
	}
	for _, p := range k.Params {
		value := strings.TrimSpace(cfg.Params[p.Name])
		set := value != "" || p.Tree && cfg.Blocks[p.Name] != nil
		switch {
		case !set && p.Required && (p.Unless == "" || cfg.Params[p.Unless] == "" && cfg.Blocks[p.Unless] == nil):
			fail("param_missing", "add "+p.Name+" to the connection in exposync.yml", " needs %s: %s", p.Name, p.Doc)
		case value != "" && len(p.Choices) > 0 && !slices.Contains(p.Choices, value):
			fail("setting_invalid", "", ": %s is one of %s", p.Name, strings.Join(p.Choices, ", "))
		case strings.ContainsAny(value, "\r\n\x00"):
			fail("setting_invalid", "a secret that is read from a file often ends with a line break", ": %s holds a line break", p.Name)
		}
		if value == "" {
			value = p.Default
		}
		out[p.Name] = value
	}
	for _, p := range k.Params {
		if p.Name != "base_url" || out[p.Name] == "" {
			continue
		}
		if msg := addressProblem(out[p.Name], out["plain_http"] == "true"); msg != "" {
			fail(rest.CodeURL, "write it as https://host/path", ": %s %s", p.Name, msg)
		}
	}
	return out, problems.Err()
}

// addressProblem says what is wrong with an address, without repeating it: it
// may hold a secret.
func addressProblem(address string, plain bool) string {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return "is not an http or https URL"
	case u.User != nil:
		return "holds a user or a password"
	case u.Scheme == "http" && !plain && !loopback(u.Hostname()):
		return "must be https, or the credentials travel in the open (where the tool allows it, plain_http: true)"
	}
	return ""
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// account names a workspace by the host that it is at and what the settings
// call it.
func account(base, workspace string) string {
	host := base
	if u, err := url.Parse(base); err == nil && u.Host != "" {
		host = u.Host
	}
	if workspace == "" {
		return host
	}
	return host + "/" + workspace
}
