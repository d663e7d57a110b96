package cli_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"exposync/internal/cli"
	"exposync/internal/sandbox"
	"exposync/internal/sandbox/tools"
)

// drifted is a folder with a manifest, and a Hightouch whose syncs do not all
// fit the exposures.
func drifted(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	box, err := sandbox.Open(sandbox.Config{Dir: filepath.Join(dir, "box"), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(box)
	t.Cleanup(func() { server.Close(); _ = box.Close() })
	ws, ok := box.Hosted("hightouch", "hightouch")
	if !ok {
		t.Fatal("no stand-in of Hightouch")
	}
	for _, m := range []tools.Model{
		{ID: "1", Name: "Customers", UniqueID: "model.shop.export_customers"}, {ID: "2", Name: "Dim", UniqueID: "model.shop.dim_customers"},
	} {
		if err := ws.DeclareModel(m); err != nil {
			t.Fatal(err)
		}
	}
	for _, y := range []tools.Sync{
		{ID: "42606", Slug: "customers-to-crm", Model: "1", Schedule: "1h"},
		{ID: "5", Slug: "old-audience", Model: "2"},
		{ID: "77", Missing: true},
	} {
		if err := ws.Declare(y); err != nil {
			t.Fatal(err)
		}
	}
	put(t, filepath.Join(dir, "exposync.yml"), "targets: {prod: {connections: {hightouch: {token: \"{{ env_var('TOKEN') }}\", base_url: \""+
		server.URL+"/as/hightouch/hightouch/api/v1\"}}}}\n")
	put(t, filepath.Join(dir, "manifest.json"), string(hostedManifest(t, map[string]string{
		"email_crm_export": `{"hosted":"hightouch/42606"}`, "finance_erp_export": `{"hosted":"hightouch/77"}`, "support_desk_export": `{"gate":{"scope":"run"}}`,
	})))
	return dir
}

// hostedManifest is the shop's with other metadata.
func hostedManifest(t *testing.T, blocks map[string]string) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "fixtures", "dbt", "artifacts", "sqlite", "all_green", "manifest.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	for name, block := range blocks {
		x, ok := doc["exposures"].(map[string]any)["exposure.shop."+name].(map[string]any)
		if !ok {
			t.Fatalf("no exposure %s", name)
		}
		meta := map[string]any{"exposync": json.RawMessage(block)}
		x["meta"] = meta
		x["config"].(map[string]any)["meta"] = meta
	}
	out, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func online(t *testing.T, dir string, args ...string) (int, string) {
	t.Helper()
	var out, errs bytes.Buffer
	code := cli.Run(t.Context(), &cli.Env{
		Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Dir: dir,
		Lookup: func(name string) (string, bool) {
			if name != "TOKEN" {
				return "", false
			}
			return "token-canary-42", true
		},
		Now: time.Now, Rand: func() float64 { return 0.5 }, NewID: func() string { return "0123456789abcdef" }, Width: 80,
	})
	if text := out.String() + errs.String(); strings.Contains(text, "canary") {
		t.Errorf("the token shows: %s", text)
	}
	return code, out.String() + errs.String()
}

// What exposures declare and what the tool has is compared both ways.
func TestOnline(t *testing.T) {
	t.Parallel()
	dir := drifted(t)
	code, text := online(t, dir, "ls", "--online", "--manifest", "manifest.json", "--target", "prod")
	if code != 0 {
		t.Errorf("exit %d", code)
	}
	for _, want := range []string{
		"hosted_missing: hightouch/77 is declared by exposure.shop.finance_erp_export",
		`own_schedule: hightouch/42606 "customers-to-crm" has a schedule of its own`,
		`hosted_undeclared: hightouch/5 "old-audience" is declared by no exposure`,
		`hosted_no_export: hightouch/5 "old-audience" reads model.shop.dim_customers`,
		"next: declare an exposure with exposync: {hosted: hightouch/5}",
	} {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
			t.Errorf("not said: %s\n%s", want, text)
		}
	}
	if strings.Contains(text, "hosted_undeclared: hightouch/42606") {
		t.Errorf("42606 is declared:\n%s", text)
	}
	if code, text = online(t, dir, "coverage", "--online", "--manifest", "manifest.json", "--target", "prod", "--output", "json"); code != 0 {
		t.Fatalf("exit %d: %s", code, text)
	}
	if !strings.Contains(text, "hightouch/5") && !strings.Contains(text, "old-audience") {
		t.Errorf("coverage does not speak of the sync that nobody declares:\n%s", text)
	}
}
