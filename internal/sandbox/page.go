package sandbox

import (
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"
)

//go:embed web
var web embed.FS

// pageRoutes adds the page and what it reads. The paths below /_/data are
// those of the API, but not logged and not subject to rules.
func (s *Sandbox) pageRoutes(mux *http.ServeMux) {
	index := template.Must(template.ParseFS(web, "web/index.html"))
	static, err := fs.Sub(web, "web")
	if err != nil {
		panic("BUG: the page is not embedded: " + err.Error())
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		headers(w, "text/html; charset=utf-8")
		_ = index.Execute(w, struct{ Dir string }{s.config.Dir})
	})
	for name, kind := range map[string]string{"app.css": "text/css; charset=utf-8", "app.js": "text/javascript; charset=utf-8", "view.js": "text/javascript; charset=utf-8", "requests.js": "text/javascript; charset=utf-8", "hosted.js": "text/javascript; charset=utf-8"} {
		mux.HandleFunc("GET /_/"+name, func(w http.ResponseWriter, r *http.Request) {
			headers(w, kind)
			http.ServeFileFS(w, r, static, name)
		})
	}
	quiet := func(next handle) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { next(w, r, &call{}) }
	}
	mux.HandleFunc("GET /_/overview", s.overview)
	mux.HandleFunc("GET /_/hosted", s.hostedSyncs)
	mux.HandleFunc("GET /_/requests", s.requests)
	mux.HandleFunc("GET /_/requests/{number}", s.request)
	mux.HandleFunc("GET /_/data/{connection}/{object}/records", quiet(s.records))
	mux.HandleFunc("GET /_/data/{connection}/{object}/records/{id}", quiet(s.history))
}

// headers let the page load nothing from elsewhere and nothing be put into it.
func headers(w http.ResponseWriter, kind string) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "+
		"img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache")
}

// objectSummary is one object on the page.
type objectSummary struct {
	Connection string    `json:"connection"`        // as the paths below /_/data have it
	Name       string    `json:"name"`              // of the connection
	Service    string    `json:"service,omitempty"` // that it stands in for
	Object     string    `json:"object"`
	Records    int       `json:"records"`
	Deleted    int       `json:"deleted"`
	Versions   int64     `json:"versions"`
	UpdatedAt  time.Time `json:"updated_at"`
}

// overview answers with everything that the page shows before a choice.
// Revision changes when anything else does.
func (s *Sandbox) overview(w http.ResponseWriter, _ *http.Request) {
	objects := []objectSummary{}
	for _, o := range s.store.list() {
		o.mu.RLock()
		if o.lines == 0 && strings.HasPrefix(o.connection, "_") { // a vendor was only asked about it
			o.mu.RUnlock()
			continue
		}
		name, service := shownConnection(o.connection)
		objects = append(objects, objectSummary{
			Connection: o.connection, Name: name, Service: service, Object: o.name, Records: o.live, Deleted: len(o.entries) - o.live,
			Versions: o.lines, UpdatedAt: time.UnixMicro(o.touched).UTC(),
		})
		o.mu.RUnlock()
	}
	tools, err := s.toolSummaries()
	if err != nil {
		failWith(w, err)
		return
	}
	latest := s.log.list(filter{limit: latestRequests})
	answer(w, map[string]any{
		"revision": latest.Count, "now": s.config.Now().UTC(), "objects": objects, "hosted": tools, "requests": latest.Requests,
		"rules": s.faults.list(), "seed": s.config.Seed, "strict": s.config.Strict,
	})
}

// latestRequests is how many the overview shows.
const latestRequests = 12

// shownConnection is what people call a connection of the store.
func shownConnection(connection string) (name, service string) {
	rest, vendors := strings.CutPrefix(connection, "_")
	kind, name, ok := strings.Cut(rest, ":")
	if !vendors || !ok {
		return connection, ""
	}
	if v, known := vendorOf(kind); known {
		kind = v.Title
	}
	return name, kind
}

// requests answers with a part of the requests that are kept.
func (s *Sandbox) requests(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	f := filter{connection: q.Get("connection"), status: q.Get("status"), fault: q.Get("fault"), limit: 100}
	var err error
	if text := q.Get("before"); text != "" {
		f.before, err = strconv.ParseInt(text, 10, 64)
	}
	if text := q.Get("limit"); text != "" && err == nil {
		f.limit, err = strconv.Atoi(text)
	}
	if err != nil || f.before < 0 || f.limit < 1 || f.limit > keptRequests {
		failWith(w, problem("bad_filter", "before is a number of a request, limit is from 1 to 2000"))
		return
	}
	answer(w, s.log.list(f))
}

func (s *Sandbox) request(w http.ResponseWriter, r *http.Request) {
	number, err := strconv.ParseInt(r.PathValue("number"), 10, 64)
	if e, ok := s.log.get(number); err == nil && ok {
		answer(w, e)
		return
	}
	fail(w, http.StatusNotFound, "not_found", "this request is no longer kept")
}
