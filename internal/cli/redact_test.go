package cli

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"exposync/internal/secret"
)

// Whatever the secret is, the document stays one, with the same names.
func TestRedactJSON(t *testing.T) {
	t.Parallel()
	doc := map[string]any{
		"status": "success", "true": true, "null": nil, "n": 12345.0,
		"list": []any{"one hush-hush two", `quo"te and \ back`, "<&>", "", "päss\nwörd"},
	}
	for _, tt := range []struct{ secret, first string }{
		{"hush-hush", "one *** two"},
		{"true", "one hush-hush two"},
		{"null", "one hush-hush two"},
		{"12345", "one hush-hush two"},
		{"status", "one hush-hush two"},
		{`": [`, "one hush-hush two"},
		{"one hush-hush two", "***"},
	} {
		a := &app{redactor: &secret.Redactor{}}
		a.redactor.Add(tt.secret)
		data, err := indented(doc)
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(a.redactJSON(data), &got); err != nil {
			t.Fatalf("secret %q: %v", tt.secret, err)
		}
		if first := got["list"].([]any)[0]; first != tt.first {
			t.Errorf("secret %q: %q, want %q", tt.secret, first, tt.first)
		}
		got["list"].([]any)[0] = doc["list"].([]any)[0]
		if d := cmp.Diff(doc, got); d != "" {
			t.Errorf("secret %q (-want +got):\n%s", tt.secret, d)
		}
	}
}

// Without a secret in it, a document stays as it is, byte by byte.
func TestRedactJSONKeepsTheRest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := &app{redactor: &secret.Redactor{}}
		a.redactor.Add("not-in-there-4711")
		doc := rapid.MapOf(rapid.StringMatching(`[^@]*`), rapid.SliceOf(rapid.StringMatching(`[^@]*`))).Draw(t, "doc")
		data, err := indented(doc)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.redactJSON(data); string(got) != string(data) {
			t.Fatalf("%s became %s", data, got)
		}
	})
}
