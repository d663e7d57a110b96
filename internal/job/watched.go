package job

import (
	"net/url"
	"regexp"
	"strings"
)

// Page is what an exposure's url shows of a sync tool.
type Page struct {
	Tool string // the type of its connections: hightouch
	// Sync is the sync's id there; empty where the url names none.
	Sync string
	// Search: the url is a search, which stands for many syncs.
	Search bool
}

// tools are the hosts of hosted tools, and what of a path is a sync's id.
// Source: the vendors' web applications as users link to them.
var tools = []struct {
	domain, name string
	id           *regexp.Regexp // its groups, joined by slashes, are the id
}{
	{"hightouch.com", "hightouch", regexp.MustCompile(`^/[^/]+/syncs/(\d+)(?:/|$)`)},
	{"hightouch.io", "hightouch", regexp.MustCompile(`^/[^/]+/syncs/(\d+)(?:/|$)`)},
	{"getcensus.com", "census", regexp.MustCompile(`/syncs?/(\d+)(?:/|$)`)},
	{"fivetran.com", "census", regexp.MustCompile(`^/dashboard/activations/syncs/(\d+)(?:/|$)`)},
	{"polytomic.com", "polytomic", regexp.MustCompile(`([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})`)},
	{"rudderstack.com", "rudderstack", nil},
	{"segment.com", "segment", regexp.MustCompile(`/mappings/([^/]+)/source-id/([^/]+)/model-id/([^/]+)(?:/|$)`)},
	{"airbyte.com", "airbyte", regexp.MustCompile(`/connections/([0-9a-fA-F-]{36})(?:/|$)`)},
	{"multiwoven.com", "multiwoven", regexp.MustCompile(`/activate/syncs/(\d+)(?:/|$)`)},
	{"squared.ai", "multiwoven", regexp.MustCompile(`/activate/syncs/(\d+)(?:/|$)`)},
}

// PageOf reads an exposure's url; false if it shows no sync tool. Being
// recognised triggers nothing.
func PageOf(address string) (Page, bool) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return Page{}, false
	}
	host := strings.ToLower(u.Hostname())
	for _, t := range tools {
		app := host == "app."+t.domain || host == "app-eu."+t.domain || host == "cloud."+t.domain || host == t.domain
		if !app && !strings.HasSuffix(host, ".app."+t.domain) {
			continue
		}
		if t.domain == "fivetran.com" && !strings.HasPrefix(u.Path, "/dashboard/activations") {
			return Page{}, false // its connectors load data, they do not send it
		}
		page := Page{Tool: t.name, Search: strings.HasSuffix(strings.TrimRight(u.Path, "/"), "/syncs") && u.Query().Has("search")}
		if t.id != nil {
			if m := t.id.FindStringSubmatch(u.Path); m != nil {
				page.Sync = syncOf(t.name, m[1:])
			}
		}
		return page, true
	}
	return Page{}, false
}

// syncOf puts an id together as hosted: names it. A mapping of Segment is told
// by its source, its model and itself, in this order.
func syncOf(tool string, found []string) string {
	if tool == "segment" {
		return found[1] + "/" + found[2] + "/" + found[0]
	}
	return found[0]
}

// Watched is the tool whose sync a url shows; empty if it shows none.
func Watched(address string) string {
	page, _ := PageOf(address)
	return page.Tool
}
