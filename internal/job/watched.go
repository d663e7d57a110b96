package job

import (
	"net/url"
	"strings"
)

// Watched guesses from an exposure's url which sync tool it shows; empty if
// it shows none. Being recognised triggers nothing.
func Watched(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return ""
	}
	host := strings.ToLower(u.Hostname())
	for _, tool := range []struct{ domain, name string }{
		{"hightouch.com", "hightouch"},
		{"hightouch.io", "hightouch"},
		{"getcensus.com", "census"},
		{"fivetran.com", "fivetran"},
		{"polytomic.com", "polytomic"},
		{"rudderstack.com", "rudderstack"},
		{"segment.com", "segment"},
		{"airbyte.com", "airbyte"},
		{"multiwoven.com", "multiwoven"},
	} {
		if host == "app."+tool.domain || host == "cloud."+tool.domain || host == tool.domain || strings.HasSuffix(host, ".app."+tool.domain) {
			return tool.name
		}
	}
	return ""
}
