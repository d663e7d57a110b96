package sandbox

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// What the page shows of a request to a vendor never holds a credential.
// Headers are not kept at all; in addresses and bodies a value is hidden when
// its name says what it is.

//nolint:gosec // what credentials are called, not one
const credentialName = `[\w.$-]*(?:token|secret|password|passwd|api[_-]?key|assertion|signature|authorization|credential|private[_-]?key)`

const hidden = "***"

var (
	jsonSecret = sync.OnceValue(func() *regexp.Regexp { // "client_secret": "…", also where the text is cut
		return regexp.MustCompile(`(?i)("` + credentialName + `"\s*:\s*")(?:[^"\\]|\\.)*("|\\?$)`)
	})
	formSecret = sync.OnceValue(func() *regexp.Regexp { // client_secret=…&
		return regexp.MustCompile(`(?i)((?:^|[?&\n])` + credentialName + `=)[^&\s]*`)
	})
	partSecret = sync.OnceValue(func() *regexp.Regexp { // of a multipart form
		return regexp.MustCompile(`(?i)(name="` + credentialName + `"(?:\r?\n[^\r\n]+)*\r?\n\r?\n)[^\r\n]*`)
	})
)

// hideText hides the values of credentials in a body.
func hideText(text string) string {
	text = jsonSecret().ReplaceAllString(text, "${1}"+hidden+"${2}")
	text = formSecret().ReplaceAllString(text, "${1}"+hidden)
	return partSecret().ReplaceAllString(text, "${1}"+hidden)
}

// hidePath is an address with its query, without the values of credentials.
func hidePath(u *url.URL) string {
	path := u.EscapedPath()
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	return formSecret().ReplaceAllString(path, "${1}"+hidden)
}

// text is the start of a body for people.
func (t *tee) text(r *http.Request) string {
	head := t.head
	if strings.EqualFold(r.Header.Get("Content-Encoding"), "gzip") {
		head = unpackStart(head)
	}
	if !utf8.Valid(head[:max(0, len(head)-utf8.UTFMax)]) {
		return strconv.FormatInt(t.n, 10) + " bytes that are no text"
	}
	text, _ := clip(head)
	return strings.ToValidUTF8(text, "")
}

// unpackStart unpacks as much of the start of a packed body as can be.
func unpackStart(head []byte) []byte {
	unpacked, err := gzip.NewReader(bytes.NewReader(head))
	if err != nil {
		return head
	}
	out, _ := io.ReadAll(io.LimitReader(unpacked, keptBytes)) // the end is missing: what came before it counts
	return out
}

func lengthOf(n int) string { return strconv.Itoa(n) }
