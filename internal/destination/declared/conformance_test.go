package declared_test

import (
	"testing"
	"time"

	"exposync/internal/destination"
	"exposync/internal/destination/declared"
	"exposync/internal/destination/destinationtest"
	"exposync/internal/record"
	"exposync/internal/rest"
	"exposync/internal/yamlx"
)

func restConfig() rest.Config {
	return rest.Config{
		UserAgent: "exposync/test", Now: time.Now, Jitter: func() float64 { return 0 },
		WaitMin: time.Millisecond, WaitMax: time.Millisecond, Timeout: 30 * time.Second,
	}
}

// connect opens a connection of type http, with blocks of YAML over the spec.
func connect(t *testing.T, url, inline string) *declared.Destination {
	t.Helper()
	d, err := declared.New(httpConfig(t, url, inline))
	if err != nil {
		t.Fatalf("New(): %v", err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func httpConfig(t *testing.T, url, inline string) declared.Config {
	t.Helper()
	root, err := yamlx.Parse("exposync.yml", []byte(inline))
	if err != nil {
		t.Fatalf("inline blocks: %v", err)
	}
	blocks := map[string]*yamlx.Node{}
	for _, p := range root.Pairs {
		blocks[p.Key] = p.Value
	}
	return declared.Config{
		Kind: "http", Name: "crm", Where: "exposync.yml:4", File: "exposync.yml",
		Params: map[string]string{"url": url, "token": token}, Blocks: blocks, Rest: restConfig(),
	}
}

func TestHTTPConforms(t *testing.T) {
	t.Parallel()
	destinationtest.Run(t, destinationtest.Harness{
		Missing: map[destinationtest.Ability]string{
			destinationtest.JSONNulls: "JSON has one null",
		},
		New: func(t *testing.T) *destinationtest.Subject {
			t.Helper()
			s := newStore(t)
			return &destinationtest.Subject{
				Destination: connect(t, s.URL+"/api", ""),
				Object:      "people",
				Rows:        func(*testing.T) []destinationtest.Row { return s.rows("people") },
				Spoil: func(ch *record.Change) {
					ch.Values[0] = record.Value{Kind: record.Text, Data: []byte("spoilt value")}
				},
				Fail: s.arrange, Seen: s.seen, Secrets: []string{token, "spoilt value"},
			}
		},
	})
}

var _ destination.Destination = (*declared.Destination)(nil)
