package sandbox_test

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestPageNeedsNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), `<img src=x>&"`)
	b := setup(t, dir)
	_, index := b.call(http.MethodGet, "/", "")
	if strings.Contains(index, "<img src=x>") || !strings.Contains(index, "&lt;img src=x&gt;") {
		t.Error("the folder's name is not escaped")
	}
	paths := regexp.MustCompile(`(?:src|href)="(/_/[^"]+)"`).FindAllStringSubmatch(index, -1)
	if len(paths) != 2 {
		t.Errorf("the page loads %v, want its style and its script", paths)
	}
	for _, path := range append(paths, []string{"", "/_/view.js"}, []string{"", "/_/requests.js"}, []string{"", "/_/hosted.js"}) {
		status, text := b.call(http.MethodGet, path[1], "")
		if status != http.StatusOK || len(text) < 1000 {
			t.Errorf("%s: status %d, %d bytes", path[1], status, len(text))
		}
		if found := regexp.MustCompile(`(?i)https?://(?:[^w]|w[^w]|ww[^w])|//cdn|@import`).FindString(text); found != "" || strings.HasSuffix(path[1], ".css") && strings.Contains(text, "url(") {
			t.Errorf("%s refers to elsewhere: %s", path[1], found)
		}
	}
	if status, _ := b.call(http.MethodGet, "/_/../sandbox.go", ""); status == http.StatusOK {
		t.Error("a file outside of the page was served")
	}
}

// Records are hostile: they may become text nodes only.
func TestPageNeverMakesMarkupOfData(t *testing.T) {
	t.Parallel()
	err := fs.WalkDir(os.DirFS("web"), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".js") {
			return err
		}
		code, err := os.ReadFile(filepath.Join("web", path))
		if found := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|DOMParser|srcdoc|javascript:`).Find(code); found != nil {
			t.Errorf("%s uses %s", path, found)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPageHeaders(t *testing.T) {
	t.Parallel()
	b := setup(t, t.TempDir())
	for _, path := range []string{"/", "/_/app.js", "/_/app.css"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if csp := resp.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", path, csp)
		}
		if resp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: a type may be guessed", path)
		}
	}
}

func TestPageShowsRequestsAndNotItsOwn(t *testing.T) {
	t.Parallel()
	b := setup(t, t.TempDir())
	b.batch("upsert", `{"key":{"id":1},"fields":{"a":"`+strings.Repeat("é", 5000)+`"}}`)
	b.call(http.MethodGet, "/_/data/crm/contacts/records", "")
	b.call(http.MethodPost, "/v1/_faults", `{"rules":[{"kind":"reset"}]}`)
	if _, _, err := b.try(http.MethodPost, "/v1/crm/contacts/batch", `{"mode":"upsert","records":[]}`); err == nil {
		t.Fatal("the connection was not closed")
	}
	_, body := b.call(http.MethodGet, "/_/overview", "")
	var overview struct {
		Revision int
		Objects  []struct{ Records int }
		Requests []struct {
			Number, Status int
			Path, Fault    string
			Request        string
			Results        map[string]int
		}
	}
	if err := json.Unmarshal([]byte(body), &overview); err != nil {
		t.Fatal(err)
	}
	if overview.Revision != 2 || len(overview.Objects) != 1 || overview.Objects[0].Records != 1 {
		t.Errorf("overview %s", body)
	}
	first, last := overview.Requests[1], overview.Requests[0]
	if first.Status != 200 || first.Results["created"] != 1 || first.Request != "" {
		t.Errorf("the batch is shown as %+v", first)
	}
	if last.Status != 0 || last.Fault != "reset" {
		t.Errorf("the closed connection is shown as %+v", last)
	}
	_, body = b.call(http.MethodGet, "/_/requests/"+strconv.Itoa(first.Number), "")
	var one struct {
		Request, Response string
		RequestCut        bool `json:"request_cut"`
	}
	if err := json.Unmarshal([]byte(body), &one); err != nil || !one.RequestCut || len(one.Request) > 8<<10 || !strings.Contains(one.Response, "created") {
		t.Errorf("request in full: %v, %.300s", err, body)
	}
	if status, _ := b.call(http.MethodGet, "/_/requests/99", ""); status != http.StatusNotFound {
		t.Errorf("a request that never was: status %d", status)
	}
}
