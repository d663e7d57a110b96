package secret_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"exposync/internal/fault"
	"exposync/internal/secret"
)

func TestRenderFilesAndCommands(t *testing.T) {
	t.Parallel()
	var ran []string
	red := &secret.Redactor{}
	r := resolver(map[string]string{"DIR": "/run/se crets", "EVIL": "exec:rm -rf /"})
	r.Redactor = red
	r.ReadFile = func(path string) ([]byte, error) {
		if path != "/run/se crets/token" {
			return nil, fmt.Errorf("open %s: %w", path, fs.ErrNotExist)
		}
		return []byte("file-token\r\n"), nil
	}
	r.Exec = func(_ context.Context, argv []string) ([]byte, error) {
		ran = argv
		return []byte("exec-token\n"), nil
	}
	for text, want := range map[string]string{
		"file:{{ env_var('DIR') }}/token":                             "file-token",
		"exec:pass show 'my token' \"{{ env_var('DIR') }}\" a\\ b ''": "exec-token",
		"{{ env_var('EVIL') }}":                                       "exec:rm -rf /",
		"profile:x":                                                   "profile:x",
	} {
		got, err := r.Render(t.Context(), text)
		if err != nil || got != want {
			t.Errorf("Render(%q) = %q, %v, want %q", text, got, err, want)
		}
	}
	if diff := cmp.Diff([]string{"pass", "show", "my token", "/run/se crets", "a b", ""}, ran); diff != "" {
		t.Errorf("argv mismatch (-want +got):\n%s", diff)
	}
	if got := red.Redact("sent exec-token and file-token"); got != "sent *** and ***" {
		t.Errorf("Redact() = %q", got)
	}
}

type exitError struct{}

func (exitError) Error() string { return "exit status 2: hunter2" }
func (exitError) ExitCode() int { return 2 }

func TestRenderFaults(t *testing.T) {
	t.Parallel()
	r := resolver(nil)
	r.ReadFile = func(path string) ([]byte, error) {
		if path == "/empty" {
			return []byte("\n"), nil
		}
		return nil, fs.ErrPermission
	}
	r.Exec = func(_ context.Context, argv []string) ([]byte, error) {
		switch argv[0] {
		case "slow":
			return nil, fmt.Errorf("hunter2: %w", context.DeadlineExceeded)
		case "odd":
			return nil, errors.New("hunter2")
		}
		return []byte("hunter2"), exitError{}
	}
	for text, says := range map[string]string{
		"file:/x":                    "permission",
		"file:/empty":                "empty",
		"exec:fails --flag":          "exit code 2",
		"exec:slow":                  "deadline",
		"exec:odd":                   "could not be run",
		"exec:":                      "needs a command",
		"exec:a 'b":                  "quote",
		"exec:{{ env_var('GONE') }}": "GONE",
	} {
		_, err := r.RenderAt(t.Context(), "exposync.yml:4", text)
		if err == nil || !strings.Contains(err.Error(), says) || fault.All(err)[0].Where != "exposync.yml:4" {
			t.Errorf("Render(%q) = %v, want a fault saying %q", text, err, says)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Render(%q) prints the secret: %v", text, err)
		}
	}
	for _, text := range []string{"file:/x", "exec:x", "{{ env_var('X') }}"} {
		if _, err := (secret.Resolver{}).Render(t.Context(), text); err == nil {
			t.Errorf("an empty resolver rendered %q", text)
		}
	}
}

func TestValueNeverPrints(t *testing.T) {
	t.Parallel()
	type holder struct {
		Shown  secret.Value
		hidden secret.Value
		nested *secret.Value
	}
	v := secret.New("hunter2")
	h := holder{Shown: v, hidden: v, nested: &v}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%c", "%U"} {
		fmt.Fprintf(&out, verb, v)
		fmt.Fprintf(&out, verb, &v)
		fmt.Fprintf(&out, verb, h)
		fmt.Fprintf(&out, verb, &h)
		fmt.Fprintf(&out, verb, []secret.Value{v})
		fmt.Fprintf(&out, verb, map[string]secret.Value{"k": v})
	}
	encoded, err := json.Marshal(map[string]any{"v": v, "h": h, "l": []secret.Value{v}})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(encoded)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v, "h", h)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v, "h", h)
	out.WriteString(v.String() + v.GoString() + fmt.Sprint(v, h) + fmt.Errorf("with %w", errors.New(v.String())).Error())
	for _, leak := range []string{"hunter2", "68756e74657232", "68756E74657232"} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("printing leaks %q:\n%s", leak, out.String())
		}
	}
	if v.Reveal() != "hunter2" || !v.Equal(secret.New("hunter2")) || v.IsZero() || !secret.New("").IsZero() {
		t.Error("the value itself is lost")
	}
}

// withPassword puts a password into a URL.
func withPassword(scheme, password string) string { return scheme + "://me:" + password + "@db/x" }

func TestRedact(t *testing.T) {
	t.Parallel()
	r := &secret.Redactor{}
	r.Add("p@ss w/rd\"")
	r.Add("p@ss w/rd\" and more")
	r.Add("abc")
	r.Add(withPassword("postgres", "sesame1"))
	r.Add("-----BEGIN KEY-----\nMIIEvQIBADAN\n-----END KEY-----\n")
	for text, want := range map[string]string{
		"p@ss w/rd\" and more!":    "***!",
		"x p@ss w/rd\" y":          "x *** y",
		"q=p%40ss+w%2Frd%22&z":     "q=***&z",
		`{"a":"p@ss w/rd\""}`:      `{"a":"***"}`,
		"Basic cEBzcyB3L3JkIg==":   "Basic ***",
		"abc":                      "abc", // too short to be a secret
		"password sesame1 refused": "password *** refused",
		"-----BEGIN KEY-----":      "-----BEGIN KEY-----",
		"got MIIEvQIBADAN":         "got ***",
		"dial " + withPassword("https", "unknown") + " and more": "dial https://me:***@db/x and more",
		"see https://example.com/a:b for more":                   "see https://example.com/a:b for more",
		"":                                                       "",
	} {
		if got := r.Redact(text); got != want {
			t.Errorf("Redact(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestResolvedVariablesAreRedacted(t *testing.T) {
	t.Parallel()
	r := resolver(map[string]string{"CRM_TOKEN": "tok-123456", "DB": withPassword("mysql", "sesame1"), "HOST": "localhost"})
	r.Redactor = &secret.Redactor{}
	for _, name := range []string{"CRM_TOKEN", "DB", "HOST"} {
		if _, err := r.Jinja("", "{{ env_var('"+name+"') | trim }}"); err != nil {
			t.Fatal(err)
		}
	}
	got := r.Redactor.Redact("localhost refused tok-123456 and sesame1")
	if want := "localhost refused *** and ***"; got != want {
		t.Errorf("Redact() = %q, want %q", got, want)
	}
}
