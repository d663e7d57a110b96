package sandbox_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"exposync/internal/sandbox"
)

// TestMain is also the process that gets killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("SANDBOX_TEST_DIR"); dir != "" {
		serveUntilKilled(dir)
		return
	}
	os.Exit(m.Run())
}

func serveUntilKilled(dir string) {
	box, err := sandbox.Open(sandbox.Config{Dir: dir, Now: time.Now})
	if err != nil {
		panic(err)
	}
	var listen net.ListenConfig
	l, err := listen.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	panic(box.Serve(context.Background(), l))
}

// What was answered with 200 is there after kill -9, and what is there was
// sent: nothing is lost, torn or made up.
func TestKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	answered := map[string]bool{}
	for round := range 4 {
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
		var mu sync.Mutex
		var group sync.WaitGroup
		enough := make(chan struct{})
		for worker := range 4 {
			group.Go(func() {
				for n := 0; ; n++ {
					id := fmt.Sprintf("%d-%d-%d", round, worker, n)
					if !send("http://"+strings.TrimSpace(address), id) {
						return
					}
					mu.Lock()
					answered[id] = true
					if len(answered) == 40*(round+1) {
						close(enough)
					}
					mu.Unlock()
				}
			})
		}
		<-enough
		_ = cmd.Process.Kill()
		group.Wait()
		_ = cmd.Wait()
	}
	b := setup(t, dir)
	_, body := b.call(http.MethodGet, "/v1/crm/contacts/records?limit=1000", "")
	var page struct {
		Records []struct{ Key, Fields struct{ ID string } }
	}
	if err := json.Unmarshal([]byte(body), &page); err != nil {
		t.Fatal(err)
	}
	for _, r := range page.Records {
		if r.Key.ID != r.Fields.ID {
			t.Errorf("record %s has the fields of %s", r.Key.ID, r.Fields.ID)
		}
		delete(answered, r.Key.ID)
	}
	if len(answered) > 0 {
		t.Errorf("%d records were confirmed and lost", len(answered))
	}
}

func send(url, id string) bool {
	body := fmt.Sprintf(`{"mode":"upsert","records":[{"op":"upsert","key":{"id":%q},"fields":{"id":%q,"pad":%q}}]}`, id, id, strings.Repeat("x", 3000))
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url+"/v1/crm/contacts/batch", strings.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode == http.StatusOK
}
