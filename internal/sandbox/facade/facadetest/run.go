package facadetest

import (
	"net/http"
	"strings"
	"testing"

	"exposync/internal/sandbox"
	"exposync/internal/sandbox/facade"
)

// Run checks a facade against what the seam promises.
func Run(t *testing.T, h Harness) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, Harness){
		"a credential is needed":                 unauthorized,
		"faults are told as the vendor does":     faults,
		"history":                                history,
		"partial":                                partial,
		"what is lost after the commit is there": lost,
		"a page under 200":                       html,
		"no credential is shown":                 hidden,
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(t, h) })
	}
}

func unauthorized(t *testing.T, h Harness) {
	c := New(t, h)
	c.answers(facade.Unauthorized, func() (int, http.Header, string) { return c.Send(c.Request(h.Method, h.Path, "")) })
	if status, _, body := c.Do(h.Method, h.Path, ""); status != http.StatusOK {
		t.Errorf("with a credential: status %d, %s", status, body)
	}
	if status, _, body := c.Do(http.MethodGet, "/no-such-path-of-any-vendor", ""); status < 400 || status >= 500 {
		t.Errorf("a path that there is not: status %d, %s", status, body)
	}
}

func (c *Client) answers(trouble facade.Trouble, ask func() (int, http.Header, string)) {
	c.T.Helper()
	want, told := c.harness.Answers[trouble]
	if !told {
		c.T.Fatalf("the harness says nothing about trouble %d", trouble)
	}
	status, header, body := ask()
	if status != want.Status || !strings.Contains(body, want.Says) {
		c.T.Errorf("trouble %d: status %d, want %d with %q: %s", trouble, status, want.Status, want.Says, body)
	}
	for name, value := range want.Header {
		if header.Get(name) != value {
			c.T.Errorf("trouble %d: header %s is %q, want %q", trouble, name, header.Get(name), value)
		}
	}
}

func faults(t *testing.T, h Harness) {
	c := New(t, h)
	ask := func() (int, http.Header, string) { return c.Do(h.Method, h.Path, "") }
	for kind, trouble := range map[string]facade.Trouble{
		sandbox.TooMany: facade.Throttled, sandbox.ServerError: facade.Down, sandbox.Quota: facade.Exhausted, sandbox.TokenExpiry: facade.Expired,
	} {
		c.Faults(sandbox.Rule{Kind: kind, Times: 1})
		c.answers(trouble, ask)
		if status, _, body := ask(); status != http.StatusOK {
			t.Errorf("after %s: status %d, %s", kind, status, body)
		}
	}
}

func history(t *testing.T, h Harness) {
	c := New(t, h)
	for _, value := range []string{"one", "two"} {
		if refused := h.Write(c, "k1@example.com", value); refused != "" {
			t.Fatalf("%s is refused: %s", value, refused)
		}
	}
	c.Restart()
	if refused := h.Write(c, "k1@example.com", "three"); refused != "" {
		t.Fatalf("after a restart a record is refused: %s", refused)
	}
	records := c.Records(h.Object)
	if len(records) != 1 || records[0].Version != 3 {
		t.Fatalf("one key written three times is kept as %+v", records)
	}
	versions := c.History(h.Object, records[0].ID)
	for i, value := range []string{"three", "two", "one"} {
		if !strings.Contains(versions[i], value) {
			t.Errorf("version %d from the end is %s, want %s in it", i+1, versions[i], value)
		}
	}
}

func partial(t *testing.T, h Harness) {
	c := New(t, h)
	c.Faults(sandbox.Rule{Kind: sandbox.Partial})
	if refused := h.Write(c, "k1@example.com", "one"); refused == "" {
		t.Error("a poisoned record was taken")
	}
	if records := c.Records(h.Object); len(records) != 0 {
		t.Errorf("a poisoned record is kept: %+v", records)
	}
	c.Faults()
	if refused := h.Write(c, "k1@example.com", "one"); refused != "" {
		t.Errorf("without the fault it is refused, too: %s", refused)
	}
}

// lost has the answer to a read held back and cut: the handler ran to its end.
func lost(t *testing.T, h Harness) {
	c := New(t, h)
	c.Faults(sandbox.Rule{Kind: "half", Times: 1})
	if status, _, body := c.Do(h.Method, h.Path, ""); status != 0 {
		t.Errorf("half an answer: status %d, %s", status, body)
	}
	c.Faults(sandbox.Rule{Kind: "reset_after_commit", Times: 1})
	if status, _, body := c.Do(h.Method, h.Path, ""); status != 0 {
		t.Errorf("an answer that is lost: status %d, %s", status, body)
	}
}

func html(t *testing.T, h Harness) {
	c := New(t, h)
	c.Faults(sandbox.Rule{Kind: sandbox.HTML200})
	if status, header, body := c.Do(h.Method, h.Path, ""); status != http.StatusOK || !strings.Contains(header.Get("Content-Type"), "text/html") {
		t.Errorf("status %d, %s", status, body)
	}
}

func hidden(t *testing.T, h Harness) {
	c := New(t, h)
	c.Do(h.Method, h.Path, "")
	h.Write(c, "k1@example.com", "one")
	c.Faults(sandbox.Rule{Kind: sandbox.TokenExpiry, Times: 1})
	c.Do(h.Method, h.Path, "")
	if strings.Contains(c.Seen(), Secret) {
		t.Error("the page shows a credential")
	}
}
