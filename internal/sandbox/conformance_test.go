package sandbox_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"exposync/internal/destination/declared"
	"exposync/internal/destination/destinationtest"
	"exposync/internal/record"
	"exposync/internal/rest"
	"exposync/internal/sandbox"
)

// The client that every `dev: sandbox` uses, against the sandbox: both were
// written from the contract, neither from the other.
func TestConformance(t *testing.T) {
	t.Parallel()
	destinationtest.Run(t, destinationtest.Harness{
		New: subject,
		Missing: map[destinationtest.Ability]string{
			destinationtest.JSONNulls: "JSON has one null",
		},
	})
}

func subject(t *testing.T) *destinationtest.Subject {
	t.Helper()
	box, err := sandbox.Open(sandbox.Config{Dir: t.TempDir(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(box)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close(); _ = box.Close() })
	b := &bundle{t: t, box: box, url: server.URL}
	dest, err := declared.New(declared.Config{
		Kind: "sandbox", Name: "crm", Where: "exposync.yml:4", Params: map[string]string{"url": server.URL, "connection": "crm"},
		Rest: rest.Config{
			UserAgent: "exposync/test", Now: time.Now, Jitter: func() float64 { return 0 },
			WaitMin: time.Millisecond, WaitMax: time.Millisecond, Timeout: 30 * time.Second,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	rules := map[destinationtest.Failure]string{
		destinationtest.Shed:       `{"kind":"status","status":503,"method":"POST","times":1}`,
		destinationtest.LoseAnswer: `{"kind":"reset_after_commit","method":"POST","times":1}`,
		destinationtest.Hang:       `{"kind":"slow","method":"POST","delay_ms":3600000}`,
		destinationtest.Deny:       `{"kind":"status","status":401}`,
	}
	b.call(http.MethodPost, "/v1/_faults", `{"rules":[{"kind":"reject","field":"name","value":"spoiled","code":"INVALID","message":"this name is refused"}]}`)
	return &destinationtest.Subject{
		Destination: dest, Object: "contacts",
		Rows: func(t *testing.T) []destinationtest.Row { t.Helper(); return b.kept() },
		Seen: b.sizes,
		Spoil: func(ch *record.Change) {
			ch.Values[0] = record.Value{Kind: record.Text, Data: []byte("spoiled")}
		},
		Fail: func(t *testing.T, f destinationtest.Failure) {
			t.Helper()
			if f == destinationtest.Die {
				server.CloseClientConnections()
				server.Close()
				return
			}
			b.call(http.MethodPost, "/v1/_faults", `{"rules":[`+rules[f]+`]}`)
		},
	}
}

// kept reads the whole object as the suite wants it: only doc holds JSON.
func (b *bundle) kept() []destinationtest.Row {
	b.t.Helper()
	var out []destinationtest.Row
	for next := ""; ; {
		_, body := b.call(http.MethodGet, "/v1/crm/contacts/records?limit=1000&after="+next, "")
		var page struct {
			Records []struct{ Key, Fields map[string]json.RawMessage }
			Next    string
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			b.t.Fatal(err)
		}
		for _, r := range page.Records {
			row := destinationtest.Row{}
			for _, values := range []map[string]json.RawMessage{r.Key, r.Fields} {
				for name, raw := range values {
					row[name] = textOf(name, raw)
				}
			}
			out = append(out, row)
		}
		if next = page.Next; next == "" {
			return out
		}
	}
}

func textOf(name string, raw json.RawMessage) *string {
	text := string(raw)
	if text == "null" {
		return nil
	}
	if name != "doc" && raw[0] == '"' {
		if err := json.Unmarshal(raw, &text); err != nil {
			panic(err)
		}
	}
	return &text
}

func (b *bundle) sizes() []destinationtest.Size {
	b.t.Helper()
	_, body := b.call(http.MethodGet, "/_/overview", "")
	var overview struct {
		Requests []struct {
			Mode    string
			Records int
			Bytes   int
		}
	}
	if err := json.Unmarshal([]byte(body), &overview); err != nil {
		b.t.Fatal(err)
	}
	var out []destinationtest.Size
	for _, r := range overview.Requests {
		if r.Mode != "" {
			out = append(out, destinationtest.Size{Rows: r.Records, Bytes: r.Bytes})
		}
	}
	return out
}
