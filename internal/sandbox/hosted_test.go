package sandbox_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"exposync/internal/sandbox/tools"
)

// A run that was answered is there after kill -9, and goes on where it stood.
func TestHostedRunsSurviveAKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var ids []string
	for range 3 {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), "SANDBOX_TEST_DIR="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		address, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		base := "http://" + strings.TrimSpace(address) + "/as/polytomic/tool/api/syncs/3c7e8b1a-52d4-4c0e-9d7b-0f6a4b2d9e10"
		// the run that was going on when the process was killed ends now
		if len(ids) > 0 {
			for range 4 {
				hostedCall(t, http.MethodGet, base+"/executions/"+ids[len(ids)-1])
			}
		}
		id := hostedCall(t, http.MethodPost, base+"/executions").Data.ID
		if word := hostedCall(t, http.MethodGet, base+"/executions/"+id).Data.Status; word != "created" {
			t.Errorf("a new run is %q", word)
		}
		ids = append(ids, id)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	b := setup(t, dir)
	ws, ok := b.box.Hosted("polytomic", "tool")
	if !ok {
		t.Fatal("there is no stand-in")
	}
	shown, err := ws.Snapshot(10)
	if err != nil || len(shown.Syncs) != 1 {
		t.Fatalf("%+v, %v", shown, err)
	}
	var states []string
	for i, r := range shown.Syncs[0].Runs {
		states = append(states, r.State)
		if want := ids[len(ids)-1-i]; r.ID != want {
			t.Errorf("run %d is %s, want %s", i, r.ID, want)
		}
	}
	equal(t, "states", []string{"queued", "success", "success"}, states)
	equal(t, "counts", tools.Counts{Triggers: 3, Runs: 3, Polls: 11}, shown.Syncs[0].Counts)
}

type execution struct {
	Data struct{ ID, Status string }
}

func hostedCall(t *testing.T, method, url string) execution {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer x")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var e execution
	if err := json.NewDecoder(resp.Body).Decode(&e); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: status %d, %v", method, url, resp.StatusCode, err)
	}
	return e
}

func TestHostedOnThePage(t *testing.T) {
	t.Parallel()
	b := setup(t, t.TempDir())
	if status, body := b.call(http.MethodGet, "/_/hosted", ""); status != http.StatusOK || !strings.Contains(body, `"workspaces":[]`) {
		t.Errorf("an empty sandbox has %d %s", status, body)
	}
	b.batch("upsert", `{"key":{"id":1},"fields":{"a":"b"}}`)
	ws, _ := b.box.Hosted("hightouch", "tool/one")
	if _, err := ws.Start("42606", tools.Script{End: tools.Partial, Stages: []string{}}); err != nil {
		t.Fatal(err)
	}
	_, body := b.call(http.MethodGet, "/_/overview", "")
	var overview struct {
		Objects []struct{ Object string }
		Hosted  []struct {
			Connection, Title  string
			Syncs, Runs, Going int
		}
	}
	if err := json.Unmarshal([]byte(body), &overview); err != nil {
		t.Fatal(err)
	}
	if len(overview.Objects) != 1 || len(overview.Hosted) != 1 {
		t.Fatalf("overview %s", body)
	}
	h := overview.Hosted[0]
	if h.Connection != "tool/one" || h.Title != "Hightouch" || h.Syncs != 1 || h.Runs != 1 || h.Going != 1 {
		t.Errorf("the tool is shown as %+v", h)
	}
	if _, other := b.box.Hosted("hubspot", "crm"); other {
		t.Error("a CRM has hosted syncs")
	}
	if status, _ := b.call(http.MethodPost, "/v1/_hosted", `{"kind":"nothing","connection":"x"}`); status != http.StatusNotFound {
		t.Errorf("another kind: status %d", status)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/v1/_hosted", strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/plain") // as a page of another site could send it
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("a form of another site: status %d", resp.StatusCode)
	}
}
