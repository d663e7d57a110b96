package hosted

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What a tool says is shown to people, but it may repeat a token, hold a
// signed address or the e-mail address of a customer.

// longestText is how many letters of a tool's own words are shown.
const longestText = 300

// show makes a tool's words fit for a message: without secrets, on one line,
// bounded.
func (a *api) show(text string) string { return short(a.hide(short4k(text))) }

// hide takes out secrets, all of an address but its host, and e-mail
// addresses.
func (a *api) hide(text string) string {
	known := a.hidden
	if a.login != nil {
		known = slices.Concat(known, a.login.secrets())
	}
	for _, s := range known {
		text = strings.ReplaceAll(text, s, "***")
	}
	text = address.ReplaceAllStringFunc(text, hostOnly)
	text = credential.ReplaceAllString(text, "$1 ***")
	return mail.ReplaceAllString(text, "***")
}

var (
	address    = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^\s"'<>\\]+`)
	credential = regexp.MustCompile(`(?i)\b(bearer|basic|token) +[A-Za-z0-9._~+/:=-]{8,}`)
	mail       = regexp.MustCompile(`[^\s@"'<>(),;:=]+@[^\s@"'<>(),;:=]+\.[A-Za-z]{2,}`)
)

// hostOnly is an address without user, path and query.
func hostOnly(text string) string {
	bare := strings.TrimRight(text, ".,:;)]}")
	end := text[len(bare):] // of the sentence around it
	u, err := url.Parse(bare)
	switch {
	case err != nil || u.Host == "":
		return "***" + end
	case u.Path == "" && u.RawQuery == "" && u.Fragment == "":
		return u.Scheme + "://" + u.Host + end
	}
	return u.Scheme + "://" + u.Host + "/…" + end
}

// formsOf are the ways in which a secret may show in a message, longest first.
func formsOf(secret string) []string {
	if len(secret) < 4 {
		return nil
	}
	quoted, err := json.Marshal(secret)
	if err != nil {
		quoted = nil // never: every text has a form in JSON
	}
	forms := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), strings.Trim(string(quoted), `"`),
		base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
	}
	if bare, ok := strings.CutPrefix(secret, "secret-token:"); ok && len(bare) >= 4 {
		forms = append(forms, bare)
	}
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(forms)
}

// short4k bounds a text before it is searched.
func short4k(text string) string {
	if len(text) <= 4096 {
		return text
	}
	end := 4096
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	if space := strings.LastIndexAny(text[:end], " \t\n"); space > 0 {
		end = space // a secret that the cut would split must not be left in half
	} else {
		end = 0
	}
	return text[:end] + "…"
}

// short puts a text on one line of bounded length.
func short(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || r == utf8.RuneError
	}), " ")
	if letters := []rune(text); len(letters) > longestText {
		return string(letters[:longestText]) + "…"
	}
	return text
}
